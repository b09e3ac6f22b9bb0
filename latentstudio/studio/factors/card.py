"""One factor as a card: name, grade, leak bars, the value (to be typed) and its slider."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QEnterEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from latentstudio.errors import UsageError
from latentstudio.studio.theme import app_theme
from latentstudio.studio.widgets.base import Card, Elided, IconButton, Text
from latentstudio.studio.widgets.factor_slider import FactorSlider
from latentstudio.studio.widgets.value_edit import ValueEdit
from latentstudio.units import Unit

LOCK = "Lock this slider: the others may not move it along"
UNLOCK = "Unlock this slider"
OF_WHAT = {"%": "per cent of the whole range from black to white", "px": "pixels of the model's own picture"}
LEAK_LIMIT = 0.5
_NARROW = 400


class LeakBars(QWidget):
    """How much of each other factor moves along, as one small bar each; red from a half on."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = app_theme()
        self._shares: dict[str, float] = {}
        self._narrow = False
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.hide()

    def set_leaks(self, shares: Mapping[str, float]) -> None:
        """Shares in [0, 1] by the other factor's name; an empty mapping hides the bars."""
        self._shares = dict(shares)
        words = ", ".join(f"{name} {100 * share:.0f} %" for name, share in self._shares.items())
        self.setToolTip(f"What moves along, each as a per cent of its own known range: {words}")
        self.setAccessibleName(f"leak: {words}")
        self._update_shown()
        self.updateGeometry()
        self.update()

    def set_narrow(self, narrow: bool) -> None:
        """Hide the bars where there is no room."""
        self._narrow = narrow
        self._update_shown()

    def _update_shown(self) -> None:
        self.setVisible(bool(self._shares) and not self._narrow)

    def sizeHint(self) -> QSize:
        """A bar of 20 and a gap of 6 for each."""
        return QSize(max(1, 26 * len(self._shares) - 6), 12)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        tokens = self._theme.tokens
        for index, share in enumerate(self._shares.values()):
            bar = QRectF(26 * index, self.height() / 2 - 3, 20, 6)
            painter.setBrush(tokens.colour("track"))
            painter.drawRoundedRect(bar, 3, 3)
            bar.setWidth(20 * min(1.0, max(0.0, share)))
            painter.setBrush(tokens.colour("bad" if share >= LEAK_LIMIT else "known"))
            painter.drawRoundedRect(bar, 3, 3)


