"""The film strip: the branch of the history that stands, each entry with the picture that was drawn for it."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject

from latentstudio.document.history import History
from latentstudio.engine import Result
from latentstudio.studio.canvas.film_strip import FilmStrip, StripEntry
from latentstudio.studio.desk import Desk
from latentstudio.tasks.draw import Render

SHOWN = 200


class HistoryPresenter(QObject):
    """Keeps the strip equal to the history's path, and gives entries their thumbnails."""

    def __init__(self, desk: Desk, strip: FilmStrip, *, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._strip = strip
        self._last: Render | None = None
        self._asked: set[int] = set()
        desk.workspace.subscribe_history(self._on_history)
        desk.drawn.connect(self._on_drawn)
        strip.chosen.connect(self._on_chosen)

    def _on_drawn(self, drawn: Render) -> None:
        self._last = drawn
        self._attach(self._desk.workspace.history)
        self._request_missing()

    def _request_missing(self) -> None:
        """Draw one entry that newer ones overtook before it had its picture; its answer asks for the next."""
        history = self._desk.workspace.history
        for entry in history.path()[-SHOWN:]:
            opened = self._desk.opened_for(entry.session.view)
            known = entry.id in history.thumbnails or entry.id in self._asked or entry.id == history.current
            if opened is None or known:
                continue
            self._asked.add(entry.id)
            work = partial(opened.draw, entry.session.view)
            self._desk.worker.request("entry", work, partial(self._on_missing, entry.id))
            return

    def _on_missing(self, entry: int, result: Result) -> None:
        if isinstance(result.value, Render) and entry in self._desk.workspace.history:
            self._desk.workspace.attach_thumbnail(entry, result.value.thumbnail)
        self._request_missing()

    def _on_history(self, history: History) -> None:
        self._attach(history)
        self._strip.set_entries(strip_entries(self._desk.workspace.history))

    def _on_chosen(self, entry: int) -> None:
        if entry in self._desk.workspace.history:
            self._desk.workspace.go(entry)

    def _attach(self, history: History) -> None:
        entry, drawn = history.current_entry, self._last
        if entry is None or drawn is None or entry.id in history.thumbnails or entry.session.view != drawn.view:
            return
        self._desk.workspace.attach_thumbnail(entry.id, drawn.thumbnail)


def strip_entries(history: History) -> tuple[StripEntry, ...]:
    """The last ``SHOWN`` entries of the standing branch."""
    return tuple(
        StripEntry(entry.id, history.thumbnails.get(entry.id), entry.label, entry.id == history.current)
        for entry in history.path()[-SHOWN:]
    )
