"""The files of a slot: the session (small, written while a hand drags), the history, a PNG for each thumbnail."""

from __future__ import annotations

import contextlib
import hashlib
import time
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from latentstudio.document.history import History
from latentstudio.document.records import (
    HistoryRecord,
    decode,
    fitting,
    from_png,
    history_from,
    history_record,
    packed,
    to_png,
    unpacked,
)
from latentstudio.document.session import SESSION_VERSION, Session
from latentstudio.document.session_file import Saved, read_limited
from latentstudio.errors import SessionFileError
from latentstudio.files import write_whole

SESSION_FILE = "session.json"
HISTORY_FILE = "history.json"
THUMBNAILS = "thumbnails"
_SESSION_FORMAT = "latentstudio autosave"
_HISTORY_FORMAT = "latentstudio history"


class _SessionPart(msgspec.Struct):
    session: msgspec.Raw
    written: float
    format: str = _SESSION_FORMAT
    version: int = SESSION_VERSION


class _HistoryPart(msgspec.Struct):
    history: HistoryRecord
    format: str = _HISTORY_FORMAT
    version: int = SESSION_VERSION


def write_session_part(folder: Path, session: Session, *, durable: bool) -> None:
    """Replace the slot's session.

    Raises:
        StorageError: the disk is full or the folder may not be written; the old file is as it was.
    """
    data = msgspec.json.encode(_SessionPart(packed(session), time.time()))
    write_whole(folder / SESSION_FILE, data, durable=durable)


def write_history_part(folder: Path, history: History, *, durable: bool) -> None:
    """Replace the slot's history; only thumbnails that are new are written, those of dropped entries go.

    A history beyond the size limit loses its oldest half.

    Raises:
        StorageError: as above.
    """
    pictures = folder / THUMBNAILS
    there = {path.stem for path in pictures.glob("*.png")}
    named: set[str] = set()

    def keep(id: int, picture: NDArray[np.uint8]) -> str:
        name = hashlib.sha256(repr(picture.shape).encode() + picture.tobytes()).hexdigest()[:32]
        if name not in there and name not in named:
            write_whole(pictures / f"{name}.png", to_png(picture), durable=False)
        named.add(name)
        return name

    def encode(kept: History | None) -> bytes:
        named.clear()
        return msgspec.json.encode(_HistoryPart(history_record(kept or History(), keep)))

    write_whole(folder / HISTORY_FILE, fitting(history, encode), durable=durable)
    for path in pictures.glob("*.png"):
        if path.stem not in named:
            with contextlib.suppress(OSError):
                path.unlink()


def read_session_part(folder: Path) -> Saved | None:
    """The slot's session, or None where there is none.

    Raises:
        SessionFileError: the file is broken or of a newer version.
    """
    path = folder / SESSION_FILE
    if not path.exists():
        return None
    part = decode(
        read_limited(path), _SessionPart, format=_SESSION_FORMAT, where=path.name, error=SessionFileError
    )
    return Saved(unpacked(part.session, where=path.name, error=SessionFileError), None, part.written)


def read_history_part(folder: Path) -> History | None:
    """The slot's history with the thumbnails that are still there, or None where there is none.

    Raises:
        SessionFileError: as above.
    """
    path = folder / HISTORY_FILE
    if not path.exists():
        return None
    part = decode(read_limited(path), _HistoryPart, format=_HISTORY_FORMAT, where=path.name, error=SessionFileError)

    def find(name: str) -> NDArray[np.uint8] | None:
        try:
            return from_png((folder / THUMBNAILS / f"{Path(name).name}.png").read_bytes())
        except OSError:
            return None

    return history_from(part.history, find, where=path.name, error=SessionFileError)
