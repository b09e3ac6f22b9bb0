"""Autosave: keeps the session and its history on disk while people work, at most a second behind."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from latentstudio.document.history import History
from latentstudio.document.session import Session
from latentstudio.document.slot_files import write_history_part, write_session_part
from latentstudio.document.slots import Recovered, Slot, claim_slot
from latentstudio.errors import StorageError

__all__ = ["Autosave", "Recovered", "Slot", "claim_slot"]

INTERVAL = 0.25
RETRY = 1.0


class Autosave:
    """Writes the newest session and history of one window, in a thread of its own.

    The session is written apart from the history, so that a drag writes a few hundred bytes four times a second. While
    people work, files are replaced whole but not forced to the platter: that outlives a killed process; ``close``
    forces them, which outlives a power cut.

    Args:
        folder: the slot's folder.
        on_problem: called in the writer's thread, once for each spell in which nothing can be written.
        interval: shortest time between two writes, in seconds.
    """

    def __init__(
        self, folder: Path, *, on_problem: Callable[[StorageError], None] | None = None, interval: float = INTERVAL
    ) -> None:
        self._folder = folder
        self._on_problem = on_problem
        self._interval = interval
        self._changed = threading.Condition()
        self._wanted: tuple[Session | None, History | None] = (None, None)
        self._written: tuple[Session | None, History | None] = (None, None)
        self._closing = False
        self._in_trouble = False
        self._thread = threading.Thread(target=self._run, name="autosave", daemon=True)
        self._thread.start()

    def save(self, session: Session, history: History | None = None) -> None:
        """Have this written soon; returns at once. ``history`` None leaves the stored history as it is."""
        with self._changed:
            self._wanted = (session, self._wanted[1] if history is None else history)
            self._changed.notify_all()

    def flush(self, timeout: float = 5.0) -> bool:
        """Wait until the newest state is on disk; False when that took longer or cannot be done."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._is_behind(), timeout)

    def close(self, timeout: float = 5.0) -> bool:
        """Write what is left, force it to the disk and end the thread; False when something could not be written."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(timeout)
        return not self._thread.is_alive() and not self._is_behind()

    def _is_behind(self) -> bool:
        return any(new is not old for new, old in zip(self._wanted, self._written, strict=True))

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closing or self._is_behind())
                last, (session, history), done = self._closing, self._wanted, self._written
            written = self._write(session, history, (None, None) if last else done, durable=last)
            with self._changed:
                self._written = written
                self._changed.notify_all()
                if last:
                    return
                pause = RETRY if self._in_trouble else self._interval
                self._changed.wait_for(lambda: self._closing, pause)

    def _write(
        self, session: Session | None, history: History | None, done: tuple[Session | None, History | None],
        *, durable: bool,
    ) -> tuple[Session | None, History | None]:
        """Write what differs from ``done``; returns what is on disk afterwards."""
        try:
            if session is not None and session is not done[0]:
                write_session_part(self._folder, session, durable=durable)
                done = (session, done[1])
            if history is not None and history is not done[1]:
                write_history_part(self._folder, history, durable=durable)
                done = (done[0], history)
        except StorageError as problem:
            if not self._in_trouble and self._on_problem is not None:
                self._on_problem(problem)
            self._in_trouble = True
        else:
            self._in_trouble = False
        return done
