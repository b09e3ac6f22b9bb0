"""One reader a kind of file, one border: whatever a file holds, it opens or ends with its typed error, and soon."""

from __future__ import annotations

import ast
import io
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from latentstudio.errors import LearningError, StudioError, TrainingError, UsageError
from latentstudio.factors.records import Records, RecordStore
from latentstudio.readers import DEEPEST, MOST_PARTS, border, json_from, kept_json, read_json, read_npy, toml_from
from latentstudio.scenes.files import read_scenes
from latentstudio.training.datasets import read_idx
from latentstudio.training.recipe import parse_recipe
from latentstudio.training.runs import logged_losses, unfinished_runs

ROOT = Path(__file__).resolve().parent.parent
GREATEST = "9" * 5_000
SOON = 2.0  # seconds of processor time: the machine may do other things as well


def soon(call: Callable[[], object], *, told: str | None = None) -> None:
    """It raises a typed error, and soon."""
    began = time.process_time()
    with pytest.raises(StudioError, match=told):
        call()
    assert time.process_time() - began < SOON


class Panic(BaseException):
    """As what is written in Rust raises when it meets a defect of its own."""


@pytest.mark.parametrize("problem", [
    ValueError("no"), KeyError("name"), RecursionError(), MemoryError(), OverflowError("too large"),
    Panic("at the disco"), AttributeError("gone"), OSError(5, "Input/output error"), SyntaxError("odd"),
    NotImplementedError("later"),
])
def test_whatever_a_parser_raises_becomes_the_error_of_the_kind(problem: BaseException) -> None:
    with pytest.raises(UsageError, match=r"it is broken \(..*\)") as caught, border(
        lambda reason: UsageError(f"it is broken ({reason})")
    ):
        raise problem
    assert caught.value.__cause__ is problem


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), GeneratorExit(), TrainingError("its own words")])
def test_the_border_lets_through_what_is_no_damage(stop: BaseException) -> None:
    with pytest.raises(type(stop)), border(UsageError):
        raise stop


@pytest.mark.parametrize("text", [
    "[" * 100_000, '{"a":' * 100_000, "[" * (DEEPEST + 1) + "]" * (DEEPEST + 1), '{"a": ' + GREATEST + "}", "{",
    "nul", "", '{"a": "' + "\\" * 99_999, '["\\"[", ' * 50_000, "\ud800",
])
def test_json_that_is_hostile_is_refused(text: str) -> None:
    soon(lambda: json_from(text.encode("utf-8", "surrogatepass"), dict[str, int], UsageError))


def test_json_of_many_small_strings_and_brackets_is_judged_soon() -> None:
    for piece in ('""', "[]", '"\\""', "[[]],"):
        soon(lambda piece=piece: json_from((piece * (4 << 20)).encode(), dict, UsageError))


def test_brackets_inside_of_strings_do_not_count() -> None:
    wanted = {"a": "[" * 1_000 + '\\"', "b": "\\", "c": "{" * 1_000, "d": [[["]"]]]}
    assert json_from(json.dumps(wanted), dict, UsageError) == wanted
    deep = "[" * DEEPEST + "]" * DEEPEST
    assert json_from(deep, list, UsageError)


@pytest.mark.parametrize("number", [10**20, -(10**400), 10**4_000])
def test_whole_numbers_that_no_arithmetic_takes_are_refused_wherever_they_stand(number: int) -> None:
    for lenient in (False, True):
        soon(lambda lenient=lenient: json_from(f'{{"a": [1, {{"b":{number}}}]}}', dict, UsageError, lenient=lenient))
    soon(lambda: toml_from(f"a = [1, {{b = {number}}}]".encode(), dict, UsageError))


def test_many_long_numbers_are_judged_soon() -> None:
    for piece in (f"{2**64 - 1},", f'{2**64 - 1},"",', " " * 30 + ",", '"\\",', "1,"):
        text = f"[{2**64 - 1}," + piece * ((8 << 20) // len(piece))
        soon(lambda text=text: json_from(text.encode(), dict, UsageError))


def test_long_numbers_inside_of_strings_and_with_a_point_are_taken() -> None:
    wanted = {"a": f"b:{10**30},", "c": 2**64 - 1, "d": [-(2**63), float(10**19)]}
    assert json_from(json.dumps(wanted), dict, UsageError) == wanted
    assert json_from(f'{{"a": {10**25}.5}}', dict, UsageError) == {"a": 1e25}


def test_what_python_writes_for_no_number_is_taken_where_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"step": 1, "loss": NaN}\n{"step": 2, "loss": 0.5}\n' + "[" * 100_000 + "\n", encoding="utf-8")
    assert str(logged_losses(tmp_path)) == "{'loss': [nan, 0.5]}"
    path.write_text('{"figure": Infinity}', encoding="utf-8")
    assert kept_json(path, dict[str, float]) == {"figure": float("inf")}
    soon(lambda: read_json(path, dict[str, float], UsageError, most=100))


