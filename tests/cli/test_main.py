"""Exit codes, one-line errors, laziness, and what happens when something goes wrong inside."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import latentstudio.cli.main as cli_main
from latentstudio.cli.main import VERBS, Verb, load_verb
from latentstudio.cli.options import Parser, verb_parser
from latentstudio.cli.output import Output, table
from latentstudio.errors import StorageError
from latentstudio.steps import Step
from latentstudio.version import VERSION

LONG = "m" * 5000


def _run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "latentstudio", *words], capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, **environment},
    )


def test_version_is_printed_without_importing_anything_heavy() -> None:
    code = (
        "import sys; from latentstudio.cli.main import main; main(['--version']); "
        "print([n for n in ('torch', 'numpy', 'PySide6', 'onnxruntime') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines() == [f"latentstudio {VERSION}", "[]"]


def test_help_names_every_verb(cli) -> None:
    answer = cli("--help")
    assert answer.code == 0
    assert all(f"  {verb} " in answer.out for verb in VERBS)


@pytest.mark.parametrize("verb", list(VERBS))
def test_every_verb_has_help_and_the_common_options(cli, verb: str) -> None:
    parser = load_verb(verb).parser()
    leaves = [parser]
    for action in parser._actions:
        if isinstance(action.choices, dict) and action.dest == "action":
            leaves = list(action.choices.values())
    for leaf in leaves:
        options = {option for action in leaf._actions for option in action.option_strings}
        assert {"--json", "--seed", "--device"} <= options, leaf.prog
    assert cli(verb, "--help").code == 0


@pytest.mark.parametrize(("words", "part"), [
    (["dance"], "there is no verb 'dance'"),
    (["models"], "required"),
    (["sample", "example"], "--out"),
    (["sample", "example", "--out", "a.png", "--count", "0"], "at least 1"),
    (["sample", "example", "--out", "a.png", "--seed", "-1"], "below 0"),
    (["sample", "example", "--out", "a.png", "--seed", "three"], "whole number"),
    (["sample", "nothing-of-this-name", "--out", "a.png"], "example"),
    (["sample", "example", "--out", "a.png", "--device", "abacus"], "abacus"),
    (["demo", "--story", "sing", "--out", "x"], "sing"),
    (["render", "/nowhere/a.png", "--out", "b.png"], "cannot be read"),
    (["train", "no-such-recipe", "--out", "x"], "no recipe"),
    (["models", "get", "no-such-add-on"], "faces-gan"),
    (["models", "remove", "no-such-model"], "no-such-model"),
    (["plugins", "dance"], "dance"),
    (["sample", LONG, "--out", "a.png"], "sprites-b10"),
    (["models", "remove", LONG], "there is no model"),
    (["models", "add", LONG], "too long"),
    (["plugins", "check", LONG], "too long"),
    (["factors", "evaluate", "example", "--factor", f"{LONG}.safetensors"], "expected a factor file"),
    (["sample", "a\x1b[31mb", "--out", "a.png"], "there is no model 'a?[31mb'"),
])
def test_user_errors_are_one_line_and_exit_2(cli, words: list[str], part: str) -> None:
    answer = cli(*words)
    assert answer.code == 2
    assert answer.complaint.startswith("latentstudio: ")
    assert "latentstudio: latentstudio" not in answer.complaint
    assert part in answer.complaint
    assert answer.out == ""


def test_a_user_error_with_json_is_one_object_on_stdout(cli) -> None:
    answer = cli("sample", "nothing-of-this-name", "--out", "a.png", "--json")
    assert answer.code == 2
    assert answer.json["error"] in answer.complaint


def _failing(problem: BaseException) -> Verb:
    def run(arguments: object, output: Output) -> int:
        raise problem

    def parser() -> Parser:
        verb = verb_parser("sample", "fails")
        verb.add_argument("--json", action="store_true")
        return verb

    return Verb(parser, run)


def test_a_defect_is_one_line_with_a_log_file(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli_main, "load_verb", lambda name: _failing(RuntimeError("tensor\nof sorrow")))
    answer = cli("sample")
    assert answer.code == 1
    assert "RuntimeError: tensor of sorrow" in answer.complaint
    log = Path(answer.complaint.rpartition(" ")[2])
    assert "Traceback" in log.read_text(encoding="utf-8")
    assert log.parent.name == "logs"


def test_a_full_disk_is_the_users_business(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli_main, "load_verb", lambda name: _failing(StorageError("no space left", action="free some")))
    answer = cli("sample")
    assert (answer.code, answer.complaint) == (2, "latentstudio: no space left; free some")


def test_interrupt_exits_130(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli_main, "load_verb", lambda name: _failing(KeyboardInterrupt()))
    answer = cli("sample")
    assert (answer.code, answer.complaint) == (130, "interrupted")


def _hear_interrupts() -> None:
    """Tests that run in the background of a shell inherit that interrupts are ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
def test_a_real_interrupt_ends_training_with_130(tmp_path: Path) -> None:
    recipe = tmp_path / "slow.toml"
    recipe.write_text(
        'name = "slow"\nmethod = "beta-vae"\nbackend = "beta_vae"\ndata = "sprites"\nsteps = 100000\n'
        "batch = 2\ncheckpoint_every = 2\n", encoding="utf-8",
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "latentstudio", "train", str(recipe), "--out", str(tmp_path / "slow")],
        env={**os.environ, "LATENTSTUDIO_HOME": str(tmp_path / "home")}, stderr=subprocess.PIPE, text=True,
        preexec_fn=_hear_interrupts,  # noqa: PLW1509 - the tests have one thread
    )
    assert process.stderr is not None
    with process.stderr as complaints:
        first = complaints.readline()
        process.send_signal(signal.SIGINT)
        rest = complaints.read()
    assert first.startswith("step 2 of")
    assert process.wait(timeout=60) == 130
    assert "Traceback" not in rest


def test_a_reader_who_leaves_early_is_no_error() -> None:
    script = f"{sys.executable} -m latentstudio --help | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() in ("0", "141")
    assert done.stderr == ""


def test_follow_returns_the_last_step_and_closes_the_iterator() -> None:
    closed = []

    def steps() -> Iterator[Step]:
        try:
            for number in range(5):
                yield Step(number / 4, str(number))
        finally:
            closed.append(True)

    last = Output().follow(steps(), "counting", on_step=lambda step: step.message == "2")
    assert last == Step(0.5, "2")
    assert closed == [True]


def test_json_holds_plain_finite_values_only(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(as_json=True)
    output.say("not heard")
    output.result({"a": np.float32(0.5), "b": float("nan"), "c": (np.arange(2), Path("x"))})
    output.result({"second": "is not printed"})
    assert capsys.readouterr().out == '{"a": 0.5, "b": null, "c": [[0, 1], "x"]}\n'


def test_table_aligns_its_columns() -> None:
    assert table([("a", "bb"), ("ccc", "d")]) == "a    bb\nccc  d"
    assert table([]) == ""


def test_too_little_memory_is_said_in_one_line(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def greedy(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("latentstudio.cli.models.run", greedy)
    answer = cli("models", "list")
    assert answer.code == 2
    assert "not enough memory" in answer.complaint
