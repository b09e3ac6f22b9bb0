"""Small pieces that panels are laid out from."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import QMimeData, Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QLayout, QScrollArea, QVBoxLayout, QWidget

from latentstudio.studio.widgets.base import Elided, Text


class Panel(QWidget):
    """A panel that is filled only when somebody looks.

    A dock behind another tab is laid out all the same, and coming to the front shows no widget: so the dock asks
    ``look`` at every change, and a panel that only passes by while the window arranges its tabs says nothing.

    Signals:
        seen(bool): it is on the screen now, or not any more.
    """

    seen = Signal(bool)
    _is_seen = False

    def look_later(self) -> None:
        """Look whether somebody sees this, as soon as the layout has settled."""
        QTimer.singleShot(0, self, self._look)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.look_later()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._look()

    def _look(self) -> None:
        is_seen = self.isVisible() and not self.visibleRegion().isEmpty()
        if is_seen != self._is_seen:
            self._is_seen = is_seen
            self.seen.emit(is_seen)


def local_files(data: QMimeData | None) -> list[Path]:
    """The files of this machine in what is dragged or lies on the clipboard, which may be nothing at all."""
    return [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()] if data is not None else []


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
    return row_of(None, left, None, *rest, spacing=12)


def laid(
    layout: QBoxLayout, items: Iterable[QWidget | QLayout | int | None], *,
    margins: tuple[int, int, int, int] = (0, 0, 0, 0), spacing: int = 0,
) -> None:
    """Fill a layout: widgets and layouts in order, a number is room in pixels, None takes what is left."""
    layout.setContentsMargins(*margins)
    layout.setSpacing(spacing)
    for item in items:
        if item is None:
            layout.addStretch(1)
        elif isinstance(item, int):
            layout.addSpacing(item)
        elif isinstance(item, QWidget):
            layout.addWidget(item)
        else:
            layout.addLayout(item)


def column_of(
    owner: QWidget | None, *items: QWidget | QLayout | int | None,
    margins: tuple[int, int, int, int] = (0, 0, 0, 0), spacing: int = 0,
) -> QVBoxLayout:
    """The items under each other (see ``laid``), in ``owner`` or to be put somewhere."""
    layout = QVBoxLayout() if owner is None else QVBoxLayout(owner)
    laid(layout, items, margins=margins, spacing=spacing)
    return layout


def row_of(
    owner: QWidget | None, *items: QWidget | QLayout | int | None,
    margins: tuple[int, int, int, int] = (0, 0, 0, 0), spacing: int = 8,
) -> QHBoxLayout:
    """The items beside each other (see ``laid``), in ``owner`` or to be put somewhere."""
    layout = QHBoxLayout() if owner is None else QHBoxLayout(owner)
    laid(layout, items, margins=margins, spacing=spacing)
    return layout


def indented(widget: QWidget) -> QHBoxLayout:
    """A row that stands where the rows' pictures stand, 8 px in."""
    return row_of(None, widget, margins=(8, 0, 8, 0))


class Scroller(QScrollArea):
    """A frameless area that scrolls its column up and down only.

    The scroll bar takes its room from the column's right margin: nothing inside changes its width when the bar comes,
    so what is as high as it is wide cannot make it come and go for ever.
    """

    def __init__(self, column: QWidget, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.viewport().setAutoFillBackground(False)
        self.setWidget(column)
        column.setAutoFillBackground(False)
        layout = column.layout()
        self._margin = 0 if layout is None else layout.contentsMargins().right()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The bar came or went, or the panel has another size."""
        super().resizeEvent(event)
        column = self.widget()
        layout = None if column is None else column.layout()
        if layout is None:
            return
        bar = self.verticalScrollBar()
        margins = layout.contentsMargins()
        right = max(0, self._margin - (bar.sizeHint().width() if bar.isVisible() else 0))
        if margins.right() != right:
            margins.setRight(right)
            layout.setContentsMargins(margins)


def scrolling(column: QWidget, parent: QWidget) -> QScrollArea:
    """A frameless area that scrolls the column (its layout ready) up and down only."""
    return Scroller(column, parent)


def fill_panel(panel: QWidget, column: QWidget, foot: QWidget | None = None) -> QScrollArea:
    """Lay a panel out as one column that scrolls; the ``foot`` with what finishes its work is always in sight."""
    area = scrolling(column, panel)
    outer = column_of(panel)
    outer.addWidget(area, 1)
    if foot is not None:
        layout = foot.layout()
        if layout is not None:
            layout.setContentsMargins(16, 8, 16, 12)
        outer.addWidget(foot)
    return area


def foot_of(panel: QWidget, *widgets: QWidget) -> QWidget:
    """A row of buttons for the foot of a panel."""
    foot = QWidget(panel)
    row_of(foot, *widgets, None)
    return foot


def put_on_top(section: QWidget, panel: QWidget) -> None:
    """Make a section the first row of a panel's scrolling column."""
    area = panel.findChild(Scroller, options=Qt.FindChildOption.FindDirectChildrenOnly)
    column = None if area is None else area.widget()
    layout = None if column is None else column.layout()
    assert isinstance(layout, QBoxLayout), "the panel has no scrolling column"
    layout.insertWidget(0, section)
