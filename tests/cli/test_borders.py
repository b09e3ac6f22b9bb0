"""The command line with a closed stdout, a full disk, an odd encoding, no home or a signal: a code and a line."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from latentstudio.cli.output import distinct_names
from latentstudio.generators.card import read_card, write_card
from latentstudio.pixels import write_png
from latentstudio.places import bundled, user_models

VERBS = (
    ("--version",), ("--help",), ("models", "list"), ("models", "list", "--json"), ("dance", "--json"),
    ("sample", "example", "--out", "OUT/a.png", "--json"),
)
CODES = (0, 2)


def _shell(line: str, home: Path, words: tuple[str, ...], out: Path, **more: str) -> subprocess.CompletedProcess[str]:
    asked = [word.replace("OUT", str(out)) for word in words]
    surroundings = {**os.environ, "LATENTSTUDIO_HOME": str(home), **more}
    surroundings = {name: value for name, value in surroundings.items() if value != "-"}
    return subprocess.run(["bash", "-c", f'"$0" -m latentstudio "$@" {line}', sys.executable, *asked],
                          capture_output=True, text=True, errors="replace", timeout=120, check=False, env=surroundings)


def _is_clean(done: subprocess.CompletedProcess[str], *codes: int) -> bool:
    return done.returncode in codes and not any(
        word in done.stderr for word in ("Traceback", "inside the program", "Exception ignored"))


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
@pytest.mark.parametrize("line", [">&-", ">/dev/full", "<&- >&- 2>&-", "2>/dev/full"])
def test_streams_that_take_nothing(cli_home: Path, tmp_path: Path, words: tuple[str, ...], line: str) -> None:
    done = _shell(line, cli_home, words, tmp_path)
    assert _is_clean(done, *CODES), (done.returncode, done.stderr)
    if line == ">/dev/full" and words[0] != "dance" and "2>" not in line:
        assert done.returncode == (0 if words == ("--help",) and not done.stderr else 2)
        assert "the answer cannot be written (No space left on device)" in done.stderr
    if "OUT/a.png" in words:
        assert (tmp_path / "a.png").is_file()
    assert not list(tmp_path.glob(".*.part"))


@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_a_reader_who_has_gone(cli_home: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    done = _shell("| true; exit ${PIPESTATUS[0]}", cli_home, words, tmp_path)
    assert _is_clean(done, *CODES, 141), (done.returncode, done.stderr)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
@pytest.mark.parametrize("words", VERBS, ids=" ".join)
def test_other_encodings(cli_home: Path, tmp_path: Path, words: tuple[str, ...], encoding: str) -> None:
    done = _shell("", cli_home, words, tmp_path / "größe ≤ 氷", PYTHONIOENCODING=encoding)
    assert _is_clean(done, *CODES), (done.returncode, done.stderr)
    if "--json" in words:
        told = json.loads(done.stdout)
        assert "out" not in told or told["out"].endswith("größe ≤ 氷/a.png")


@pytest.mark.parametrize("home", ["/dev/null", "-"])
@pytest.mark.parametrize("words", [words for words in VERBS if "example" not in words], ids=" ".join)
def test_a_home_that_cannot_be_written(cli_home: Path, tmp_path: Path, words: tuple[str, ...], home: str) -> None:
    done = _shell("", cli_home, words, tmp_path, LATENTSTUDIO_HOME="-", HOME=home, XDG_DATA_HOME="-",
                  XDG_CACHE_HOME="-", XDG_STATE_HOME="-", XDG_CONFIG_HOME="-")
    assert _is_clean(done, *CODES), (done.returncode, done.stderr)


@pytest.mark.parametrize("home", ["/dev/null", "/proc/nowhere"])
def test_a_shipped_model_draws_without_a_home(cli_home: Path, tmp_path: Path, home: str) -> None:
    done = _shell("", cli_home, ("sample", "sprites-b10", "--count", "1", "--out", "OUT/a.png"), tmp_path,
                  LATENTSTUDIO_HOME=f"{home}/own", HOME=home)
    assert _is_clean(done, 0), (done.returncode, done.stderr)
    assert (tmp_path / "a.png").is_file()


def _hear_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent otherwise there")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
@pytest.mark.parametrize("as_json", [True, False])
def test_a_signal_in_the_middle_leaves_nothing_half_written(
    cli_home: Path, tmp_path: Path, number: int, code: int, as_json: bool
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "latentstudio", "sample", "example", "--count", "100000", "--separate",
         "--out", str(tmp_path / "many"), *(["--json"] if as_json else [])],
        env={**os.environ, "LATENTSTUDIO_HOME": str(cli_home)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, preexec_fn=_hear_interrupts,  # noqa: PLW1509 - the tests have one thread
    )
    with process:
        while process.poll() is None and not (tmp_path / "many" / "00000.png").is_file():
            time.sleep(0.01)  # another process is watched: there is no signal to wait for
        process.send_signal(number)
        out, told = process.communicate(timeout=60)
    assert process.returncode == code
    assert told.splitlines() == ["interrupted"]
    assert (json.loads(out)["error"] if as_json else out or "interrupted") == "interrupted"
    assert not list((tmp_path / "many").glob(".*"))


def test_a_mistyped_verb_is_told_its_neighbour(cli) -> None:
    assert "did you mean 'sample'?" in cli("sampel", "example").complaint


@pytest.fixture
def shirt(tmp_path: Path) -> Path:
    path = tmp_path / "pics" / "shirt.png"
    write_png(path, np.random.default_rng(0).integers(0, 256, (28, 28, 3), dtype=np.uint8))
    return path


def _words(verb: str, shirt: Path, pics: Path) -> list[object]:
    return {
        "reconstruct": ["reconstruct", "fashion-avae", shirt, "--with", "decoder", "--out", pics],
        "render": ["render", shirt, "--out", pics / "shirt.png"],
        "apply": ["factors", "apply", "--from", shirt, "--out", pics / "shirt.png"],
        "pasted": ["factors", "apply", "--from", shirt, "--out", pics.parent / "x.png", "--pasted", pics / "shirt.png"],
        "distribution": ["factors", "distribution", "sprites-b10", "--factor", shirt, "--out", pics / "shirt.png"],
    }[verb]


@pytest.mark.parametrize("how", ["itself", "link", "hard link", "capitals"])
@pytest.mark.parametrize("verb", ["reconstruct", "render", "apply", "pasted", "distribution"])
def test_no_verb_writes_over_what_it_reads(cli, shirt: Path, tmp_path: Path, verb: str, how: str) -> None:
    if verb in ("render", "apply", "pasted"):
        cli("sample", "example", "--count", 1, "--out", shirt)
    before = shirt.read_bytes()
    pics = shirt.parent
    if how != "itself":
        pics = tmp_path / "Pics" if how == "capitals" else tmp_path / "links"
        pics.mkdir()
    if how == "link":
        (pics / "shirt.png").symlink_to(shirt)
    if how == "hard link":
        os.link(shirt, pics / "shirt.png")
    answer = cli(*_words(verb, shirt, pics))
    assert answer.code == 2, answer.err
    assert shirt.read_bytes() == before
    if verb in ("reconstruct", "render", "apply"):
        assert "is read here, it is not written over" in answer.err


def test_names_of_results_are_distinct() -> None:
    photos = ("one/anna.png", "two/anna.png", "three/anna-2.png", "four/Anna.jpg")
    names = distinct_names([Path(photo) for photo in photos])
    assert names == ["anna", "anna-3", "anna-2", "Anna-4"]
    assert distinct_names([Path(".."), Path("a/..")]) == ["picture", "picture-2"]


@pytest.mark.parametrize("verb", [(), ("window",)])
def test_files_without_a_verb_open_in_the_window(cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb) -> None:
    opened: list[tuple[tuple[Path, ...], str]] = []

    class App:
        @staticmethod
        def run_window(paths: tuple[Path, ...], *, device: str, model: str) -> int:
            opened.append((paths, model))
            return 0

    monkeypatch.setattr("latentstudio.cli.window.import_studio", lambda _: App)
    monkeypatch.setattr("latentstudio.cli.window.has_display", lambda: True)
    pictures = [tmp_path / "many" / f"{number}.png" for number in range(3)]
    for path in pictures:
        write_png(path, np.zeros((8, 8, 3), np.uint8))
    other = tmp_path / "a.latentstudio"
    other.write_text("{}")
    assert cli(*verb, other, tmp_path / "many").code == 0
    assert cli(*verb, pictures[0]).code == 0
    assert opened == [((other, *pictures), ""), ((pictures[0],), "")]
    assert cli(*verb, tmp_path / "no-such.png").code == 2


@pytest.mark.parametrize("part", ["weights.safetensors", "card.json", "factors/x.safetensors"])
def test_nothing_is_written_over_the_model_that_is_read(cli, tmp_path: Path, part: str) -> None:
    folder = user_models() / "mine"
    shutil.copytree(bundled("models") / "sprites-b5", folder, dirs_exist_ok=True)
    write_card(folder, replace(read_card(folder), name="mine"))
    (folder / "factors").mkdir(exist_ok=True)
    target = folder / part
    before = target.read_bytes() if target.exists() else b""
    target.write_bytes(before)
    linked = tmp_path / "linked.png"
    linked.symlink_to(target)
    answer = cli("sample", "mine", "--out", linked) if part == "weights.safetensors" else cli(
        "factors", "apply", "mine", "--out", linked)
    assert answer.code == 2, answer.err
    assert "is read here, it is not written over" in answer.err
    assert target.read_bytes() == before
