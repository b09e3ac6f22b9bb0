"""What a session file brings along: the photos its latents were found for, the tunings its pictures are drawn by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from latentstudio.document.session import Session
from latentstudio.document.view import View
from latentstudio.errors import StudioError, UsageError
from latentstudio.generators.tunings import find_tuning, keep_tuning, tuning_from
from latentstudio.inversion.photo_store import keep_photo, photo_bytes, sha256_of

MOST_ATTACHED_BYTES = 32 << 20
MOST_ATTACHMENTS = 500
PHOTO, TUNING = "photo:", "tuning:"


def gather(sessions: Iterable[Session]) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """What these sessions need, by ``photo:`` or ``tuning:`` and hash, the first sessions first; and what is left out.

    Together at most ``MOST_ATTACHED_BYTES``.
    """
    found: dict[str, bytes] = {}
    notes: dict[str, str] = {}
    held = 0
    for name in dict.fromkeys(name for session in sessions for view in session.views
                              for name in needs(view)):
        try:
            data = _read(name)
        except StudioError as problem:
            notes[name] = problem.sentence
            continue
        if held + len(data) > MOST_ATTACHED_BYTES or len(found) == MOST_ATTACHMENTS:
            notes[name] = f"the {name.replace(':', ' ')[:20]} did not fit into the session file"
            continue
        found[name] = data
        held += len(data)
    return found, tuple(notes.values())


def needs(view: View) -> tuple[str, ...]:
    """Names of the attachments without which this view is not whole."""
    photo = () if view.photo is None else (f"{PHOTO}{view.photo.sha256}",)
    return (*photo, f"{TUNING}{view.tuning}") if view.tuning else photo


def check(attachments: Mapping[str, bytes]) -> None:
    """See that every attachment is what its name says.

    Raises:
        UsageError: one is not, or there are too many.
    """
    if len(attachments) > MOST_ATTACHMENTS:
        raise UsageError(f"{len(attachments):,} attachments", expected=f"at most {MOST_ATTACHMENTS}")
    for name, data in attachments.items():
        kind = next((kind for kind in (PHOTO, TUNING) if name.startswith(kind)), None)
        if kind is None or sha256_of(data) != name.removeprefix(kind):
            raise UsageError(f"the attachment '{name[:40]}'", expected="photo: or tuning: and the SHA-256 of its bytes")


def keep(attachments: Mapping[str, bytes]) -> None:
    """Put what a session file brought along where the program looks for it.

    Raises:
        StorageError: the disk is full or the folder may not be written.
        ModelFileError: a tuning that is none.
    """
    for name, data in attachments.items():
        if name.startswith(PHOTO):
            keep_photo(data)
        else:
            keep_tuning(tuning_from(data))


def _read(name: str) -> bytes:
    if name.startswith(PHOTO):
        return photo_bytes(name.removeprefix(PHOTO))
    return find_tuning(name.removeprefix(TUNING)).data
