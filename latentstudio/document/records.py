"""How sessions and histories stand in JSON, and the one reader that checks their version first."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from latentstudio.document.history import HISTORY_LIMIT, THUMBNAIL_SIDE, Entry, History, rebuilt
from latentstudio.document.session import SESSION_VERSION, Session
from latentstudio.errors import PictureError, StudioError
from latentstudio.picture_files import open_picture, picture_size

BytePicture = NDArray[np.uint8]
Record = TypeVar("Record")

MAX_FILE_BYTES = 64 << 20
MAX_ENTRIES = 4 * HISTORY_LIMIT
_DAMAGE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Header(msgspec.Struct):
    format: str = ""
    version: int = 0


class _CountedHistory(msgspec.Struct):
    entries: list[msgspec.Raw] = []


class _Counted(msgspec.Struct):
    history: _CountedHistory | None = None


class EntryRecord(msgspec.Struct):
    """One history entry; ``thumbnail`` names or holds its picture, empty where there is none."""

    id: int
    parent: int | None
    session: Session
    label: str
    time: float
    thumbnail: str = ""


class HistoryRecord(msgspec.Struct):
    """The undo tree: entries by growing id, where it stands, and (entry, child last visited) pairs."""

    entries: list[EntryRecord]
    current: int | None
    latest: list[tuple[int, int]] = []


def decode(data: bytes, kind: type[Record], *, format: str, where: str, error: type[StudioError]) -> Record:
    """Read ``data`` as a ``kind`` whose ``format`` field must be this one; unknown fields are passed over.

    Raises:
        error: (the class given) another format, a newer version, broken json, or values out of range.
    """
    try:
        header = msgspec.json.decode(data, type=_Header)
    except _DAMAGE as problem:
        raise error(f"{where} is broken ({_short(problem)})", expected=f"a {format}") from problem
    if header.format != format:
        raise error(f"{where} is no {format}", expected=f'json with "format": "{format}"')
    if header.version > SESSION_VERSION:
        raise error(
            f"{where} has version {header.version}", expected=f"at most {SESSION_VERSION}",
            action="update latentstudio to open it",
        )
    try:
        return msgspec.json.decode(data, type=kind)
    except _DAMAGE as problem:
        raise error(f"{where} is broken ({_short(problem)})", expected=f"a {format}") from problem
    except StudioError as problem:
        raise error(f"{where} is broken: {problem.found}", expected=problem.expected) from problem


def check_entries(data: bytes, *, where: str, error: type[StudioError]) -> None:
    """Refuse a history of very many entries before any of them is built; broken json is left to ``decode``.

    Raises:
        error: (the class given) more than ``MAX_ENTRIES``.
    """
    try:
        history = msgspec.json.decode(data, type=_Counted).history
    except _DAMAGE:
        return
    if history is not None and len(history.entries) > MAX_ENTRIES:
        raise error(f"{where} has a history of {len(history.entries):,} entries", expected=f"at most {MAX_ENTRIES:,}")


def history_record(history: History, thumbnail: Callable[[int, BytePicture], str]) -> HistoryRecord:
    """The history for a file; ``thumbnail`` turns an entry's id and picture into the text for it."""
    pictures = history.thumbnails
    return HistoryRecord(
        entries=[
            EntryRecord(
                entry.id, entry.parent, entry.session, entry.label, entry.time,
                thumbnail(entry.id, pictures[entry.id]) if entry.id in pictures else "",
            )
            for entry in history.entries
        ],
        current=history.current,
        latest=list(history.latest.items()),
    )


def history_from(record: HistoryRecord, picture: Callable[[str], BytePicture | None]) -> History:
    """The history of a record; ``picture`` finds what ``thumbnail`` stands for, None where it is lost.

    Raises:
        UsageError: the record is no tree.
    """
    pictures = {entry.id: picture(entry.thumbnail) for entry in record.entries if entry.thumbnail}
    return rebuilt(
        (Entry(entry.id, entry.parent, entry.session, entry.label, entry.time) for entry in record.entries),
        record.current, dict(record.latest),
        {id: found for id, found in pictures.items() if found is not None},
    )


def to_png(picture: BytePicture) -> bytes:
    """A thumbnail, uint8 (H, W, 3), as PNG."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, format="PNG", compress_level=3)
    return stream.getvalue()


def from_png(data: bytes) -> BytePicture | None:
    """The thumbnail of a PNG as uint8 (H, W, 3); None when it is broken or too large to be one."""
    try:
        if max(picture_size(data)) > THUMBNAIL_SIDE:
            return None
        return open_picture(data).pixels
    except PictureError:
        return None


def _short(problem: Exception) -> str:
    return " ".join(str(problem).split())[:160]
