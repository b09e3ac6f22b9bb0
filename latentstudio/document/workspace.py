"""The workspace: the one place that changes the session."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from latentstudio.document.history import History
from latentstudio.document.origin import Origin
from latentstudio.document.session import Session
from latentstudio.document.view import View

ChangeKind = Literal["preview", "apply", "undo", "redo", "go", "open", "restore"]


@dataclass(frozen=True)
class Change:
    """What the view in front was (None before the first), what it is now, and by which way it got there."""

    old: View | None
    new: View
    kind: ChangeKind


class Workspace:
    """Holds the session that stands and its history, and tells subscribers about every change, in order.

    It belongs to one thread (the window's); everything that it hands out is immutable.
    """

    def __init__(self, view: View | None = None, *, label: str = "start") -> None:
        session = None if view is None else Session((view,))
        self._session = session
        self._history = History() if session is None else History.start(session, label)
        self._subscribers: list[Callable[[Change], None]] = []
        self._history_subscribers: list[Callable[[History], None]] = []
        self._telling: deque[Callable[[], None]] = deque()
        self._is_telling = False

    @property
    def session(self) -> Session | None:
        """The session that stands, previews included; None until the first is opened."""
        return self._session

    @property
    def view(self) -> View | None:
        """The view in front, previews included; None until the first session is opened."""
        return None if self._session is None else self._session.view

    @property
    def history(self) -> History:
        """The undo tree; it does not know previews."""
        return self._history

    @property
    def has_preview(self) -> bool:
        """Whether the session that stands is not in the history yet (a drag is going on)."""
        entry = self._history.current_entry
        return entry is not None and entry.session != self._session

    def subscribe(self, callback: Callable[[Change], None]) -> Callable[[], None]:
        """Call ``callback`` after every change of the session; the returned function ends it."""
        self._subscribers.append(callback)
        return lambda: self._subscribers.remove(callback)

    def subscribe_history(self, callback: Callable[[History], None]) -> Callable[[], None]:
        """Call ``callback`` when the history grew, moved or got a thumbnail; the answer ends it."""
        self._history_subscribers.append(callback)
        return lambda: self._history_subscribers.remove(callback)

    def apply_preview(self, view: View) -> None:
        """Show ``view`` in front live, without an entry in the history."""
        self._set(self._with(view), self._history, "preview")

    def apply(self, view: View, label: str, origin: Origin = Origin.EDIT) -> None:
        """Make ``view`` the one in front, as a new entry named ``label``."""
        session = self._with(view)
        self._set(session, self._history.commit(session, label, origin=origin), "apply")

    def open(
        self, session: Session, label: str, origin: Origin = Origin.FILE, *, history: History | None = None
    ) -> None:
        """Stand at another session, with all its views; what was before stays in the history.

        ``history`` is the one that came with it: it becomes a branch.
        """
        before = self._history if history is None else self._kept().grafted(history)
        self._set(session, before.commit(session, label, origin=origin), "open")

    def _with(self, view: View) -> Session:
        return Session((view,)) if self._session is None else self._session.with_view(view)

    def restore(self, session: Session, history: History | None, label: str = "restored") -> None:
        """Take over a stored session with its history.

        A session at which the history does not stand (a drag was cut short) is added to it as ``label``.
        """
        whole = History.start(session, label) if history is None else history.commit(session, label)
        self._set(session, whole, "restore")

    def rename_models(self, name_of: Callable[[View], str]) -> None:
        """Models are called otherwise now: whatever stands or stood here follows (``Session.renamed``)."""
        if self._session is not None:
            self._set(self._session.renamed(name_of), self._history.renamed(name_of), "restore")

    def undo(self) -> bool:
        """Go one value back; False at the root. A live preview is kept: redo brings it again."""
        return self._move(self._kept().undo(), "undo")

    def redo(self) -> bool:
        """Go one value on, on the latest branch; False at its end."""
        return self._move(self._kept().redo(), "redo")

    def go(self, id: int) -> bool:
        """Stand at history entry ``id``; False when it stands already.

        Raises:
            UnknownNameError: there is no such entry.
        """
        return self._move(self._kept().go(id), "go")

    def attach_thumbnail(self, id: int, array: NDArray[np.uint8]) -> None:
        """Give history entry ``id`` a picture, uint8 (H, W, 3); only the history's subscribers hear of it."""
        if self._session is not None:
            self._set(self._session, self._history.attach_thumbnail(id, array), "preview")

    def _kept(self) -> History:
        """The history with a live preview in it, so that no value is lost by moving about."""
        if self._session is None or not self.has_preview:
            return self._history
        return self._history.commit(self._session, "live")

    def _move(self, history: History, kind: ChangeKind) -> bool:
        entry = history.current_entry
        if entry is None or (history == self._history and entry.session == self._session):
            return False
        self._set(entry.session, history, kind)
        return True

    def _set(self, session: Session, history: History, kind: ChangeKind) -> None:
        old, before = self._session, self._history
        self._session, self._history = session, history
        if history is not before:
            self._telling.append(lambda: self._tell_history(history))
        if session != old or (history is not before and kind != "preview"):
            change = Change(None if old is None else old.view, session.view, kind)
            self._telling.append(lambda: self._tell(change))
        self._drain()

    def _tell_history(self, history: History) -> None:
        for callback in tuple(self._history_subscribers):
            callback(history)

    def _tell(self, change: Change) -> None:
        for callback in tuple(self._subscribers):
            callback(change)

    def _drain(self) -> None:
        # A subscriber may change the session itself: that is told later, so that all hear the same order.
        if self._is_telling:
            return
        self._is_telling = True
        try:
            while self._telling:
                self._telling.popleft()()
        finally:
            self._is_telling = False
            self._telling.clear()
