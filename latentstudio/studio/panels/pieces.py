"""Small pieces that panels are laid out from."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QWidget

from latentstudio.studio.widgets.base import Elided, Text


def dim(text: str, parent: QWidget) -> Text:
    """One line of secondary words."""
    return Elided(text, role="small", colour="dim", parent=parent)


def words(text: str, parent: QWidget, *, colour: str = "dim") -> Text:
    """A paragraph."""
    label = Text(text, role="body", colour=colour, parent=parent)
    label.setWordWrap(True)
    return label


def line_of(left: QWidget, *rest: QWidget) -> QHBoxLayout:
    """A row: the first widget takes the room at the left, the others stand at the right end."""
    row = QHBoxLayout()
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(12)
    row.addWidget(left)
    row.addStretch(1)
    for widget in rest:
        row.addWidget(widget)
    return row


def indented(widget: QWidget) -> QHBoxLayout:
    """A row that stands where the rows' pictures stand, 8 px in."""
    row = QHBoxLayout()
    row.setContentsMargins(8, 0, 8, 0)
    row.addWidget(widget)
    return row


def scrolling(column: QWidget, parent: QWidget) -> QScrollArea:
    """A frameless area that scrolls the column up and down only."""
    area = QScrollArea(parent)
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.viewport().setAutoFillBackground(False)
    area.setWidget(column)
    column.setAutoFillBackground(False)
    return area
