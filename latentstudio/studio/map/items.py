"""What is painted inside the map's view box, in pixels: the cloud quickly, everything else readably.

This module imports pyqtgraph; load it in the worker (``engine.loading.named``), never on the way to the first
window.
"""

from __future__ import annotations

from itertools import pairwise
from typing import cast

import numpy as np
import pyqtgraph
import shiboken6
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen, QPixmap, QPolygonF

from latentstudio.studio.theme import Theme, Tokens
from latentstudio.studio.widgets.thumbnails import paint_thumbnail, thumbnail_of
from latentstudio.tasks.map_values import Legend, Line, Mark, Moving, Points, Scene, place_marks, spaced

DOT = 3.0
RADIUS = 10.0
FRAGMENT_FIELDS = 10
COLD = {True: "#6ea8dc", False: "#2f6fae"}
WARM = {True: "#d987b5", False: "#a8407f"}
_NO_PEN = Qt.PenStyle.NoPen


class BoxItem(pyqtgraph.GraphicsObject):
    """Covers a view box in pixels; ``placed`` brings points of the plane there."""

    def __init__(self, box: pyqtgraph.ViewBox) -> None:
        super().__init__(box)
        self._box = box
        box.sigTransformChanged.connect(self._on_moved)
        box.sigResized.connect(self._on_moved)

    def boundingRect(self) -> QRectF:
        return QRectF(self._box.rect())

    def placed(self, points: Points) -> Points:
        """Pixels (N, 2) of points (N, 2) of the plane."""
        transform = self._box.childTransform()
        found: NDArray[np.float64] = points * (transform.m11(), transform.m22()) + (transform.dx(), transform.dy())
        return found

    def _on_moved(self) -> None:
        self.prepareGeometryChange()
        self.update()


