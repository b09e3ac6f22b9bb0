"""Slots: one folder for each running window's autosave, held by a lock that ends with the process."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TypeVar

from latentstudio import places
from latentstudio.document.history import History
from latentstudio.document.session_file import Saved
from latentstudio.document.slot_files import HISTORY_FILE, SESSION_FILE, read_history_part, read_session_part
from latentstudio.errors import SessionFileError, StorageError
from latentstudio.files import storage_error

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

Part = TypeVar("Part")

MAX_SLOTS = 64
STARTING = "starting"


@dataclass(frozen=True)
class Recovered:
    """What the last run left (``saved`` is None at the very first start), and a sentence where a part was lost."""

    saved: Saved | None
    notice: str = ""


@dataclass(frozen=True)
class Slot:
    """A claimed slot; it stays ours until ``release`` or the end of the process.

    Attributes:
        number: 0 for the first window, 1 for a second one that runs beside it, and so on.
        folder: where its autosave lies.
    """

    number: int
    folder: Path
    _lock: IO[bytes] = field(repr=False, compare=False)

    @property
    def first(self) -> bool:
        """Whether no other window was running."""
        return self.number == 0

    @property
    def notice(self) -> str:
        """What to tell the user about it; empty for the first window."""
        if self.first:
            return ""
        return f"latentstudio is open already; this window keeps a session of its own (number {self.number + 1})"

    def recover(self) -> Recovered:
        """The session and history of this slot's last run; a broken file is set aside as ``.broken`` and named."""
        session, lost_session = _part(self.folder / SESSION_FILE, lambda: read_session_part(self.folder))
        history, lost_history = _part(self.folder / HISTORY_FILE, lambda: read_history_part(self.folder))
        notice = "; ".join(sentence for sentence in (lost_session, lost_history) if sentence)
        return Recovered(_joined(session, history), notice)

    def begin_start(self) -> bool:
        """Note that the window starts; whether the start before never came to its ``end_start``."""
        mark = self.folder / STARTING
        failed = mark.exists()
        with contextlib.suppress(OSError):
            mark.touch()
        return failed

    def end_start(self) -> None:
        """The window stands and has drawn, or was closed in good order."""
        with contextlib.suppress(OSError):
            (self.folder / STARTING).unlink(missing_ok=True)

    def restore(self) -> Saved | None:
        """``recover().saved``: what the last run left, or None."""
        return self.recover().saved

    def release(self) -> None:
        """Let another window have the slot."""
        self._lock.close()


def claim_slot(root: Path | None = None) -> Slot:
    """The first slot that no running window holds.

    Args:
        root: the folder of the slots; below the user's state folder, if left out.

    Raises:
        StorageError: the folder may not be written, or too many windows are open.
    """
    root = root or places.state_folder() / "sessions"
    for number in range(MAX_SLOTS):
        folder = root / f"slot-{number}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle = open(folder / "lock", "ab")  # noqa: SIM115 - held open as long as the slot is
        except OSError as problem:
            raise storage_error(folder, problem) from problem
        if _locked(handle):
            for half_done in folder.rglob(".*.part"):  # of a process that was killed: nobody else writes here
                with contextlib.suppress(OSError):
                    half_done.unlink()
            return Slot(number, folder, handle)
        handle.close()
    raise StorageError(f"all {MAX_SLOTS} session slots are taken", action="close a window of latentstudio")


def _locked(handle: IO[bytes]) -> bool:
    try:
        if sys.platform == "win32":
            handle.seek(0)
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _part(path: Path, read: Callable[[], Part | None]) -> tuple[Part | None, str]:
    try:
        return read(), ""
    except SessionFileError as problem:
        aside = path.with_name(path.name + ".broken")
        with contextlib.suppress(OSError):
            os.replace(path, aside)
        return None, f"{problem.found}; the autosaved {path.stem} was set aside as {aside}"


def _joined(session: Saved | None, history: History | None) -> Saved | None:
    """The session that was written last; the history alone still tells where it stood."""
    if session is not None:
        return Saved(session.session, history, session.written)
    entry = None if history is None else history.current_entry
    return None if entry is None else Saved(entry.session, history, entry.time)
