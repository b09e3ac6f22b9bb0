"""A factor's calibration as a curve: measured median with its spread, the paper's g, the known range."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from latentstudio.factors.curves import Curves
from latentstudio.studio.theme import app_theme
from latentstudio.studio.widgets.base import CARD_RADIUS, paint_ground
from latentstudio.units import ticks

_SWATCH = 18.0


class CurvePlot(QWidget):
    """The plot, painted by itself so that it costs the window nothing: the effect over the position along the axis."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = app_theme()
        self._curves: Curves | None = None
        self.setMinimumHeight(self._theme.px(150))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Calibration curve")

    @property
    def curves(self) -> Curves | None:
        """What is drawn now."""
        return self._curves

    def set_curves(self, curves: Curves | None) -> None:
        """Draw these; None for an empty plot."""
        self._curves = curves
        self.setToolTip("" if curves is None else _legend_text(curves))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(self._theme.px(440), self._theme.px(220))

    def paintEvent(self, event: QPaintEvent) -> None:
        """A quiet rounded ground, the axes, the curves; what to do while there is no curve."""
        painter = QPainter(self)
        tokens = self._theme.tokens
        paint_ground(painter, QRectF(self.rect()), tokens.colour("background"), CARD_RADIUS)
        painter.setFont(self._theme.font("small"))
        if self._curves is None or np.size(self._curves.position) < 2:
            painter.setPen(tokens.colour("dim"))
            words = self.rect().adjusted(16, 16, -16, -16)
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(words, flags, "Click a slider to see how it was measured.")
            return
        frame = _Frame.around(self._curves, self._area(painter.fontMetrics()))
        self._paint_axes(painter, frame, self._curves)
        self._paint_legend(painter, self._curves)
        self._paint_curves(painter, frame, self._curves)

    def _paint_legend(self, painter: QPainter, curves: Curves) -> None:
        """Swatches at the top right, as many as there is room for beside the words at the left."""
        tokens, metrics = self._theme.tokens, painter.fontMetrics()
        entries = [("median", QPen(tokens.colour("accent"), 2)), ("spread", None)]
        if np.size(curves.paper):
            entries.append(("learned g", QPen(tokens.colour("dim"), 1.5, Qt.PenStyle.DashLine)))
        middle, right = 8 + metrics.ascent() - metrics.xHeight() / 2, self.width() - 16.0
        least = 32.0 + metrics.horizontalAdvance(f"effect in {curves.unit}")
        for name, pen in reversed(entries):
            left = right - metrics.horizontalAdvance(name) - _SWATCH - 6
            if left < least:
                return
            if pen is None:
                painter.fillRect(QRectF(left, middle - 4, _SWATCH, 8), tokens.colour("accent", 0.3))
            else:
                painter.setPen(pen)
                painter.drawLine(QPointF(left, middle), QPointF(left + _SWATCH, middle))
            painter.setPen(tokens.colour("dim"))
            painter.drawText(QPointF(left + _SWATCH + 6, 8 + metrics.ascent()), name)
            right = left - 14

    def _area(self, metrics: QFontMetrics) -> QRectF:
        left, line = metrics.horizontalAdvance("\N{MINUS SIGN}00.00") + 16, metrics.height()
        return QRectF(self.rect()).adjusted(left, 16 + line, -16, -(16 + 2 * line))

    def _paint_axes(self, painter: QPainter, frame: _Frame, curves: Curves) -> None:
        tokens, area, line = self._theme.tokens, frame.area, painter.fontMetrics().height()
        dim, quiet = tokens.colour("dim"), QPen(tokens.colour("line"), 1)
        if curves.known is not None:
            low, high = (frame.at(p, 0.0).x() for p in curves.known)
            painter.fillRect(QRectF(low, area.top(), high - low, area.height()), tokens.colour("known", 0.22))
        align = Qt.AlignmentFlag
        right, centre, middle = align.AlignRight, align.AlignHCenter, align.AlignVCenter
        for value in ticks(frame.bottom, frame.top, 5):
            y = frame.at(0.0, value).y()
            painter.setPen(quiet)
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(dim)
            painter.drawText(QRectF(0, y - line, area.left() - 8, 2 * line), right | middle, _written(value))
        painter.setPen(dim)
        for value in ticks(frame.left, frame.right, 6):
            x = frame.at(value, 0.0).x()
            painter.drawText(QRectF(x - 40, area.bottom() + 4, 80, line), centre | middle, _written(value))
        painter.drawText(QPointF(16, 8 + painter.fontMetrics().ascent()), f"effect in {curves.unit}")
        under = QRectF(area.left(), area.bottom() + 6 + line, area.width(), line)
        painter.drawText(under, centre | middle, "position along the axis, in units of z")

    def _paint_curves(self, painter: QPainter, frame: _Frame, curves: Curves) -> None:
        tokens = self._theme.tokens
        painter.setClipRect(frame.area)
        low, high = frame.line(curves.position, curves.low), frame.line(curves.position, curves.high)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tokens.colour("accent", 0.16))
        painter.drawPolygon(QPolygonF([*low, *reversed(high)]))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if np.size(curves.paper):
            painter.setPen(QPen(tokens.colour("dim"), 1.5, Qt.PenStyle.DashLine))
            painter.drawPolyline(QPolygonF(frame.line(curves.paper_position, curves.paper)))
        painter.setPen(QPen(tokens.colour("accent"), 2))
        painter.drawPolyline(QPolygonF(frame.line(curves.position, curves.median)))


@dataclass(frozen=True)
class _Frame:
    """Where positions and effects lie in the widget."""

    area: QRectF
    left: float
    right: float
    bottom: float
    top: float

    @classmethod
    def around(cls, curves: Curves, area: QRectF) -> _Frame:
        """Room for every measured position and for the band around the median."""
        position = np.asarray(curves.position, dtype=np.float64)
        effects = np.concatenate([np.asarray(curves.low, np.float64), np.asarray(curves.high, np.float64)])
        finite = effects[np.isfinite(effects)]
        low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
        left, right = float(position.min()), float(position.max())
        return cls(area, left, max(right, left + 1e-6), low, max(high, low + 1e-6))

    def at(self, position: float, effect: float) -> QPointF:
        """The point of the widget for a position and its effect."""
        x = (position - self.left) / (self.right - self.left)
        y = (effect - self.bottom) / (self.top - self.bottom)
        return QPointF(self.area.left() + x * self.area.width(), self.area.bottom() - y * self.area.height())

    def line(self, positions: ArrayLike, effects: ArrayLike) -> list[QPointF]:
        """The points of a curve; values that are not finite are left out."""
        pairs = zip(np.asarray(positions, np.float64), np.asarray(effects, np.float64), strict=True)
        return [self.at(float(p), float(t)) for p, t in pairs if np.isfinite(p) and np.isfinite(t)]


def _written(value: float) -> str:
    return f"{value:g}".replace("-", "\N{MINUS SIGN}")


def _legend_text(curves: Curves) -> str:
    parts = ["line: measured median", "band: spread"]
    if np.size(curves.paper):
        parts.append("dashed: learned g")
    if curves.known is not None:
        parts.append("shaded: known range")
    return curves.title or "   ".join(parts)
