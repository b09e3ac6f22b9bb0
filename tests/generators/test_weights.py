"""Weights files: what is read, and how each kind of broken or hostile file is refused."""

from __future__ import annotations

import errno
import io
import json
import os
import pickle
import time
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from latentstudio.errors import FactorFileError, ModelFileError, StorageError, TrainingError, UnsafeFileError
from latentstudio.factors import read_factor
from latentstudio.generators import weights
from latentstudio.generators.pickles import check_torch_file, imports_of
from latentstudio.generators.tunings import read_tuning, tuning_from
from latentstudio.generators.weights import (
    read_state_dicts,
    read_tensors,
    read_tensors_numpy,
    read_torch_file,
    tensors_in,
    tensors_in_numpy,
    write_tensors,
)
from latentstudio.training.checkpoint import load_checkpoint, save_checkpoint


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.safetensors"
    weights.write_tensors(path, {"b": np.arange(6, dtype=np.float32).reshape(2, 3), "a": np.ones(2, np.int64)},
                          {"note": "x"})
    return path


def test_tensors_come_back_as_they_were_written(good: Path) -> None:
    plain = weights.read_tensors_numpy(good)
    np.testing.assert_array_equal(plain["b"], np.arange(6, dtype=np.float32).reshape(2, 3))
    assert weights.read_tensors(good)["a"].dtype == torch.int64
    assert weights.check_safetensors(good)["b"] == weights.TensorFacts("F32", (2, 3))
    assert weights.read_metadata(good) == {"note": "x"}


def test_a_tensor_without_axes_and_one_that_lies_in_strides_keep_their_shapes(tmp_path: Path) -> None:
    path = tmp_path / "some.safetensors"
    turned = torch.arange(6.0).view(2, 3).T
    weights.write_tensors(path, {"step": torch.tensor(3.0), "n": np.asarray(4), "turned": turned})
    read = weights.read_tensors(path)
    assert (read["step"].shape, read["step"].item()) == ((), 3.0)
    assert (read["n"].shape, read["n"].item()) == ((), 4)
    assert torch.equal(read["turned"], turned)


