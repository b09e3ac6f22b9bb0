"""Small plots that paint themselves: the loss while it falls, a fit's scatter, errors with their cut, an axis."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from latentstudio.studio.theme import app_theme
from latentstudio.studio.widgets.base import CARD_RADIUS, paint_ground
from latentstudio.units import log_ticks

_NOTHING: NDArray[np.float64] = np.zeros(0)
_POINTS = 600
_BINS = 24


class SmallPlot(QWidget):
    """A quiet ground with a title above and words under the picture; a subclass draws inside."""

    def __init__(self, title: str, *, height: int = 120, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = app_theme()
        self._title = title
        self._under = ""
        self._height = height
        self.setMinimumHeight(self._theme.px(height))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(title)

    def sizeHint(self) -> QSize:
        return QSize(self._theme.px(180), self._theme.px(self._height))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Ground, words, and what the subclass draws."""
        painter = QPainter(self)
        paint_ground(painter, QRectF(self.rect()), self._theme.tokens.colour("background"), CARD_RADIUS)
        painter.setFont(self._theme.font("small"))
        painter.setPen(self._theme.tokens.colour("dim"))
        metrics = painter.fontMetrics()
        room = self.width() - 24
        title = metrics.elidedText(self._title, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QPointF(12, 8 + metrics.ascent()), title)
        area = QRectF(self.rect()).adjusted(12, 14 + metrics.height(), -12, -12)
        if self._under:
            under = metrics.elidedText(self._under, Qt.TextElideMode.ElideRight, room)
            painter.drawText(QPointF(12, self.height() - 8 - metrics.descent()), under)
            area.setBottom(area.bottom() - metrics.height())
        if area.width() > 8 and area.height() > 8:
            self._draw(painter, area)

    def _draw(self, painter: QPainter, area: QRectF) -> None:
        raise AssertionError(f"{type(self).__name__} does not draw anything")


class LossPlot(SmallPlot):
    """The loss over the steps on a logarithmic scale."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Reconstruction error, log scale", height=110, parent=parent)
        self._losses: NDArray[np.float64] = _NOTHING

    @property
    def count(self) -> int:
        """How many losses are drawn."""
        return len(self._losses)

    def set_losses(self, losses: Sequence[float], *, title: str = "", counted: str = "steps") -> None:
        """Draw these in order; what is not above 0 has no logarithm and is left out. ``counted``: what there are."""
        self._title = title or self._title
        values = np.asarray(losses, np.float64)
        self._losses = values[np.isfinite(values) & (values > 0)]
        self._under = f"{len(self._losses):,} {counted}, now {self._losses[-1]:.3g}" if len(self._losses) else ""
        self.update()

    def _draw(self, painter: QPainter, area: QRectF) -> None:
        every = max(1, math.ceil(len(self._losses) / _POINTS))
        heights = np.log10(self._losses[::every])
        if len(heights) < 2:
            return
        low, high = float(heights.min()), float(heights.max())
        span = max(high - low, 1e-6)
        tokens, metrics = self._theme.tokens, painter.fontMetrics()
        marks = log_ticks(low, high)
        area.setLeft(area.left() + max((metrics.horizontalAdvance(f"{mark:g}") for mark in marks), default=0) + 8)
        for mark in marks:
            line = area.bottom() - (math.log10(mark) - low) / span * area.height()
            painter.setPen(QPen(tokens.colour("line"), 1))
            painter.drawLine(QPointF(area.left(), line), QPointF(area.right(), line))
            painter.setPen(tokens.colour("dim"))
            words = QRectF(0, line - metrics.height(), area.left() - 6, 2 * metrics.height())
            painter.drawText(words, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{mark:g}")
        x = np.linspace(area.left(), area.right(), len(heights))
        heights_y = area.bottom() - (heights - low) / span * area.height()
        painter.setPen(QPen(tokens.colour("accent"), 1.5))
        painter.drawPolyline(QPolygonF([QPointF(a, b) for a, b in zip(x.tolist(), heights_y.tolist(), strict=True)]))


class ScatterPlot(SmallPlot):
    """What the fit says against what was asked; on the diagonal both agree."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("The fit on starts it did not see", height=170, parent=parent)
        self._asked = self._said = _NOTHING

    @property
    def count(self) -> int:
        """How many pairs are drawn."""
        return len(self._asked)

    def set_pairs(self, asked: ArrayLike, said: ArrayLike, unit: str) -> None:
        """Draw pairs (R,) in t's own parameter."""
        self._asked, self._said = np.asarray(asked, np.float64), np.asarray(said, np.float64)
        self._under = f"asked to the right, said upwards ({unit})"
        self.update()

    def _draw(self, painter: QPainter, area: QRectF) -> None:
        if not len(self._asked):
            return
        tokens = self._theme.tokens
        both = np.concatenate([self._asked, self._said])
        low, high = float(both.min()), float(both.max())
        span = max(high - low, 1e-9)
        painter.setPen(QPen(tokens.colour("known"), 1, Qt.PenStyle.DashLine))
        painter.drawLine(area.bottomLeft(), area.topRight())
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tokens.colour("accent", 0.55))
        x = area.left() + (self._asked - low) / span * area.width()
        y = area.bottom() - (self._said - low) / span * area.height()
        for a, b in zip(x.tolist(), y.tolist(), strict=True):
            painter.drawEllipse(QPointF(a, b), 2, 2)


