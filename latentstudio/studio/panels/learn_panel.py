"""The panel that learns a slider: what, how thoroughly, how it goes, and what came out."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from latentstudio.studio.panels.pieces import line_of, scrolling, words
from latentstudio.studio.widgets.base import Card, Heading, Text
from latentstudio.studio.widgets.curve_plot import CurvePlot
from latentstudio.studio.widgets.segmented import Segmented

INTRODUCTION = (
    "Learn the direction in which this model's pictures move, grow or brighten, and measure what moving along it "
    "does to new samples."
)


class LearnPanel(QWidget):
    """Shows choices, progress and the verdict.

    Signals:
        start_requested(transformation, effort), cancel_requested(), keep_requested().
    """

    start_requested = Signal(str, str)
    cancel_requested = Signal()
    keep_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("learnPanel")
        self._words: dict[str, str] = {}
        self.what = Segmented(padding=20, parent=self)
        self.what.setAccessibleName("Transformation")
        self.what_words = words("", self)
        self.effort = Segmented(padding=20, parent=self)
        self.effort.setAccessibleName("Effort")
        self.effort_words = words("", self)
        self.start_button = QPushButton("Learn", self)
        self.start_button.setDefault(True)
        self.cancel_button = QPushButton("Cancel", self)
        self.message = words("", self)
        self.verdict = Card(self)
        self.verdict_title = Text("", role="name", parent=self.verdict)
        self.verdict_words = words("", self.verdict)
        self.plot = CurvePlot(self.verdict)
        self.keep_button = QPushButton("Keep as slider", self.verdict)
        self.keep_button.setDefault(True)
        self._build_layout()
        self.what.chosen.connect(self._on_chosen)
        self.effort.chosen.connect(self._on_chosen)
        self.start_button.clicked.connect(self._on_start)
        self.cancel_button.clicked.connect(self.cancel_requested)
        self.keep_button.clicked.connect(self.keep_requested)
        self.set_running(False)
        self.verdict.hide()

    def set_choices(self, transformations: tuple[tuple[str, str], ...], efforts: tuple[tuple[str, str], ...]) -> None:
        """The choices as (id, words); the first of each stands chosen."""
        self._words = dict((*transformations, *efforts))
        for row, choices in ((self.what, transformations), (self.effort, efforts)):
            row.set_names(tuple(name for name, _ in choices))
            row.set_current(choices[0][0])
        self._on_chosen()

    def set_running(self, running: bool) -> None:
        """While a job runs there is Cancel, otherwise Learn."""
        self.start_button.setVisible(not running)
        self.cancel_button.setVisible(running)
        for box in (self.what, self.effort):
            box.setEnabled(not running)

    def show_verdict(self, title: str, sentence: str, keepable: bool) -> None:
        """What was learned, in words; ``keepable`` offers to keep it."""
        self.verdict_title.setText(title)
        self.verdict_words.setText(sentence)
        self.keep_button.setVisible(keepable)
        self.verdict.show()

    def _on_start(self) -> None:
        self.start_requested.emit(self.what.current, self.effort.current)

    def _on_chosen(self) -> None:
        self.what_words.setText(self._words.get(self.what.current, ""))
        self.effort_words.setText(self._words.get(self.effort.current, ""))

    def _build_layout(self) -> None:
        column = QWidget(self)
        layout = QVBoxLayout(column)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(10)
        layout.addWidget(words(INTRODUCTION, column))
        rows = (("Transformation", self.what, self.what_words), ("Effort", self.effort, self.effort_words))
        for title, row, said in rows:
            layout.addWidget(Heading(title, column))
            layout.addLayout(line_of(row))
            layout.addWidget(said)
        buttons = QHBoxLayout()
        buttons.addWidget(self.start_button)
        buttons.addWidget(self.cancel_button)
        buttons.addStretch(1)
        layout.addLayout(buttons)
        layout.addWidget(self.message)
        inner = QVBoxLayout(self.verdict)
        inner.setContentsMargins(16, 16, 16, 16)
        inner.setSpacing(8)
        self.plot.setMinimumHeight(200)
        for widget in (self.verdict_title, self.verdict_words, self.plot, self.keep_button):
            inner.addWidget(widget)
        layout.addWidget(self.verdict)
        layout.addStretch(1)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(scrolling(column, self))
