"""Many raw coordinates as one light, scrolling, painted list of sliders."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from latentstudio.studio.theme import app_theme
from latentstudio.studio.widgets.base import RingFocus, Text, paint_focus_ring
from latentstudio.studio.widgets.segmented import Segmented
from latentstudio.studio.widgets.stepping import Stepping

_ROW = 28
_NAME = 58
_VALUE = 56
_KNOB = 6.0
_STEPS = 50.0


class RawRows(RingFocus, QAbstractScrollArea):
    """The list itself; only rows in sight are painted, whatever their number."""

    pressed = Signal(int)
    moved = Signal(int, float)
    settled = Signal(int, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = app_theme()
        self._values: NDArray[np.float64] = np.zeros(0)
        self._start: NDArray[np.float64] = np.zeros(0)
        self._lo: NDArray[np.float64] = np.zeros(0)
        self._hi: NDArray[np.float64] = np.zeros(0)
        self._names: tuple[str, ...] = ()
        self._name_width = self._theme.px(_NAME)
        self._row = 0
        self._held = -1
        self._stepping = Stepping(self)
        self._stepping.began.connect(self._on_began)
        self._stepping.ended.connect(self._on_rest)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFrameShape(QAbstractScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.viewport().setAutoFillBackground(False)
        self.setAccessibleName("Raw coordinates")

    def set_values(
        self,
        values: ArrayLike,
        lo: ArrayLike,
        hi: ArrayLike,
        names: Sequence[str],
        start: ArrayLike | None = None,
    ) -> None:
        """Show these coordinates; see ``RawSliders.set_values``."""
        fresh = np.array(values, dtype=np.float64)
        self._lo = np.broadcast_to(np.asarray(lo, dtype=np.float64), fresh.shape)
        self._hi = np.broadcast_to(np.asarray(hi, dtype=np.float64), fresh.shape)
        self._start = fresh.copy() if start is None else np.array(start, dtype=np.float64)
        if fresh.size != self._values.size:
            self._held = -1
            self._stepping.drop()
        elif self._held >= 0:
            fresh[self._held] = self._values[self._held]
        self._values = fresh
        self._names = tuple(names)
        metrics = QFontMetrics(self._theme.font("small"))
        widest = max((metrics.horizontalAdvance(name) for name in self._names), default=0)
        self._name_width = max(self._theme.px(_NAME), widest + 16)
        self._row = min(self._row, max(0, fresh.size - 1))
        self._update_range()
        self.viewport().update()

    def set_value(self, index: int, value: float) -> None:
        """Put one coordinate without a signal."""
        self._values[index] = value
        self.viewport().update()

    @property
    def values(self) -> NDArray[np.float64]:
        """A copy of what is shown."""
        return self._values.copy()

    @property
    def row(self) -> int:
        """The row with the keyboard."""
        return self._row

    def sizeHint(self) -> QSize:
        return QSize(320, 12 * self._height())

    def minimumSizeHint(self) -> QSize:
        return QSize(200, 3 * self._height())

    def _height(self) -> int:
        return self._theme.px(_ROW)

    def track_of(self, index: int) -> QRectF:
        """Where the track of a row lies in the viewport."""
        top = index * self._height() - self.verticalScrollBar().value()
        left, right = self._name_width, self.viewport().width() - self._theme.px(_VALUE) - 8
        return QRectF(left + _KNOB, top + self._height() / 2 - 1.5, max(10.0, right - left - 2 * _KNOB), 3)

    def position_of(self, index: int, value: float) -> float:
        """The x at which a row shows this value."""
        track, span = self.track_of(index), self._hi[index] - self._lo[index]
        share = (value - self._lo[index]) / span if span > 0 else 0.5
        return float(track.left() + min(1.0, max(0.0, share)) * track.width())

    def _value_at(self, index: int, x: float) -> float:
        track = self.track_of(index)
        share = min(1.0, max(0.0, (x - track.left()) / track.width()))
        return float(self._lo[index] + share * (self._hi[index] - self._lo[index]))

    def _index_at(self, point: QPointF) -> int:
        index = int((point.y() + self.verticalScrollBar().value()) // self._height())
        return index if 0 <= index < self._values.size else -1

    def _update_range(self) -> None:
        bar = self.verticalScrollBar()
        bar.setRange(0, max(0, self._values.size * self._height() - self.viewport().height()))
        bar.setPageStep(self.viewport().height())
        bar.setSingleStep(self._height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self.viewport())
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(self._theme.font("small"))
        first = self.verticalScrollBar().value() // self._height()
        last = min(self._values.size, first + self.viewport().height() // self._height() + 2)
        for index in range(first, last):
            self._paint_row(painter, index)

    def _paint_row(self, painter: QPainter, index: int) -> None:
        tokens = self._theme.tokens
        track = self.track_of(index)
        top = track.center().y() - self._height() / 2
        value, start = float(self._values[index]), float(self._start[index])
        centred = Qt.AlignmentFlag.AlignVCenter
        painter.setPen(tokens.colour("dim"))
        name = self._names[index] if index < len(self._names) else str(index)
        painter.drawText(QRectF(4, top, track.left() - 12, self._height()), centred, name)
        painter.setPen(tokens.colour("text"))
        words = QRectF(track.right() + 8, top, self.viewport().width() - track.right() - 12, self._height())
        painter.drawText(words, centred | Qt.AlignmentFlag.AlignRight, f"{value:+.2f}".replace("-", "−"))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tokens.colour("known"))
        painter.drawRoundedRect(track, 1.5, 1.5)
        origin, knob = self.position_of(index, start), self.position_of(index, value)
        if abs(knob - origin) > 0.5:
            painter.setBrush(tokens.colour("accent"))
            painter.drawRect(QRectF(min(origin, knob), track.top(), abs(knob - origin), track.height()))
        painter.setBrush(tokens.colour("dim"))
        painter.drawRect(QRectF(origin - 0.5, track.top() - 4, 1, track.height() + 8))
        focused = self.hasFocus() and index == self._row
        painter.setPen(QPen(tokens.colour("accent"), 1.5) if focused else QPen(tokens.colour("panel"), 2))
        painter.setBrush(tokens.colour("knob"))
        painter.drawEllipse(QPointF(knob, track.center().y()), _KNOB, _KNOB)
        if focused and self.ring_shown:
            ring = QRectF(0, top + 1, self.viewport().width(), self._height() - 2)
            paint_focus_ring(painter, ring, 6, self._theme)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._update_range()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take a knob, or bring it to the cursor."""
        index = self._index_at(event.position())
        track = self.track_of(max(0, index)).adjusted(-2 * _KNOB, 0, 2 * _KNOB, 0)
        self._stepping.finish()
        if event.button() != Qt.MouseButton.LeftButton or index < 0:
            return
        self._row = index
        self.viewport().update()
        x = event.position().x()
        if not track.left() <= x <= track.right():
            return
        self._held = index
        self.pressed.emit(index)
        if abs(x - self.position_of(index, self._values[index])) > _KNOB + 2:
            self._move_to(index, self._value_at(index, x))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held >= 0:
            self._move_to(self._held, self._value_at(self._held, event.position().x()))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._held >= 0 and event.button() == Qt.MouseButton.LeftButton:
            index, self._held = self._held, -1
            self.settled.emit(index, float(self._values[index]))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        index = self._index_at(event.position())
        if index >= 0 and event.button() == Qt.MouseButton.LeftButton:
            self._held = -1
            self._reset(index)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Scroll; with Ctrl step the row that has the keyboard."""
        if event.modifiers() & Qt.KeyboardModifier.ControlModifier and self.hasFocus():
            self._step(self._stepping.notches(event))
            event.accept()
            return
        super().wheelEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and Down walk, Left and Right step (Shift finer), Delete resets."""
        key = event.key()
        fine = 0.2 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1.0
        if key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self._walk(1 if key == Qt.Key.Key_Down else -1)
        elif key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            self._step(fine if key == Qt.Key.Key_Right else -fine)
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and self._values.size:
            self._reset(self._row)
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """A run of steps ends when the keyboard goes elsewhere."""
        self._stepping.finish()
        super().focusOutEvent(event)

    def _walk(self, step: int) -> None:
        self._stepping.finish()
        self._row = max(0, min(self._values.size - 1, self._row + step))
        top = self._row * self._height()
        bar = self.verticalScrollBar()
        if top < bar.value():
            bar.setValue(top)
        elif top + self._height() > bar.value() + self.viewport().height():
            bar.setValue(top + self._height() - self.viewport().height())
        self.viewport().update()

    def _step(self, count: float) -> None:
        if not self._values.size or not count:
            return
        index = self._row
        self._stepping.step()
        step = (self._hi[index] - self._lo[index]) / 2 / _STEPS
        self._move_to(index, float(self._values[index] + count * step))

    def _reset(self, index: int) -> None:
        self.pressed.emit(index)
        self._move_to(index, float(self._start[index]))
        self.settled.emit(index, float(self._values[index]))

    def _move_to(self, index: int, value: float) -> None:
        kept = float(min(max(value, self._lo[index]), self._hi[index]))
        if kept != self._values[index]:
            self._values[index] = kept
            self.viewport().update()
            self.moved.emit(index, kept)

    def finish(self) -> None:
        """A run of steps ends now: what is shown is about to become something else."""
        self._stepping.finish()

    def _on_began(self) -> None:
        self.pressed.emit(self._row)

    def _on_rest(self) -> None:
        self.settled.emit(self._row, float(self._values[self._row]))


