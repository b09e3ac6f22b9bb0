"""The dial between an editable latent and one as alike as can be, with what each place costs once it is measured."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPen, QPolygonF
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from latentstudio.studio.widgets.base import Link, Text
from latentstudio.studio.widgets.factor_slider import FactorSlider
from latentstudio.studio.widgets.small_plots import SmallPlot

MARK = 3.5


class LikenessPlot(SmallPlot):
    """The error over the likeness, from the most editable place at the left to the most alike at the right."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Squared error at each place of the dial", height=104, parent=parent)
        self.points: tuple[tuple[float, float], ...] = ()
        self._at = 1.0

    def set_points(self, points: Sequence[tuple[float, float]]) -> None:
        """Pairs (likeness, squared error) in order."""
        self.points = tuple(points)
        if points:
            first, last = points[0][1], points[-1][1]
            self._under = f"from {first:.4f} (editable) to {last:.4f} (alike)"
        self.update()

    def set_place(self, likeness: float) -> None:
        """Where the dial stands."""
        self._at = likeness
        self.update()

    def _draw(self, painter: QPainter, area: QRectF) -> None:
        if not self.points:
            return
        tokens = self._theme.tokens
        inner = area.adjusted(MARK, MARK, -MARK, -2 * MARK)
        most = max(error for _, error in self.points) or 1.0
        places = [
            QPointF(inner.left() + likeness * inner.width(), inner.bottom() - error / most * inner.height())
            for likeness, error in self.points
        ]
        painter.setPen(QPen(tokens.colour("line"), 1))
        painter.drawLine(QPointF(area.left(), inner.bottom()), QPointF(area.right(), inner.bottom()))
        here = inner.left() + self._at * inner.width()
        painter.setPen(QPen(tokens.colour("known"), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(here, inner.top()), QPointF(here, inner.bottom()))
        painter.setPen(QPen(tokens.colour("accent"), 1.5))
        painter.drawPolyline(QPolygonF(places))
        painter.setBrush(tokens.colour("accent"))
        for place in places:
            painter.drawEllipse(place, MARK, MARK)


class LikenessDial(QWidget):
    """A slider from 0 (editable) to 1 (alike).

    Signals:
        chosen(float): the person put it somewhere.
        measure_requested(): the curve is wanted.
    """

    chosen = Signal(float)
    measure_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.slider = FactorSlider(self, step=0.05)
        self.slider.set_limits(0.0, 1.0)
        self.slider.set_known(0.0, 1.0)
        self.slider.set_value(1.0)
        self.slider.setAccessibleName("Likeness, from editable to alike")
        self.slider.setToolTip("How far the latent may go from where the search starts: less leaves edits as they are "
                               "on the model's own pictures, more looks more like the photo")
        self.measure = Link("What each place costs", role="small", parent=self)
        self.plot = LikenessPlot(self)
        self.plot.hide()
        ends = QHBoxLayout()
        ends.addWidget(Text("Editable", role="small", colour="dim", parent=self))
        ends.addStretch(1)
        ends.addWidget(self.measure)
        ends.addStretch(1)
        ends.addWidget(Text("Alike", role="small", colour="dim", parent=self))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.slider)
        column.addLayout(ends)
        column.addWidget(self.plot)
        self.slider.moved.connect(self.plot.set_place)
        self.slider.settled.connect(self.chosen)
        self.measure.clicked.connect(self.measure_requested)

    @property
    def likeness(self) -> float:
        """Where it stands."""
        return round(float(self.slider.value()), 3)

    def set_curve(self, points: Sequence[tuple[float, float]]) -> None:
        """Show what was measured; nothing hides it."""
        self.plot.set_points(points)
        self.plot.set_place(self.likeness)
        self.plot.setVisible(bool(points))
        self.measure.setVisible(not points)
