"""Menus, shortcuts and rows for search and sheet, all made from the one table of actions."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenuBar

from latentstudio.studio.shell.actions import ACTIONS, MENUS, Action
from latentstudio.studio.shell.icons import icon
from latentstudio.studio.theme import Theme
from latentstudio.tasks.find_action import ActionRow

HELD = ("before",)


class Menus(QObject):
    """Makes one QAction an entry of the table and calls the handler of its id.

    Signals:
        opening(): a menu is about to be seen; the check marks must be right now.

    Args:
        window: where the shortcuts work.
        handlers: id to method; every id of the table must be there.
    """

    opening = Signal()

    def __init__(self, window: QMainWindow, handlers: Mapping[str, Callable[[], None]], theme: Theme) -> None:
        super().__init__(window)
        self._theme = theme
        self._handlers = dict(handlers)
        self.actions: dict[str, QAction] = {}
        for entry in ACTIONS:
            self.actions[entry.id] = self._build_action(entry, window)
        theme.changed.connect(self._on_theme)
        self._on_theme()

    def fill(self, bar: QMenuBar) -> None:
        """Put all actions into the menus of a bar."""
        for name in MENUS:
            menu = bar.addMenu(name)
            menu.aboutToShow.connect(self.opening)
            for entry in ACTIONS:
                if entry.group != name:
                    continue
                if entry.separated:
                    menu.addSeparator()
                menu.addAction(self.actions[entry.id])

    def trigger(self, name: str) -> None:
        """Do the action of this id, as if its menu entry had been chosen."""
        self._handlers[name]()

    def set_checked(self, states: Mapping[str, bool]) -> None:
        """Put the check marks of checkable actions, by id; nothing is triggered."""
        for name, on in states.items():
            self.actions[name].setChecked(on)

    def rows(self) -> tuple[ActionRow, ...]:
        """All actions for the search and the sheet."""
        return tuple(row_of(entry) for entry in ACTIONS)

    def _build_action(self, entry: Action, window: QMainWindow) -> QAction:
        made = QAction(entry.title, window)
        made.setObjectName(entry.id)
        made.setCheckable(entry.checkable)
        if entry.id in HELD:
            made.setText(f"{entry.title}\t{entry.shortcut}")
        else:
            made.setShortcuts([QKeySequence(keys) for keys in entry.shortcuts])
            made.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        made.triggered.connect(self._on_triggered)
        window.addAction(made)
        return made

    def _on_triggered(self) -> None:
        sender = self.sender()
        if sender is not None:
            self.trigger(sender.objectName())

    def _on_theme(self) -> None:
        for entry in ACTIONS:
            if entry.icon:
                self.actions[entry.id].setIcon(icon(entry.icon, self._theme.tokens.dim))


def row_of(entry: Action) -> ActionRow:
    """The row that search and sheet show for an action."""
    shown = entry.shortcut if entry.id in HELD else QKeySequence(entry.shortcut).toString()
    return ActionRow(entry.id, entry.title, shown, entry.group)
