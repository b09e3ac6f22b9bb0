"""What a pickle would import, told without running it; used before any torch file is opened."""

from __future__ import annotations

import io
import itertools
import pickletools
import struct
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, BinaryIO, cast

from latentstudio.errors import ModelFileError, UnsafeFileError
from latentstudio.files import open_regular
from latentstudio.readers import border

MAX_PICKLE = 16 << 20
MOST_INSTRUCTIONS = 300_000  # of a file; about forty a tensor
MOST_PARTS = 40_000
_MOST_PIECE = 256 << 20  # bytes of one argument: more than any one tensor that is kept inside a pickle
_LISTED = 160  # bytes an archive lists a part in
_ROOM = 1 << 20  # bytes that a small compressed part, such as the code of TorchScript, may unpack to beyond its size
HEAD = 9
Archive = zipfile.ZipFile
_ZIP, _PICKLE = b"PK\x03\x04", b"\x80"
_TAIL = (1 << 16) + 22 + 20  # bytes within which an archive's last record and its locator lie
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


class _Pieces(io.RawIOBase):
    """A stream that gives no single piece too large to be held."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__()
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        """As a file's; a larger piece is refused."""
        if not 0 <= size <= _MOST_PIECE:
            raise ValueError(f"a piece of {size:,} bytes")
        return self._stream.read(size)

    def readline(self, size: int | None = -1) -> bytes:
        """As a file's, and no longer than a piece."""
        return self._stream.readline(_MOST_PIECE)

    def tell(self) -> int:
        """As a file's."""
        return self._stream.tell()


def instructions(stream: IO[bytes], counted: Iterator[int] | None = None) -> Iterator[tuple[str, object]]:
    """Names and arguments of the instructions of the next pickle in ``stream``.

    Args:
        counted: counts the instructions of several pickles in one file together.

    Raises:
        ValueError: the bytes are no pickle, end too early, or are more than ``MOST_INSTRUCTIONS``.
    """
    counted = itertools.count() if counted is None else counted
    for opcode, argument, _ in pickletools.genops(cast("IO[bytes]", _Pieces(stream))):
        if next(counted) >= MOST_INSTRUCTIONS:
            raise ValueError(f"more than {MOST_INSTRUCTIONS:,} instructions")
        yield opcode.name, argument


def imports_of(stream: IO[bytes], counted: Iterator[int] | None = None) -> Iterator[str]:
    """Names (``module.attribute``) that the pickle in ``stream`` would import, in order; nothing of it runs.

    Raises:
        ValueError: as ``instructions``.
    """
    strings: list[str] = []
    memory: dict[int, str] = {}
    for name, argument in instructions(stream, counted):
        if name in _STRINGS:
            strings.append(str(argument))
        elif name in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
            if strings:
                memory[argument if isinstance(argument, int) else len(memory)] = strings[-1]
            elif argument is None:
                memory[len(memory)] = ""
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            strings.append(memory.get(argument if isinstance(argument, int) else 0, ""))
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

    def broken(reason: str) -> ModelFileError:
        return ModelFileError(f"{path.name} is truncated or broken ({reason})", expected="a whole torch file",
                              action="fetch or copy the file again")

    with border(broken), open_regular(path) as stream:
        head = stream.read(8)
        size = stream.seek(0, 2)
        stream.seek(0)
        if head.startswith(_ZIP):
            _check_archive(path, stream, size)
        elif head.startswith(_PICKLE):
            _check_pickles(path, stream, size)
        else:
            raise ModelFileError(f"{path.name} is not a torch file", expected="weights as safetensors or torch")


def open_archive(stream: BinaryIO) -> Archive:
    """A zip archive whose list of parts is short enough to be read.

    Raises:
        ValueError: it promises more than ``MOST_PARTS``.
        zipfile.BadZipFile: it is none.
    """
    size = stream.seek(0, 2)
    start = max(0, size - _TAIL)
    stream.seek(start)
    tail = stream.read(_TAIL)
    place = tail.rfind(b"PK\5\6")
    if place >= 0 and len(tail) >= place + 22:
        listed = _number(tail, place + 12, "<L")
        if place >= 20 and tail[place - 20 : place - 16] == b"PK\6\7":  # the larger kind counts elsewhere
            stream.seek(min(_number(tail, place - 12, "<Q"), size))
            record = stream.read(56)
            if len(record) == 56:
                listed = _number(record, 40, "<Q")
        if listed > _LISTED * MOST_PARTS:
            raise ValueError(f"an archive that lists its parts in {listed:,} bytes")
    stream.seek(0)
    archive = zipfile.ZipFile(stream)
    if len(archive.infolist()) > MOST_PARTS:
        raise ValueError(f"an archive of {len(archive.infolist()):,} parts")
    return archive


def _number(data: bytes, place: int, kind: str) -> int:
    return int(struct.unpack_from(kind, data, place)[0])


def _check_archive(path: Path, stream: BinaryIO, size: int) -> None:
    with open_archive(stream) as archive:
        parts = archive.infolist()
        if any("/code/" in f"/{part.filename}" for part in parts):
            raise ModelFileError(
                f"{path.name} is a TorchScript program: code and weights in one", expected="weights alone",
                action="take them out in Python, where you trust it: "
                       f"torch.save(torch.jit.load('{path.name}').state_dict(), 'weights.pt')",
            )
        promised = sum(part.file_size for part in parts)
        if promised > size + _ROOM:
            raise ModelFileError(
                f"{path.name} would unpack to {promised:,} bytes from {size:,}", expected="a torch file, uncompressed"
            )
        pickles = [part for part in parts if part.filename.endswith(".pkl")]
        if not pickles:
            raise ModelFileError(f"{path.name} is an archive without weights", expected="a torch file")
        if sum(part.file_size for part in pickles) > MAX_PICKLE:
            raise ModelFileError(f"{path.name} lists more than {MAX_PICKLE:,} bytes of names", expected="a torch file")
        counted = itertools.count()
        for part in pickles:
            with archive.open(part) as inner:
                _judge(path, imports_of(inner, counted))


def _check_pickles(path: Path, stream: BinaryIO, size: int) -> None:
    """The old kind of torch file: five pickles, then raw numbers."""
    if size > (8 << 30):
        raise ModelFileError(f"{path.name} is larger than 8 GiB", expected="a torch file of a generator")
    counted = itertools.count()
    for index in range(5):
        if stream.read(1) != _PICKLE:
            if index == 0:
                raise ModelFileError(f"{path.name} is not a torch file", expected="weights as safetensors or torch")
            return
        stream.seek(-1, 1)
        _judge(path, imports_of(stream, counted))


def _judge(path: Path, names: Iterator[str]) -> None:
    for name in names:
        if not is_harmless(name):
            raise UnsafeFileError(
                f"{path.name} tries to import {name} while being opened, which could run code",
                expected="weights only", action="do not open it elsewhere; ask its author for safetensors",
            )
