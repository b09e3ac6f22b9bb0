"""A word in the accent that stands for one of several, and changes by a menu."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QMenu, QWidget

from latentstudio.studio.theme import Role
from latentstudio.studio.widgets.base import Link


class ChoiceLink(Link):
    """Shows the chosen one; a click opens the menu of all, Up and Down take the one before or after.

    Signals:
        chosen(str): the person chose another.
    """

    chosen = Signal(str)

    def __init__(
        self,
        name: str,
        choices: tuple[str, ...] = (),
        *,
        role: Role = "small",
        written: Callable[[str], str] = str,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__("", role=role, parent=parent)
        self._name = name
        self._choices: tuple[str, ...] = ()
        self._current = ""
        self._written = written
        self.menu = QMenu(self)
        self.menu.setAccessibleName(name)
        self.menu.triggered.connect(self._on_triggered)
        self.clicked.connect(self.open_menu)
        self.set_choices(choices)

    @property
    def current(self) -> str:
        """The chosen one."""
        return self._current

    @property
    def choices(self) -> tuple[str, ...]:
        """All of them."""
        return self._choices

    def set_choices(self, choices: tuple[str, ...]) -> None:
        """Other choices; the first is chosen unless the present one is among them."""
        self._choices = choices
        self.menu.clear()
        for choice in choices:
            action = QAction(self._written(choice), self.menu)
            action.setData(choice)
            action.setCheckable(True)
            self.menu.addAction(action)
        self.set_current(self._current if self._current in choices else choices[0] if choices else "")

    def set_current(self, choice: str) -> None:
        """Choose without a signal."""
        self._current = choice
        words = self._written(choice) if choice else ""
        self.setText(words)
        self.setAccessibleName(f"{self._name}: {words}")
        self.setToolTip(self._name)
        for action in self.menu.actions():
            action.setChecked(action.data() == choice)
        self.updateGeometry()
        self.update()

    def set_written(self, written: Callable[[str], str]) -> None:
        """Write the chosen one otherwise; the menu stays as it is."""
        self._written = written
        self.set_current(self._current)

    def open_menu(self) -> None:
        """Show all choices under the word."""
        if self._choices:
            self.menu.popup(self.mapToGlobal(QPoint(0, self.height())))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {Qt.Key.Key_Up: -1, Qt.Key.Key_Down: 1}.get(Qt.Key(event.key()), 0)
        if not step or self._current not in self._choices:
            super().keyPressEvent(event)
            return
        index = self._choices.index(self._current) + step
        if 0 <= index < len(self._choices):
            self._choose(self._choices[index])

    def _on_triggered(self, action: QAction) -> None:
        self._choose(str(action.data()))

    def _choose(self, choice: str) -> None:
        changed = choice != self._current
        self.set_current(choice)
        if changed:
            self.chosen.emit(choice)
