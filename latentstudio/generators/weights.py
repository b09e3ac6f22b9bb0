"""Weights files: ours are safetensors; foreign ones are hostile until shown otherwise. No torch at import.

The one reader and the one writer of safetensors: weights, factors, records, tunings and checkpoints are such files. One
is judged by its header before anything is allocated. A torch file is a pickle: its instructions are listed without
being run, every name that they would import must be one that rebuilds a tensor or a plain container, and only then does
torch's own restricted reader open it.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import msgspec
import numpy as np
from numpy.typing import NDArray

from latentstudio.errors import ModelFileError
from latentstudio.files import open_regular, replacing
from latentstudio.generators.pickles import HEAD, check_torch_file, looks_like_torch
from latentstudio.readers import Refuse, border, json_from, reason_of

if TYPE_CHECKING:
    from torch import Tensor

MAX_HEADER = 2 << 20
MOST_TENSORS = 20_000
_MOST_AXES = 32
_METADATA = "__metadata__"
_PARALLEL, _COUNT = "module.", "n_averaged"
_BYTES = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1, "U16": 2,
    "U32": 4, "U64": 8,
}  # fmt: skip
_KINDS = {
    "float64": "F64", "float32": "F32", "float16": "F16", "int64": "I64", "int32": "I32", "int16": "I16", "int8": "I8",
    "uint8": "U8", "bool": "BOOL", "uint16": "U16", "uint32": "U32", "uint64": "U64",
}  # fmt: skip
_REFETCH = "fetch or copy the file again"
_IMPORT = "bring it in with `latentstudio models add PATH`"


@dataclass(frozen=True)
class TensorFacts:
    """What a header says about one tensor: ``dtype`` as safetensors writes it (``F32``), and its shape."""

    dtype: str
    shape: tuple[int, ...]


class _Entry(msgspec.Struct):
    dtype: str
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]


def check_safetensors(path: Path) -> Mapping[str, TensorFacts]:
    """Read and check the header of a safetensors file; no tensor is loaded and nothing large allocated.

    Raises:
        ModelFileError: missing, a folder, empty, of another kind, truncated, or a header that does not fit the file.
    """
    with _opened(Path(path)) as stream:
        return _header(stream, Path(path).name)[0]


def read_metadata(path: Path) -> dict[str, str]:
    """The text notes in the header of a safetensors file.

    Raises:
        ModelFileError: as ``check_safetensors``.
    """
    with _opened(Path(path)) as stream:
        return _header(stream, Path(path).name)[1]


def read_config(path: Path, name: str) -> dict[str, object]:
    """The values that a note of this name in the header holds as JSON; none where there is no such note.

    Raises:
        ModelFileError: as ``check_safetensors``, or the note is broken.
    """
    def broken(reason: str) -> ModelFileError:
        return ModelFileError(f"the note '{name}' in {Path(path).name} is broken ({reason})", action=_REFETCH)

    return json_from(read_metadata(path).get(name, "{}"), dict[str, object], broken)


def metadata_in(data: bytes, where: str) -> dict[str, str]:
    """As ``read_metadata``, of the bytes of a file.

    Raises:
        ModelFileError: as ``check_safetensors``.
    """
    return _header(io.BytesIO(data), where)[1]


def _header(stream: BinaryIO, where: str) -> tuple[dict[str, TensorFacts], dict[str, str]]:
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    head = stream.read(HEAD)
    length = int.from_bytes(head[:8], "little")
    if not head:
        raise ModelFileError(f"{where} is empty", expected="a weights file", action=_REFETCH)
    if looks_like_torch(head):
        raise ModelFileError(f"{where} is a torch file", expected="a safetensors file", action=_IMPORT)
    if len(head) < HEAD or length < 2 or head[8:] != b"{":
        raise ModelFileError(f"{where} is not a safetensors file", expected="weights as safetensors")
    if length > min(size - 8, MAX_HEADER):
        raise ModelFileError(
            f"{where} announces a header of {length:,} bytes but has {size:,}",
            expected=f"a whole safetensors file with a header of at most {MAX_HEADER:,} bytes", action=_REFETCH,
        )

    def broken(reason: str) -> ModelFileError:
        return ModelFileError(f"the header of {where} is broken ({reason})", expected="a safetensors file",
                              action=_REFETCH)

    entries = json_from(b"{" + stream.read(length - 1), dict[str, msgspec.Raw], broken)
    notes = json_from(bytes(entries.pop(_METADATA, b"{}")), dict[str, str], broken)
    if len(entries) > MOST_TENSORS:
        raise broken(f"{len(entries):,} tensors, more than {MOST_TENSORS:,}")
    with border(broken):
        found = {name: msgspec.json.decode(entry, type=_Entry) for name, entry in entries.items()}
        facts = {name: _facts(name, entry) for name, entry in found.items()}
    end = max((entry.data_offsets[1] for entry in found.values()), default=0)
    if end != size - 8 - length:
        raise ModelFileError(
            f"{where} holds {size - 8 - length:,} bytes of weights and its header promises {end:,}",
            expected="a whole file", action=_REFETCH,
        )
    return facts, notes


def _facts(name: str, entry: _Entry) -> TensorFacts:
    if entry.dtype not in _BYTES:
        raise ModelFileError(f"'{name[:80]}' is kept as {entry.dtype[:20]}, a kind of number that is not read here",
                             expected="F32, F16 or BF16", action="convert it to one of these")
    begin, end = entry.data_offsets
    if len(entry.shape) > _MOST_AXES or min(entry.shape, default=1) < 0 or begin < 0 or (
        end - begin != math.prod(entry.shape) * _BYTES[entry.dtype]
    ):
        raise ValueError(f"shape {list(entry.shape[:_MOST_AXES])} and offsets {begin} to {end} do not agree")
    return TensorFacts(entry.dtype, entry.shape)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file, on the CPU.

    Raises:
        ModelFileError: as ``check_safetensors``.
    """
    from safetensors.torch import load_file  # brings torch in, which must stay off the way to the first window

    check_safetensors(path)
    with border(_unreadable(Path(path).name)):
        return load_file(path)


