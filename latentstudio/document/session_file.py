"""The session file, ``.latentstudio``: json with the session that stands and its history with thumbnails."""

from __future__ import annotations

import base64
import binascii
import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from latentstudio import files
from latentstudio.document.attachments import check, gather
from latentstudio.document.history import History
from latentstudio.document.records import (
    MAX_FILE_BYTES,
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
from latentstudio.errors import ChangedOnDiskError, SessionFileError, UsageError
from latentstudio.files import sha256_of, write_whole

SUFFIX = ".latentstudio"
FORMAT = "latentstudio session"


@dataclass(frozen=True)
class Saved:
    """What a session file or the autosave holds; ``written`` is in seconds since the epoch.

    ``attachments`` are the photos and tunings that a session file brought along (``document/attachments.py``);
    ``sha256`` is that of the file it was read from.
    """

    session: Session
    history: History | None = None
    written: float = field(default_factory=time.time)
    attachments: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    sha256: str = ""


@dataclass(frozen=True)
class Written:
    """What a session file is now: its SHA-256; and in ``notes``, sentences, what could not go with it."""

    sha256: str
    notes: tuple[str, ...] = ()


class _File(msgspec.Struct):
    session: msgspec.Raw
    format: str = FORMAT
    version: int = SESSION_VERSION
    written: float = 0.0
    history: HistoryRecord | None = None
    attachments: dict[str, str] = {}


def write_session(path: Path, saved: Saved, *, known: str = "") -> Written:
    """Write a session file, whole or not at all; a history beyond the size limit loses its oldest half.

    The photos and tunings that its pictures need go with it. ``known`` is the SHA-256 of the file as it was when it
    was opened or saved last; empty replaces whatever is there.

    Raises:
        ChangedOnDiskError: the file there is another one than ``known``.
        StorageError: the disk is full or the folder may not be written; an old file is as it was.
    """
    entries = () if saved.history is None else saved.history.entries
    sessions = [saved.session, *(entry.session for entry in reversed(entries))]
    attached, notes = gather(sessions)
    texts = {name: base64.b64encode(value).decode("ascii") for name, value in attached.items()}

    def encode(history: History | None) -> bytes:
        record = None if history is None else history_record(history, _embedded)
        return msgspec.json.encode(
            _File(session=packed(saved.session), written=saved.written, history=record, attachments=texts)
        )

    data = fitting(saved.history, encode) + b"\n"
    if known and path.exists() and sha256_of(path) != known:
        raise ChangedOnDiskError(f"{path.name} was changed by another window or program since it was opened here",
                                 action="save under another name, or replace it")
    write_whole(path, data)
    return Written(hashlib.sha256(data).hexdigest(), notes)


def read_session(path: Path) -> Saved:
    """Read a session file. Fields that this version does not know are passed over.

    Raises:
        SessionFileError: missing, broken, too large, of another kind or of a newer version.
    """
    path = Path(path)
    where, error = path.name, SessionFileError
    data = read_limited(path)
    file = decode(data, _File, format=FORMAT, where=where, error=error)
    session = unpacked(file.session, where=where, error=error)
    history = None if file.history is None else history_from(file.history, _extracted, where=where, error=error)
    return Saved(session, history, file.written, _attached(file, where), hashlib.sha256(data).hexdigest())


def _attached(file: _File, where: str) -> dict[str, bytes]:
    """What came along, still as it is in the file; names and hashes are checked.

    Raises:
        SessionFileError: an attachment that is not what its name says.
    """
    try:
        found = {name: base64.b64decode(text, validate=True) for name, text in file.attachments.items()}
        check(found)
    except (binascii.Error, ValueError, UsageError) as problem:
        raise SessionFileError(f"{where} is broken: what it brings along is not what its name says",
                               expected="photos and tunings under their hashes") from problem
    return found


def read_limited(path: Path) -> bytes:
    """The bytes of a file of at most ``MAX_FILE_BYTES``.

    Raises:
        SessionFileError: missing, a folder, unreadable or too large.
    """
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise SessionFileError(
                f"{path.name} has {size} bytes", expected=f"a session file of at most {MAX_FILE_BYTES} bytes"
            )
        return files.read_limited(path, MAX_FILE_BYTES)
    except OSError as problem:
        raise SessionFileError(
            f"{path.name} cannot be read ({problem.strerror})", expected=f"a session file ({SUFFIX})"
        ) from problem


def _embedded(id: int, picture: NDArray[np.uint8]) -> str:
    return base64.b64encode(to_png(picture)).decode("ascii")


def _extracted(text: str) -> NDArray[np.uint8] | None:
    try:
        return from_png(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return None
