"""What was learned: the verdict in words, new pictures over t, both curves, the fit, the errors and the axis."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from latentstudio.pixels import BytePictures
from latentstudio.studio.widgets.base import Card, Text
from latentstudio.studio.widgets.curve_plot import CurvePlot
from latentstudio.studio.widgets.mosaic import Mosaic
from latentstudio.studio.widgets.pieces import words
from latentstudio.studio.widgets.small_plots import AxisBars, ErrorPlot, ScatterPlot
from latentstudio.tasks.learn import Findings


class VerdictView(Card):
    """Shows a verdict, or why there is none; asks to keep the factor or to drop it.

    Signals:
        keep_requested(), discard_requested().
    """

    keep_requested = Signal()
    discard_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = Text("", role="title", parent=self)
        self.sentence = words("", self, colour="text")
        self.keep_button = QPushButton("Keep as slider", self)
        self.keep_button.setDefault(True)
        self.discard_button = QPushButton("Discard", self)
        self.evidence = QWidget(self)
        self.strip_words = words("Three new samples over the known range", self.evidence)
        self.strip = Mosaic("New samples over the known range", self.evidence)
        self.plot = CurvePlot(self.evidence)
        self.plot.setMinimumHeight(200)
        self.scatter = ScatterPlot(self.evidence)
        self.errors = ErrorPlot(self.evidence)
        self.bars = AxisBars(self.evidence)
        self.facts = words("", self.evidence)
        self._build_layout()
        self.keep_button.clicked.connect(self.keep_requested)
        self.discard_button.clicked.connect(self.discard_requested)

    def set_words(self, title: str, sentence: str, *, keepable: bool) -> None:
        """The verdict; ``keepable`` offers to keep the factor. Shows the view."""
        self.title.setText(title)
        self.sentence.setText(sentence)
        self.keep_button.setVisible(keepable)
        self.discard_button.setVisible(keepable)
        self.show()

    def set_findings(self, findings: Findings | None) -> None:
        """Draw these; None hides all plots."""
        self.evidence.setVisible(findings is not None)
        self.strip.set_sheet(None)
        if findings is None:
            return
        self.plot.set_curves(findings.curves)
        self.bars.set_axis(findings.axis)
        self.facts.setText(findings.facts)
        self.facts.setVisible(bool(findings.facts))
        self.scatter.set_pairs(findings.asked, findings.said, findings.unit)
        self.errors.set_errors(findings.errors, findings.cut)
        for plot, values in ((self.scatter, findings.asked), (self.errors, findings.errors)):
            plot.setVisible(np.size(values) > 0)

    def set_strip(self, sheet: BytePictures, labels: tuple[str, ...]) -> None:
        """Show new samples, one a row; ``labels`` say the t of each column."""
        self.strip.set_sheet(sheet, labels)

    def _build_layout(self) -> None:
        buttons = QHBoxLayout()
        buttons.addWidget(self.keep_button)
        buttons.addWidget(self.discard_button)
        buttons.addStretch(1)
        inner = QVBoxLayout(self.evidence)
        inner.setContentsMargins(0, 4, 0, 0)
        inner.setSpacing(8)
        beside = QHBoxLayout()
        beside.setSpacing(8)
        beside.addWidget(self.scatter)
        beside.addWidget(self.errors)
        for widget in (self.strip_words, self.strip, self.plot):
            inner.addWidget(widget)
        inner.addLayout(beside)
        inner.addWidget(self.bars)
        inner.addWidget(self.facts)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(8)
        layout.addWidget(self.title)
        layout.addWidget(self.sentence)
        layout.addLayout(buttons)
        layout.addWidget(self.evidence)
