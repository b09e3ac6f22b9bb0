"""The panel for one's own photo: the frame on it, how close the model comes, and the way back into the photo."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from latentstudio.errors import UsageError
from latentstudio.inversion.settings import InversionSettings
from latentstudio.settings import changed, fields_of
from latentstudio.studio.photo.frame import PhotoFrame
from latentstudio.studio.photo.likeness_dial import LikenessDial
from latentstudio.studio.widgets.advanced_settings import AdvancedSettings
from latentstudio.studio.widgets.base import Card, Heading, Link, Text
from latentstudio.studio.widgets.choice_link import ChoiceLink
from latentstudio.studio.widgets.finding_row import TickBox
from latentstudio.studio.widgets.mosaic import Mosaic
from latentstudio.studio.widgets.pieces import dim, fill_panel, foot_of, line_of, words

EMPTY = (
    "Drop a photo on the window, paste one, or open one. The model draws its own version of it, and the sliders move "
    "that."
)
_FINE = 1000
ELSEWHERE = ("start", "loss", "constraint", "likeness", "distance", "space")  # a session holds the first space
_WRITTEN = {
    "auto": "the best start there is", "encoder": "start from the encoder", "random": "start from random latents",
    "blurred": "blurred error", "mse": "squared error", "l1": "absolute error", "dssim": "structure (DSSIM)",
    "features": "features",
    "ball": "inside the ball", "sphere": "on the sphere", "none": "anywhere",
}


class PhotoPanel(QWidget):
    """Shows the photo, the run and what came out.

    Signals:
        open_requested(), again_requested(), cancel_requested(), paste_back_requested(), tune_requested(),
        compare_requested().
        line_switched(bool): show the photo left of a line on the canvas.
        tuned_switched(bool): draw with the tuned weights, or with the model's own.
    """

    open_requested = Signal()
    again_requested = Signal()
    cancel_requested = Signal()
    paste_back_requested = Signal()
    tune_requested = Signal()
    compare_requested = Signal()
    line_switched = Signal(bool)
    tuned_switched = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("photoPanel")
        self.empty = words(EMPTY, self)
        self.open_button = QPushButton("Open a photo…", self)
        self.photo = PhotoFrame(self)
        self.photo.hide()
        self.notes = words("", self)
        self.notes.hide()
        self._build_run()
        self._build_card()
        self._build_layout()
        self.open_button.clicked.connect(self.open_requested)
        self.again_button.clicked.connect(self.again_requested)
        self.cancel_button.clicked.connect(self.cancel_requested)
        self.tune_button.clicked.connect(self.tune_requested)
        self.compare.clicked.connect(self.compare_requested)
        self.line.clicked.connect(self.line_switched)
        self.tuned.clicked.connect(self.tuned_switched)
        self.paste_button.clicked.connect(self.paste_back_requested)
        self.set_running(False)

    def _build_run(self) -> None:
        self.run = QWidget(self)
        self.bar = QProgressBar(self.run)
        self.bar.setRange(0, _FINE)
        self.bar.setTextVisible(False)
        self.message = dim("", self.run)
        self.cancel_button = QPushButton("Cancel", self.run)
        self.cancel_button.setToolTip("Stop here and keep the best so far")
        column = QVBoxLayout(self.run)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.bar)
        column.addLayout(line_of(self.message, self.cancel_button))

    def _build_card(self) -> None:
        self.card = Card(self)
        self.title = Text("", role="title", parent=self.card)
        self.title.setWordWrap(True)
        self.sheet = Mosaic("Photo, the model's picture, and where they differ", self.card)
        self.reasons = words("", self.card, colour="text")
        self.facts = words("", self.card)
        self.compare = Link("Compare with the model's own samples", role="small", parent=self.card)
        self.compare.setToolTip("Measured once for this model, on samples of its own, and kept")
        self.compare.hide()
        self.paste_button = QPushButton("Paste back…", self.card)
        self.paste_button.setToolTip("Put the edited face back into the photo, as a new file (Ctrl+Shift+V)")
        self.paste_button.setDefault(True)
        self.again_button = QPushButton("Try again", self.card)
        self.tune_button = QPushButton("Tune", self.card)
        self.tune_button.setToolTip("Let a copy of the model's weights learn this one photo; the sliders go on working")
        self.line, self.tuned = TickBox(self.card), TickBox(self.card)
        self.line.setToolTip("Drag the line over the picture; hold B to see the whole photo")
        self.line.setAccessibleName("Photo left of a line on the picture")
        self.tuned.setAccessibleName("Draw with the tuned weights")
        self.tuned_words = words("", self.card, colour="text")
        column = QVBoxLayout(self.card)
        column.setContentsMargins(16, 14, 16, 16)
        column.setSpacing(8)
        column.addWidget(Heading("How close it comes", self.card))
        for widget in (self.title, self.sheet, self.reasons, self.facts):
            column.addWidget(widget)
        column.addWidget(self.compare, 0, Qt.AlignmentFlag.AlignLeft)
        line_words = words("The photo left of a line on the picture", self.card, colour="text")
        for box, said in ((self.line, line_words), (self.tuned, self.tuned_words)):
            row = QHBoxLayout()
            row.setSpacing(8)
            row.addWidget(box, 0, Qt.AlignmentFlag.AlignTop)
            row.addWidget(said, 1)
            column.addLayout(row)
        self.foot = foot_of(self, self.paste_button, self.tune_button, self.again_button)
        self.foot.hide()
        self.set_tuned("", False)
        self._build_settings(column)
        self.card.hide()

    def _build_settings(self, column: QVBoxLayout) -> None:
        """How to look, for the next try."""
        self.dial = LikenessDial(self.card)
        choice = {field.name: field.choices or field.setting.offers for field in fields_of(InversionSettings)}
        starts = tuple(start for start in choice["start"] if start != "given")  # a latent in a file: not from here
        self.start = ChoiceLink("Start", starts, written=_written, parent=self.card)
        self.loss = ChoiceLink("Loss", choice["loss"], written=_written, parent=self.card)
        self.constraint = ChoiceLink(
            "Where latents may lie", choice["constraint"], written=_written, parent=self.card
        )
        self.advanced = AdvancedSettings(InversionSettings(), elsewhere=ELSEWHERE, parent=self.card)
        self.mistake = words("", self.card, colour="bad")
        self.mistake.hide()
        choices = QHBoxLayout()
        choices.setSpacing(14)
        usual = InversionSettings()
        for link, current in ((self.start, usual.start), (self.loss, usual.loss), (self.constraint, usual.constraint)):
            link.set_current(current)
            choices.addWidget(link, 0, Qt.AlignmentFlag.AlignLeft)
            link.chosen.connect(self._on_settings)
        choices.addStretch(1)
        column.addSpacing(6)
        column.addWidget(Heading("How to look", self.card))
        column.addWidget(self.dial)
        column.addLayout(choices)
        column.addWidget(self.advanced)
        column.addWidget(self.mistake)
        self.advanced.changed.connect(self._on_settings)

    def settings(self) -> InversionSettings | None:
        """How to look, as it stands; None, and words in the panel, where a number is none."""
        try:
            found = changed(
                self.advanced.settings(), start=self.start.current, loss=self.loss.current,
                constraint=self.constraint.current, likeness=self.dial.likeness,
            )
        except UsageError as problem:
            self.mistake.setText(problem.sentence)
            self.mistake.show()
            return None
        self.mistake.hide()
        return found

    def _on_settings(self) -> None:
        """Other settings: a number that is none is said while it is typed."""
        self.again_button.setEnabled(self.settings() is not None and self.run.isHidden())

    def _build_layout(self) -> None:
        column = QWidget(self)
        layout = QVBoxLayout(column)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(10)
        for widget in (self.empty, self.photo, self.notes, self.run, self.card):
            layout.addWidget(widget)
        layout.addWidget(self.open_button, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addStretch(1)
        fill_panel(self, column, self.foot)

    def set_running(self, running: bool) -> None:
        """While the model is being asked there is progress and Cancel."""
        self.run.setVisible(running)
        self.again_button.setEnabled(not running and self.settings() is not None)
        self.dial.setEnabled(not running)
        self.paste_button.setEnabled(not running)
        self.tune_button.setEnabled(not running)
        if running:
            self.set_progress(0.0, "Waiting…")

    def set_progress(self, fraction: float, message: str) -> None:
        """The share done and a few words."""
        self.bar.setValue(round(_FINE * fraction))
        self.message.setText(message)

    def say(self, notes: tuple[str, ...]) -> None:
        """What the user should know of photo and frame; nothing hides the line."""
        self.notes.setText(". ".join(note[:1].upper() + note[1:] for note in notes) + ("." if notes else ""))
        self.notes.setVisible(bool(notes))
        self.empty.hide()

    def set_tuned(self, words: str, tuned: bool) -> None:
        """Say that the model was tuned on this photo, with a switch; empty words take both away."""
        self.tuned_words.setText(words)
        for widget in (self.tuned, self.tuned_words):
            widget.setVisible(bool(words))
        self.tuned.setChecked(tuned)

    def show_card(self, shown: bool = True) -> None:
        """What came out, and the buttons that go on from there."""
        self.card.setVisible(shown)
        self.foot.setVisible(shown)

    def clear_card(self) -> None:
        """Another photo, another frame: what was said does not hold any more."""
        self.show_card(False)
        self.sheet.set_sheet(None)
        self.set_tuned("", False)


def _written(choice: str) -> str:
    return _WRITTEN[choice]