def test_the_same_tensors_give_the_same_bytes(good: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    weights.write_tensors(other, {"a": torch.ones(2, dtype=torch.int64), "b": torch.arange(6.0).view(2, 3)},
                          {"note": "x"})
    assert other.read_bytes() == good.read_bytes()


def test_files_of_the_safetensors_package_are_read_whatever_their_header_length(tmp_path: Path) -> None:
    # A header of 128, 384, ... bytes makes the file begin with the byte that pickles begin with.
    path = tmp_path / "one.safetensors"
    starts = set()
    for length in range(1, 80):
        save_file({"n" * length: np.zeros(1, np.float32)}, path)
        starts.add(path.read_bytes()[0])
        assert list(weights.check_safetensors(path)) == ["n" * length]
    assert 0x80 in starts


def test_writing_into_a_file_as_folder_says_so(good: Path) -> None:
    with pytest.raises(StorageError):
        weights.write_tensors(good / "below.safetensors", {"a": np.zeros(1, np.float32)})


def broken(tmp_path: Path, kind: str, good: Path) -> Path:
    path = tmp_path / f"{kind}.safetensors"
    whole = good.read_bytes()
    promise = json.dumps({"a": {"dtype": "F32", "shape": [2_684_354_560], "data_offsets": [0, 10 << 30]}}).encode()
    content = {
        "empty": b"",
        "three bytes": whole[:3],
        "cut in the header": whole[:40],
        "cut in the weights": whole[:-5],
        "longer": whole + b"more",
        "header of 10 GB": (10 << 30).to_bytes(8, "little") + b"{" + b" " * 200,
        "weights of 10 GB": len(promise).to_bytes(8, "little") + promise,
        "text": b"this is no model at all, only words",
        "deep": (20000).to_bytes(8, "little") + b'{"a":' + b"[" * 19995,
        "list": (9).to_bytes(8, "little") + b'{"a":[1]}',
        "shape": (66).to_bytes(8, "little") + b'{"a":{"dtype":"F32","shape":[3,-1],"data_offsets":[0,4]}}'.ljust(66),
        "picture": b"\x89PNG\r\n\x1a\n" + b"\0" * 64,
    }
    if kind == "folder":
        path.mkdir()
    elif kind != "missing":
        path.write_bytes(content[kind])
    return path


@pytest.mark.parametrize("kind", [
    "missing", "folder", "empty", "three bytes", "cut in the header", "cut in the weights", "longer", "header of 10 GB",
    "weights of 10 GB", "text", "deep", "list", "shape", "picture",
])
def test_broken_files_are_refused_in_one_line(tmp_path: Path, good: Path, kind: str) -> None:
    path = broken(tmp_path, kind, good)
    for read in (weights.check_safetensors, weights.read_tensors, weights.read_tensors_numpy, weights.read_state_dicts):
        with pytest.raises(ModelFileError) as caught:
            read(path)
        assert "\n" not in caught.value.sentence
        assert path.name in caught.value.sentence


class Trap:
    def __init__(self, call: Any, *arguments: Any) -> None:
        self.call, self.arguments = call, arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.call, self.arguments


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_plain_pickle_that_would_run_code_is_named_and_not_run(tmp_path: Path, protocol: int) -> None:
    marker, path = tmp_path / "it-ran", tmp_path / "trap.pt"
    path.write_bytes(pickle.dumps({"netG": Trap(os.system, f"touch {marker}")}, protocol=protocol))
    with pytest.raises(UnsafeFileError, match=r"(posix|nt)\.system"):
        weights.read_torch_file(path)
    assert not marker.exists()


def test_a_torch_archive_that_would_run_code_is_named_and_not_run(tmp_path: Path) -> None:
    marker, path = tmp_path / "it-ran", tmp_path / "trap.pt"
    torch.save({"weights": torch.zeros(2), "more": Trap(os.mkdir, str(marker))}, path)
    with pytest.raises(UnsafeFileError, match=r"(posix|nt)\.mkdir"):
        weights.read_state_dicts(path)
    assert not marker.exists()


def test_a_view_that_is_larger_than_its_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "wide.pt"
    torch.save({"main": {"weight": torch.zeros(4)[:1].expand(100_000, 50_000)}}, path)
    with pytest.raises(ModelFileError, match=r"'weight' of shape \(100000, 50000\), larger than the file"):
        weights.read_state_dicts(path)


def test_a_class_of_somebody_else_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    torch.save({"path": Path("x"), "weights": torch.zeros(2)}, path)
    with pytest.raises(UnsafeFileError, match="pathlib"):
        weights.read_torch_file(path)


def test_names_are_followed_through_the_memo() -> None:
    twice = pickle.dumps([Trap(os.system, "one"), Trap(os.system, "two")], protocol=4)
    found = list(imports_of(io.BytesIO(twice)))
    assert found[0] == found[-1]
    assert found[0] in ("posix.system", "nt.system")


@pytest.mark.parametrize("legacy", [False, True])
def test_state_dicts_are_found_below_their_keys(tmp_path: Path, legacy: bool) -> None:
    path = tmp_path / "checkpoint.pt"
    state = OrderedDict({"module.main.0.weight": torch.arange(4.0), "main.1.bias": torch.nn.Parameter(torch.ones(2))})
    torch.save({"epoch": 3, "netG_state_dict": state, "loss": [0.1, 0.2]}, path,
               _use_new_zipfile_serialization=not legacy)
    found = weights.read_state_dicts(path)
    assert sorted(found["netG_state_dict"]) == ["main.0.weight", "main.1.bias"]
    assert torch.equal(found["netG_state_dict"]["main.0.weight"], torch.arange(4.0))


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_truncated_torch_file_is_refused(tmp_path: Path, share: float) -> None:
    path = tmp_path / "cut.pt"
    torch.save({"a": torch.zeros(4000)}, path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ModelFileError, match=r"cut\.pt"):
        weights.read_state_dicts(path)


def test_an_archive_that_unpacks_to_much_more_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb/data.pkl", pickle.dumps({}, protocol=2))
        archive.writestr("bomb/data/0", b"\0" * 50_000_000)
    with pytest.raises(ModelFileError, match="unpack"):
        weights.read_torch_file(path)


def test_an_ordinary_archive_is_no_model(tmp_path: Path) -> None:
    path = tmp_path / "words.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("words.txt", "nothing here")
    with pytest.raises(ModelFileError, match="without weights"):
        weights.read_torch_file(path)


@pytest.mark.parametrize("entry", [
    '{"dtype": "F32", "shape": [Infinity], "data_offsets": [0, 4]}',
    '{"dtype": "F32", "shape": [1], "data_offsets": 4}',
    '{"dtype": "F32", "shape": [1], "data_offsets": [0, 1e999]}', "[" * 100_000,
])  # fmt: skip
def test_headers_with_nonsense_are_refused(tmp_path: Path, entry: str) -> None:
    header = f'{{"a": {entry}}}'.encode()
    path = tmp_path / "odd.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    with pytest.raises(ModelFileError, match="header of odd"):
        weights.check_safetensors(path)


@pytest.mark.parametrize("opcode", [b"\x8d", b"\x8e"])
@pytest.mark.parametrize("length", [10 << 30, 1 << 62, (1 << 64) - 1])
def test_a_pickle_that_announces_too_much_is_refused(tmp_path: Path, opcode: bytes, length: int) -> None:
    path = tmp_path / "greedy.pt"
    path.write_bytes(b"\x80\x04" + opcode + length.to_bytes(8, "little") + b"abc")
    with pytest.raises(ModelFileError, match="truncated or broken"):
        check_torch_file(path)


def _header_only(header: bytes, data: bytes = b"") -> bytes:
    return len(header).to_bytes(8, "little") + header + data


SOON = 5.0  # seconds on a machine that does other things as well; two on a quiet one
F32 = b'"dtype":"F32","shape":[1],"data_offsets":[0,4]'


@pytest.mark.parametrize("content", [
    _header_only(b'{"__metadata__":["a"],"t":{%s}}' % F32, bytes(4)),
    _header_only(b'{"__metadata__":{"a":1},"t":{%s}}' % F32, bytes(4)),
    _header_only(b'{"__metadata__":"a","t":{%s}}' % F32, bytes(4)),
    _header_only(b'{"t":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}', b"0"),
    _header_only(b'{"t":{"dtype":"F4","shape":[2],"data_offsets":[0,1]}}', b"0"),
    _header_only(b'{"t":{"dtype":["F32"],"shape":[1],"data_offsets":[0,4]}}', bytes(4)),
    _header_only(b'{"t":{"dtype":"F32","shape":[' + b"1," * 99_999 + b'1],"data_offsets":[0,4]}}', bytes(4)),
    _header_only(b'{"t":{"dtype":"F32","shape":[' + b"9" * 5_000 + b'],"data_offsets":[0,4]}}', bytes(4)),
    _header_only(b'{"t":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    _header_only(b'{"t":{%s},"u":{%s}}' % (F32, F32), bytes(8)),
    _header_only(b'{"t":{%s},"u":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}' % F32, bytes(12)),
    _header_only(b"{" + b",".join(b'"t%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}' % n for n in range(30_000))
                 + b"}"),
    _header_only(b'{"\xff":{%s}}' % F32, bytes(4)),
], ids=range(13))
def test_every_reader_of_safetensors_refuses_a_hostile_header_soon(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "hostile.safetensors"
    path.write_bytes(content)
    began = time.perf_counter()
    for read in (read_tensors, read_tensors_numpy, read_state_dicts):
        with pytest.raises(ModelFileError):
            read(path)
    for read_bytes in (tensors_in, tensors_in_numpy):
        with pytest.raises(ModelFileError):
            read_bytes(content, "hostile")
    with pytest.raises(FactorFileError):
        read_factor(path)
    with pytest.raises(ModelFileError):
        read_tuning(path)
    with pytest.raises(ModelFileError):
        tuning_from(content)
    path.rename(tmp_path / "checkpoint.safetensors")
    with pytest.raises(TrainingError):
        load_checkpoint(tmp_path)
    assert time.perf_counter() - began < SOON


def test_a_tuning_in_numbers_that_cannot_be_read_is_refused_before_a_picture_is_drawn() -> None:
    notes = b'{"format":"latentstudio tuning","model":"m","model_sha256":"0","figures":"{}"}'
    header = b'{"__metadata__":%s,"difference.w":{"dtype":"F8_E5M2","shape":[1],"data_offsets":[0,1]}}' % notes
    with pytest.raises(ModelFileError, match="no tuning"):
        tuning_from(_header_only(header, b"0"))
    header = b'{"__metadata__":%s,"pivot":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}' % notes
    with pytest.raises(ModelFileError, match="pivot"):
        tuning_from(_header_only(header, b"00")).pivot()


def test_bfloat16_is_read_by_torch_and_written_as_float32(tmp_path: Path) -> None:
    path = tmp_path / "b.safetensors"
    path.write_bytes(_header_only(b'{"t":{"dtype":"BF16","shape":[1],"data_offsets":[0,2]}}', b"\x80\x3f"))
    write_tensors(tmp_path / "c.safetensors", read_tensors(path))
    assert read_tensors_numpy(tmp_path / "c.safetensors")["t"].tolist() == [1.0]


def _checkpoint(folder: Path, **notes: str) -> None:
    told = {"step": "1", "recipe": "{}", "data": "", **notes}
    write_tensors(folder / "checkpoint.safetensors", {"weights/w": np.zeros(1, np.float32)}, told)


@pytest.mark.parametrize("notes", [
    {"recipe": "[" * 100_000}, {"recipe": "[1]"}, {"step": "9" * 5_000}, {"step": "one"}, {"recipe": "9" * 5_000},
])
def test_a_checkpoint_with_hostile_notes_is_refused(tmp_path: Path, notes: dict[str, str]) -> None:
    _checkpoint(tmp_path)
    loaded = load_checkpoint(tmp_path)
    assert loaded is not None
    assert loaded.step == 1
    _checkpoint(tmp_path, **notes)
    with pytest.raises(TrainingError, match="broken"):
        load_checkpoint(tmp_path)


def test_a_disk_that_fills_up_is_told_by_every_writer_of_tensors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = torch.nn.Linear(2, 2)
    optimiser = torch.optim.Adam(network.parameters())
    network(torch.zeros(1, 2)).sum().backward()
    optimiser.step()

    def save(step: int) -> None:
        save_checkpoint(tmp_path, step=step, network=network, optimisers=(optimiser,), recipe={})

    save(1)
    monkeypatch.setattr("latentstudio.generators.weights.open", _Full, raising=False)
    with pytest.raises(StorageError, match="no space left"):
        save(2)
    kept = load_checkpoint(tmp_path)
    assert kept is not None
    assert kept.step == 1
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.safetensors"]


class _Full:
    """A file on a disk that is full."""

    def __init__(self, path: Path, how: str) -> None:
        assert how == "wb"

    def __enter__(self) -> _Full:
        return self

    def __exit__(self, *problem: object) -> None:
        return

    def writelines(self, pieces: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("content", [
    b"\x80\x04" + b"N" * 4_000_000 + b".", b"\x80\x04" + b"K\x00" * 2_000_000 + b".", b"\x80\x02" + b"(" * 1_000_000,
])
def test_a_pickle_of_very_many_instructions_is_refused_soon(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "long.pt"
    for archive in (False, True):
        if archive:
            with zipfile.ZipFile(path, "w") as stream:
                stream.writestr("archive/data.pkl", content)
        else:
            path.write_bytes(content)
        began = time.perf_counter()
        with pytest.raises(ModelFileError, match="instructions"):
            read_torch_file(path)
        assert time.perf_counter() - began < SOON


def test_an_archive_of_very_many_parts_is_refused_soon(tmp_path: Path) -> None:
    path = tmp_path / "many.pt"
    with zipfile.ZipFile(path, "w") as stream:
        for number in range(45_000):
            stream.writestr(f"{number}", b"")
    began = time.perf_counter()
    with pytest.raises(ModelFileError, match="parts"):
        check_torch_file(path)
    assert time.perf_counter() - began < SOON


def test_a_container_that_holds_itself_or_others_many_times_is_read_once(tmp_path: Path) -> None:
    inner = {f"t{number}": torch.zeros(1) for number in range(3)}
    middle: dict[str, object] = {f"m{number}": inner for number in range(2_000)}
    outer: dict[str, object] = {f"o{number}": middle for number in range(2_000)}
    outer["itself"] = outer
    torch.save(outer, tmp_path / "deep.pt")
    assert list(read_state_dicts(tmp_path / "deep.pt")) == ["o0/m0"]


def test_averaged_weights_are_named_as_the_model_was(tmp_path: Path) -> None:
    model = torch.nn.Linear(2, 2)
    torch.save(torch.optim.swa_utils.AveragedModel(model).state_dict(), tmp_path / "averaged.pt")
    assert set(read_state_dicts(tmp_path / "averaged.pt")[""]) == {"weight", "bias"}