class RawSliders(QWidget):
    """Coordinates or principal components, up to several hundred.

    Signals:
        pressed(int): a gesture begins on this coordinate.
        moved(int, float): live.
        settled(int, float): the gesture ended.
        mode_chosen(str): another of the modes.
    """

    pressed = Signal(int)
    moved = Signal(int, float)
    settled = Signal(int, float)
    mode_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.modes = Segmented(padding=14, height=26)
        self.modes.setVisible(False)
        self.rows = RawRows()
        self._note = Text("", role="small", colour="dim")
        self._note.setWordWrap(True)
        self._note.hide()
        self.modes.chosen.connect(self._on_mode)
        self.rows.pressed.connect(self.pressed)
        self.rows.moved.connect(self.moved)
        self.rows.settled.connect(self.settled)
        top = QHBoxLayout()
        top.addWidget(self.modes)
        top.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(top)
        column.addWidget(self._note)
        column.addWidget(self.rows, 1)

    def _on_mode(self, mode: str) -> None:
        self.rows.finish()
        self.mode_chosen.emit(mode)

    @property
    def values(self) -> NDArray[np.float64]:
        """A copy of what is shown."""
        return self.rows.values

    def set_values(
        self,
        values: ArrayLike,
        lo: ArrayLike,
        hi: ArrayLike,
        names: Sequence[str],
        *,
        start: ArrayLike | None = None,
    ) -> None:
        """Show n coordinates without a signal; one in the hand keeps its place.

        Args:
            values: (n,) where each stands.
            lo, hi: the ends of the tracks, (n,) or one number for all.
            names: one for each.
            start: (n,) where a double click leads; the values themselves without it.
        """
        self.rows.set_values(values, lo, hi, names, start)

    def set_value(self, index: int, value: float) -> None:
        """Put one coordinate without a signal."""
        self.rows.set_value(index, value)

    def set_modes(self, names: tuple[str, ...], current: str = "") -> None:
        """The modes to choose from ("coordinates", "components")."""
        self.modes.set_names(names)
        self.modes.set_current(current)
        self.modes.setVisible(len(names) > 1)

    def set_note(self, text: str) -> None:
        """One line above the list; empty takes it away."""
        self._note.setText(text)
        self._note.setVisible(bool(text))
