"""Keeps what happens: every change goes to the autosave, and the last run's session comes back."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from latentstudio.document.autosave import Autosave, Slot
from latentstudio.document.history import History
from latentstudio.document.workspace import Change
from latentstudio.errors import StorageError
from latentstudio.studio.desk import Desk


class AutosavePresenter(QObject):
    """Writes behind the user's back, at most a second late, and says so once when the disk refuses."""

    _troubled = Signal(object)

    def __init__(self, desk: Desk, slot: Slot, *, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._slot = slot
        self._closed = False
        self._troubled.connect(self._on_trouble)
        self._autosave = Autosave(slot.folder, on_problem=self._troubled.emit)
        desk.workspace.subscribe(self._on_change)
        desk.workspace.subscribe_history(self._on_history)

    def restore(self) -> bool:
        """Stand where the last run stood; False where there is nothing to restore."""
        if self._slot.notice:
            self._desk.notice("info", self._slot.notice)
        found = self._slot.recover()
        if found.notice:
            self._desk.notice("info", found.notice)
        if found.saved is None:
            return False
        name_of, history = self._desk.names_here(), found.saved.history
        self._desk.workspace.restore(found.saved.session.renamed(name_of),
                                     None if history is None else history.renamed(name_of))
        return True

    def end_start(self) -> None:
        """The first picture stands: the next start may restore the layout."""
        self._slot.end_start()

    def close(self) -> None:
        """Write what is left and let the slot go; safe to call twice."""
        if not self._closed:
            self._closed = True
            self._autosave.close()
            self._slot.end_start()
            self._slot.release()

    def _on_change(self, change: Change) -> None:
        self._save(None)

    def _on_history(self, history: History) -> None:
        self._save(history)

    def _save(self, history: History | None) -> None:
        session = self._desk.workspace.session
        if session is not None:
            self._autosave.save(session, history)

    def _on_trouble(self, problem: StorageError) -> None:
        self._desk.notice("bad", f"The session is not being saved: {problem.sentence}")