class StillItem(BoxItem):
    """What stands still: thousands of equal dots as copies of one small picture, lines, and the foot.

    All of it is kept as one picture while the view does not move, so that what follows the hand costs little.
    """

    def __init__(self, box: pyqtgraph.ViewBox, theme: Theme) -> None:
        super().__init__(box)
        self._theme = theme
        self._scene = Scene()
        self._fragments: NDArray[np.float64] = np.zeros((0, FRAGMENT_FIELDS))
        self._colour = QColor()
        self._dot: tuple[object, QPixmap] | None = None
        self._key: object = None
        self._kept: QPixmap | None = None
        self.setZValue(0)

    def set_scene(self, scene: Scene, colour: QColor) -> None:
        """Show this, the dots in this colour; also after a change of theme."""
        self._scene = scene
        self._colour = colour
        self._fragments = np.zeros((len(scene.cloud), FRAGMENT_FIELDS))
        self._key = self._kept = None
        self.update()

    def paint(self, painter: QPainter, option: object, widget: object = None) -> None:
        """From the kept picture where nothing moved since it was made."""
        scale = painter.device().devicePixelRatioF()
        transform, area = self._box.childTransform(), self.boundingRect()
        key = (transform.m11(), transform.m22(), transform.dx(), transform.dy(), area.width(), area.height(), scale,
               self._colour.rgba())
        if key != self._key:
            self._key, self._kept = key, None
            self._paint_all(painter, scale)
            return
        if self._kept is None:
            kept = QPixmap(round(area.width() * scale), round(area.height() * scale))
            kept.setDevicePixelRatio(scale)
            kept.fill(Qt.GlobalColor.transparent)
            brush = QPainter(kept)
            self._paint_all(brush, scale)
            brush.end()
            self._kept = kept
        painter.drawPixmap(0, 0, self._kept)

    def _paint_all(self, painter: QPainter, scale: float) -> None:
        if len(self._scene.cloud):
            self._paint_dots(painter, scale)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for line in self._scene.lines:
            self._paint_line(painter, self._theme.tokens, line)
        self._paint_foot(painter, self._theme.tokens)

    def _paint_dots(self, painter: QPainter, scale: float) -> None:
        area, dot = self.boundingRect(), self._dot_at(scale)
        pixels = self.placed(self._scene.cloud)
        inside = (
            (pixels[:, 0] > -DOT) & (pixels[:, 0] < area.width() + DOT)
            & (pixels[:, 1] > -DOT) & (pixels[:, 1] < area.height() + DOT)
        )
        count = int(inside.sum())
        if not count:
            return
        # x, y, source left and top, width, height, scale across and down, rotation, opacity of a PixmapFragment
        self._fragments[:count, :2] = pixels[inside]
        self._fragments[:count, 2:] = (0, 0, dot.width(), dot.height(), 1 / scale, 1 / scale, 0, 1)
        first = cast(
            QPainter.PixmapFragment, shiboken6.wrapInstance(self._fragments.ctypes.data, QPainter.PixmapFragment)
        )
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.drawPixmapFragments(first, count, dot)

    def _paint_line(self, painter: QPainter, tokens: Tokens, line: Line) -> None:
        pixels = self.placed(line.points)
        points = [QPointF(x, y) for x, y in pixels]
        if line.shares is None:
            colour = fixed_colour(tokens, line.colour)
            painter.setPen(QPen(colour, 2.0))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawPolyline(QPolygonF(points))
            colours = [colour] * len(points)
        else:
            colours = [ramp_colour(tokens, float(share)) for share in line.shares]
            middles = (line.shares[1:] + line.shares[:-1]) / 2
            for start, end, share in zip(points, points[1:], middles, strict=False):
                painter.setPen(QPen(ramp_colour(tokens, float(share)), 1.6))
                painter.drawLine(start, end)
        painter.setPen(_NO_PEN)
        for point, colour in zip(points, colours, strict=True):
            painter.setBrush(colour)
            painter.drawEllipse(point, 2.2, 2.2)

    def _paint_foot(self, painter: QPainter, tokens: Tokens) -> None:
        painter.setFont(self._theme.font("small"))
        metrics, box = painter.fontMetrics(), self.boundingRect()
        y = box.height() - 12.0
        legend = self._scene.legend
        if legend is not None:
            _paint_legend(painter, tokens, legend, 14.0, y, self._theme.px(88))
            y -= metrics.height() + 4.0
        if self._scene.note:
            painter.setPen(tokens.colour("dim"))
            flags = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignBottom | Qt.TextFlag.TextWordWrap
            height = min(box.height() - 12.0, 4.0 * metrics.height())
            room = QRectF(14.0, y - height + 2.0, box.width() - 28.0, height)
            painter.drawText(room, flags, self._scene.note)

    def _dot_at(self, scale: float) -> QPixmap:
        key = (scale, self._colour.rgba())
        if self._dot is None or self._dot[0] != key:
            side = int(np.ceil(DOT * scale)) + 2
            image = QPixmap(side, side)
            image.fill(Qt.GlobalColor.transparent)
            painter = QPainter(image)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(_NO_PEN)
            painter.setBrush(self._colour)
            painter.drawEllipse(QPointF(side / 2, side / 2), DOT * scale / 2, DOT * scale / 2)
            painter.end()
            self._dot = (key, image)
        return self._dot[1]


