"""The panel Reconstruct: pictures, what decoder and generator make of them, and the way between two of them."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from latentstudio.studio.reconstruct.version_grid import VersionGrid
from latentstudio.studio.widgets.base import Card, Heading, Link, Text
from latentstudio.studio.widgets.factor_slider import FactorSlider
from latentstudio.studio.widgets.mosaic import Mosaic
from latentstudio.studio.widgets.pieces import Panel, dim, fill_panel, line_of, local_files, row_of, words
from latentstudio.studio.widgets.wrapped_names import WrappedNames

INTRODUCTION = (
    "See what a model keeps of pictures: its encoder finds their latents, decoder and generator draw them again. Drop "
    "pictures here, or take some from below."
)
MOST_XI = 32
_FINE = 1000


class ReconstructPanel(Panel):
    """Shows models, pictures with their reconstructions, errors, and a slider between two latents.

    Signals:
        files_chosen(tuple): paths that were dropped.
        open_requested(), samples_requested(), held_out_requested(), photo_requested(), take_requested(),
        cancel_requested().
        model_chosen(str), xi_chosen(int).
        way_moved(float), way_settled(float): the place between the two chosen pictures, 0 to 1.
    """

    files_chosen = Signal(object)
    open_requested = Signal()
    samples_requested = Signal()
    held_out_requested = Signal()
    photo_requested = Signal()
    take_requested = Signal()
    cancel_requested = Signal()
    model_chosen = Signal(str)
    xi_chosen = Signal(int)
    way_moved = Signal(float)
    way_settled = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("reconstructPanel")
        self.setAcceptDrops(True)
        self.introduction = words(INTRODUCTION, self)
        self.message = words("", self, colour="bad")
        self.message.hide()
        self.models = WrappedNames(self)
        self.models.setAccessibleName("Model")
        self._build_sources()
        self._build_run()
        self._build_card()
        self._build_layout()
        self.set_running(False)
        self.card.hide()

    def _build_sources(self) -> None:
        self.open_link = Link("Open pictures…", role="small", parent=self)
        self.held_out_link = Link("held-out pictures", role="small", parent=self)
        self.held_out_link.setToolTip("Pictures of the kind that this model learned from, which it never saw")
        self.samples_link = Link("its own samples", role="small", parent=self)
        self.photo_link = Link("the photo", role="small", parent=self)
        self.open_link.clicked.connect(self.open_requested)
        self.held_out_link.clicked.connect(self.held_out_requested)
        self.samples_link.clicked.connect(self.samples_requested)
        self.photo_link.clicked.connect(self.photo_requested)

    def _build_run(self) -> None:
        self.run = QWidget(self)
        self.bar = QProgressBar(self.run)
        self.bar.setRange(0, _FINE)
        self.bar.setTextVisible(False)
        self.run_message = dim("", self.run)
        self.cancel_button = QPushButton("Cancel", self.run)
        self.cancel_button.clicked.connect(self.cancel_requested)
        column = QVBoxLayout(self.run)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.bar)
        column.addLayout(line_of(self.run_message, self.cancel_button))

    def _build_card(self) -> None:
        self.card = Card(self)
        self.grid = VersionGrid(self.card)
        self.errors = words("", self.card, colour="text")
        self.means = words("", self.card)
        self.take_button = QPushButton("Edit this one", self.card)
        self.take_button.setToolTip("The chosen picture's latent on the canvas, with the sliders on it")
        self.take_button.setDefault(True)
        self.take_button.clicked.connect(self.take_requested)
        self.pair = Mosaic("The chosen picture by decoder and generator", self.card)
        self.pair.setMaximumWidth(300)
        self.pair.hide()
        self._build_way()
        self._build_xi()
        column = QVBoxLayout(self.card)
        column.setContentsMargins(16, 14, 16, 16)
        column.setSpacing(8)
        column.addWidget(self.grid)
        column.addWidget(self.errors)
        column.addWidget(self.means)
        column.addWidget(self.take_button, 0, Qt.AlignmentFlag.AlignLeft)
        for widget in (self.xi_row, self.way_row):
            column.addWidget(widget)
        column.addWidget(self.pair, 0, Qt.AlignmentFlag.AlignLeft)

    def _build_way(self) -> None:
        self.way_row = QWidget(self.card)
        self.way_words = dim("Shift and click another picture to blend the two", self.way_row)
        self.way = FactorSlider(self.way_row, step=0.05)
        self.way.set_limits(0.0, 1.0)
        self.way.set_known(0.0, 1.0)
        self.way.setAccessibleName("Blend of the two chosen pictures")
        self.way.moved.connect(self.way_moved)
        self.way.settled.connect(self.way_settled)
        self.way.hide()
        column = QVBoxLayout(self.way_row)
        column.setContentsMargins(0, 6, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.way_words)
        column.addWidget(self.way)

    def _build_xi(self) -> None:
        self.xi_row = QWidget(self.card)
        self.xi_words = Text("xi", role="name", parent=self.xi_row)
        self.xi_words.setToolTip("The variation that the encoder does not see: the same latent, drawn otherwise")
        self.xi = FactorSlider(self.xi_row, step=1.0)
        self.xi.set_limits(0.0, MOST_XI)
        self.xi.set_known(0.0, MOST_XI)
        self.xi.setAccessibleName("xi, the variation that the encoder does not see")
        self.xi.settled.connect(lambda value: self.xi_chosen.emit(round(value)))
        row = QHBoxLayout(self.xi_row)
        row.setContentsMargins(0, 6, 0, 0)
        row.setSpacing(12)
        row.addWidget(self.xi_words)
        row.addWidget(self.xi, 1)
        self.xi_row.hide()

    def _build_layout(self) -> None:
        column = QWidget(self)
        layout = QVBoxLayout(column)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(10)
        layout.addWidget(self.introduction)
        layout.addWidget(Heading("Model", self))
        layout.addWidget(self.models)
        layout.addLayout(row_of(None, self.open_link, self.photo_link, None, spacing=12))
        layout.addLayout(row_of(None, self.held_out_link, self.samples_link, None, spacing=12))
        for widget in (self.message, self.run, self.card):
            layout.addWidget(widget)
        layout.addStretch(1)
        fill_panel(self, column)
        self.models.chosen.connect(self.model_chosen)

    def set_running(self, running: bool) -> None:
        """While a model is at work there is progress and Cancel."""
        self.run.setVisible(running)
        if running:
            self.set_progress(0.0, "Waiting…")

    def set_progress(self, fraction: float, message: str) -> None:
        """The share done and a few words."""
        self.bar.setValue(round(_FINE * fraction))
        self.run_message.setText(message)

    def say(self, sentence: str) -> None:
        """What is wrong; nothing hides the line."""
        self.message.setText(sentence)
        self.message.setVisible(bool(sentence))

    def set_way(self, first: str, second: str) -> None:
        """The two ends of the way; an empty second one takes the slider away."""
        self.way.setVisible(bool(second))
        self.way.set_value(0.0)
        self.way_words.setText(f"Blend {first} and {second}" if second else
                               "Shift and click another picture to blend the two")

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if local_files(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Take the files in as pictures to reconstruct."""
        paths = tuple(local_files(event.mimeData()))
        if paths:
            self.files_chosen.emit(paths)
            event.acceptProposedAction()