@pytest.mark.parametrize("text", [
    "a = " + "[" * 100_000, "a = " + "{b=" * 10_000, "a" + ".a" * 20_000 + " = 1", "[a" + ".a" * 20_000 + "]",
    "a" + " . 'b c'" * MOST_PARTS + " = 1", f"a = {GREATEST}", "a = 1e999999999999", "a = 1\na = 2",
    "a =\x00", "\ud800", "a = '''" + "x" * 200_000, '"' * 200_000, "#" * 300_000,
    "\n".join(f"a{i}{'.b' * 11} = 1" for i in range(6_000)) + "\n=",
])
def test_toml_that_is_hostile_is_refused(text: str) -> None:
    soon(lambda: toml_from(text.encode("utf-8", "surrogatepass"), dict[str, int], UsageError))


def test_ordinary_toml_is_read_whatever_signs_its_strings_hold() -> None:
    text = (
        "d = '''[[['''\n" '"a.b.c" = "[[[' + "." * 100 + '"\n'
        'b.c = [1.5, 2.5, 3.5, [4.5]]\nc = """\n[[[ {{ \\""" x.y"""\n'
    )
    found = toml_from(text.encode(), dict, UsageError)
    assert found["b"]["c"] == [1.5, 2.5, 3.5, [4.5]]
    assert found["d"] == "[[["
    long = "a = [" + ", ".join(["0.5"] * 1_000) + "]"
    assert len(toml_from(long.encode(), dict, UsageError)["a"]) == 1_000


RECIPE = 'name = "mine"\nmethod = "vae"\nbackend = "avae"\ndata = "pictures"\nsteps = 10\n'


@pytest.mark.parametrize("more", [
    "[config]\na = " + "[" * 5_000 + "]" * 5_000, f"seed = {GREATEST}", f"[config]\na = {GREATEST}",
    f"[settings]\na = {GREATEST}",
    "[config]\na" + ".a" * 20_000 + " = 1", "[card]\ntitle = 1979-05-27", "[config]\na = 1979-05-27T07:32:00Z",
    f"[settings]\na = 1{'0' * 400}", "learning_rate = nan", f"learning_rate = 1{'0' * 400}",
])
def test_a_hostile_recipe_is_refused_by_name(more: str) -> None:
    with pytest.raises(TrainingError, match="the recipe"):
        parse_recipe((RECIPE + more).encode(), where="the recipe")


def npy(array: np.ndarray, **changes: object) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    data = stream.getvalue()
    for before, after in changes.items():
        data = data.replace(before.encode(), str(after).encode())
    return data


@pytest.mark.parametrize("data", [
    b"", b"\x93NUMPY", b"PK\x03\x04" + bytes(100), npy(np.array([{}], dtype=object)), npy(np.zeros(4))[:-1],
    npy(np.zeros(4)).replace(b"(4,)", b"(9,)"), npy(np.zeros((1, 1))).replace(b"(1, 1)", b"(-1, )"),
    npy(np.zeros(4)).replace(b"(4,), }                  ", b"(4000000000000000000,), }"), npy(np.zeros(2)) + b"x",
])
def test_a_numpy_file_that_is_none_is_refused_and_nothing_is_allocated(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "latent.npy"
    path.write_bytes(data)
    soon(lambda: read_npy(path, UsageError, most=1 << 20))
    soon(lambda: read_npy(path, UsageError, most=1 << 20, mapped=True))


def test_a_numpy_file_is_read(tmp_path: Path) -> None:
    wanted = np.arange(6, dtype=np.float32).reshape(2, 3)
    np.save(tmp_path / "a.npy", wanted)
    for mapped in (False, True):
        assert np.array_equal(read_npy(tmp_path / "a.npy", UsageError, most=1_000, mapped=mapped), wanted)
    soon(lambda: read_npy(tmp_path / "a.npy", UsageError, most=100), told="more than 100 bytes")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes on this system")
def test_no_reader_waits_for_a_pipe_nor_reads_a_device(tmp_path: Path) -> None:
    pipe = tmp_path / "card.json"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/zero"), tmp_path, tmp_path / "a\0b", tmp_path / ("n" * 300)):
        soon(lambda path=path: read_npy(path, UsageError, most=1 << 20))
        assert kept_json(path, dict) is None


def test_a_data_file_that_unpacks_to_very_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import gzip

    monkeypatch.setattr("latentstudio.training.datasets._MOST", 1 << 20)
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(b"\0\0\x08\x01" + bytes(2 << 20)))
    soon(lambda: read_idx(path), told="more than")


@pytest.mark.parametrize("told", ["1,2,3,4\n" * 200_000, "1," * 30_000, "nan,1,1,1", "1,2,3", "\x00",
                                  "9" * 5_000 + ",1,1,1"])
