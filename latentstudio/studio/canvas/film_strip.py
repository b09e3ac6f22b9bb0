"""The history as a film strip: one small picture an entry, the current one ringed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QHelpEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QSizePolicy, QToolTip, QWidget

from latentstudio.studio.theme import app_theme
from latentstudio.studio.widgets.thumbnails import paint_thumbnail, thumbnail_of

THUMBNAIL = 56
_GAP = 7
_MARGIN = 4


@dataclass(frozen=True)
class StripEntry:
    """One entry: the history's id, a small uint8 (H, W, 3) picture or None, what was done, whether it is current."""

    id: int
    picture: NDArray[np.uint8] | None
    label: str
    current: bool = False


class FilmStrip(QAbstractScrollArea):
    """The strip.

    Signals:
        chosen(int): the id of the entry that was clicked or reached with the arrow keys.
    """

    chosen = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = app_theme()
        self._entries: tuple[StripEntry, ...] = ()
        self._images: dict[int, tuple[NDArray[np.uint8], QImage]] = {}
        self._current = -1
        self._hover = -1
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFrameShape(QAbstractScrollArea.Shape.NoFrame)
        self.viewport().setMouseTracking(True)
        self.viewport().setAutoFillBackground(False)
        self.setAccessibleName("History")

    @property
    def entries(self) -> tuple[StripEntry, ...]:
        """What is shown."""
        return self._entries

    def set_entries(self, entries: tuple[StripEntry, ...]) -> None:
        """Show these entries; pictures already known are kept, the current one is scrolled into sight."""
        self._entries = entries
        known = self._images
        self._images = {}
        self._current = -1
        for index, entry in enumerate(entries):
            if entry.current:
                self._current = index
            if entry.picture is None:
                continue
            old = known.get(entry.id)
            if old is not None and old[0] is entry.picture:
                self._images[entry.id] = old
            else:
                self._images[entry.id] = (entry.picture, thumbnail_of(entry.picture))
        self._update_range()
        self._scroll_to(self._current)
        self.viewport().update()
        if 0 <= self._current < len(entries):
            self.setAccessibleDescription(entries[self._current].label)

    def sizeHint(self) -> QSize:
        return QSize(320, THUMBNAIL + 2 * _MARGIN)

    def minimumSizeHint(self) -> QSize:
        return QSize(2 * (THUMBNAIL + _GAP), THUMBNAIL + 2 * _MARGIN)

    def image_of(self, entry: int) -> QImage | None:
        """The small picture of an entry's id, made once from its array."""
        known = self._images.get(entry)
        return None if known is None else known[1]

    def area_of(self, index: int) -> QRectF:
        """Where the picture of an entry lies in the viewport."""
        left = _MARGIN + index * (THUMBNAIL + _GAP) - self.horizontalScrollBar().value()
        return QRectF(left, _MARGIN, THUMBNAIL, THUMBNAIL)

    def index_at(self, point: QPoint) -> int:
        """Which entry lies there in the viewport, or -1."""
        index, rest = divmod(point.x() + self.horizontalScrollBar().value() - _MARGIN, THUMBNAIL + _GAP)
        return index if 0 <= index < len(self._entries) and rest < THUMBNAIL else -1

    def _update_range(self) -> None:
        total = 2 * _MARGIN + len(self._entries) * (THUMBNAIL + _GAP) - _GAP
        bar = self.horizontalScrollBar()
        bar.setRange(0, max(0, total - self.viewport().width()))
        bar.setPageStep(self.viewport().width())
        bar.setSingleStep(THUMBNAIL + _GAP)

    def _scroll_to(self, index: int) -> None:
        if index < 0:
            return
        bar = self.horizontalScrollBar()
        left = index * (THUMBNAIL + _GAP)
        right = left + THUMBNAIL + 2 * _MARGIN
        if left < bar.value():
            bar.setValue(left)
        elif right > bar.value() + self.viewport().width():
            bar.setValue(right - self.viewport().width())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        tokens = self._theme.tokens
        if not self._entries:
            painter.setPen(tokens.colour("dim"))
            painter.setFont(self._theme.font("small"))
            painter.drawText(self.viewport().rect(), Qt.AlignmentFlag.AlignVCenter, "What you do appears here.")
            return
        first = max(0, self.horizontalScrollBar().value() // (THUMBNAIL + _GAP))
        count = self.viewport().width() // (THUMBNAIL + _GAP) + 2
        for index in range(first, min(len(self._entries), first + count)):
            area = self.area_of(index)
            known = self._images.get(self._entries[index].id)
            paint_thumbnail(painter, area, known[1] if known else None, tokens)
            if index == self._current:
                self._paint_ring(painter, area)
            elif index == self._hover:
                painter.setPen(QPen(tokens.colour("known"), 1.5))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(area.adjusted(-2, -2, 2, 2), 8, 8)

    def _paint_ring(self, painter: QPainter, area: QRectF) -> None:
        width = 3.0 if self.hasFocus() else 2.0
        painter.setPen(QPen(self._theme.tokens.colour("accent"), width))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(area.adjusted(-3, -3, 3, 3), 8, 8)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._update_range()
        self._scroll_to(self._current)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.index_at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and index >= 0:
            self.chosen.emit(self._entries[index].id)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Light up what is under the mouse."""
        index = self.index_at(event.position().toPoint())
        if index != self._hover:
            self._hover = index
            self.viewport().update()

    def leaveEvent(self, event: QEvent) -> None:
        self._hover = -1
        self.viewport().update()
        super().leaveEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        delta = event.angleDelta().x() or event.angleDelta().y()
        bar = self.horizontalScrollBar()
        bar.setValue(bar.value() - round(delta / 120 * bar.singleStep()))
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and Right, Home and End choose."""
        last = len(self._entries) - 1
        target = {
            Qt.Key.Key_Left: self._current - 1,
            Qt.Key.Key_Right: self._current + 1,
            Qt.Key.Key_Home: 0,
            Qt.Key.Key_End: last,
        }.get(Qt.Key(event.key()))
        if target is None:
            super().keyPressEvent(event)
        elif 0 <= target <= last and target != self._current:
            self.chosen.emit(self._entries[target].id)

    def viewportEvent(self, event: QEvent) -> bool:
        """What was done, as a tool tip."""
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            index = self.index_at(event.pos())
            QToolTip.showText(event.globalPos(), self._entries[index].label if index >= 0 else "")
            return True
        return super().viewportEvent(event)
