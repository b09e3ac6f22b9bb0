"""Pictures in columns, each with what several networks make of it below; one or two of them can be chosen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from latentstudio.studio.theme import app_theme
from latentstudio.studio.widgets.base import AsHighAsWide, RingFocus
from latentstudio.studio.widgets.thumbnails import paint_thumbnail, thumbnail_of

COLUMNS = 6
_GAP = 4
_BLOCK_GAP = 14
_LARGEST = 72.0


class VersionGrid(AsHighAsWide, RingFocus, QWidget):
    """Blocks of at most ``COLUMNS`` pictures: originals in the first row, one row for each network.

    A click chooses; with Shift or Ctrl the other end of a way. Left and Right choose the one beside.

    Signals:
        chosen(first, second): indices; ``second`` is -1 while only one is chosen.
    """

    chosen = Signal(int, int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = app_theme()
        self._rows: tuple[tuple[str, tuple[QImage, ...]], ...] = ()
        self.first, self.second = 0, -1
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Pictures and their reconstructions")
        self.setToolTip("Click a picture to choose it; Shift and click chooses another to blend it with")

    @property
    def count(self) -> int:
        """How many pictures stand in it."""
        return len(self._rows[0][1]) if self._rows else 0

    def set_rows(self, rows: Sequence[tuple[str, NDArray[np.uint8]]]) -> None:
        """Rows of (name, uint8 (N, H, W, 3)), all of the same N; the first are the originals. Nothing is emitted."""
        self._rows = tuple((name, tuple(thumbnail_of(picture) for picture in pictures)) for name, pictures in rows)
        self.first = min(self.first, max(0, self.count - 1))
        self.second = self.second if self.second < self.count else -1
        self.setAccessibleDescription(f"{self.count} pictures: {', '.join(name for name, _ in self._rows)}")
        self.fit_height()
        self.update()

    def choose(self, first: int, second: int = -1) -> None:
        """Choose as a person does."""
        self.first, self.second = first, second if second != first else -1
        self.update()
        self.chosen.emit(self.first, self.second)

    def area_of(self, row: int, index: int) -> QRectF:
        """Where a picture lies."""
        side = self._side(self.width())
        block, column = divmod(index, COLUMNS)
        top = block * (len(self._rows) * (side + _GAP) + _BLOCK_GAP) + row * (side + _GAP)
        return QRectF(self._label() + column * (side + _GAP), top, side, side)

    def sizeHint(self) -> QSize:
        return QSize(self._theme.px(380), self.maximumHeight())

    def minimumSizeHint(self) -> QSize:
        return QSize(self._label() + COLUMNS * 28, 40)

    def heightForWidth(self, width: int) -> int:
        blocks = -(-self.count // COLUMNS)
        high = blocks * len(self._rows) * (self._side(width) + _GAP) + max(0, blocks - 1) * _BLOCK_GAP
        return max(1, round(high))

    def _label(self) -> int:
        metrics = QFontMetrics(self._theme.font("small"))
        return max((metrics.horizontalAdvance(name) for name, _ in self._rows), default=0) + 10

    def _side(self, width: int) -> float:
        room = (width - self._label() - _GAP * (COLUMNS - 1)) / COLUMNS
        return min(self._theme.px(round(_LARGEST)), max(20.0, room))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Names at the left, pictures, and a frame around the chosen columns."""
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        tokens = self._theme.tokens
        painter.setFont(self._theme.font("small"))
        for row, (name, images) in enumerate(self._rows):
            for index, image in enumerate(images):
                area = self.area_of(row, index)
                if index % COLUMNS == 0:
                    painter.setPen(tokens.colour("dim"))
                    words = QRectF(0, area.top(), self._label() - 8, area.height())
                    painter.drawText(words, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, name)
                paint_thumbnail(painter, area, image, tokens, 4.0)
        for index, colour in ((self.first, "accent"), (self.second, "good")):
            if 0 <= index < self.count:
                column = self.area_of(0, index).united(self.area_of(len(self._rows) - 1, index))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(tokens.colour(colour), 3.0 if self.ring_shown and colour == "accent" else 2.0))
                painter.drawRoundedRect(column.adjusted(-1, -1, 1, 1), 5, 5)

    def _index_at(self, point: QPointF) -> int:
        for index in range(self.count):
            if self.area_of(0, index).united(self.area_of(len(self._rows) - 1, index)).contains(point):
                return index
        return -1

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self._index_at(event.position())
        if event.button() != Qt.MouseButton.LeftButton or index < 0:
            return
        other = event.modifiers() & (Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier)
        self.choose(*((self.first, index) if other else (index, -1)))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """The hand over what can be chosen."""
        over = self._index_at(event.position()) >= 0
        self.setCursor(Qt.CursorShape.PointingHandCursor if over else Qt.CursorShape.ArrowCursor)

    def leaveEvent(self, event: QEvent) -> None:
        self.unsetCursor()
        super().leaveEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and Right; with Shift the other end of the way."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is None or not self.count:
            super().keyPressEvent(event)
            return
        self._by_keyboard = True
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            start = self.first if self.second < 0 else self.second
            self.choose(self.first, min(self.count - 1, max(0, start + step)))
        else:
            self.choose(min(self.count - 1, max(0, self.first + step)))
