"""The search for actions: a few letters, Enter, done."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from latentstudio.studio.theme import app_theme
from latentstudio.studio.widgets.base import Text, paint_ground
from latentstudio.tasks.find_action import ActionRow, best_matches

__all__ = ["ActionRow", "ActionSearch"]

_WIDTH = 480
_ROWS = 9


class _RowDelegate(QStyledItemDelegate):
    """Title at the left, shortcut at the right, the chosen row raised."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = app_theme()

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(100, self._theme.px(32))

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        """One row."""
        row: ActionRow = index.data(Qt.ItemDataRole.UserRole)
        tokens = self._theme.tokens
        area = QRectF(option.rect)
        painter.save()
        if option.state & QStyle.StateFlag.State_Selected:
            paint_ground(painter, area, tokens.colour("track"), 6)
        inner = area.adjusted(12, 0, -12, 0)
        painter.setFont(self._theme.font("body"))
        painter.setPen(tokens.colour("text"))
        painter.drawText(inner, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, row.title)
        painter.setFont(self._theme.font("small"))
        painter.setPen(tokens.colour("dim"))
        painter.drawText(inner, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, row.shortcut)
        painter.restore()


class ActionSearch(QFrame):
    """A card that floats over its window until an action is chosen, Esc is typed or one clicks elsewhere.

    Signals:
        triggered(str): the id of the action that was chosen.
    """

    triggered = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = app_theme()
        self._rows: tuple[ActionRow, ...] = ()
        self.field = QLineEdit()
        self.field.setPlaceholderText("Search actions")
        self.field.setAccessibleName("Search actions")
        self.field.textChanged.connect(self._on_text)
        self.field.installEventFilter(self)
        self.found = QListWidget()
        self.found.setItemDelegate(_RowDelegate(self.found))
        self.found.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.found.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.found.setFrameShape(QFrame.Shape.NoFrame)
        self.found.itemClicked.connect(self._on_item)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 10, 10, 10)
        column.setSpacing(8)
        column.addWidget(self.field)
        column.addWidget(self.found)
        self.nothing = Text("No action has these letters in this order", role="small", colour="dim", parent=self.found)
        self.nothing.move(12, 8)
        self.nothing.hide()
        self.hide()

    @property
    def shown(self) -> tuple[str, ...]:
        """The ids found, best first."""
        rows = (self.found.item(i).data(Qt.ItemDataRole.UserRole) for i in range(self.found.count()))
        return tuple(row.id for row in rows)

    def open_with(self, rows: tuple[ActionRow, ...]) -> None:
        """Open over the parent's upper middle with all actions."""
        self._rows = rows
        self.field.clear()
        self._on_text("")
        count = min(_ROWS, max(1, len(rows)))
        width = self._theme.px(_WIDTH)
        parent = self.parentWidget()
        if parent is not None:
            width = min(width, parent.width() - 32)
            self.move((parent.width() - width) // 2, self._theme.px(52))
        height = self.field.sizeHint().height() + count * self._theme.px(32) + 32
        self.resize(width, height if parent is None else min(height, parent.height() - self._theme.px(64)))
        self.show()
        self.raise_()
        self.field.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _on_text(self, text: str) -> None:
        self.found.clear()
        for row in best_matches(text, self._rows):
            item = QListWidgetItem(row.title)
            item.setData(Qt.ItemDataRole.UserRole, row)
            self.found.addItem(item)
        self.found.setCurrentRow(0)
        self.nothing.setVisible(self.found.count() == 0)

    def _on_item(self, item: QListWidgetItem) -> None:
        self._trigger(item)

    def _trigger(self, item: QListWidgetItem | None) -> None:
        if item is None:
            return
        row: ActionRow = item.data(Qt.ItemDataRole.UserRole)
        self.hide()
        self.triggered.emit(row.id)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Up, Down, Enter and Esc typed in the field; the focus going elsewhere."""
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            return self._on_key(Qt.Key(event.key()))
        if event.type() == QEvent.Type.FocusOut and watched is self.field:
            self.hide()
        return super().eventFilter(watched, event)

    def _on_key(self, key: Qt.Key) -> bool:
        step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: _ROWS, Qt.Key.Key_PageUp: -_ROWS}.get(key)
        if step is not None:
            last = self.found.count() - 1
            self.found.setCurrentRow(max(0, min(last, self.found.currentRow() + step)))
            return True
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._trigger(self.found.currentItem())
            return True
        if key == Qt.Key.Key_Escape:
            self.hide()
            return True
        return False

    def paintEvent(self, event: QPaintEvent) -> None:
        """A raised card with a thin line, since it floats."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tokens = self._theme.tokens
        painter.setPen(tokens.colour("line"))
        painter.setBrush(tokens.colour("raised"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 10, 10)
