"""The map's plane: a cloud to look around in, with what stands on it. Imports pyqtgraph, see ``map/items.py``."""

from __future__ import annotations

import numpy as np
import pyqtgraph
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent, QWheelEvent
from PySide6.QtWidgets import QFrame, QGraphicsView, QSizePolicy, QWidget

from latentstudio.studio.map.items import RADIUS, OverlayItem, StillItem, paint_corners
from latentstudio.studio.theme import app_theme
from latentstudio.studio.widgets.base import RingFocus, paint_focus_ring
from latentstudio.tasks.map_values import Mark, Moving, Pick, Points, Scene, find_pick, point_of

REACH = 9.0
KEY_REACHES = (12.0, 30.0, 60.0, 120.0, 240.0)
DRAG_FROM = 4.0
MARGIN = 0.09
ZOOM_A_NOTCH = 1.2
ZOOM_A_KEY = 1.4
PAN_A_KEY = 0.12
DEEPEST, WIDEST = 1e-3, 6.0


class MapPlot(RingFocus, pyqtgraph.GraphicsView):
    """Drag pans, the wheel zooms, a click goes to a point, a right click pins its picture.

    By keyboard: arrows pan, + and - zoom, 0 fits; Enter goes to the point next to the cross in the middle, P pins it.

    Signals:
        hovered(Pick | None): the point under the mouse, or next to the cross, is another.
        clicked(Pick), pinned(Pick).
    """

    hovered = Signal(object)
    clicked = Signal(object)
    pinned = Signal(object)
    _own_view = True  # nothing is there to fit until everything is built

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent, background=None)
        self._theme = app_theme()
        self._content = Scene()
        self._moving = Moving()
        self._pick: Pick | None = None
        self._hover_mark: Mark | None = None
        self._hover_words = ""
        self._grip: QPointF | None = None
        self._dragging = False
        self.frames = 0
        self._build_box()
        self._own_view = False
        self.setCacheMode(QGraphicsView.CacheModeFlag.CacheNone)  # the ground changes with the theme
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Map of samples and trajectories")
        self.setAccessibleDescription("Arrows pan, plus and minus zoom, 0 fits, Enter goes to the point in the middle")
        self._theme.changed.connect(self._on_theme)

    def _build_box(self) -> None:
        self._box = pyqtgraph.ViewBox(lockAspect=True, enableMouse=False, enableMenu=False, defaultPadding=0.0)
        self._box.disableAutoRange()
        self.setCentralItem(self._box)
        self._still = StillItem(self._box, self._theme)
        self._overlay = OverlayItem(self._box, self._theme)

    @property
    def scene_shown(self) -> Scene:
        """What stands still now."""
        return self._content

    @property
    def moving(self) -> Moving:
        """What follows the hand now."""
        return self._moving

    @property
    def pick(self) -> Pick | None:
        """The point that is lit."""
        return self._pick

    def set_scene(self, scene: Scene, *, fits: bool = True) -> None:
        """Show these; ``fits`` False keeps a view that the person chose."""
        self._content = scene
        self._still.set_scene(scene, self._cloud_colour())
        self._light(None)
        if fits or not self._own_view:
            self.fit()
        else:
            self._show()

    def set_moving(self, moving: Moving) -> None:
        """Show this path and live point; a view that nobody moved follows a point that leaves it."""
        self._moving = moving
        if not self._own_view and moving.live is not None and not self._sees(moving.live):
            self.fit()
        self._show()

    def set_hover(self, pick: Pick, mark: Mark | None, words: str) -> None:
        """The picture (or None while it is drawn) and the words of the lit point; late ones of another are ignored."""
        if pick == self._pick:
            self._hover_mark, self._hover_words = mark, words
            self._show()

    def fit(self) -> None:
        """Everything in sight."""
        self._own_view = False
        left, bottom, width, height = self._content.bounds
        low, high = np.array([left, bottom]), np.array([left + width, bottom + height])
        points = [point for point in (*self._moving.path, self._moving.live) if point is not None]
        if points:
            low, high = np.minimum(low, np.min(points, axis=0)), np.maximum(high, np.max(points, axis=0))
        size = float(max(high - low))
        self._box.setLimits(minXRange=DEEPEST * size, maxXRange=WIDEST * size)
        self._box.setRange(QRectF(*low, *(high - low)), padding=MARGIN)
        self._box.updateMatrix()
        self._show()

    def pan_by(self, dx: float, dy: float) -> None:
        """Move what is seen by pixels: right and down are positive."""
        transform = self._box.childTransform()
        self._own_view = True
        self._box.translateBy(x=-dx / transform.m11(), y=-dy / transform.m22())
        self._box.updateMatrix()  # now, or the paint would find out and ask for a second one

    def zoom_by(self, factor: float, about: QPointF | None = None) -> None:
        """Larger by ``factor`` about a point of the widget, or its middle."""
        middle = QPointF(self.rect().center()) if about is None else about
        self._own_view = True
        self._box.scaleBy((1 / factor, 1 / factor), center=self._box.mapSceneToView(middle))
        self._box.updateMatrix()

    def position_of(self, point: Points) -> QPointF:
        """Where a point (2,) of the plane lies in the widget."""
        x, y = self._still.placed(np.asarray(point, np.float64)[None])[0]
        return QPointF(x, y)

    def close(self) -> bool:
        """As any widget's: pyqtgraph's own takes its viewport away, which crashes where Qt still knows it."""
        return QGraphicsView.close(self)

    def sizeHint(self) -> QSize:
        return QSize(self._theme.px(460), self._theme.px(240))

    def minimumSizeHint(self) -> QSize:
        return QSize(self._theme.px(140), self._theme.px(90))

    def _cloud_colour(self) -> QColor:
        many = len(self._content.cloud)
        opacity = float(np.clip(0.7 * (1500 / max(many, 1)) ** 0.35, 0.25, 0.75))
        return self._theme.tokens.colour("dim", opacity if self._theme.tokens.dark else 0.7 * opacity)

    def _show(self) -> None:
        pick = self._pick
        point = None if pick is None else point_of(self._content, self._moving, pick)
        hover = None if point is None else (point, self._hover_mark, self._hover_words)
        self._overlay.show_state(self._content, self._moving, hover)

    def _sees(self, point: Points) -> bool:
        return QRectF(self.rect()).adjusted(4, 4, -4, -4).contains(self.position_of(point))

    def _pick_at(self, position: QPointF, reach: float = REACH) -> Pick | None:
        point = self._box.mapSceneToView(position)  # the scene counts in the widget's pixels
        radius = reach / abs(self._box.childTransform().m11())
        return find_pick(self._content, self._moving, point.x(), point.y(), radius)

    def _light(self, pick: Pick | None) -> None:
        if pick == self._pick:
            return
        self._pick, self._hover_mark, self._hover_words = pick, None, ""
        shape = Qt.CursorShape.ArrowCursor if pick is None else Qt.CursorShape.PointingHandCursor
        self.viewport().setCursor(shape)
        self._show()
        self.hovered.emit(pick)

    def _look_in_the_middle(self) -> None:
        self._overlay.cross = True
        middle = QPointF(self.rect().center())
        found = (self._pick_at(middle, reach) for reach in KEY_REACHES)
        self._light(next((pick for pick in found if pick is not None), None))
        self._show()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._overlay.cross = False
        if event.button() == Qt.MouseButton.LeftButton:
            self._grip, self._dragging = event.position(), False
        elif event.button() == Qt.MouseButton.RightButton:
            pick = self._pick_at(event.position())
            if pick is not None:
                self.pinned.emit(pick)
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pan while held; otherwise light up the point under the mouse."""
        if self._grip is None:
            self._overlay.cross = False
            self._light(self._pick_at(event.position()))
            return
        gap = event.position() - self._grip
        if not self._dragging and gap.manhattanLength() < DRAG_FROM:
            return
        if not self._dragging:
            self._dragging = True
            self._light(None)
            self.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)
        self._grip = event.position()
        self.pan_by(gap.x(), gap.y())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """A press that did not become a drag is a click."""
        if event.button() != Qt.MouseButton.LeftButton or self._grip is None:
            return
        dragged, self._grip, self._dragging = self._dragging, None, False
        self.viewport().setCursor(Qt.CursorShape.ArrowCursor)
        pick = self._pick_at(event.position())
        self._light(pick)
        if not dragged and pick is not None:
            self.clicked.emit(pick)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.mousePressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        notches = event.angleDelta().y() / 120.0
        if notches:
            self.zoom_by(ZOOM_A_NOTCH**notches, event.position())
        event.accept()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows, + and -, 0, Enter, P."""
        width, height = PAN_A_KEY * self.width(), PAN_A_KEY * self.height()
        key, keys = Qt.Key(event.key()), Qt.Key
        pans = {keys.Key_Left: (width, 0.0), keys.Key_Right: (-width, 0.0),
                keys.Key_Up: (0.0, height), keys.Key_Down: (0.0, -height)}
        zooms = {keys.Key_Plus: ZOOM_A_KEY, keys.Key_Equal: ZOOM_A_KEY, keys.Key_Minus: 1 / ZOOM_A_KEY}
        if key in (keys.Key_Return, keys.Key_Enter, keys.Key_P):
            if self._pick is not None:
                (self.pinned if key == keys.Key_P else self.clicked).emit(self._pick)
            return
        if key in pans:
            self.pan_by(*pans[key])
        elif key in zooms:
            self.zoom_by(zooms[key])
        elif key == keys.Key_0:
            self.fit()
        else:
            event.ignore()
            return
        self._look_in_the_middle()

    def leaveEvent(self, event: QEvent) -> None:
        if not self._overlay.cross:
            self._light(None)
        super().leaveEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._overlay.cross = False
        self._light(None)
        self._show()
        super().focusOutEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A view that nobody moved stays fitted."""
        super().resizeEvent(event)
        if not self._own_view and self.width() > 8 and self.height() > 8:
            self.fit()

    def drawBackground(self, painter: QPainter, rect: QRectF) -> None:
        """The ground."""
        painter.fillRect(rect, self._theme.tokens.colour("background"))

    def drawForeground(self, painter: QPainter, rect: QRectF) -> None:
        """Round corners, and the ring of the keyboard."""
        area = QRectF(self.viewport().rect())
        paint_corners(painter, area, self._theme.tokens)
        if self.ring_shown:
            paint_focus_ring(painter, area, RADIUS, self._theme)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Counted, so that a measurement knows how many frames there were."""
        super().paintEvent(event)
        self.frames += 1

    def _on_theme(self) -> None:
        self._still.set_scene(self._content, self._cloud_colour())
        self._show()
