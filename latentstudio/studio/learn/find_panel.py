"""The card that finds all sliders of a model: one button, how it goes, and what came out with grades to keep."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from latentstudio.studio.learn.progress import Mosaic, ProgressLine
from latentstudio.studio.widgets.base import Card, Heading
from latentstudio.studio.widgets.finding_row import FindingRow, FoundRow
from latentstudio.studio.widgets.pieces import dim, line_of, words

SENTENCE = (
    "Try one after the other what this model can be made to do: x, y, scale, rotation and brightness. You can go on "
    "working meanwhile."
)


class FindPanel(Card):
    """Shows the button, the progress and the list; decides nothing.

    Signals:
        start_requested(), cancel_requested(): the buttons.
        keep_requested(names): keep the ticked sliders, a tuple of their names.
    """

    start_requested = Signal()
    cancel_requested = Signal()
    keep_requested = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("findPanel")
        self.rows: dict[str, FindingRow] = {}
        self._running = False
        self.start_button = QPushButton("Find sliders", self)
        self.start_button.setDefault(True)
        self.cancel_button = QPushButton("Cancel", self)
        self.state = dim("", self)
        self.line = ProgressLine(self)
        self.message = words("", self)
        self.mosaic = Mosaic(self)
        self.keep_button = QPushButton("", self)
        self.keep_button.setDefault(True)
        self._build_layout()
        self.start_button.clicked.connect(self.start_requested)
        self.cancel_button.clicked.connect(self.cancel_requested)
        self.keep_button.clicked.connect(self._on_keep)
        self.set_running(False)
        self.say("")

    @property
    def ticked(self) -> tuple[str, ...]:
        """Names of the sliders that are to be kept."""
        return tuple(name for name, row in self.rows.items() if row.ticked)

    def come_forward(self) -> None:
        """Scroll here and take the keyboard, so that Enter starts."""
        area = self.parentWidget()
        while area is not None and not isinstance(area, QScrollArea):
            area = area.parentWidget()
        if area is not None:
            area.verticalScrollBar().setValue(0)
        button = self.cancel_button if self._running else self.start_button
        button.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def set_running(self, running: bool) -> None:
        """While a job runs there are Cancel and the progress, otherwise the button."""
        self._running = running
        self.start_button.setVisible(not running)
        for widget in (self.cancel_button, self.line, self.state):
            widget.setVisible(running)
        if not running:
            self.mosaic.set_picture(None)
        self._settle_keep()

    def show_progress(self, state: str, message: str, fraction: float) -> None:
        """``state``: name, share and time left in one line; ``message``: what is going on."""
        self.state.setText(state)
        self.line.set_fraction(fraction)
        self.say(message)

    def show_preview(self, rgb: NDArray[np.uint8]) -> None:
        """The pictures that are being tried, uint8 (H, W, 3)."""
        self.mosaic.set_picture(rgb)

    def say(self, sentence: str, *, bad: bool = False) -> None:
        """One sentence under the button, or none."""
        self.message.set_colour("bad" if bad else "dim")
        self.message.setText(sentence)
        self.message.setVisible(bool(sentence))

    def show_findings(self, found: tuple[FoundRow, ...]) -> None:
        """One row each; the ticks of rows that stood there before stay."""
        names = {row.name for row in found}
        for name in [name for name in self.rows if name not in names]:
            row = self.rows.pop(name)
            self._list.removeWidget(row)
            row.hide()
            row.deleteLater()
        for said in found:
            known = self.rows.get(said.name)
            if known is None:
                self._add(said)
            elif known.row != said:
                known.set_row(said)
        self._settle_keep()

    def _add(self, said: FoundRow) -> None:
        row = self.rows[said.name] = FindingRow(said, self)
        row.toggled.connect(self._settle_keep)
        self._list.addWidget(row)
        row.show()

    def _settle_keep(self) -> None:
        count = len(self.ticked)
        offered = any(row.row.keepable and not row.row.kept for row in self.rows.values())
        self.keep_button.setText(f"Keep {count} slider{'' if count == 1 else 's'}" if count else "Tick what to keep")
        self.keep_button.setEnabled(count > 0)
        self.keep_button.setVisible(offered and not self._running)
        self.start_button.setDefault(not offered)
        self.start_button.setText("Find again" if self.rows else "Find sliders")

    def _on_keep(self) -> None:
        self.keep_requested.emit(self.ticked)

    def _build_layout(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 16, 16, 16)
        layout.setSpacing(10)
        layout.addWidget(Heading("Find sliders", self))
        layout.addWidget(words(SENTENCE, self))
        layout.addLayout(line_of(self.state, self.cancel_button))
        layout.addWidget(self.line)
        layout.addWidget(self.message)
        layout.addWidget(self.mosaic)
        self._list = QVBoxLayout()
        self._list.setSpacing(10)
        layout.addLayout(self._list)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(self.keep_button)
        buttons.addWidget(self.start_button)
        buttons.addStretch(1)
        layout.addLayout(buttons)
