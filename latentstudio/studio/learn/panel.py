"""The panel that learns a slider: what, how thoroughly, how it goes, and what came out."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QPoint, QTimer, Signal
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from latentstudio.errors import UsageError
from latentstudio.factors.settings import LearnSettings
from latentstudio.studio.learn.run_view import RunView
from latentstudio.studio.learn.verdict_view import VerdictView
from latentstudio.studio.widgets.advanced_settings import AdvancedSettings
from latentstudio.studio.widgets.base import Heading, Link
from latentstudio.studio.widgets.pieces import fill_panel, foot_of, line_of, words
from latentstudio.studio.widgets.segmented import Segmented
from latentstudio.studio.widgets.wrapped_names import WrappedNames

GAP = 10
SETTLED_MS = 60
INTRODUCTION = (
    "Learn the direction in which this model's pictures move, grow or brighten, and measure what moving along it "
    "does to new samples."
)


class LearnPanel(QWidget):
    """Shows choices, progress and the verdict.

    Signals:
        start_requested(transformation, settings, goes_on), cancel_requested(), choice_changed(), file_requested(),
        keep_requested(), discard_requested().
    """

    start_requested = Signal(str, object, bool)
    cancel_requested = Signal()
    choice_changed = Signal()
    file_requested = Signal()
    keep_requested = Signal()
    discard_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("learnPanel")
        self._words: dict[str, str] = {}
        self._efforts: dict[str, LearnSettings] = {}
        self._effort_words: dict[str, str] = {}
        self._running = False
        self._build_choices()
        self.start_button = QPushButton("Learn", self)
        self.start_button.setDefault(True)
        self.go_on_button = QPushButton("Continue", self)
        self.go_on_button.setToolTip("Take the trajectories that were made already, and go on from there")
        self.cancel_button = QPushButton("Cancel", self)
        self.message = words("", self)
        self.run_view = RunView(self)
        self.verdict = VerdictView(self)
        self._build_layout()
        self._connect()
        self.set_running(False)
        self.set_resumable("")
        self.verdict.hide()

    def _build_choices(self) -> None:
        self.what = WrappedNames(self)
        self.what.setAccessibleName("Transformation")
        self.what_words = words("", self)
        self.file_link = Link("Own file…", role="small", parent=self)
        self.file_link.setToolTip("A Python file with a transformation of your own; it is run when you press Learn")
        self.effort = Segmented(padding=20, parent=self)
        self.effort.setAccessibleName("Effort")
        self.effort_words = words("", self)
        self.advanced = AdvancedSettings(
            LearnSettings(), put_back="All settings as the chosen effort has them", parent=self,
        )
        self.mistake = words("", self, colour="bad")
        self.mistake.hide()

    def _connect(self) -> None:
        self.what.chosen.connect(self._on_chosen)
        self.effort.chosen.connect(self._on_effort)
        self.advanced.changed.connect(self._on_settings)
        self.file_link.clicked.connect(self.file_requested)
        self.start_button.clicked.connect(self._on_start)
        self.go_on_button.clicked.connect(self._on_go_on)
        self.cancel_button.clicked.connect(self.cancel_requested)
        self.verdict.keep_requested.connect(self.keep_requested)
        self.verdict.discard_requested.connect(self.discard_requested)

    @property
    def settings(self) -> LearnSettings | None:
        """What would be learned with, or None while a value is wrong."""
        try:
            return self.advanced.settings()
        except UsageError:
            return None

    def set_choices(self, transformations: tuple[tuple[str, str], ...]) -> None:
        """The transformations as (id, words); the first stands chosen unless one of them was."""
        self._words = dict(transformations)
        self.what.set_names(tuple(name for name, _ in transformations))
        self._on_chosen()

    def set_efforts(self, efforts: Mapping[str, tuple[str, LearnSettings]]) -> None:
        """The efforts as id -> (words, settings); that between the extremes stands chosen."""
        self._effort_words = {name: said for name, (said, _) in efforts.items()}
        self._efforts = {name: settings for name, (_, settings) in efforts.items()}
        self.effort.set_names(tuple(efforts))
        self.effort.set_current(tuple(efforts)[len(efforts) // 2])
        self._on_effort()

    def choose(self, transformation: str) -> None:
        """Choose a transformation that is among the choices."""
        self.what.set_current(transformation)
        self._on_chosen()

    def set_running(self, running: bool) -> None:
        """While a job runs there is Cancel and the run, otherwise Learn."""
        self._running = running
        self.start_button.setVisible(not running)
        self.cancel_button.setVisible(running)
        self.run_view.setVisible(running)
        self.choices.setVisible(not running)  # a low panel has room for one of them
        if running:
            self.run_view.clear()
            self.set_resumable("")

    def show_verdict(self, title: str, sentence: str, *, keepable: bool) -> None:
        """What came out, scrolled to the top of the panel."""
        self.verdict.set_words(title, sentence, keepable=keepable)
        for wait in (0, SETTLED_MS):  # what stands above takes its height when its words are wrapped anew
            QTimer.singleShot(wait, self, self._scroll_to_verdict)

    def _scroll_to_verdict(self) -> None:
        self._layout.activate()
        self.scroller.verticalScrollBar().setValue(self.verdict.mapTo(self._column, QPoint(0, 0)).y() - GAP)

    def set_resumable(self, said: str) -> None:
        """Offer to go on where an earlier run stood, in these words; empty offers nothing."""
        offered = bool(said) and not self._running
        self.go_on_button.setVisible(offered)
        self.start_button.setText("Start over" if offered else "Learn")
        self.start_button.setDefault(not offered)
        self.go_on_button.setDefault(offered)
        if offered:
            self.message.setText(said)

    def _on_start(self) -> None:
        self._start(False)

    def _on_go_on(self) -> None:
        self._start(True)

    def _start(self, goes_on: bool) -> None:
        settings = self.settings
        if settings is not None:
            self.start_requested.emit(self.what.current, settings, goes_on)

    def _on_chosen(self) -> None:
        self.what_words.setText(self._words.get(self.what.current, ""))
        self._on_settings()

    def _on_effort(self) -> None:
        self.effort_words.setText(self._effort_words.get(self.effort.current, ""))
        self.advanced.set_usual(self._efforts[self.effort.current])
        self._on_settings()

    def _on_settings(self) -> None:
        mistake = ""
        try:
            self.advanced.settings()
        except UsageError as error:
            mistake = error.sentence
        self.mistake.setText(mistake)
        self.mistake.setVisible(bool(mistake))
        self.start_button.setEnabled(not mistake)
        self.message.setText("")
        self.set_resumable("")
        if not mistake:
            self.choice_changed.emit()

    def _build_layout(self) -> None:
        column = self._column = QWidget(self)
        self.choices = QWidget(column)
        chosen = QVBoxLayout(self.choices)
        chosen.setContentsMargins(0, 0, 0, 0)
        chosen.setSpacing(10)
        chosen.addWidget(words(INTRODUCTION, self.choices))
        chosen.addLayout(line_of(Heading("Transformation", self.choices), self.file_link))
        chosen.addWidget(self.what)
        chosen.addWidget(self.what_words)
        chosen.addWidget(Heading("Effort", self.choices))
        chosen.addLayout(line_of(self.effort))
        for widget in (self.effort_words, self.advanced, self.mistake):
            chosen.addWidget(widget)
        layout = self._layout = QVBoxLayout(column)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(10)
        layout.addWidget(self.choices)
        layout.addWidget(self.run_view)
        layout.addWidget(self.message)
        layout.addWidget(self.verdict)
        layout.addStretch(1)
        foot = foot_of(self, self.go_on_button, self.start_button, self.cancel_button)
        self.scroller = fill_panel(self, column, foot)
