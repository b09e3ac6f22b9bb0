"""Weights files: ours are safetensors; foreign ones are hostile until shown otherwise. No torch at import.

A safetensors file is judged by its header before anything is allocated. A torch file is a pickle: its instructions are
listed without being run, every name that they would import must be one that rebuilds a tensor or a plain container,
and only then does torch's own restricted reader open it.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentstudio.errors import ModelFileError
from latentstudio.files import replacing
from latentstudio.generators.pickles import HEAD, check_torch_file, looks_like_torch

if TYPE_CHECKING:
    from torch import Tensor

MAX_HEADER = 64 << 20
_BYTES = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1, "U16": 2,
    "U32": 4, "U64": 8, "F8_E4M3": 1, "F8_E5M2": 1,
}  # fmt: skip
_KINDS = {
    "float64": "F64", "float32": "F32", "float16": "F16", "int64": "I64", "int32": "I32", "int16": "I16", "int8": "I8",
    "uint8": "U8", "bool": "BOOL",
}  # fmt: skip
_REFETCH = "fetch or copy the file again"


@dataclass(frozen=True)
class TensorFacts:
    """What a header says about one tensor: ``dtype`` as safetensors writes it (``F32``), and its shape."""

    dtype: str
    shape: tuple[int, ...]


def check_safetensors(path: Path) -> Mapping[str, TensorFacts]:
    """Read and check the header of a safetensors file; no tensor is loaded and nothing large allocated.

    Raises:
        ModelFileError: missing, a folder, empty, of another kind, truncated, or a header that does not fit the file.
    """
    path, size = Path(path), _size(path)
    with _opened(path) as stream:
        head = stream.read(HEAD)
        length = int.from_bytes(head[:8], "little")
        if looks_like_torch(head):
            raise ModelFileError(f"{path.name} is a torch file", expected="a safetensors file", action=_IMPORT)
        if len(head) < HEAD or length < 2 or head[8:] != b"{":
            raise ModelFileError(f"{path.name} is not a safetensors file", expected="weights as safetensors")
        if length > min(size - 8, MAX_HEADER):
            raise ModelFileError(
                f"{path.name} announces a header of {length:,} bytes but has {size:,}",
                expected="a whole safetensors file", action=_REFETCH,
            )
        raw = b"{" + stream.read(length - 1)
    try:
        header = json.loads(raw)
        facts = {name: _facts(entry) for name, entry in header.items() if name != "__metadata__"}
        end = max((int(e["data_offsets"][1]) for n, e in header.items() if n != "__metadata__"), default=0)
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError) as problem:
        raise ModelFileError(
            f"the header of {path.name} is broken ({problem})", expected="a safetensors file", action=_REFETCH
        ) from problem
    if end != size - 8 - length:
        raise ModelFileError(
            f"{path.name} holds {size - 8 - length:,} bytes of weights and its header promises {end:,}",
            expected="a whole file", action=_REFETCH,
        )
    return facts


_IMPORT = "bring it in with `latentstudio models add PATH`"


def _facts(entry: Mapping[str, Any]) -> TensorFacts:
    shape = tuple(int(side) for side in entry["shape"])
    begin, end = (int(offset) for offset in entry["data_offsets"])
    if min(shape, default=1) < 0 or begin < 0 or end - begin != math.prod(shape) * _BYTES[entry["dtype"]]:
        raise ValueError(f"shape {list(shape)} and offsets {begin} to {end} do not agree")
    return TensorFacts(entry["dtype"], shape)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """All tensors of a safetensors file, on the CPU.

    Raises:
        ModelFileError: as ``check_safetensors``.
    """
    # Brings torch in, which must stay off the way to the first window.
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    check_safetensors(path)
    try:
        return load_file(path)
    except (SafetensorError, OSError) as problem:
        raise _unreadable(path, problem) from problem


def read_tensors_numpy(path: Path) -> dict[str, NDArray[Any]]:
    """All tensors of a safetensors file as numpy arrays, without torch; bfloat16 is not offered by numpy and refused.

    Raises:
        ModelFileError: as ``check_safetensors``, or a kind of number that numpy does not know.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    foreign = [f"{name} ({facts.dtype})" for name, facts in check_safetensors(path).items()
               if facts.dtype in ("BF16", "F8_E4M3", "F8_E5M2")]
    if foreign:
        raise ModelFileError(f"{Path(path).name} holds {foreign[0]}", expected="float32 or other numpy numbers")
    try:
        return load_file(path)
    except (SafetensorError, OSError, KeyError, ValueError) as problem:
        raise _unreadable(path, problem) from problem


