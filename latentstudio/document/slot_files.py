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
    check_entries,
    decode,
    from_png,
    history_from,
    history_record,
    to_png,
)
from latentstudio.document.session import SESSION_VERSION, Session
from latentstudio.document.session_file import Saved, read_limited
from latentstudio.errors import SessionFileError, UsageError
from latentstudio.files import write_whole

SESSION_FILE = "session.json"
HISTORY_FILE = "history.json"
THUMBNAILS = "thumbnails"
_SESSION_FORMAT = "latentstudio autosave"
_HISTORY_FORMAT = "latentstudio history"


class _SessionPart(msgspec.Struct):
    session: Session
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
    data = msgspec.json.encode(_SessionPart(session, time.time()))
    write_whole(folder / SESSION_FILE, data, durable=durable)


def write_history_part(folder: Path, history: History, *, durable: bool) -> None:
    """Replace the slot's history; only thumbnails that are new are written, those of dropped entries go.

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

    data = msgspec.json.encode(_HistoryPart(history_record(history, keep)))
    write_whole(folder / HISTORY_FILE, data, durable=durable)
    for name in there - named:
        with contextlib.suppress(OSError):
            (pictures / f"{name}.png").unlink()


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
    return Saved(part.session, None, part.written)


def read_history_part(folder: Path) -> History | None:
    """The slot's history with the thumbnails that are still there, or None where there is none.

    Raises:
        SessionFileError: as above.
    """
    path = folder / HISTORY_FILE
    if not path.exists():
        return None
    data = read_limited(path)
    check_entries(data, where=path.name, error=SessionFileError)
    part = decode(data, _HistoryPart, format=_HISTORY_FORMAT, where=path.name, error=SessionFileError)

    def find(name: str) -> NDArray[np.uint8] | None:
        try:
            return from_png((folder / THUMBNAILS / f"{Path(name).name}.png").read_bytes())
        except OSError:
            return None

    try:
        return history_from(part.history, find)
    except UsageError as problem:
        raise SessionFileError(f"{path.name}: {problem.found}", expected=problem.expected) from problem