class OverlayItem(BoxItem):
    """Path, small pictures, live point, hovered point: few things, painted anew each time."""

    def __init__(self, box: pyqtgraph.ViewBox, theme: Theme) -> None:
        super().__init__(box)
        self._theme = theme
        self._scene = Scene()
        self._moving = Moving()
        self._hover: tuple[Points, Mark | None, str] | None = None
        self._images: dict[int, tuple[Mark, QImage]] = {}
        self.cross = False
        self.setZValue(1)

    def show_state(
        self, scene: Scene, moving: Moving, hover: tuple[Points, Mark | None, str] | None
    ) -> None:
        """Paint these from now on; ``hover`` is a point, its picture if it is there, and words."""
        self._scene, self._moving, self._hover = scene, moving, hover
        marks = [*scene.marks, *moving.marks, *([hover[1]] if hover is not None and hover[1] is not None else [])]
        kept = {id(mark): entry for mark in marks if (entry := self._images.get(id(mark))) is not None}
        self._images = {id(mark): kept.get(id(mark)) or (mark, thumbnail_of(mark.picture)) for mark in marks}
        self.update()

    def paint(self, painter: QPainter, option: object, widget: object = None) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tokens = self._theme.tokens
        self._paint_path(painter, tokens)
        self._paint_marks(painter, tokens)
        self._paint_live(painter, tokens)
        if self.cross:
            self._paint_cross(painter, tokens)
        self._paint_hover(painter, tokens)

    def _paint_path(self, painter: QPainter, tokens: Tokens) -> None:
        path = self._moving.path
        if len(path) < 2:
            return
        pixels = self.placed(path)
        points = [QPointF(x, y) for x, y in spaced(pixels, 2.0, most=160)]
        pieces = [QLineF(start, end) for start, end in pairwise(points)]
        accent = tokens.colour("accent")
        for pen in (QPen(tokens.colour("background"), 5.0), QPen(accent, 2.2)):
            painter.setPen(pen)
            painter.drawLines(pieces)  # square ends meet without a gap, and Qt draws them four times faster than joins
        painter.setPen(_NO_PEN)
        painter.setBrush(accent)
        for x, y in spaced(pixels, 9.0, most=60):
            painter.drawEllipse(QPointF(x, y), 3.0, 3.0)

    def _paint_live(self, painter: QPainter, tokens: Tokens) -> None:
        if self._moving.live is None:
            return
        x, y = self.placed(self._moving.live[None])[0]
        painter.setPen(QPen(tokens.colour("background"), 2.0))
        painter.setBrush(tokens.colour("accent"))
        painter.drawEllipse(QPointF(x, y), 6.5, 6.5)

    def _paint_marks(self, painter: QPainter, tokens: Tokens) -> None:
        marks = [*self._moving.marks, *self._scene.marks]
        if not marks:
            return
        box = self.boundingRect()
        side = self.mark_side()
        anchors = self.placed(np.stack([mark.point for mark in marks]))
        aways = np.stack([np.array([0.0, -1.0]) if mark.away is None else mark.away * (1.0, -1.0) for mark in marks])
        area = (6.0, 6.0, box.width() - 12.0, box.height() - 12.0)
        places = place_marks(anchors, aways, side, area)
        for mark, anchor, place in zip(marks, anchors, places, strict=True):
            if place is None:
                continue
            rect = QRectF(*place)
            if not rect.adjusted(-8, -8, 8, 8).contains(QPointF(*anchor)):
                painter.setPen(QPen(tokens.colour("known"), 1.0))
                painter.drawLine(QPointF(*anchor), rect.center())
            self._paint_picture(painter, tokens, rect, self._images[id(mark)][1], ringed=mark.ringed)

    def mark_side(self) -> float:
        """Side of a small picture: smaller where the map is small."""
        box = self.boundingRect()
        least, most = self._theme.px(26), self._theme.px(52)
        return float(np.clip(0.15 * min(box.width(), box.height()), least, most))

    def _paint_picture(
        self, painter: QPainter, tokens: Tokens, rect: QRectF, image: QImage | None, *, ringed: bool
    ) -> None:
        painter.setPen(QPen(tokens.colour("accent" if ringed else "background"), 3.0))
        painter.setBrush(tokens.colour("track"))
        painter.drawRoundedRect(rect, 5, 5)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        paint_thumbnail(painter, rect, image, tokens, 5)

    def _paint_cross(self, painter: QPainter, tokens: Tokens) -> None:
        middle = self.boundingRect().center()
        painter.setPen(QPen(tokens.colour("text"), 1.0))
        painter.drawLine(middle - QPointF(7, 0), middle + QPointF(7, 0))
        painter.drawLine(middle - QPointF(0, 7), middle + QPointF(0, 7))

    def _paint_hover(self, painter: QPainter, tokens: Tokens) -> None:
        if self._hover is None:
            return
        point, mark, words = self._hover
        x, y = self.placed(point[None])[0]
        painter.setPen(QPen(tokens.colour("text"), 1.6))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(QPointF(x, y), 6.0, 6.0)
        painter.setFont(self._theme.font("small"))
        box, line = self.boundingRect(), painter.fontMetrics().height()
        side = min(float(self._theme.px(76)), 0.5 * box.height())
        width = max(side, painter.fontMetrics().horizontalAdvance(words) + 4.0) + 12.0
        height = side + (line + 4.0 if words else 0.0) + 12.0
        left = x + 14.0 if x + 14.0 + width <= box.width() - 4.0 else x - 14.0 - width
        top = min(max(y - height / 2, 4.0), box.height() - height - 4.0)
        left = min(max(left, 4.0), box.width() - width - 4.0)
        painter.setPen(QPen(tokens.colour("line"), 1.0))
        painter.setBrush(tokens.colour("raised"))
        painter.drawRoundedRect(QRectF(left, top, width, height), 8, 8)
        image = None if mark is None else self._images[id(mark)][1]
        area = QRectF(left + (width - side) / 2, top + 6.0, side, side)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        paint_thumbnail(painter, area, image, tokens, 5)
        painter.setPen(tokens.colour("text"))
        under = QRectF(left, top + side + 8.0, width, line)
        painter.drawText(under, Qt.AlignmentFlag.AlignCenter, words)


