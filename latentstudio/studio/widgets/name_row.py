"""Names side by side of which one is chosen: what a segmented control and a row of tabs have in common."""

from __future__ import annotations

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QWidget

from latentstudio.studio.theme import app_theme
from latentstudio.studio.widgets.base import RingFocus


class NameRow(RingFocus, QWidget):
    """Keeps the names and the choice; a click or Left and Right change it. A subclass says where the names stand.

    Signals:
        chosen(str): the person chose another.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = app_theme()
        self._names: tuple[str, ...] = ()
        self._current = ""
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)

    @property
    def names(self) -> tuple[str, ...]:
        """All names."""
        return self._names

    @property
    def current(self) -> str:
        """The chosen one."""
        return self._current

    def choose_none(self) -> None:
        """Nothing is chosen, without a signal."""
        self._current = ""
        self.setAccessibleDescription("")
        self.update()

    def set_current(self, name: str) -> None:
        """Choose without a signal; an unknown name changes nothing."""
        if name in self._names and name != self._current:
            self._current = name
            self.setAccessibleDescription(name)
            self.update()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._choose(self._name_at(event.position()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()), 0)
        if not step or not self._names:
            super().keyPressEvent(event)
            return
        at = self._names.index(self._current) if self._current in self._names else (-1 if step > 0 else 1)
        index = at + step
        if 0 <= index < len(self._names):
            self._choose(self._names[index])

    def _take_names(self, names: tuple[str, ...], accessible_name: str) -> None:
        """Other names; the first is chosen unless the present one is among them."""
        current = self._current if self._current in names else (names[0] if names else "")
        if (names, current) == (self._names, self._current):
            return  # said with every picture; nothing needs a new layout
        if names != self._names:
            self.updateGeometry()
        self._names, self._current = names, current
        self.setAccessibleName(accessible_name)
        self.setAccessibleDescription(current)
        self.update()

    def _name_at(self, point: QPointF) -> str:
        """The name at a point of the widget, or an empty text."""
        raise AssertionError(f"{type(self).__name__} does not say where its names stand")

    def _choose(self, name: str) -> None:
        if name and name != self._current:
            self.set_current(name)
            self.chosen.emit(name)