def tensors_in(data: bytes, where: str) -> dict[str, Tensor]:
    """As ``read_tensors``, of the bytes of a file.

    Raises:
        ModelFileError: as ``check_safetensors``.
    """
    from safetensors.torch import load  # as above

    _header(io.BytesIO(data), where)
    with border(_unreadable(where)):
        return load(data)


def read_tensors_numpy(path: Path) -> dict[str, NDArray[np.generic]]:
    """All tensors of a safetensors file as numpy arrays, without torch; bfloat16 is not offered by numpy and refused.

    Raises:
        ModelFileError: as ``check_safetensors``, or a kind of number that numpy does not know.
    """
    from safetensors.numpy import load_file

    _check_numpy(check_safetensors(path), Path(path).name)
    with border(_unreadable(Path(path).name)):
        return load_file(path)


def tensors_in_numpy(data: bytes, where: str) -> dict[str, NDArray[np.generic]]:
    """As ``read_tensors_numpy``, of the bytes of a file.

    Raises:
        ModelFileError: as ``read_tensors_numpy``.
    """
    from safetensors.numpy import load

    _check_numpy(_header(io.BytesIO(data), where)[0], where)
    with border(_unreadable(where)):
        return load(data)


def _check_numpy(facts: Mapping[str, TensorFacts], where: str) -> None:
    foreign = [f"{name} ({one.dtype})" for name, one in facts.items() if one.dtype == "BF16"]
    if foreign:
        raise ModelFileError(f"{where} holds {foreign[0][:80]}", expected="float32 or other numpy numbers")


def read_torch_file(path: Path) -> object:
    """The plain containers and CPU tensors of a torch file; nothing else is ever built.

    Raises:
        UnsafeFileError: opening it the ordinary way would import something else; the message names it.
        ModelFileError: missing, a folder, empty, truncated, or no torch file.
    """
    import torch  # torch must stay off the way to the first window

    check_torch_file(path)
    with border(_unreadable(Path(path).name)):
        return torch.load(path, map_location="cpu", weights_only=True)


