"""All shortcuts on one sheet, in groups, in columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QGuiApplication, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from latentstudio.studio.theme import app_theme
from latentstudio.studio.widgets.base import paint_ground
from latentstudio.tasks.find_action import ActionRow

_GAP = 6
_BETWEEN = 24
_UNDER_HEADING = 8
_CAP_SIDE = 8
_CAP_RADIUS = 6.0
_BAR = 24


class ShortcutGroup(QWidget):
    """A heading and its actions, each with its shortcut on a cap; painted as one, so that the sheet opens at once."""

    def __init__(self, title: str, rows: Sequence[ActionRow], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = app_theme()
        self._title = title
        self._rows = tuple(rows)
        self.setAccessibleName(title)
        self.setAccessibleDescription(", ".join(f"{row.title} {row.shortcut}" for row in rows))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        words, keys = QFontMetrics(self._theme.font("body")), QFontMetrics(self._theme.font("small"))
        titles = max(words.horizontalAdvance(row.title) for row in self._rows)
        caps = max(keys.horizontalAdvance(row.shortcut) for row in self._rows) + 2 * _CAP_SIDE
        height = self._heading_height() + len(self._rows) * (self._row_height() + _GAP) - _GAP
        return QSize(max(titles + _BETWEEN + caps, self._heading_width()), height)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def _heading_width(self) -> int:
        return QFontMetrics(self._theme.font("heading")).horizontalAdvance(self._title)

    def _heading_height(self) -> int:
        return QFontMetrics(self._theme.font("heading")).height() + _UNDER_HEADING

    def _row_height(self) -> int:
        cap = QFontMetrics(self._theme.font("small")).height() + 8
        return max(cap, QFontMetrics(self._theme.font("body")).height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Heading, titles at the left, caps at the right."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tokens, align = self._theme.tokens, Qt.AlignmentFlag
        painter.setFont(self._theme.font("heading"))
        painter.setPen(tokens.colour("dim"))
        painter.drawText(self.rect(), align.AlignLeft | align.AlignTop, self._title)
        small, height = self._theme.font("small"), self._row_height()
        metrics = QFontMetrics(small)
        for index, row in enumerate(self._rows):
            line = QRectF(0, self._heading_height() + index * (height + _GAP), self.width(), height)
            painter.setFont(self._theme.font("body"))
            painter.setPen(tokens.colour("text"))
            painter.drawText(line, align.AlignLeft | align.AlignVCenter, row.title)
            width = metrics.horizontalAdvance(row.shortcut) + 2 * _CAP_SIDE
            cap = QRectF(line.right() - width, line.top(), width, height)
            paint_ground(painter, cap, tokens.colour("raised"), _CAP_RADIUS)
            painter.setFont(small)
            painter.setPen(tokens.colour("text"))
            painter.drawText(cap, align.AlignCenter, row.shortcut)


class ShortcutSheet(QDialog):
    """A dialog with every action that has a shortcut, grouped by ``row.group`` in the order given. Esc closes it."""

    def __init__(self, rows: tuple[ActionRow, ...], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = app_theme()
        self.setWindowTitle("Shortcuts")
        groups: dict[str, list[ActionRow]] = {}
        for row in rows:
            if row.shortcut:
                groups.setdefault(row.group, []).append(row)
        self.groups = tuple(groups)
        room = _room(parent)
        page = _page(_balanced(groups), groups)
        if page.sizeHint().width() + _BAR > room.width():
            page = _page((self.groups,), groups)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        scroll.setWidget(page)
        scroll.viewport().setAutoFillBackground(False)
        page.setAutoFillBackground(False)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scroll)
        hint = page.sizeHint()
        self.resize(min(hint.width() + _BAR, room.width()), min(hint.height() + 8, room.height()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """F1 closes what F1 opened; Esc too."""
        if event.key() == Qt.Key.Key_F1:
            self.close()
            return
        super().keyPressEvent(event)


def _balanced(groups: dict[str, list[ActionRow]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The groups over two columns of about the same height, in order."""
    total = sum(len(rows) + 2 for rows in groups.values())
    left: list[str] = []
    right: list[str] = []
    used = 0
    for title, rows in groups.items():
        side = left if used < total / 2 else right
        side.append(title)
        used += len(rows) + 2
    return tuple(left), tuple(right)


def _page(columns: Sequence[Sequence[str]], groups: Mapping[str, Sequence[ActionRow]]) -> QWidget:
    """The groups named in each column, under each other."""
    page = QWidget()
    row = QHBoxLayout(page)
    row.setContentsMargins(24, 20, 24, 20)
    row.setSpacing(40)
    for names in columns:
        column = QVBoxLayout()
        column.setSpacing(20)
        for title in names:
            column.addWidget(ShortcutGroup(title, groups[title]))
        column.addStretch(1)
        row.addLayout(column)
    return page


def _room(parent: QWidget | None) -> QSize:
    """How large the sheet may be: a little less than the window that it belongs to, or than the screen."""
    whole = QGuiApplication.primaryScreen().availableSize() if parent is None else parent.window().size()
    return QSize(whole.width() - 80, whole.height() - 80)
