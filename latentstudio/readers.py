"""The readers of JSON, TOML and NumPy files, and the one border to whatever reads a foreign file.

Whatever comes from a file is hostile until shown otherwise: its size, nesting and counts are looked at before a parser
sees it, and whatever the parser raises becomes the error of that kind of file. Weights have readers of their own
(``generators/weights.py``, ``pickles.py``, ``graph_session.py``), behind the same border.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, TypeVar

import msgspec
import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from latentstudio.errors import StudioError
from latentstudio.files import open_regular, read_limited

MOST_KEPT = 16 << 20  # bytes of what the program keeps for itself
MOST_TEXT = 256 << 10  # bytes of a TOML file
DEEPEST = 64
MOST_WHOLE = 1 << 64  # beyond it no number of pixels, steps or seeds lies, and arithmetic with fractions fails
MOST_PARTS = 12  # of a dotted key: the parser's work grows with their square
_SHOWN = 160
_TOML = re.compile(
    r'"""(?:[^"\\]|\\.|"(?!""))*+(?:"""|\Z)|' r"'''(?:[^']|'(?!''))*+(?:'''|\Z)|"
    r'"(?:[^"\\\n]|\\.)*+"?|' r"'[^'\n]*+'?|" r"\#[^\n]*+|[\[\]{},=\n.]",
    re.DOTALL,
)
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_LONG = re.compile(rb"[0-9]{20}")
_LONG_WHOLE = re.compile(rb"(?:\A|[:\[,])\s*+(-?[0-9]{20,}+)(?![.eE])")
_OTHER_SIGNS = bytes(sign for sign in range(256) if sign not in b'[]{}"')
_PIECE = 1 << 20
_STEP = np.zeros(256, np.int8)
_STEP[list(b"[{")], _STEP[list(b"]}")] = 1, -1

Refuse = Callable[[str], StudioError]
Found = TypeVar("Found")


@contextlib.contextmanager
def border(refuse: Refuse) -> Iterator[None]:
    """The border to a foreign parser: whatever it raises is raised as ``refuse(reason)``, typed errors as they are."""
    try:
        yield
    except (StudioError, KeyboardInterrupt, GeneratorExit, SystemExit):
        raise
    except BaseException as problem:  # a parser may raise anything; what is written in Rust even panics
        raise refuse(reason_of(problem)) from problem


def reason_of(problem: BaseException) -> str:
    """What a foreign exception says, in one short line."""
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror
    if isinstance(problem, RecursionError):
        return "it is nested too deep"
    if isinstance(problem, MemoryError):
        return "it asks for more memory than there is"
    said = " ".join(str(problem).split())
    return (said if not isinstance(problem, KeyError) else f"it lacks {said}")[:_SHOWN] or type(problem).__name__


def read_file(path: Path, most: int, refuse: Refuse) -> bytes:
    """The bytes of an ordinary file of at most ``most`` bytes; a missing one is raised as it is.

    Raises:
        FileNotFoundError: there is none.
        StudioError: as ``refuse`` makes it: no ordinary file, not to be read, or too large.
    """
    try:
        return read_limited(path, most)
    except FileNotFoundError:
        raise
    except OSError as problem:
        raise refuse(reason_of(problem)) from problem


def json_from(
    data: bytes | str | msgspec.Raw, kind: type[Found], refuse: Refuse, *, lenient: bool = False
) -> Found:
    """The JSON in ``data`` as a ``kind``; ``lenient`` takes NaN and Infinity as well, which Python's json writes.

    Raises:
        StudioError: as ``refuse`` makes it: broken, nested deeper than ``DEEPEST``, a whole number of ``MOST_WHOLE`` or
            more, or no such value.
    """
    with border(refuse):
        raw = data.encode("utf-8") if isinstance(data, str) else bytes(data)
        _check_nesting(raw)
        if _LONG.search(raw):  # it may also lie inside of a string
            _check_wholes([int(found) for found in _LONG_WHOLE.findall(_STRING.sub(b'""', raw))])
        if lenient and (b"NaN" in raw or b"Infinity" in raw):
            return msgspec.convert(json.loads(raw), kind)
        return msgspec.json.decode(raw, type=kind)


def read_json(path: Path, kind: type[Found], refuse: Refuse, *, most: int) -> Found:
    """The JSON in a file; as ``read_file`` and ``json_from``."""
    return json_from(read_file(path, most, refuse), kind, refuse)


def kept_json(path: Path, kind: type[Found]) -> Found | None:
    """As ``read_json``, of what this program keeps for itself and can make again: None where it is missing or broken.
    """
    with contextlib.suppress(StudioError, OSError):
        return json_from(read_file(path, MOST_KEPT, StudioError), kind, StudioError, lenient=True)
    return None


def toml_from(data: bytes, kind: type[Found], refuse: Refuse) -> Found:
    """The TOML in ``data`` as a ``kind``.

    Raises:
        StudioError: as ``refuse`` makes it: broken, too large, nested too deep, keys of very many parts, a whole number
            of ``MOST_WHOLE`` or more, or no such value.
    """
    with border(refuse):
        if len(data) > MOST_TEXT:
            raise ValueError(f"more than {MOST_TEXT:,} bytes")
        _check_toml(data.decode("utf-8"))
        _check_wholes(msgspec.toml.decode(data))
        return msgspec.toml.decode(data, type=kind)


def read_toml(path: Path, kind: type[Found], refuse: Refuse, *, most: int = MOST_TEXT) -> Found:
    """The TOML in a file; as ``read_file`` and ``toml_from``."""
    return toml_from(read_file(path, most, refuse), kind, refuse)


def converted(value: object, kind: type[Found], refuse: Refuse) -> Found:
    """Plain containers as a ``kind``, behind the same border."""
    with border(refuse):
        return msgspec.convert(value, kind)


def as_read_back(value: object) -> object:
    """Plain containers as JSON would bring them back: tuples are lists, keys are texts."""
    return json.loads(json.dumps(value))


def read_npy(path: Path, refuse: Refuse, *, most: int, mapped: bool = False) -> NDArray[np.generic]:
    """The array of a NumPy file (``.npy``) of plain numbers; nothing is allocated that the file does not hold.

    Args:
        most: bytes of the file at most.
        mapped: leave it on the disk and read what is used, when it is used.

    Raises:
        StudioError: as ``refuse`` makes it: missing, broken, too large, or with objects inside.
    """
    with border(refuse), open_regular(path) as stream:
        size = stream.seek(0, 2)
        stream.seek(0)
        if size > most:
            raise ValueError(f"more than {most:,} bytes")
        shape, kind = _npy_header(stream)
        if kind.hasobject or math.prod(shape) * kind.itemsize != size - stream.tell():
            raise ValueError(f"{size:,} bytes are no {kind} of shape {shape}")
        if mapped:
            mapping: NDArray[np.generic] = np.load(path, mmap_mode="r", allow_pickle=False)
            return mapping
        stream.seek(0)
        whole: NDArray[np.generic] = np.load(stream, allow_pickle=False)
        return whole


def _check_wholes(value: object) -> None:
    """Refuse whole numbers out of bounds, at any depth: the value was seen not to be deep."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            _check_wholes(part)
    elif isinstance(value, int) and not -MOST_WHOLE < value < MOST_WHOLE:
        raise ValueError(f"a whole number beyond {MOST_WHOLE:,}")


def _npy_header(stream: BinaryIO) -> tuple[tuple[int, ...], np.dtype[np.generic]]:
    reading = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
    version = npy.read_magic(stream)
    if version not in reading:
        raise ValueError(f"version {version}")
    shape, _, kind = reading[version](stream)
    return shape, kind


def _check_nesting(data: bytes) -> None:
    """Depth of brackets outside of strings, counted a piece at a time."""
    signs = data.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _OTHER_SIGNS)
    depth = quotes = 0
    for start in range(0, len(signs), _PIECE):
        piece = np.frombuffer(signs, np.uint8, count=min(_PIECE, len(signs) - start), offset=start)
        passed = np.cumsum(piece == ord('"'), dtype=np.int32) + (quotes & 1)
        depths = np.cumsum(np.where(passed & 1, 0, _STEP[piece]), dtype=np.int32) + depth
        if int(depths.max()) > DEEPEST:
            raise ValueError(f"nested deeper than {DEEPEST}")
        depth, quotes = int(depths[-1]), int(passed[-1])


def _check_toml(text: str) -> None:
    depth = parts = 0
    for found in _TOML.finditer(text):
        sign = found.group()
        if sign == ".":
            parts += 1
            if parts >= MOST_PARTS:
                raise ValueError(f"a key of more than {MOST_PARTS} parts")
        elif sign in ("[", "{"):
            depth += 1
            if depth > DEEPEST:
                raise ValueError(f"nested deeper than {DEEPEST}")
        elif sign in ("]", "}"):
            depth -= 1
        if sign in ("[", "]", "{", "}", ",", "=", "\n"):
            parts = 0
