"""A photo with the frame that is cut out of it: the inside moves, corners resize, the knob above turns."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImage, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from latentstudio.inversion.frames import LEAST, Frame, Grip, corners_of, dragged, held_in
from latentstudio.studio.canvas.view import image_of
from latentstudio.studio.theme import app_theme
from latentstudio.studio.widgets.base import CARD_RADIUS

GRIP = 14.0
KNOB_AWAY = 22.0
_SHAPES = {"": Qt.CursorShape.ArrowCursor, "move": Qt.CursorShape.SizeAllCursor,
           "size": Qt.CursorShape.SizeFDiagCursor, "turn": Qt.CursorShape.CrossCursor}
_KEYS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}


class PhotoFrame(QWidget):
    """Shows a photo and the frame on it.

    Signals:
        frame_changed(Frame): the frame was let go somewhere else, in pixels of the photo at its full size.
    """

    frame_changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = app_theme()
        self._image = QImage()
        self._shrunk = 1.0
        self._frame: Frame | None = None
        self._grip: Grip = ""
        self._from = (0.0, 0.0)
        self._before: Frame | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Photo with its frame")
        self.setToolTip("Drag the frame; corners resize it, the knob turns it; arrow keys move it by a pixel")

    @property
    def frame(self) -> Frame | None:
        """The frame as it stands, in pixels of the photo."""
        return self._frame

    def set_photo(self, shown: NDArray[np.uint8] | None, shrunk: float, frame: Frame | None) -> None:
        """Show a photo (H, W, 3) that was made smaller by ``shrunk``, and its frame; None shows nothing."""
        self._image = QImage() if shown is None else image_of(shown)
        self._shrunk, self._frame, self._grip = shrunk, frame, ""
        self.setVisible(shown is not None)
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """As wide as the panel, at most as high as wide."""
        width = self._theme.px(380)
        return QSize(width, self.heightForWidth(width))

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        """The photo's height at this width, within reason."""
        if self._image.isNull():
            return 0
        return min(round(width * self._image.height() / self._image.width()), self._theme.px(240))

    def paintEvent(self, event: QPaintEvent) -> None:
        """The photo, darker outside the frame, and the frame with its grips."""
        if self._image.isNull():
            return
        painter, tokens, area = QPainter(self), self._theme.tokens, self._area()
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        rounded = QPainterPath()
        rounded.addRoundedRect(area, CARD_RADIUS, CARD_RADIUS)
        painter.setClipPath(rounded)
        painter.drawImage(area, self._image)
        if self._frame is None:
            return
        corners = [self._to_widget(x, y) for x, y in corners_of(self._frame).tolist()]
        outside = QPainterPath()
        outside.addRect(area)
        outside.addPolygon(QPolygonF([*corners, corners[0]]))
        painter.fillPath(outside, tokens.colour("background", 0.55))
        painter.setPen(QPen(tokens.colour("accent"), 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolygon(QPolygonF(corners))
        painter.setClipping(False)
        knob = self._knob(corners)
        painter.drawLine((corners[0] + corners[1]) / 2, knob)
        painter.setBrush(tokens.colour("accent"))
        for point in (*corners, knob):
            painter.drawEllipse(point, 4.5, 4.5)
        if self.hasFocus():
            painter.setPen(QPen(tokens.colour("accent", 0.6), 1))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(area.adjusted(0.5, 0.5, -0.5, -0.5), CARD_RADIUS, CARD_RADIUS)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._grip = self._grip_at(event.position()) if event.button() == Qt.MouseButton.LeftButton else ""
        self._from, self._before = self._to_photo(event.position()), self._frame

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag it, or tell by the cursor what a press would do."""
        if not self._grip or self._before is None:
            self.setCursor(_SHAPES[self._grip_at(event.position())])
            return
        moved = dragged(self._before, self._grip, self._from, self._to_photo(event.position()))
        self._frame = held_in(moved, *self._photo_size())
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._grip and self._frame != self._before:
            self.frame_changed.emit(self._frame)
        self._grip = ""

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move by a pixel, with Shift by ten; plus and minus resize."""
        frame, step = self._frame, 10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1
        key = Qt.Key(event.key())
        if frame is None or (key not in _KEYS and key not in (Qt.Key.Key_Plus, Qt.Key.Key_Minus)):
            super().keyPressEvent(event)
            return
        dx, dy = _KEYS.get(key, (0, 0))
        larger = {Qt.Key.Key_Plus: 2.0 * step, Qt.Key.Key_Minus: -2.0 * step}.get(key, 0.0)
        moved = Frame(frame.x + dx * step, frame.y + dy * step, max(LEAST, frame.size + larger), frame.angle)
        self._frame = held_in(moved, *self._photo_size())
        self.update()
        self.frame_changed.emit(self._frame)

    def _grip_at(self, point: QPointF) -> Grip:
        if self._frame is None:
            return ""
        corners = [self._to_widget(x, y) for x, y in corners_of(self._frame).tolist()]
        if _away(point, self._knob(corners)) <= GRIP:
            return "turn"
        if any(_away(point, corner) <= GRIP for corner in corners):
            return "size"
        inside = QPolygonF(corners).containsPoint(point, Qt.FillRule.OddEvenFill)
        return "move" if inside else ""

    def _knob(self, corners: list[QPointF]) -> QPointF:
        """Above the middle of the upper edge, or just inside it where there is no room above."""
        middle = (corners[0] + corners[1]) / 2
        inwards = (corners[2] + corners[3]) / 2 - middle
        length = max(math.hypot(inwards.x(), inwards.y()), 1e-6)
        away = middle - inwards * (KNOB_AWAY / length)
        return away if self._area().contains(away) else middle + inwards * (KNOB_AWAY / length)

    def _area(self) -> QRectF:
        """Where the photo is painted: in the middle, as large as it fits."""
        width, height = self._image.width(), self._image.height()
        scale = min(self.width() / width, self.height() / height)
        across, down = width * scale, height * scale
        return QRectF((self.width() - across) / 2, (self.height() - down) / 2, across, down)

    def _photo_size(self) -> tuple[int, int]:
        return round(self._image.width() / self._shrunk), round(self._image.height() / self._shrunk)

    def _scale(self) -> float:
        """Widget pixels per pixel of the photo."""
        return self._area().width() / max(1, self._photo_size()[0])

    def _to_widget(self, x: float, y: float) -> QPointF:
        area, scale = self._area(), self._scale()
        return QPointF(area.left() + (x + 0.5) * scale, area.top() + (y + 0.5) * scale)

    def _to_photo(self, point: QPointF) -> tuple[float, float]:
        area, scale = self._area(), self._scale()
        return (point.x() - area.left()) / scale - 0.5, (point.y() - area.top()) / scale - 0.5


def _away(one: QPointF, other: QPointF) -> float:
    return math.hypot(one.x() - other.x(), one.y() - other.y())