class FactorCard(Card):
    """A factor to be held in the hand.

    Signals:
        pressed(str): a gesture begins on this factor.
        moved(str, float): t, live.
        settled(str, float): t at the end of a gesture.
        lock_changed(str, bool): the person locked or unlocked it.
        exact_requested(str): the value shall be what is measured on this very picture.
        chosen(str): the empty part of the card was clicked.
    """

    pressed = Signal(str)
    moved = Signal(str, float)
    settled = Signal(str, float)
    lock_changed = Signal(str, bool)
    exact_requested = Signal(str)
    chosen = Signal(str)

    def __init__(
        self, name: str, unit: Unit, grade: str = "", *, title: str = "", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._name = name
        self._unit = unit
        self._locked = False
        self._shown_t = 0.0
        self._grade_letter, self._grade_why = grade, ""
        self._build(title or name, grade)
        self._connect()
        self.set_value(0.0)

    def _build(self, title: str, grade: str) -> None:
        self.setAccessibleName(f"slider {title}")
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self._title = Text(title, role="value")
        self._title.setMinimumWidth(max(self._theme.px(62), self._title.sizeHint().width()))
        self._grade = Elided("", role="small", colour="dim")
        self._leaks = LeakBars()
        self._leaks.setObjectName("leaks")
        self._reset = IconButton("reset", "Reset (double click the slider)")
        self._reset.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)  # the first to give its room up
        self.exact_button = IconButton("exact", "Make it exact: measure this very picture")
        self.lock_button = IconButton("unlock", LOCK)
        self._edit = ValueEdit()
        self._edit.setAccessibleName(f"{title}, value in {self._unit.symbol}")
        self._edit.setToolTip(OF_WHAT.get(self._unit.symbol, ""))
        self.slider = FactorSlider(step=self._unit.step)
        self.slider.setAccessibleName(f"{title} slider")
        self._note = Text("", role="small", colour="dim")
        self._note.setMinimumHeight(self._note.fontMetrics().lineSpacing())  # its place is kept: no card below moves
        top = QHBoxLayout()
        top.setSpacing(8)
        top.addWidget(self._title)
        top.addWidget(self._grade, 1)
        tools = QHBoxLayout()
        tools.setSpacing(0)
        for button in (self._reset, self.exact_button, self.lock_button):
            tools.addWidget(button)
        top.addWidget(self._leaks)
        top.addLayout(tools)
        top.addWidget(self._edit)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 10, 16, 4)
        column.setSpacing(4)
        column.addLayout(top)
        column.addWidget(self.slider)
        column.addWidget(self._note)
        self.set_grade(grade)
        self._show_tools(False)

    def _connect(self) -> None:
        self.slider.gripped.connect(self._on_gripped)
        self.slider.moved.connect(self._on_moved)
        self.slider.settled.connect(self._on_settled)
        self.slider.pushed.connect(self._on_pushed)
        self._edit.entered.connect(self._on_entered)
        self._edit.cancelled.connect(self._on_cancelled)
        self._reset.clicked.connect(self.slider.reset)
        self.exact_button.clicked.connect(self._on_exact)
        self.lock_button.clicked.connect(self._on_lock)
        self.pressed_ground.connect(self._on_ground)

    @property
    def name(self) -> str:
        """The factor's name."""
        return self._name

    @property
    def title(self) -> str:
        """What people read as its name."""
        return self._title.text()

    @property
    def grade_why(self) -> str:
        """What the grade means, empty without one."""
        return self._grade_why if self._grade_letter else ""

    def type_value(self) -> None:
        """Put the keyboard into the value."""
        self._edit.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._edit.selectAll()

    @property
    def value(self) -> float:
        """t as shown now."""
        return float(self.slider.value())

    @property
    def locked(self) -> bool:
        """Whether it is locked."""
        return self._locked

    @property
    def in_hand(self) -> bool:
        """Whether a gesture is going on: then leave the value alone."""
        return self.slider.in_hand

    @property
    def value_text(self) -> str:
        """The value as it is written."""
        return self._edit.shown

    @property
    def note(self) -> str:
        """The line under the slider, empty when there is none."""
        return self._note.text()

    def set_grade(self, grade: str, why: str = "") -> None:
        """How well the axis is known, "A" to "D", and what that means; empty hides it."""
        self._grade_letter, self._grade_why = grade, why
        self._fit_words()

    def set_leaks(self, shares: Mapping[str, float]) -> None:
        """What else moves along, in [0, 1] by name; empty hides the bars."""
        self._leaks.set_leaks(shares)
        self._fit_words()

    def set_range(self, lo: float, hi: float, known_lo: float, known_hi: float) -> None:
        """The track's ends and the range reachable from the present sample, all in t."""
        self.slider.set_limits(lo, hi)
        self.slider.set_known(known_lo, known_hi)

    def set_value(self, t: float) -> None:
        """Show t without a signal."""
        self.slider.set_value(t)
        self._show(t)

    def set_note(self, text: str, *, bad: bool = False) -> None:
        """One line under the slider ("stops at +7.1 px"), in a place that is kept for it; what is ``bad`` may wrap."""
        self._note.set_colour("bad" if bad else "dim")
        self._note.setWordWrap(bad)
        self._note.setText(text)
        self._note.setToolTip(text)

    def set_locked(self, locked: bool) -> None:
        """A locked factor cannot be moved, nor do the others move it along. Nothing is emitted."""
        self._locked = locked
        self.slider.setEnabled(not locked)
        self._edit.setEnabled(not locked)
        self._reset.setEnabled(not locked)
        self.exact_button.setEnabled(not locked and self._shown_t != 0.0)
        self.lock_button.set_icon("lock" if locked else "unlock", UNLOCK if locked else LOCK)
        self.lock_button.set_colour("accent" if locked else "dim")
        self._show_tools(self.underMouse())

    def _show(self, t: float) -> None:
        self._shown_t = t
        text = self._unit.format(t)
        self._edit.set_shown(text)
        self.slider.setAccessibleDescription(text)
        self.exact_button.setEnabled(t != 0.0 and not self._locked)

    def _show_tools(self, shown: bool) -> None:
        self._reset.set_quiet(not shown or self._locked)
        self.exact_button.set_quiet(not shown or not self.exact_button.isEnabled())
        self.lock_button.set_quiet(not shown and not self._locked)

    def _on_gripped(self) -> None:
        self.set_note("")
        self.pressed.emit(self._name)

    def show_end(self) -> None:
        """Say that the picture goes no further."""
        self.set_note(f"stops at {self._unit.format(self.value)}")

    def _on_pushed(self, pushed: bool) -> None:
        if pushed:
            self.show_end()
        elif self.is_at_end:
            self.set_note("")

    @property
    def is_at_end(self) -> bool:
        """Whether the card says that the picture goes no further."""
        return self.note.startswith("stops at ")

    def _on_moved(self, t: float) -> None:
        self._show(t)
        self.moved.emit(self._name, t)

    def _on_settled(self, t: float) -> None:
        self._show(self.value)
        self.settled.emit(self._name, t)

    def _on_entered(self, text: str) -> None:
        if text.strip() == self._edit.shown.strip():
            self._edit.finish()
            return
        try:
            t = self._unit.parse(text)
        except UsageError as problem:
            self.set_note(problem.sentence, bad=True)
            return
        self.set_note("")
        self.slider.set_value(self.slider.kept(t))
        self._show(self.value)
        self._edit.finish()
        self.pressed.emit(self._name)
        self.moved.emit(self._name, self.value)
        self.settled.emit(self._name, self.value)
        self._on_pushed(abs(t - self.value) > self._unit.step / 2)

    def _on_cancelled(self) -> None:
        if self._note.text():
            self.set_note("")

    def _on_lock(self) -> None:
        self.set_locked(not self._locked)
        self.lock_changed.emit(self._name, self._locked)

    def _on_exact(self) -> None:
        self.exact_requested.emit(self._name)

    def _on_ground(self) -> None:
        self.slider.setFocus(Qt.FocusReason.MouseFocusReason)
        self.chosen.emit(self._name)

    def _fit_words(self) -> None:
        """In a narrow panel or at large text: only the letter of the grade, no leak bars."""
        narrow = self.width() < self._theme.px(_NARROW)
        words = self._grade_letter if narrow else f"grade {self._grade_letter}"
        self._grade.setText(words if self._grade_letter else "")
        self._grade.setToolTip(self._grade_why)
        self._leaks.set_narrow(narrow)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Fewer words where there is less room."""
        super().resizeEvent(event)
        self._fit_words()

    def enterEvent(self, event: QEnterEvent) -> None:
        self._show_tools(True)
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._show_tools(False)
        super().leaveEvent(event)
