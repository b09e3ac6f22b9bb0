"""How sessions and histories stand in JSON, and the one reader that checks their version first."""

from __future__ import annotations

import base64
import contextlib
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, replace
from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from latentstudio.document.history import HISTORY_LIMIT, THUMBNAIL_SIDE, Entry, History, rebuilt
from latentstudio.document.origin import Origin, origin_before_6
from latentstudio.document.session import MOST_VIEWS, SESSION_VERSION, Session
from latentstudio.document.view import View
from latentstudio.errors import PictureError, StudioError, UsageError
from latentstudio.generators.conditions import LABEL, TRUNCATION
from latentstudio.inversion.photo_store import PhotoPlace
from latentstudio.picture_files import open_picture, picture_size
from latentstudio.readers import Refuse, border, json_from
from latentstudio.scenes.scene import Scene

BytePicture = NDArray[np.uint8]
Record = TypeVar("Record")

MAX_FILE_BYTES = 64 << 20
MAX_ENTRIES = 4 * HISTORY_LIMIT
_INDEX = re.compile(rb'"latent":(\d{1,9})(?=[,}])')


class _CountedHistory(msgspec.Struct):
    entries: list[msgspec.Raw] = []


class _Header(msgspec.Struct):
    format: str = ""
    version: int = 0
    history: _CountedHistory | None = None


class _SessionHeader(msgspec.Struct):
    version: int = 1
    views: list[msgspec.Raw] = []


class _SessionBefore6(msgspec.Struct):
    """The one view of versions 1 to 5, which stood flat in the session; label and truncation had fields of their own.

    A truncation of 1 was written even where nobody had set one.
    """

    model: str
    model_sha256: str
    latent: bytes
    shape: tuple[int, ...]
    space: str = "z"
    seed: int | None = None
    positions: tuple[tuple[str, float], ...] = ()
    label: int | None = None
    truncation: float = 1.0
    kept: tuple[str, ...] = ()
    tuning: str = ""
    photo: PhotoPlace | None = None
    scene: Scene | None = None

    def session(self) -> Session:
        truncation = None if self.truncation == 1.0 else self.truncation
        return Session((View(
            self.model, self.model_sha256, self.latent, self.shape, self.space, self.seed, self.positions,
            ((LABEL, self.label), (TRUNCATION, truncation)), self.kept, self.tuning, self.photo, self.scene,
        ),))


class EntryRecord(msgspec.Struct):
    """One history entry; ``thumbnail`` names or holds its picture, empty where there is none.

    ``origin`` is empty in versions 1 to 5.
    """

    id: int
    parent: int | None
    session: msgspec.Raw
    label: str
    time: float
    thumbnail: str = ""
    origin: str = ""


class HistoryRecord(msgspec.Struct):
    """The undo tree: entries by growing id, where it stands, and (entry, child last visited) pairs.

    ``latents`` holds each latent once; the sessions of the entries, which mostly share a few, have its index.
    """

    entries: list[EntryRecord]
    current: int | None
    latest: list[tuple[int, int]] = []
    latents: list[str] = []


def decode(data: bytes, kind: type[Record], *, format: str, where: str, error: type[StudioError]) -> Record:
    """Read ``data`` as a ``kind`` whose ``format`` field must be this one; unknown fields are passed over.

    Raises:
        error: (the class given) another format, a newer version, broken json, values out of range, or a history of
            more than ``MAX_ENTRIES`` (told before any of them is built).
    """
    with telling(format, where, error):
        header = json_from(data, _Header, _broken(format, where, error))
        if header.format != format:
            raise error(f"{where} is no {format}", expected=f'json with "format": "{format}"')
        _check_version(header.version, where, error)
        if header.history is not None and len(header.history.entries) > MAX_ENTRIES:
            raise error(f"{where} has a history of {len(header.history.entries):,} entries",
                        expected=f"at most {MAX_ENTRIES:,}")
        return json_from(data, kind, _broken(format, where, error))


@contextlib.contextmanager
def telling(format: str, where: str, error: type[StudioError]) -> Iterator[None]:
    """Turns whatever reading a broken file raises into ``error``."""
    try:
        with border(_broken(format, where, error)):
            yield
    except UsageError as problem:
        raise error(f"{where} is broken: {problem.found}", expected=problem.expected) from problem


def _broken(format: str, where: str, error: type[StudioError]) -> Refuse:
    return lambda reason: error(f"{where} is broken ({reason})", expected=f"a {format}")


def _check_version(version: int, where: str, error: type[StudioError]) -> None:
    if version > SESSION_VERSION:
        raise error(f"{where} has version {version}", expected=f"at most {SESSION_VERSION}",
                    action="update latentstudio to open it")


