"""What a pickle would import, told without running it; used before any torch file is opened."""

from __future__ import annotations

import pickletools
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from latentstudio.errors import ModelFileError, UnsafeFileError

MAX_PICKLE = 64 << 20
HEAD = 9
_ZIP, _PICKLE = b"PK\x03\x04", b"\x80"
_CONTAINERS = frozenset({
    "collections.OrderedDict", "collections.defaultdict", "builtins.set", "builtins.dict", "builtins.list",
    "builtins.tuple", "builtins.int", "builtins.float", "builtins.bool", "__builtin__.set",
    "torch.Size", "torch.device", "torch.serialization._get_layout", "torch.storage.UntypedStorage",
    "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor", "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state", "torch._tensor._rebuild_from_type_v2", "torch.nn.parameter.Parameter",
})  # fmt: skip
_NUMBERS = frozenset({
    "float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool",
})  # fmt: skip
_STRINGS = frozenset({
    "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE", "STRING", "BINSTRING", "SHORT_BINSTRING",
})  # fmt: skip


def looks_like_torch(head: bytes) -> bool:
    """True when the first ``HEAD`` bytes are those of a zip archive or of a pickle, as torch files are.

    A safetensors file may begin with the byte of a pickle, as its header's length; the zeros and brace after it tell.
    """
    if head[4:9] == b"\0\0\0\0{":
        return False
    return head.startswith(_ZIP) or (head.startswith(_PICKLE) and head[1:2] in (b"\2", b"\3", b"\4", b"\5"))


def is_harmless(name: str) -> bool:
    """True for names that only rebuild tensors and plain containers."""
    if name in _CONTAINERS:
        return True
    module, _, last = name.rpartition(".")
    return module in ("torch", "torch.cuda") and (last.endswith("Storage") or last in _NUMBERS)


def imports_of(stream: IO[bytes]) -> Iterator[str]:
    """Names (``module.attribute``) that the pickle in ``stream`` would import, in order; nothing of it runs.

    Raises:
        ValueError: the bytes are no pickle, or end too early.
    """
    strings: list[str] = []
    memory: dict[int, str] = {}
    for opcode, argument, _ in pickletools.genops(stream):
        name = opcode.name
        if name in _STRINGS:
            strings.append(str(argument))
        elif name in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
            if strings:
                memory[len(memory) if argument is None else int(argument)] = strings[-1]
            elif argument is None:
                memory[len(memory)] = ""
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            strings.append(memory.get(int(argument or 0), ""))
        elif name in ("GLOBAL", "INST"):
            yield str(argument).replace(" ", ".")
        elif name == "STACK_GLOBAL":
            yield ".".join(strings[-2:]) if len(strings) > 1 else "an unknown name"
        elif name in ("EXT1", "EXT2", "EXT4"):
            yield f"copyreg extension {argument}"


def check_torch_file(path: Path) -> None:
    """Refuse a torch file whose pickle would import anything but what rebuilds tensors and plain containers.

    Raises:
        UnsafeFileError: it would; the message names the first such import. Nothing of the file was run.
        ModelFileError: truncated, of another kind, or with parts larger than the file itself.
    """
    path = Path(path)
    try:
        with open(path, "rb") as stream:
            head = stream.read(8)
            stream.seek(0)
            if head.startswith(_ZIP):
                _check_archive(path, stream)
            elif head.startswith(_PICKLE):
                _check_pickles(path, stream)
            else:
                raise ModelFileError(f"{path.name} is not a torch file", expected="weights as safetensors or torch")
    except (ValueError, EOFError, zipfile.BadZipFile, KeyError, NotImplementedError, RuntimeError, OverflowError,
            MemoryError) as problem:  # a string may announce more bytes than there is memory
        raise ModelFileError(
            f"{path.name} is truncated or broken ({str(problem) or 'it announces more than it holds'})",
            expected="a whole torch file",
            action="fetch or copy the file again",
        ) from problem
    except OSError as problem:
        raise ModelFileError(f"{path.name} cannot be read ({problem.strerror})", expected="a weights file"
                             ) from problem


def _check_archive(path: Path, stream: IO[bytes]) -> None:
    with zipfile.ZipFile(stream) as archive:
        size = path.stat().st_size
        promised = sum(entry.file_size for entry in archive.infolist())
        if promised > size:
            raise ModelFileError(
                f"{path.name} would unpack to {promised:,} bytes from {size:,}", expected="a torch file, uncompressed"
            )
        pickles = [entry for entry in archive.infolist() if entry.filename.endswith(".pkl")]
        if not pickles:
            raise ModelFileError(f"{path.name} is an archive without weights", expected="a torch file")
        for entry in pickles:
            if entry.file_size > MAX_PICKLE:
                raise ModelFileError(f"{path.name} lists {entry.file_size:,} bytes of names", expected="a torch file")
            with archive.open(entry) as inner:
                _judge(path, imports_of(inner))


def _check_pickles(path: Path, stream: IO[bytes]) -> None:
    """The old kind of torch file: five pickles, then raw numbers."""
    if path.stat().st_size > (8 << 30):
        raise ModelFileError(f"{path.name} is larger than 8 GiB", expected="a torch file of a generator")
    for index in range(5):
        if stream.read(1) != _PICKLE:
            if index == 0:
                raise ModelFileError(f"{path.name} is not a torch file", expected="weights as safetensors or torch")
            return
        stream.seek(-1, 1)
        _judge(path, imports_of(stream))


def _judge(path: Path, names: Iterator[str]) -> None:
    for name in names:
        if not is_harmless(name):
            raise UnsafeFileError(
                f"{path.name} tries to import {name} while being opened, which could run code",
                expected="weights only", action="do not open it elsewhere; ask its author for safetensors",
            )
