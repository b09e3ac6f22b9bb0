"""What a right click offers: the actions of the table and what can be done with the one thing under the pointer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from latentstudio.studio.factors.card import FactorCard
from latentstudio.studio.shell.commands import Commands
from latentstudio.studio.shell.components import Components
from latentstudio.studio.shell.menus import Menus

Entry = str | tuple[str, Callable[[], object]] | None
"""The id of an action, or words with what they do; None is a line between two groups."""


class ContextMenus(QObject):
    """Gives canvas, samples, history and slider cards their menus; nothing is done here that is not done elsewhere."""

    def __init__(self, parts: Components, menus: Menus, commands: Commands, window: QWidget) -> None:
        super().__init__(window)
        self._parts, self._menus, self._commands, self._window = parts, menus, commands, window
        self.menu: QMenu | None = None
        self._offer(parts.picture_panel.canvas, self.of_canvas)
        self._offer(parts.library_panel.samples.tiles, self.of_sample)
        self._offer(parts.picture_panel.strip, self.of_history)
        self._offer(parts.factors_panel, self.of_card)

    def of_canvas(self, point: QPoint) -> tuple[Entry, ...]:
        """The picture in front."""
        return ("save_picture", "copy_picture", "copy_python", "copy_command", None, "before", "reset_factors", "fit")

    def of_sample(self, point: QPoint) -> tuple[Entry, ...]:
        """One of the samples, or the room beside them."""
        tiles = self._parts.library_panel.samples.tiles
        index = tiles.index_at(point.toPointF())
        if index < 0:
            return ("new_sample", "enter_seed")
        return (("Edit this one", partial(tiles.picked.emit, index)), None, "new_sample", "enter_seed")

    def of_history(self, point: QPoint) -> tuple[Entry, ...]:
        """An entry of the history; what is done with it is done with the picture in front, so it goes there first."""
        strip = self._parts.picture_panel.strip
        index = strip.index_at(point)
        if index < 0:
            return ("undo", "redo")
        entry = strip.entries[index].id
        recipes = ("copy_python", "copy_command", None, "save_picture", "save_session")
        there = ((self._menus.actions[name].text(), partial(self._go, entry, name)) if name else None
                 for name in recipes)
        return (("Go there", partial(self._go, entry)), None, *there)

    def _go(self, entry: int, then: str = "") -> None:
        self._parts.picture_panel.strip.chosen.emit(entry)
        if then:
            self._menus.trigger(then)

    def of_card(self, point: QPoint) -> tuple[Entry, ...]:
        """A slider."""
        panel = self._parts.factors_panel
        inside = (card for card in panel.cards.values() if card.rect().contains(card.mapFrom(panel, point)))
        card = next(inside, None)
        if card is None:
            return ("find_sliders", "learn", "reset_factors")
        self._parts.factors.choose(card.name)
        why: tuple[Entry, ...] = (("What the grade means", partial(self._explain, card)),) if card.grade_why else ()
        return (("Reset", card.slider.reset), ("Type a value", card.type_value), "exact", None,
                ("Rename\N{HORIZONTAL ELLIPSIS}", partial(self._rename, card)), "forget_factor", *why, None,
                "export_strip")

    def _explain(self, card: FactorCard) -> None:
        self._parts.desk.notice("info", card.grade_why)

    def _rename(self, card: FactorCard) -> None:
        self._commands.rename_factor(card.name, card.title)

    def _offer(self, widget: QWidget, entries_at: Callable[[QPoint], tuple[Entry, ...]]) -> None:
        widget.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        widget.customContextMenuRequested.connect(partial(self._on_asked, widget, entries_at))

    def _on_asked(self, widget: QWidget, entries_at: Callable[[QPoint], tuple[Entry, ...]], point: QPoint) -> None:
        if self.menu is not None:
            self.menu.deleteLater()
        self._menus.opening.emit()
        self.menu = self.menu_of(entries_at(point))
        self.menu.popup(widget.mapToGlobal(point))

    def menu_of(self, entries: tuple[Entry, ...]) -> QMenu:
        """The menu with these entries."""
        menu = QMenu(self._window)
        for entry in entries:
            if entry is None:
                menu.addSeparator()
            elif isinstance(entry, str):
                menu.addAction(self._menus.actions[entry])
            else:
                action = QAction(entry[0], menu)
                action.triggered.connect(_said_nothing(entry[1]))
                menu.addAction(action)
        return menu


def _said_nothing(do: Callable[[], object]) -> Callable[[], None]:
    """A slot that takes no check mark."""
    def slot() -> None:
        do()

    return slot