class ErrorPlot(SmallPlot):
    """How large the errors of the trajectories are, and from where on they were dropped."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Errors of the trajectories", height=170, parent=parent)
        self._errors = _NOTHING
        self._cut = 0.0

    @property
    def count(self) -> int:
        """How many errors are drawn."""
        return len(self._errors)

    def set_errors(self, errors: ArrayLike, cut: float) -> None:
        """Draw the histogram of these; right of ``cut`` they were dropped."""
        values = np.asarray(errors, np.float64)
        self._errors, self._cut = values[np.isfinite(values)], cut
        self._under = f"dropped beyond {cut:.3g}"
        self.update()

    def _draw(self, painter: QPainter, area: QRectF) -> None:
        if not len(self._errors):
            return
        tokens = self._theme.tokens
        end = max(float(self._errors.max()), self._cut, 1e-12)
        counts, edges = np.histogram(self._errors, bins=_BINS, range=(0.0, end))
        step = area.width() / _BINS
        painter.setPen(Qt.PenStyle.NoPen)
        for index, count in enumerate(counts.tolist()):
            dropped = (edges[index] + edges[index + 1]) / 2 > self._cut
            painter.setBrush(tokens.colour("bad" if dropped else "known"))
            height = area.height() * count / max(1, int(counts.max()))
            painter.drawRect(QRectF(area.left() + index * step, area.bottom() - height, step - 1, height))
        x = area.left() + self._cut / end * area.width()
        painter.setPen(QPen(tokens.colour("text"), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))


class AxisBars(SmallPlot):
    """The largest coordinates of an axis as bars about a line, in the order of the latent."""

    MOST = 16

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("The axis", height=130, parent=parent)
        self._bars: tuple[tuple[int, float], ...] = ()

    @property
    def bars(self) -> tuple[tuple[int, float], ...]:
        """Index and value of what is drawn."""
        return self._bars

    def set_axis(self, axis: ArrayLike) -> None:
        """Draw the ``MOST`` largest coordinates of u (d,)."""
        values = np.asarray(axis, np.float64)
        largest = np.sort(np.argsort(-np.abs(values))[: self.MOST])
        self._bars = tuple((int(index), float(values[index])) for index in largest)
        share = float((values[largest] ** 2).sum() / max((values**2).sum(), 1e-12))
        every = len(values) <= self.MOST
        self._title = "The axis, all coordinates" if every else (
            f"The axis: its {self.MOST} largest of {len(values)} coordinates, {share:.0%} of its length squared"
        )
        self.update()

    def _draw(self, painter: QPainter, area: QRectF) -> None:
        if not self._bars:
            return
        tokens, line = self._theme.tokens, painter.fontMetrics().height()
        area = area.adjusted(0, 0, 0, -line)
        largest = max(abs(value) for _, value in self._bars) or 1.0
        step = area.width() / len(self._bars)
        middle = area.center().y()
        for place, (index, value) in enumerate(self._bars):
            left, height = area.left() + place * step, abs(value) / largest * area.height() / 2
            top = middle - height if value > 0 else middle
            painter.fillRect(QRectF(left + 2, top, max(1.0, step - 4), height), tokens.colour("accent"))
            painter.setPen(tokens.colour("dim"))
            painter.drawText(QRectF(left, area.bottom() + 2, step, line), Qt.AlignmentFlag.AlignCenter, str(index))
        painter.setPen(QPen(tokens.colour("line"), 1))
        painter.drawLine(QPointF(area.left(), middle), QPointF(area.right(), middle))
