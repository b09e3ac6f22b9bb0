"""A run of learning while it lasts: targets beside results, the loss, what is going on and how long it will take."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from latentstudio.pixels import BytePictures
from latentstudio.studio.widgets.base import Card, Text
from latentstudio.studio.widgets.mosaic import Mosaic
from latentstudio.studio.widgets.pieces import dim, words
from latentstudio.studio.widgets.small_plots import LossPlot

PHASES = {
    "trajectories": "Following targets",
    "axis": "Finding the axis",
    "judging": "Judging the axes",
    "measuring": "Measuring on new samples",
}
_FINE = 1000


class RunView(Card):
    """Shows one run."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.phase = Text("", role="name", parent=self)
        self.share = Text("", role="small", colour="dim", parent=self)
        self.bar = QProgressBar(self)
        self.bar.setRange(0, _FINE)
        self.bar.setTextVisible(False)
        self.message = dim("", self)
        self.mosaic_words = words("Targets above, what the model reaches below", self)
        self.mosaic = Mosaic("Targets and results", self)
        self.loss = LossPlot(self)
        head = QHBoxLayout()
        head.addWidget(self.phase)
        head.addStretch(1)
        head.addWidget(self.share)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 14, 16, 16)
        layout.setSpacing(8)
        layout.addLayout(head)
        for widget in (self.bar, self.message, self.mosaic_words, self.mosaic, self.loss):
            layout.addWidget(widget)

    def clear(self) -> None:
        """A run begins: nothing is known yet."""
        self.set_progress("", "", 0.0, "")
        self.mosaic.set_sheet(None)
        self.mosaic_words.hide()
        self.loss.hide()

    def set_progress(self, phase: str, message: str, fraction: float, left: str) -> None:
        """Phase by its id, a few words, the share done and the time left in words."""
        self.phase.setText(PHASES.get(phase, phase))
        self.message.setText(message)
        self.share.setText(f"{fraction:.0%} · {left}" if left else f"{fraction:.0%}")
        self.bar.setValue(round(_FINE * fraction))

    def set_preview(self, sheet: BytePictures) -> None:
        """Targets above, results below: uint8 (2H, K W, 3)."""
        self.mosaic.set_sheet(sheet)
        self.mosaic_words.show()

    def set_losses(self, losses: Sequence[float]) -> None:
        """The loss of every step so far."""
        self.loss.set_losses(losses)
        self.loss.setVisible(bool(losses))
