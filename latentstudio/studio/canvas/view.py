"""The canvas widget: shows ready uint8 pictures, says when each was really painted, zooms and pans."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from latentstudio.studio.canvas.box_editor import BoxEditor
from latentstudio.studio.canvas.gesture import Gesture, paint_gesture, pill_size
from latentstudio.studio.theme import app_theme
from latentstudio.studio.widgets.base import RingFocus, paint_ground
from latentstudio.tasks.viewport import Viewport

__all__ = ["Canvas", "Gesture"]

RADIUS = 12.0
_WHEEL_NOTCH = 120.0
_ZOOM_A_NOTCH = 1.25
_PAN_STEP = 40.0
_LINE_GRIP = 14.0
_SMOOTHLY, _SMOOTH_SIDE = 4, 512


class Shown:
    """A picture uint8 (H, W, 3) to be painted: pixel by pixel, or enlarged smoothly."""

    def __init__(self, rgb: NDArray[np.uint8]) -> None:
        self._rgb = rgb

    @cached_property
    def plain(self) -> QImage:
        """The pixels themselves."""
        return image_of(self._rgb)

    @cached_property
    def smooth(self) -> QImage:
        """A small picture at four times its size by bicubic interpolation; the painter's bilinear one does the rest.

        Bilinear alone shows a faint cross-hatch at ten times the size; bicubic all the way to the canvas would take
        twenty times as long.
        """
        rows, columns = self._rgb.shape[:2]
        times = min(_SMOOTHLY, _SMOOTH_SIDE // max(rows, columns))
        if times < 2:
            return self.plain
        large = Image.fromarray(self._rgb).resize((times * columns, times * rows), Image.Resampling.BICUBIC)
        return image_of(np.asarray(large))


class Canvas(RingFocus, QWidget):
    """The picture in the middle.

    Signals:
        painted(int): the number given to ``show_picture``, once that picture was really painted.
        zoom_changed(float): logical pixels a picture pixel.
    """

    painted = Signal(int)
    zoom_changed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = app_theme()
        self._picture: Shown | None = None
        self._before: Shown | None = None
        self._number = -1
        self._painted_number = -1
        self._comparing = False
        self._smooth = False
        self._gesture: Gesture | None = None
        self._beside: Shown | None = None
        self._line = 0.5
        self._line_held = False
        self._empty_text = ""
        self._viewport = Viewport()
        self.boxes = BoxEditor(self, self._theme)
        self._grip: QPointF | None = None
        self._space = False
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Picture")

    @property
    def viewport(self) -> Viewport:
        """Where the picture lies now."""
        return self._viewport

    @property
    def number(self) -> int:
        """The number of the picture that was painted last, -1 before the first."""
        return self._painted_number

    @property
    def comparing(self) -> bool:
        """Whether the picture before the edits is shown."""
        return self._comparing

    def sizeHint(self) -> QSize:
        return QSize(560, 560)

    def minimumSizeHint(self) -> QSize:
        """Small enough for a small screen at large text."""
        return QSize(160, 160)

    def show_picture(self, rgb: NDArray[np.uint8], number: int) -> None:
        """Show uint8 (H, W, 3); ``painted(number)`` follows when it is on the screen."""
        self._picture = Shown(rgb)
        self._number = number
        self._set_viewport(self._viewport.showing(rgb.shape[1], rgb.shape[0]))
        self.update()

    def clear(self) -> None:
        """No picture: the empty text is shown."""
        self._picture = None
        self.update()

    def show_before(self, rgb: NDArray[np.uint8] | None) -> None:
        """The picture that ``set_comparing(True)`` shows, uint8 (H, W, 3); None for no such picture."""
        self._before = None if rgb is None else Shown(rgb)
        if self._comparing:
            self.update()

    def set_comparing(self, comparing: bool) -> None:
        """While True the before picture is painted."""
        if comparing != self._comparing:
            self._comparing = comparing
            self.update()

    @property
    def line(self) -> float | None:
        """Where the line between two pictures lies, as a share of the picture's width; None where there is none."""
        return None if self._beside is None else self._line

    def show_beside(self, rgb: NDArray[np.uint8] | None) -> None:
        """Show another picture uint8 (H, W, 3) left of a line that can be dragged; None takes it away."""
        self._beside = None if rgb is None else Shown(rgb)
        self.update()

    def set_smooth(self, smooth: bool) -> None:
        """Smooth magnification, or square pixels."""
        self._smooth = smooth
        self.update()

    def set_empty_text(self, text: str) -> None:
        """What to do while there is no picture ("Drop a photo here")."""
        self._empty_text = text
        self.update()

    def set_gesture(self, gesture: Gesture | None) -> None:
        """Draw a factor's gesture over the picture; None takes it away."""
        if gesture != self._gesture:
            self._gesture = gesture
            self.update()

    def fit(self) -> None:
        """Show the whole picture, as large as it can be."""
        self._set_viewport(self._viewport.fit())

    def zoom_by(self, factor: float, centre: QPointF | None = None) -> None:
        """Zoom about a point of the widget (its middle without one)."""
        at = None if centre is None else (centre.x(), centre.y())
        self._set_viewport(self._viewport.zoom_by(factor, at))

    def _set_viewport(self, viewport: Viewport) -> None:
        old, self._viewport = self._viewport, viewport
        if viewport == old:
            return
        self._update_cursor()
        self.update()
        if viewport.scale != old.scale:
            self.zoom_changed.emit(viewport.scale)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the background, the picture with its rounded corners, the gesture and the focus ring."""
        painter = QPainter(self)
        tokens = self._theme.tokens
        painter.fillRect(self.rect(), tokens.colour("background"))
        shown = self._before if self._comparing and self._before is not None else self._picture
        if shown is None:
            self._paint_empty(painter)
            painter.end()
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self._smooth)
        painter.drawImage(QRectF(*self._viewport.rectangle), self._image(shown))
        if self._beside is not None and not self._comparing:
            self._paint_beside(painter, self._beside)
        if self._gesture is not None and not self._comparing:
            paint_gesture(painter, self._gesture, self._viewport, self._theme)
        self._paint_corners(painter)
        if self._comparing:
            self._paint_mark(painter, "before")
        else:
            self.boxes.paint(painter, self._viewport)
        painter.end()
        if self._number != self._painted_number and not self._comparing:
            self._painted_number = self._number
            self.painted.emit(self._number)

    def _image(self, shown: Shown) -> QImage:
        return shown.smooth if self._smooth and self._viewport.scale > 1 else shown.plain

    def _paint_beside(self, painter: QPainter, beside: Shown) -> None:
        area, x = QRectF(*self._viewport.rectangle), self._line_x()
        painter.save()
        painter.setClipRect(QRectF(area.left(), area.top(), x - area.left(), area.height()))
        painter.drawImage(area, self._image(beside))
        painter.restore()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        visible = QRectF(*self._viewport.visible)
        painter.setPen(QPen(self._theme.tokens.colour("accent"), 2))
        painter.drawLine(QPointF(x, visible.top()), QPointF(x, visible.bottom()))
        painter.setBrush(self._theme.tokens.colour("accent"))
        painter.drawEllipse(QPointF(x, visible.center().y()), 7, 7)

    def _line_x(self) -> float:
        left, _, width, _ = self._viewport.rectangle
        return left + self._line * width

    def _on_line(self, point: QPointF) -> bool:
        return self._beside is not None and abs(point.x() - self._line_x()) <= _LINE_GRIP

    def _paint_mark(self, painter: QPainter, text: str) -> None:
        """What is shown instead of the picture, as a small dark label in its corner."""
        left, top, _, _ = self._viewport.visible
        painter.setFont(self._theme.font("name"))
        area = pill_size(text, self._theme).translated(left + 12, top + 12)
        paint_ground(painter, area, QColor(0, 0, 0, 170), area.height() / 2)
        painter.setPen(QColor(255, 255, 255))
        painter.drawText(area, Qt.AlignmentFlag.AlignCenter, text)

    def _paint_corners(self, painter: QPainter) -> None:
        visible = QRectF(*self._viewport.visible)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        corners = QPainterPath()
        corners.addRect(visible.adjusted(-1, -1, 1, 1))
        corners.addRoundedRect(visible, RADIUS, RADIUS)
        painter.fillPath(corners, self._theme.tokens.colour("background"))
        if self.ring_shown:
            painter.setPen(QPen(self._theme.tokens.colour("accent", 0.7), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(visible.adjusted(0.75, 0.75, -0.75, -0.75), RADIUS, RADIUS)

    def _paint_empty(self, painter: QPainter) -> None:
        side = min(self.width(), self.height())
        area = QRectF((self.width() - side) / 2, (self.height() - side) / 2, side, side)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.tokens.colour("panel"))
        painter.drawRoundedRect(area, RADIUS, RADIUS)
        painter.setPen(self._theme.tokens.colour("dim"))
        painter.setFont(self._theme.font("body"))
        inner = area.adjusted(24, 24, -24, -24)
        painter.drawText(inner, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._empty_text)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the view; a fitted picture stays fitted."""
        super().resizeEvent(event)
        self._set_viewport(self._viewport.resized(self.width(), self.height()))

    def wheelEvent(self, event: QWheelEvent) -> None:
        if self.boxes.wheel(event, self._viewport):
            event.accept()
            return
        notches = event.angleDelta().y() / _WHEEL_NOTCH
        if self._picture is None or not notches:
            event.ignore()
            return
        self.zoom_by(_ZOOM_A_NOTCH**notches, event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take hold of the line between two pictures, or of a picture that is larger than the window."""
        if self.boxes.press(event, self._viewport):
            event.accept()
            return
        if event.button() == Qt.MouseButton.LeftButton and self._on_line(event.position()):
            self._line_held = True
            event.accept()
            return
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton) and self._viewport.zoomed:
            self._grip = event.position()
            self._update_cursor()
            event.accept()
            return
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Move a box, the line, or the picture, while held."""
        if self.boxes.move(event, self._viewport):
            return
        if self._line_held:
            left, _, width, _ = self._viewport.rectangle
            self._line = min(1.0, max(0.0, (event.position().x() - left) / max(1.0, width)))
            self.update()
            return
        if self._grip is None:
            self._update_cursor(event.position())
            return
        moved = event.position() - self._grip
        self._grip = event.position()
        self._set_viewport(self._viewport.panned(moved.x(), moved.y()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.boxes.release()
        self._grip = None
        self._line_held = False
        self._update_cursor()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.fit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Boxes first; then plus and minus zoom, 0 fits, the arrows pan a zoomed picture."""
        if self.boxes.key(event):
            return
        key = event.key()
        pans = {
            Qt.Key.Key_Left: (_PAN_STEP, 0.0),
            Qt.Key.Key_Right: (-_PAN_STEP, 0.0),
            Qt.Key.Key_Up: (0.0, _PAN_STEP),
            Qt.Key.Key_Down: (0.0, -_PAN_STEP),
        }
        if key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom_by(_ZOOM_A_NOTCH)
        elif key == Qt.Key.Key_Minus:
            self.zoom_by(1 / _ZOOM_A_NOTCH)
        elif key == Qt.Key.Key_0:
            self.fit()
        elif key in pans and self._viewport.zoomed:
            self._set_viewport(self._viewport.panned(*pans[Qt.Key(key)]))
        else:
            super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Repaint in the colours of a new theme."""
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self.update()
        super().changeEvent(event)

    def focusNextPrevChild(self, forward: bool) -> bool:
        """Tab goes round the boxes while there are any."""
        return False if self.boxes.active else super().focusNextPrevChild(forward)

    def _update_cursor(self, point: QPointF | None = None) -> None:
        over = None if point is None else self.boxes.cursor_at(point, self._viewport)
        if over is not None:
            self.setCursor(over)
            return
        if not self._viewport.zoomed or self._picture is None:
            self.unsetCursor()
            return
        held = self._grip is not None
        self.setCursor(Qt.CursorShape.ClosedHandCursor if held else Qt.CursorShape.OpenHandCursor)


def image_of(rgb: NDArray[np.uint8]) -> QImage:
    """uint8 (H, W, 3) as a QImage of its own memory in the format that paints fastest."""
    rows, columns = rgb.shape[:2]
    contiguous = np.ascontiguousarray(rgb)
    wrapped = QImage(contiguous.data, columns, rows, 3 * columns, QImage.Format.Format_RGB888)
    return wrapped.convertToFormat(QImage.Format.Format_RGB32)
