"""A slider over one factor: the known range on the track, a tick at zero, the fill from zero to the value."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QSizePolicy, QWidget
from superqt import QDoubleSlider

from latentstudio.studio.theme import app_theme
from latentstudio.studio.widgets.stepping import Stepping

_LINE = 4.0
_KNOB = 7.5
_COARSE = 5.0
_PAGE = 10.0


class FactorSlider(QDoubleSlider):
    """A horizontal slider in a unit's natural parameter t.

    Signals:
        gripped(): a gesture begins (mouse, wheel or keys).
        moved(float): the person moved it, live.
        settled(float): the gesture ended: the mouse was released, or 350 ms passed since the last wheel or key step.
        pushed(bool): the hand pushes on beyond the end of the known range, where the knob stops, or does so no more.
    """

    gripped = Signal()
    moved = Signal(float)
    settled = Signal(float)
    pushed = Signal(bool)

    def __init__(self, parent: QWidget | None = None, *, step: float = 0.1) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)  # type: ignore[no-untyped-call] # superqt's own
        self._theme = app_theme()
        self._known = (0.0, 0.0)
        self._pushed = False
        self._grip_offset = 0.0
        self._stepping = Stepping(self)
        self._stepping.began.connect(self.gripped)
        self._stepping.ended.connect(self._on_rest)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.set_limits(-1.0, 1.0)
        self.set_known(-1.0, 1.0)
        self.set_value(0.0)
        self.set_step(step)

    def set_limits(self, lo: float, hi: float) -> None:
        """The ends of the track; the value is kept between them. Nothing is emitted."""
        blocked = self.blockSignals(True)
        self.setRange(float(lo), float(hi))
        self.blockSignals(blocked)
        self.update()

    def set_known(self, lo: float, hi: float) -> None:
        """The range in which the factor is known, painted brighter; Home and End go to its ends."""
        self._known = (float(lo), float(hi))
        self.update()

    def set_step(self, step: float) -> None:
        """One arrow key or wheel notch; five times as much with Ctrl, a fifth with Shift."""
        self.setSingleStep(step)
        self.setPageStep(step * _PAGE)

    def set_value(self, value: float, silent: bool = True) -> None:
        """Put the knob to a value. Unless ``silent`` this counts as a whole gesture of the person's."""
        blocked = self.blockSignals(True)
        self.setValue(float(value))
        self.blockSignals(blocked)
        self.update()
        if not silent:
            self.gripped.emit()
            self.moved.emit(self.value())
            self.settled.emit(self.value())

    @property
    def in_hand(self) -> bool:
        """Whether a gesture is going on."""
        return self.isSliderDown() or self._stepping.active

    def reset(self) -> None:
        """Back to zero, as one gesture."""
        self._stepping.drop()
        self.set_value(0.0, silent=False)

    def sizeHint(self) -> QSize:
        return QSize(200, max(20, self._theme.px(20)))

    def minimumSizeHint(self) -> QSize:
        return QSize(80, max(20, self._theme.px(20)))

    def position_of(self, value: float) -> float:
        """The x, in widget pixels, at which the knob shows this value."""
        lo, hi = self.minimum(), self.maximum()
        share = (value - lo) / (hi - lo) if hi > lo else 0.5
        return self._groove().left() + share * self._groove().width()

    def value_at(self, x: float) -> float:
        """The value under a widget x, kept inside the limits."""
        lo, hi = self.minimum(), self.maximum()
        share = (x - self._groove().left()) / max(1.0, self._groove().width())
        return float(lo + min(1.0, max(0.0, share)) * (hi - lo))

    def _groove(self) -> QRectF:
        return QRectF(0, self.height() / 2 - _LINE / 2, self.width(), _LINE).adjusted(_KNOB, 0, -_KNOB, 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Track, known range, tick, fill and knob."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tokens = self._theme.tokens
        groove = self._groove()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tokens.colour("track"))
        painter.drawRoundedRect(groove.adjusted(-_KNOB, 0, _KNOB, 0), 2, 2)
        lo, hi = max(self._known[0], self.minimum()), min(self._known[1], self.maximum())
        if hi > lo:
            painter.setBrush(tokens.colour("known"))
            self._paint_span(painter, lo, hi)
        if self.minimum() <= 0.0 <= self.maximum():
            self._paint_zero(painter)
        knob = QPointF(self.position_of(self.value()), self.height() / 2)
        radius = _KNOB if self.isEnabled() else _KNOB - 2
        painter.setPen(QPen(tokens.colour("raised"), 2))
        painter.setBrush(tokens.colour("knob" if self.isEnabled() else "dim"))
        painter.drawEllipse(knob, radius + 1, radius + 1)
        if self.hasFocus():
            painter.setPen(QPen(tokens.colour("accent"), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawEllipse(knob, radius + 1.2, radius + 1.2)

    def _paint_span(self, painter: QPainter, lo: float, hi: float) -> None:
        groove = self._groove()
        left, right = self.position_of(lo), self.position_of(hi)
        painter.drawRoundedRect(QRectF(left, groove.top(), right - left, _LINE), 2, 2)

    def _paint_zero(self, painter: QPainter) -> None:
        tokens = self._theme.tokens
        zero, middle = self.position_of(0.0), self.height() / 2
        value = float(self.value())
        if value != 0.0 and self.isEnabled():
            painter.setBrush(tokens.colour("accent"))
            self._paint_span(painter, min(0.0, value), max(0.0, value))
        painter.setPen(QPen(tokens.colour("dim"), 1))
        painter.drawLine(QPointF(zero, middle - 6), QPointF(zero, middle + 6))
        painter.setPen(Qt.PenStyle.NoPen)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take the knob; elsewhere on the track it comes to the cursor."""
        if event.button() != Qt.MouseButton.LeftButton:
            event.ignore()
            return
        self._stepping.finish()
        event.accept()
        x = event.position().x()
        knob = self.position_of(self.value())
        on_knob = abs(x - knob) <= _KNOB + 2
        self._grip_offset = x - knob if on_knob else 0.0
        self.setSliderDown(True)
        self.gripped.emit()
        if not on_knob:
            self._move_to(self.value_at(x))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.isSliderDown():
            self._move_to(self.value_at(event.position().x() - self._grip_offset))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.isSliderDown():
            self.setSliderDown(False)
            self._pushed = False
            self.update()
            self.settled.emit(self.value())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self.reset()
            event.accept()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Step, only while the slider has the keyboard: scrolling the panel never changes a value."""
        if not self.hasFocus():
            event.ignore()
            return
        event.accept()
        notches = self._stepping.notches(event)
        if notches:
            self._step_by(notches * self._step_for(event.modifiers()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows and Page keys step, Home and End go to the ends of the known range, Delete resets."""
        step = self._step_for(event.modifiers())
        steps = {
            Qt.Key.Key_Left: -step,
            Qt.Key.Key_Down: -step,
            Qt.Key.Key_Right: step,
            Qt.Key.Key_Up: step,
            Qt.Key.Key_PageDown: -self.pageStep(),
            Qt.Key.Key_PageUp: self.pageStep(),
            Qt.Key.Key_Home: self._known[0] - self.value(),
            Qt.Key.Key_End: self._known[1] - self.value(),
        }
        key = Qt.Key(event.key())
        if key in steps:
            self._step_by(steps[key])
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.reset()
        else:
            event.ignore()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Nothing: a run of steps ends by resting."""
        event.ignore()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """A run of steps ends when the keyboard goes elsewhere."""
        self._stepping.finish()
        super().focusOutEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Repaint in the colours of a new theme."""
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.EnabledChange):
            self.update()
        super().changeEvent(event)

    def _step_for(self, modifiers: Qt.KeyboardModifier) -> float:
        step = float(self.singleStep())
        if modifiers & Qt.KeyboardModifier.ControlModifier:
            return step * _COARSE
        if modifiers & Qt.KeyboardModifier.ShiftModifier:
            return step / _COARSE
        return step

    def _step_by(self, difference: float) -> None:
        self._stepping.step()
        target = self.value() + difference
        if abs(target) < self.singleStep() * 1e-6:
            target = 0.0
        self._move_to(target)

    def kept(self, value: float) -> float:
        """The value nearest to this one in the known range: beyond it no picture follows."""
        return min(max(value, self._known[0]), self._known[1]) if self._known[0] < self._known[1] else value

    def _move_to(self, value: float) -> None:
        before, kept = float(self.value()), self.kept(value)
        self.set_value(kept)
        if self.value() != before:
            self.moved.emit(self.value())
        if (abs(value - kept) > self.singleStep() * 1e-6) != self._pushed:
            self._pushed = not self._pushed
            self.pushed.emit(self._pushed)

    def _on_rest(self) -> None:
        self._pushed = False
        self.settled.emit(self.value())
