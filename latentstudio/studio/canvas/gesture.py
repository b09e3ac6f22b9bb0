"""What a factor does to the picture while its slider is in the hand: a dashed frame, an arrow and the value."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFontMetricsF, QPainter, QPainterPath, QPen, QPolygonF

from latentstudio.studio.theme import Theme
from latentstudio.tasks.viewport import Viewport

_FRAME_SHARE = 0.54
_MOVES = {"x": (1.0, 0.0), "y": (0.0, 1.0)}


@dataclass(frozen=True)
class Gesture:
    """A factor in the hand.

    Args:
        factor: what people call it; ``x``, ``y`` and ``scale`` have drawings of their own, all others only the pill.
        t: its position in its unit's natural parameter (picture pixels for x and y, the binary logarithm for scale).
        text: the value as the pill shows it.
    """

    factor: str
    t: float
    text: str


def paint_gesture(painter: QPainter, gesture: Gesture, viewport: Viewport, theme: Theme) -> None:
    """Draw the gesture over the picture of this viewport."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    left, top, width, height = viewport.visible
    painter.setClipRect(QRectF(left, top, width, height))
    middle = QPointF(*viewport.to_window(viewport.columns / 2, viewport.rows / 2))
    if gesture.factor in _MOVES:
        _paint_move(painter, gesture, viewport, theme, middle)
    elif gesture.factor == "scale":
        grown = 2.0**gesture.t
        frame = _paint_frame(painter, viewport, theme, middle, grown)
        _paint_frame(painter, viewport, theme, middle, 1.0, faint=True)
        _paint_pill(painter, gesture.text, theme, frame.center())
    else:
        _paint_pill(painter, gesture.text, theme, QPointF(left + width / 2, top + height - theme.px(36)))
    painter.restore()


def _paint_move(painter: QPainter, gesture: Gesture, viewport: Viewport, theme: Theme, middle: QPointF) -> None:
    step_x, step_y = _MOVES[gesture.factor]
    shift = QPointF(step_x, step_y) * (gesture.t * viewport.scale)
    _paint_frame(painter, viewport, theme, middle + shift, 1.0)
    end = middle + shift
    length = math.hypot(shift.x(), shift.y())
    direction = QPointF(step_x, step_y) * math.copysign(1.0, gesture.t)
    if length >= 4:
        _paint_arrow(painter, theme, middle, end, direction)
    size = pill_size(gesture.text, theme)
    reach = size.width() / 2 if step_x else size.height() / 2
    _paint_pill(painter, gesture.text, theme, end + direction * (theme.px(10) + reach))


def _paint_frame(
    painter: QPainter, viewport: Viewport, theme: Theme, centre: QPointF, grown: float, *, faint: bool = False
) -> QRectF:
    side_x = viewport.columns * viewport.scale * _FRAME_SHARE * grown
    side_y = viewport.rows * viewport.scale * _FRAME_SHARE * 1.16 * grown
    frame = QRectF(centre.x() - side_x / 2, centre.y() - side_y / 2, side_x, side_y)
    pen = QPen(theme.tokens.colour("accent", 0.4 if faint else 1.0), 1.5)
    pen.setDashPattern([4, 2])
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(frame, 18, 18)
    return frame


def _paint_arrow(painter: QPainter, theme: Theme, start: QPointF, end: QPointF, direction: QPointF) -> None:
    pen = QPen(theme.tokens.colour("accent"), 2)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    painter.setPen(pen)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawLine(start, end)
    across = QPointF(-direction.y(), direction.x())
    head = QPolygonF([end - direction * 10 + across * 7, end, end - direction * 10 - across * 7])
    painter.drawPolyline(head)


def pill_size(text: str, theme: Theme) -> QRectF:
    """The pill's size for this text, as a rectangle at the origin."""
    metrics = QFontMetricsF(theme.font("name"))
    return QRectF(0, 0, metrics.horizontalAdvance(text) + theme.px(20), metrics.height() + theme.px(10))


def _paint_pill(painter: QPainter, text: str, theme: Theme, centre: QPointF) -> None:
    size = pill_size(text, theme)
    bounds = painter.clipBoundingRect()
    size.moveCenter(centre)
    margin = 6.0
    size.moveLeft(min(max(size.left(), bounds.left() + margin), bounds.right() - margin - size.width()))
    size.moveTop(min(max(size.top(), bounds.top() + margin), bounds.bottom() - margin - size.height()))
    path = QPainterPath()
    path.addRoundedRect(size, size.height() / 2, size.height() / 2)
    painter.fillPath(path, theme.tokens.colour("accent"))
    painter.setFont(theme.font("name"))
    painter.setPen(theme.tokens.colour("on_accent"))
    painter.drawText(size, Qt.AlignmentFlag.AlignCenter, text)