def test_boxes_that_are_none_are_refused(tmp_path: Path, told: str) -> None:
    from latentstudio.pixels import write_png

    write_png(tmp_path / "000000.png", np.zeros((16, 16, 3), np.uint8))
    (tmp_path / "bb").mkdir()
    (tmp_path / "bb" / "bb_0.txt").write_text(told, encoding="utf-8")
    soon(lambda: read_scenes(tmp_path), told="bb_0")
    (tmp_path / "truth.json").write_text("[" * 100_000, encoding="utf-8")
    soon(lambda: read_scenes(tmp_path), told=r"truth\.json")


def test_broken_records_are_made_again_and_broken_notes_are_told(tmp_path: Path) -> None:
    import torch

    store = RecordStore(tmp_path, {"model": "m", "reach": (1, 2)})
    assert store.load(0) is None
    one = torch.zeros(1)
    store.save(0, Records(one.long(), one[None], one[None], one, one, one.long()))
    assert len(store.load(0) or ()) == 1
    path = next(tmp_path.glob("batch-*"))
    for data in (path.read_bytes()[:-1], b"", (8).to_bytes(8, "little") + b"[1,2,3] "):
        path.write_bytes(data)
        assert store.load(0) is None
    (tmp_path / "about.json").write_text('{"model":' * 100_000, encoding="utf-8")
    with pytest.raises(LearningError, match="broken"):
        RecordStore(tmp_path, {"model": "m", "reach": (1, 2)})


def test_one_broken_run_does_not_hide_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LATENTSTUDIO_HOME", str(tmp_path))
    runs = tmp_path / "state" / "runs"
    for name, text in (("good", RECIPE), ("deep", "a = " + "[" * 9_000), ("big", f"{RECIPE}seed = {GREATEST}")):
        (runs / name).mkdir(parents=True)
        (runs / name / "recipe.toml").write_text(text, encoding="utf-8")
    header = json.dumps({"__metadata__": {"step": GREATEST}}).encode()
    (runs / "long").mkdir()
    (runs / "long" / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    (runs / "long" / "checkpoint.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    assert {run.folder.name: run.step for run in unfinished_runs()} == {"good": 0, "long": 0}


# What opens a foreign file, and the one file in which it may be called. Writers are no readers.
READERS = {
    "tomllib": {"readers"}, "tomli": {"readers"}, "msgspec.toml": {"readers"},
    "msgspec.json.decode": {"readers", "generators.weights"},
    "msgspec.convert": {"readers"}, "json.load": {"readers"}, "json.loads": {"readers"}, "np.load": {"readers"},
    "np.fromfile": set(), "np.loadtxt": set(), "np.genfromtxt": set(), "csv.reader": set(), "csv.DictReader": set(),
    "safetensors": {"generators.weights"}, "torch.load": {"generators.weights"}, "torch.jit.load": set(),
    "pickle.load": set(), "pickle.loads": set(), "pickle.Unpickler": set(), "pickletools": {"generators.pickles"},
    "marshal": set(), "shelve": set(), "yaml": set(),
    "zipfile": {"generators.pickles", "generators.contents", "generators.fetching"},
    "tarfile": {"training.datasets"}, "gzip": {"training.datasets"}, "onnx.load": set(),
    "onnx.load_model": set(), "onnxruntime.InferenceSession": {"generators.graph_session"},
    "xml.etree": set(), "ast.literal_eval": set(),
}


def test_a_foreign_parser_is_called_in_its_readers_file_alone() -> None:
    found = []
    for path in sorted([*(ROOT / "latentstudio").rglob("*.py"), *(ROOT / "plugins").glob("*/*.py")]):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removeprefix("latentstudio.")
        for name, line in used_names(path):
            for parser, allowed in READERS.items():
                if (name == parser or name.startswith(f"{parser}.")) and module not in allowed:
                    found.append(f"{module}:{line} calls {name}")
    assert not found, "bring these behind a reader of latentstudio/readers.py or generators/: " + "; ".join(found)


def used_names(path: Path) -> list[tuple[str, int]]:
    """The dotted names that a file uses, imported ones by their full names."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    known: dict[str, str] = {}
    used: list[tuple[str, int]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            known |= {one.asname or one.name: one.name for one in node.names}
            used += [(one.name, node.lineno) for one in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            known |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
            used += [(f"{node.module}.{one.name}", node.lineno) for one in node.names]
    known |= {"numpy": "np"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            name = dotted(node)
            first, _, rest = name.partition(".")
            full = known.get(first, first)
            used.append((f"{'np' if full == 'numpy' else full}.{rest}", node.lineno))
    return [(name, line) for name, line in used if name]


def dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        inner = dotted(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    return node.id if isinstance(node, ast.Name) else ""