def packed(session: Session) -> msgspec.Raw:
    """A session as it stands in a file."""
    return msgspec.Raw(msgspec.json.encode(session))


def unpacked(record: msgspec.Raw, *, where: str, error: type[StudioError]) -> Session:
    """The session of a file, of this version or an earlier one.

    Raises:
        error: (the class given) broken, of a newer version, or a value out of range.
    """
    kind = "latentstudio session"
    refuse = _broken(kind, where, error)
    with telling(kind, where, error):
        header = json_from(record, _SessionHeader, refuse)
        _check_version(header.version, where, error)
        if header.version < 6:
            return json_from(record, _SessionBefore6, refuse).session()
        if len(header.views) > MOST_VIEWS:
            raise error(f"{where} has a session of {len(header.views):,} views", expected=f"at most {MOST_VIEWS}")
        return replace(json_from(record, Session, refuse), version=SESSION_VERSION)


def fitting(history: History | None, encode: Callable[[History | None], bytes]) -> bytes:
    """What ``encode`` makes of the history; beyond ``MAX_FILE_BYTES``, which no reader opens, its oldest half goes."""
    while len(data := encode(history)) + 1 > MAX_FILE_BYTES and history is not None:
        history = None if len(history) < 2 else history.bounded(len(history) // 2)
    return data


def history_record(history: History, thumbnail: Callable[[int, BytePicture], str]) -> HistoryRecord:
    """The history for a file; ``thumbnail`` turns an entry's id and picture into the text for it."""
    pictures, latents = history.thumbnails, dict[bytes, int]()
    return HistoryRecord(
        entries=[
            EntryRecord(
                entry.id, entry.parent, _shared(entry.session, latents), entry.label, entry.time,
                thumbnail(entry.id, pictures[entry.id]) if entry.id in pictures else "", entry.origin,
            )
            for entry in history.entries
        ],
        current=history.current,
        latest=list(history.latest.items()),
        latents=[base64.b64encode(latent).decode("ascii") for latent in latents],
    )


def _shared(session: Session, latents: dict[bytes, int]) -> msgspec.Raw:
    """As ``packed``, with the index of each latent in its place; new ones are added to ``latents``."""
    views = [
        {**_fields(view), "latent": latents.setdefault(view.latent, len(latents))} for view in session.views
    ]
    return msgspec.Raw(msgspec.json.encode({**_fields(session), "views": views}))


def _fields(value: View | Session) -> dict[str, object]:
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _whole(sessions: Iterable[bytes], latents: list[str], where: str, error: type[StudioError]) -> list[msgspec.Raw]:
    """The sessions with their latents again; the quotes of the name show that it is a key and no text.

    Raises:
        error: (the class given) an index without a latent, or a small file that would unfold to a very large one.
    """
    unfolded: list[msgspec.Raw] = []
    room = 4 * MAX_FILE_BYTES

    def put_back(match: re.Match[bytes]) -> bytes:
        nonlocal room
        index = int(match[1])
        if index >= len(latents):
            raise error(f"{where} is broken: there is no latent {index}", expected="a latentstudio history")
        room -= len(latents[index])
        if room < 0:
            raise error(f"{where} holds far too many latents", expected=f"at most {4 * MAX_FILE_BYTES:,} bytes of them")
        return b'"latent":"%s"' % latents[index].encode()

    for session in sessions:
        unfolded.append(msgspec.Raw(_INDEX.sub(put_back, bytes(session))))
    return unfolded


def history_from(
    record: HistoryRecord, picture: Callable[[str], BytePicture | None], *, where: str, error: type[StudioError]
) -> History:
    """The history of a record; ``picture`` finds what ``thumbnail`` stands for, None where it is lost.

    Raises:
        error: (the class given) the record is no tree, or one of its sessions is broken.
    """
    raws = _whole((entry.session for entry in record.entries), record.latents, where, error)
    sessions = {entry.id: unpacked(raw, where=where, error=error)
                for entry, raw in zip(record.entries, raws, strict=True)}
    pictures = {entry.id: picture(entry.thumbnail) for entry in record.entries if entry.thumbnail}
    with telling("latentstudio history", where, error):
        return rebuilt(
            (Entry(entry.id, entry.parent, sessions[entry.id], entry.label, entry.time, _origin(entry, sessions))
             for entry in record.entries),
            record.current, dict(record.latest),
            {id: found for id, found in pictures.items() if found is not None},
        )


def _origin(entry: EntryRecord, sessions: Mapping[int, Session]) -> Origin:
    if entry.origin in frozenset(Origin):
        return Origin(entry.origin)
    before = None if entry.parent is None else sessions.get(entry.parent)
    return origin_before_6(entry.label, sessions[entry.id].view, None if before is None else before.view)


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

