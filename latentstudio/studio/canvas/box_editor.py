"""Boxes on the canvas: drawn over the picture, taken by the mouse, moved by keys. It knows no model."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QLineF, QObject, QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPen, QWheelEvent
from PySide6.QtWidgets import QWidget

from latentstudio.scenes.boxes import CORNERS, INSIDE, TURN, corners, dragged, held, hit, place_of, scaled
from latentstudio.scenes.scene import Scene, SceneObject
from latentstudio.studio.theme import Theme
from latentstudio.studio.widgets.stepping import Stepping
from latentstudio.tasks.viewport import Viewport

GRIP = 9.0  # logical pixels around a handle that still take it
_DOT = 4.5
_STEP, _FAR = 1.0, 10.0
_NOTCH = 1.06
_CURSORS = {
    "n": Qt.CursorShape.SizeVerCursor, "s": Qt.CursorShape.SizeVerCursor, "e": Qt.CursorShape.SizeHorCursor,
    "w": Qt.CursorShape.SizeHorCursor, "ne": Qt.CursorShape.SizeBDiagCursor, "sw": Qt.CursorShape.SizeBDiagCursor,
    "nw": Qt.CursorShape.SizeFDiagCursor, "se": Qt.CursorShape.SizeFDiagCursor,
    TURN: Qt.CursorShape.PointingHandCursor, INSIDE: Qt.CursorShape.SizeAllCursor,
}
_ARROWS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}


class BoxEditor(QObject):
    """Shows a scene's boxes over the picture and lets them be edited.

    Signals:
        edited(Scene): while a hand moves something.
        settled(Scene, str): the hand let go; with what it did in words.
        chosen(tuple): the indices that are chosen now.
    """

    edited = Signal(object)
    settled = Signal(object, str)
    chosen = Signal(object)

    def __init__(self, canvas: QWidget, theme: Theme) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        self._theme = theme
        self.scene: Scene | None = None
        self.selection: tuple[int, ...] = ()
        self._handle = ""
        self._hand: QPointF | None = None
        self._before: Scene | None = None
        self._stepping = Stepping(self)
        self._stepping.ended.connect(self._on_rest)
        self._doing = ""

    @property
    def active(self) -> bool:
        """Whether there are boxes to edit."""
        return self.scene is not None

    @property
    def in_hand(self) -> bool:
        """Whether something is being moved."""
        return self._hand is not None or self._stepping.active

    def set_scene(self, scene: Scene | None) -> None:
        """Another scene is in front. Nothing is emitted."""
        if self.in_hand and scene is not None:
            return  # what the hand does is newer
        self.scene = scene
        count = 0 if scene is None else len(scene.objects)
        self.selection = tuple(index for index in self.selection if index < count)
        self._canvas.update()

    def choose(self, indices: Iterable[int]) -> None:
        """Choose boxes, as a person does."""
        count = 0 if self.scene is None else len(self.scene.objects)
        self.selection = tuple(index for index in dict.fromkeys(indices) if 0 <= index < count)
        self._canvas.update()
        self.chosen.emit(self.selection)

    def paint(self, painter: QPainter, viewport: Viewport) -> None:
        """Quiet frames, and handles on the chosen ones."""
        if self.scene is None:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tokens = self._theme.tokens
        for index, one in enumerate(self.scene.objects):
            is_chosen = index in self.selection
            outline = [self._to_window(viewport, point) for point in corners(one)]
            # opaque lines one by one: Qt draws translucent ones, and polygons, many times slower
            sides = [QLineF(start, end) for start, end in zip(outline, outline[1:] + outline[:1], strict=True)]
            painter.setPen(QPen(tokens.colour("background"), 3.0))
            painter.drawLines(sides)
            pen = QPen(tokens.colour("accent" if is_chosen else "knob"), 1.5)
            if one.locked:
                pen.setStyle(Qt.PenStyle.DotLine)
            painter.setPen(pen)
            painter.drawLines(sides)
            if is_chosen and len(self.selection) == 1 and not one.locked:
                self._paint_handles(painter, viewport, one)

    def _paint_handles(self, painter: QPainter, viewport: Viewport, one: SceneObject) -> None:
        tokens = self._theme.tokens
        top, knob = (self._to_window(viewport, place_of(one, name)) for name in ("n", TURN))
        painter.setPen(QPen(tokens.colour("accent"), 1.5))
        painter.drawLine(top, knob)
        painter.setBrush(tokens.colour("accent"))
        for name in (*CORNERS, TURN):
            painter.drawEllipse(self._to_window(viewport, place_of(one, name)), _DOT, _DOT)

    def press(self, event: QMouseEvent, viewport: Viewport) -> bool:
        """Take hold of a box, or let all go; False where the press is not for the boxes."""
        if self.scene is None or event.button() != Qt.MouseButton.LeftButton:
            return False
        self._stepping.finish()
        point = self._to_picture(viewport, event.position())
        first = self.selection[0] if len(self.selection) == 1 else -1
        index, handle = hit(self.scene.objects, point, grip=self._grip(viewport), chosen=first)
        if index < 0:
            if self.selection:
                self.choose(())
                return True
            return False
        several = event.modifiers() & (Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier)
        if several and handle == INSIDE:
            others = tuple(one for one in self.selection if one != index)
            self.choose(others if index in self.selection else (*self.selection, index))
        elif index not in self.selection:
            self.choose((index,))
        self._handle, self._hand, self._before = handle, event.position(), self.scene
        self._doing = ""
        return True

    def move(self, event: QMouseEvent, viewport: Viewport) -> bool:
        """Drag what is held; False where nothing is."""
        if self._hand is None or self._before is None:
            return False
        start, now = self._to_picture(viewport, self._hand), self._to_picture(viewport, event.position())
        centred = bool(event.modifiers() & Qt.KeyboardModifier.AltModifier)
        even = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        scene = self._before
        for index in self.selection:
            one = scene.objects[index]
            if not one.locked:
                moved = dragged(one, self._handle, start, now, centred=centred, even=even)
                scene = scene.with_object(index, held(moved, scene.width, scene.height))
        self._doing = {INSIDE: "moved", TURN: "turned"}.get(self._handle, "resized")
        self._show(scene)
        return True

    def release(self) -> None:
        """The hand lets go."""
        if self._hand is None:
            return
        self._hand = None
        if self.scene is not None and self.scene != self._before:
            self.settled.emit(self.scene, self._words(self._doing))
        self._before = None

    def cursor_at(self, point: QPointF, viewport: Viewport) -> Qt.CursorShape | None:
        """What a press here would do, as a cursor; None beside the boxes."""
        if self.scene is None:
            return None
        first = self.selection[0] if len(self.selection) == 1 else -1
        index, handle = hit(self.scene.objects, self._to_picture(viewport, point), grip=self._grip(viewport),
                            chosen=first)
        if index < 0:
            return None
        return Qt.CursorShape.ForbiddenCursor if self.scene.objects[index].locked else _CURSORS[handle]

    def wheel(self, event: QWheelEvent, viewport: Viewport) -> bool:
        """Scale the chosen box under the mouse; elsewhere the wheel zooms the picture."""
        if self.scene is None or not self.selection:
            return False
        point = self._to_picture(viewport, event.position())
        index, _ = hit(self.scene.objects, point, grip=self._grip(viewport), chosen=self.selection[0])
        notches = self._stepping.notches(event)
        if index not in self.selection:
            return False
        if notches:
            self._change("resized", lambda one: scaled(one, _NOTCH**notches))
        return True

    def key(self, event: QKeyEvent) -> bool:
        """Arrows move (Shift: 10 px), Tab goes round; False for other keys."""
        if self.scene is None or not self.scene.objects:
            return False
        key = Qt.Key(event.key())
        if key in (Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
            count = len(self.scene.objects)
            step = -1 if key == Qt.Key.Key_Backtab else 1
            at = self.selection[0] if self.selection else (-1 if step > 0 else 0)
            self._stepping.finish()
            self.choose(((at + step) % count,))
            return True
        if key in _ARROWS and self.selection:
            far = _FAR if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else _STEP
            dx, dy = _ARROWS[key]
            self._change("moved", lambda one: one.moved(far * dx, far * dy))
            return True
        if key == Qt.Key.Key_Escape and self.selection:
            self.choose(())
            return True
        return False

    def _change(self, doing: str, change: object) -> None:
        """One step of a run of keys or of the wheel: a run is one entry of the history."""
        assert callable(change)
        if self.scene is None:
            return
        if not self._stepping.active:
            self._before = self.scene
        self._stepping.step()
        scene = self.scene
        for index in self.selection:
            if not scene.objects[index].locked:
                scene = scene.with_object(index, held(change(scene.objects[index]), scene.width, scene.height))
        self._doing = doing
        self._show(scene)

    def _on_rest(self) -> None:
        if self.scene is not None and self.scene != self._before:
            self.settled.emit(self.scene, self._words(self._doing))
        self._before = None

    def _show(self, scene: Scene) -> None:
        self.scene = scene
        self._canvas.update()
        self.edited.emit(scene)

    def _words(self, doing: str) -> str:
        return f"object {self.selection[0] + 1} {doing}" if len(self.selection) == 1 else (
            f"{len(self.selection)} objects {doing}")

    def _scale(self, viewport: Viewport) -> tuple[float, float, float]:
        """Left and top of the square that the model sees, and picture pixels a scene pixel."""
        assert self.scene is not None
        left, top, side = self.scene.square
        return left, top, viewport.columns / side

    def _grip(self, viewport: Viewport) -> float:
        return GRIP / (viewport.scale * self._scale(viewport)[2])

    def _to_window(self, viewport: Viewport, point: tuple[float, float]) -> QPointF:
        left, top, factor = self._scale(viewport)
        return QPointF(*viewport.to_window((point[0] - left + 0.5) * factor, (point[1] - top + 0.5) * factor))

    def _to_picture(self, viewport: Viewport, point: QPointF) -> tuple[float, float]:
        left, top, factor = self._scale(viewport)
        x, y = viewport.to_picture(point.x(), point.y())
        return x / factor + left - 0.5, y / factor + top - 0.5
