"""The panel of raw coordinates, or of the principal components of the pictures."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from latentstudio.studio.raw.sliders import RawSliders
from latentstudio.studio.widgets.base import Link
from latentstudio.studio.widgets.pieces import line_of, words

WORDS = "The sample's own coordinates, before the sliders are applied. Double click puts one back."


class RawPanel(QWidget):
    """Lays out ``sliders`` under one line that says what they are."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("rawPanel")
        self.words = words(WORDS, self)
        self.reset_link = Link("Back to the sample", role="small", parent=self)
        self.sliders = RawSliders(self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(8)
        layout.addWidget(self.words)
        layout.addLayout(line_of(self.reset_link))
        layout.addWidget(self.sliders, 1)