def read_metadata(path: Path) -> dict[str, str]:
    """The text notes in the header of a safetensors file.

    Raises:
        ModelFileError: as ``check_safetensors``.
    """
    check_safetensors(path)
    with _opened(Path(path)) as stream:
        header = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
    return {str(key): str(value) for key, value in (header.get("__metadata__") or {}).items()}


def read_torch_file(path: Path) -> Any:
    """The plain containers and CPU tensors of a torch file; nothing else is ever built.

    Raises:
        UnsafeFileError: opening it the ordinary way would import something else; the message names it.
        ModelFileError: missing, a folder, empty, truncated, or no torch file.
    """
    import pickle

    import torch  # torch must stay off the way to the first window

    path = Path(path)
    _size(path)
    check_torch_file(path)
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError, OSError, EOFError, ValueError, KeyError, AttributeError,
            TypeError, IndexError, AssertionError, OverflowError, MemoryError) as problem:
        raise _unreadable(path, problem) from problem


def read_state_dicts(path: Path) -> dict[str, dict[str, Tensor]]:
    """State dicts in a weights file of either kind: ``""`` holds the tensors at the top, other keys those below it.

    A prefix ``module.`` that parallel training leaves on every name is taken off.

    Raises:
        UnsafeFileError, ModelFileError: as ``read_torch_file`` and ``check_safetensors``; also no tensor in it at all.
    """
    from torch import Tensor  # torch must stay off the way to the first window

    path = Path(path)
    _size(path)
    with _opened(path) as stream:
        is_torch = looks_like_torch(stream.read(HEAD))
    content: Any = read_torch_file(path) if is_torch else read_tensors(path)
    found: dict[str, dict[str, Tensor]] = {}

    def collect(value: Any, where: str, depth: int) -> None:
        tensors = {str(name).removeprefix("module."): part for name, part in value.items() if isinstance(part, Tensor)}
        if tensors:
            found[where] = tensors
        for name, part in value.items():
            if isinstance(part, Mapping) and depth < 3:
                collect(part, f"{where}/{name}" if where else str(name), depth + 1)

    if isinstance(content, Mapping):
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


def write_tensors(path: Path, tensors: Mapping[str, Any], metadata: Mapping[str, str] | None = None) -> None:
    """Write named torch tensors or numpy arrays as safetensors, whole or not at all.

    The same content gives the same bytes on every machine, so that its SHA-256 can name a model.

    Raises:
        StorageError: the disk is full or the folder may not be written; an old file is as it was.
    """
    with replacing(Path(path)) as temporary, open(temporary, "wb") as stream:
        stream.writelines(_packed(tensors, metadata))


def pack_tensors(tensors: Mapping[str, Any], metadata: Mapping[str, str] | None = None) -> bytes:
    """The bytes that ``write_tensors`` writes."""
    return b"".join(_packed(tensors, metadata))


def _packed(tensors: Mapping[str, Any], metadata: Mapping[str, str] | None) -> Iterator[bytes]:
    plain = {name: np.ascontiguousarray(_as_numpy(tensors[name])) for name in sorted(tensors)}
    header: dict[str, Any] = {"__metadata__": dict(sorted(metadata.items()))} if metadata else {}
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


def _as_numpy(value: Any) -> NDArray[Any]:
    return value if isinstance(value, np.ndarray) else np.asarray(value.detach().cpu().numpy())


def _size(path: Path) -> int:
    try:
        if os.path.isdir(path):
            raise ModelFileError(f"{path.name} is a folder", expected="one weights file")
        size = os.stat(path).st_size
    except FileNotFoundError:
        raise ModelFileError(f"there is no file {path}", expected="a weights file") from None
    except OSError as problem:
        raise _unreadable(path, problem) from problem
    if size == 0:
        raise ModelFileError(f"{path.name} is empty", expected="a weights file", action=_REFETCH)
    return size


def _opened(path: Path) -> Any:
    try:
        return open(path, "rb")
    except OSError as problem:
        raise _unreadable(path, problem) from problem


def _unreadable(path: Path, problem: BaseException) -> ModelFileError:
    reason = (str(problem).strip().splitlines() or [type(problem).__name__])[0][:160]
    return ModelFileError(f"{Path(path).name} cannot be read ({reason})", expected="a whole weights file",
                          action=_REFETCH)