def _paint_legend(
    painter: QPainter, tokens: Tokens, legend: Legend, left: float, y: float, length: float
) -> None:
    metrics = painter.fontMetrics()
    words = [legend.title, legend.low, legend.high]
    widths = [metrics.horizontalAdvance(text) for text in words]
    painter.setPen(tokens.colour("text"))
    painter.drawText(QPointF(left, y), words[0])
    x = left + widths[0] + 12.0
    painter.setPen(tokens.colour("dim"))
    painter.drawText(QPointF(x, y), words[1])
    x += widths[1] + 6.0
    middle, steps = y - metrics.ascent() / 2 + 2.0, 24
    for k in range(steps):
        share = legend.low_share + (legend.high_share - legend.low_share) * (k + 0.5) / steps
        piece = QRectF(x + length * k / steps, middle - 2, length / steps + 0.5, 4)
        painter.fillRect(piece, ramp_colour(tokens, share))
    painter.setPen(tokens.colour("dim"))
    painter.drawText(QPointF(x + length + 6.0, y), words[2])


def paint_corners(painter: QPainter, area: QRectF, tokens: Tokens) -> None:
    """The panel's colour outside the map's round corners."""
    between = QPainterPath()  # by the rule of odd and even: what lies in both is left out
    between.addRect(area)
    between.addRoundedRect(area, RADIUS, RADIUS)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.fillPath(between, tokens.colour("panel"))


def fixed_colour(tokens: Tokens, name: str) -> QColor:
    """A colour by its name in ``Line``."""
    ends = {"cold": COLD, "warm": WARM}
    return QColor(ends[name][tokens.dark]) if name in ends else tokens.colour(name)


def ramp_colour(tokens: Tokens, share: float) -> QColor:
    """The colour for a share from -1 (cold) over 0 (dim) to 1 (warm)."""
    middle, end = tokens.colour("dim"), QColor((WARM if share > 0 else COLD)[tokens.dark])
    weight = min(1.0, abs(share)) ** 0.7
    pairs = ((middle.red(), end.red()), (middle.green(), end.green()), (middle.blue(), end.blue()))
    return QColor(*(round(one + (other - one) * weight) for one, other in pairs))
