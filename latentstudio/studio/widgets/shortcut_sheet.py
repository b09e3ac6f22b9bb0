"""All shortcuts on one sheet, in groups, in columns."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from latentstudio.studio.theme import app_theme
from latentstudio.studio.widgets.base import Heading, Text
from latentstudio.studio.widgets.fuzzy import ActionRow


class KeyCap(QWidget):
    """A shortcut on a small raised cap."""

    def __init__(self, keys: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = app_theme()
        self._keys = keys
        self.setAccessibleName(keys)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """The words with air."""
        metrics = QFontMetrics(self._theme.font("small"))
        return QSize(metrics.horizontalAdvance(self._keys) + 16, metrics.height() + 8)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The cap."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tokens = self._theme.tokens
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tokens.colour("raised"))
        painter.drawRoundedRect(QRectF(self.rect()), 6, 6)
        painter.setFont(self._theme.font("small"))
        painter.setPen(tokens.colour("text"))
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, self._keys)


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
        columns = QHBoxLayout()
        columns.setSpacing(40)
        for chunk in _balanced(groups):
            column = QVBoxLayout()
            column.setSpacing(20)
            for title in chunk:
                column.addLayout(_group(title, groups[title]))
            column.addStretch(1)
            columns.addLayout(column)
        page = QWidget()
        page.setLayout(columns)
        columns.setContentsMargins(24, 20, 24, 20)
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
        self.resize(min(hint.width() + 24, 1100), min(hint.height() + 8, 640))

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


def _group(title: str, rows: list[ActionRow]) -> QVBoxLayout:
    column = QVBoxLayout()
    column.setSpacing(8)
    column.addWidget(Heading(title))
    grid = QGridLayout()
    grid.setHorizontalSpacing(24)
    grid.setVerticalSpacing(6)
    grid.setColumnStretch(0, 1)
    for index, row in enumerate(rows):
        grid.addWidget(Text(row.title), index, 0)
        grid.addWidget(KeyCap(row.shortcut), index, 1, Qt.AlignmentFlag.AlignRight)
    column.addLayout(grid)
    return column
