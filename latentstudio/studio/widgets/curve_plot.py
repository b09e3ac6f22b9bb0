"""A factor's calibration as a curve: measured median with its spread, the paper's g, the known range."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from latentstudio.studio.theme import app_theme
from latentstudio.studio.widgets.base import Elided

_NOTHING: NDArray[np.float64] = np.zeros(0)


@dataclass(frozen=True)
class Curves:
    """What is drawn: positions p along the axis and effects t in the unit shown.

    ``position`` (n,), ``median`` (n,), ``low`` and ``high`` (n,) the spread band; ``paper_position``, ``paper`` (m,)
    the learned g; ``known`` the range of positions in which the factor is known, or None.
    """

    position: ArrayLike
    median: ArrayLike
    low: ArrayLike
    high: ArrayLike
    paper_position: ArrayLike = field(default_factory=lambda: _NOTHING)
    paper: ArrayLike = field(default_factory=lambda: _NOTHING)
    known: tuple[float, float] | None = None
    unit: str = "px"
    title: str = ""


class CurvePlot(QWidget):
    """The plot; pyqtgraph is imported when it is first shown, not before."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = app_theme()
        self._curves: Curves | None = None
        self._plot: Any = None
        self._legend = Elided("", role="small", colour="dim")
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(10, 10, 10, 8)
        self._column.setSpacing(4)
        self._column.addWidget(self._legend)
        self.setMinimumHeight(self._theme.px(150))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._theme.changed.connect(self._draw)
        self.setAccessibleName("Calibration curve")

    @property
    def curves(self) -> Curves | None:
        """What is drawn now."""
        return self._curves

    def set_curves(self, curves: Curves | None) -> None:
        """Draw these; None for an empty plot."""
        self._curves = curves
        self._legend.setText("" if curves is None else _legend_text(curves))
        if self._plot is None and self.isVisible():
            self._build_plot()
        self._draw()

    def sizeHint(self) -> QSize:
        """Twice as wide as high."""
        return QSize(self._theme.px(440), self._theme.px(220))

    def showEvent(self, event: QShowEvent) -> None:
        """Make the plot at the first showing."""
        super().showEvent(event)
        if self._plot is None and self._curves is not None:
            self._build_plot()
            self._draw()

    def _build_plot(self) -> None:
        import pyqtgraph  # not on the path to the first window

        plot = pyqtgraph.PlotWidget()
        plot.setMenuEnabled(False)
        plot.hideButtons()
        plot.setMouseEnabled(False, False)
        plot.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        plot.setFrameShape(plot.Shape.NoFrame)
        plot.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        plot.setAntialiasing(True)
        self._plot = plot
        self._column.addWidget(plot, 1)

    def _draw(self) -> None:
        if self._plot is None:
            return
        import pyqtgraph  # not on the path to the first window

        plot, curves, tokens = self._plot, self._curves, self._theme.tokens
        plot.clear()
        plot.setBackground(tokens.colour("background"))
        self._dress_axes(pyqtgraph)
        if curves is None:
            return
        position = np.asarray(curves.position, dtype=np.float64)
        if curves.known is not None:
            region = pyqtgraph.LinearRegionItem(
                curves.known, movable=False, brush=tokens.colour("known", 0.25), pen=pyqtgraph.mkPen(None)
            )
            region.setZValue(-10)
            plot.addItem(region)
        edge = pyqtgraph.mkPen(tokens.colour("accent", 0.25))
        low = pyqtgraph.PlotCurveItem(position, np.asarray(curves.low, dtype=np.float64), pen=edge, antialias=True)
        high = pyqtgraph.PlotCurveItem(position, np.asarray(curves.high, dtype=np.float64), pen=edge, antialias=True)
        band = pyqtgraph.FillBetweenItem(low, high, brush=tokens.colour("accent", 0.18))
        for item in (low, high, band):
            plot.addItem(item)
        if np.size(curves.paper):
            dashed = pyqtgraph.mkPen(tokens.colour("dim"), width=1.5, style=Qt.PenStyle.DashLine)
            plot.plot(np.asarray(curves.paper_position), np.asarray(curves.paper), pen=dashed, antialias=True)
        median = np.asarray(curves.median, dtype=np.float64)
        plot.plot(position, median, pen=pyqtgraph.mkPen(tokens.colour("accent"), width=2), antialias=True)
        plot.setLabel("left", f"t in {curves.unit}")
        plot.setLabel("bottom", "position along the axis")

    def _dress_axes(self, pyqtgraph: Any) -> None:
        tokens = self._theme.tokens
        for side in ("left", "bottom"):
            axis = self._plot.getAxis(side)
            axis.setPen(pyqtgraph.mkPen(tokens.colour("line")))
            axis.setTextPen(tokens.colour("dim"))
            axis.setTickFont(self._theme.font("small"))
            axis.label.setFont(self._theme.font("small"))

    def paintEvent(self, event: QPaintEvent) -> None:
        """A quiet rounded ground; what to do while there is no curve."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tokens = self._theme.tokens
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tokens.colour("background"))
        painter.drawRoundedRect(QRectF(self.rect()), 10, 10)
        if self._curves is None:
            painter.setPen(tokens.colour("dim"))
            painter.setFont(self._theme.font("small"))
            words = self.rect().adjusted(16, 16, -16, -16)
            flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(words, flags, "Click a factor to see how it was measured.")


def _legend_text(curves: Curves) -> str:
    parts = ["line: measured median", "band: spread"]
    if np.size(curves.paper):
        parts.append("dashed: learned g")
    if curves.known is not None:
        parts.append("shaded: known range")
    words = "   ".join(parts)
    return f"{curves.title}   {words}" if curves.title else words