def read_state_dicts(path: Path) -> dict[str, dict[str, Tensor]]:
    """State dicts in a weights file of either kind: ``""`` holds the tensors at the top, other keys those below it.

    What averaging or parallel training leaves beside them, the prefix ``module.`` of every name and the count
    ``n_averaged``, is taken off.

    Raises:
        UnsafeFileError, ModelFileError: as ``read_torch_file`` and ``check_safetensors``; also no tensor in it at all.
    """
    from torch import Tensor  # torch must stay off the way to the first window

    path = Path(path)
    with _opened(path) as stream:
        is_torch = looks_like_torch(stream.read(HEAD))
    content: object = read_torch_file(path) if is_torch else read_tensors(path)
    found: dict[str, dict[str, Tensor]] = {}
    seen: set[int] = set()  # a pickle may name one container many times, or inside itself

    def collect(value: Mapping[object, object], where: str, depth: int) -> None:
        seen.add(id(value))
        tensors = {str(name).removeprefix(_PARALLEL): part for name, part in value.items() if isinstance(part, Tensor)}
        if any(str(name).startswith(_PARALLEL) for name in value):
            tensors.pop(_COUNT, None)
        if tensors:
            found[where] = tensors
        for name, part in value.items():
            if isinstance(part, Mapping) and depth < 3 and id(part) not in seen:
                collect(part, f"{where}/{name}" if where else str(name), depth + 1)

    if isinstance(content, Mapping):
        with border(_unreadable(path.name)):
            collect(content, "", 0)
    size = path.stat().st_size
    for tensors in found.values():
        for name, tensor in tensors.items():
            if tensor.numel() * tensor.element_size() > size:  # a view that repeats few numbers
                raise ModelFileError(
                    f"{path.name} holds '{str(name)[:80]}' of shape {tuple(tensor.shape)}, larger than the file",
                    expected="weights that are all in the file",
                )
    if not found:
        raise ModelFileError(f"{path.name} holds no named tensors", expected="the weights of a generator")
    return found


def write_tensors(path: Path, tensors: Mapping[str, object], metadata: Mapping[str, str] | None = None) -> None:
    """Write named torch tensors or numpy arrays as safetensors, whole or not at all.

    The same content gives the same bytes on every machine, so that its SHA-256 can name a model.

    Raises:
        StorageError: the disk is full or the folder may not be written; an old file is as it was.
    """
    with replacing(Path(path)) as temporary, open(temporary, "wb") as stream:
        stream.writelines(_packed(tensors, metadata))


def pack_tensors(tensors: Mapping[str, object], metadata: Mapping[str, str] | None = None) -> bytes:
    """The bytes that ``write_tensors`` writes."""
    return b"".join(_packed(tensors, metadata))


def _packed(tensors: Mapping[str, object], metadata: Mapping[str, str] | None) -> Iterator[bytes]:
    plain = {name: np.asarray(_as_numpy(tensors[name]), order="C") for name in sorted(tensors)}
    header: dict[str, object] = {"__metadata__": dict(sorted(metadata.items()))} if metadata else {}
    end = 0
    for name, value in plain.items():
        kind = _KINDS[value.dtype.name]
        header[name] = {"dtype": kind, "shape": list(value.shape), "data_offsets": [end, end + value.nbytes]}
        end += value.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    yield len(text).to_bytes(8, "little") + text
    for value in plain.values():
        yield value.astype(value.dtype.newbyteorder("<"), copy=False).tobytes()


def _as_numpy(value: object) -> NDArray[np.generic]:
    if isinstance(value, np.ndarray):
        return value
    from torch import Tensor  # torch must stay off the way to the first window

    if not isinstance(value, Tensor):
        raise TypeError(f"a {type(value).__name__} is no tensor")
    plain = value.detach().cpu()
    return np.asarray((plain.float() if str(plain.dtype) == "torch.bfloat16" else plain).numpy())


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    try:
        stream = open_regular(path)
    except FileNotFoundError:
        raise ModelFileError(f"there is no file {path}", expected="a weights file") from None
    except IsADirectoryError:
        raise ModelFileError(f"{path.name} is a folder", expected="one weights file") from None
    except OSError as problem:
        raise _unreadable(path.name)(reason_of(problem)) from problem
    with stream:
        yield stream


def _unreadable(where: str) -> Refuse:
    return lambda reason: ModelFileError(f"{where} cannot be read ({reason})", expected="a whole weights file",
                                         action=_REFETCH)
