"""The panel that trains a model of one's own: pictures, recipe, a run with its curves and samples, and going on."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from latentstudio.studio.widgets.base import Card, Elided, Heading, Link, Text
from latentstudio.studio.widgets.choice_link import ChoiceLink
from latentstudio.studio.widgets.mosaic import Mosaic
from latentstudio.studio.widgets.pieces import Panel, dim, fill_panel, foot_of, line_of, row_of, words
from latentstudio.studio.widgets.small_plots import LossPlot
from latentstudio.studio.widgets.wrapped_names import WrappedNames

INTRODUCTION = "Train a model on pictures of your own. It goes on while you play, and another day where it stopped."
OWN, FASHION, SPRITES, SAMPLES = "pictures of mine", "Fashion-MNIST", "sprites", "samples of a model"
SOURCES = (OWN, FASHION, SAMPLES, SPRITES)
_FINE = 1000


class UnfinishedRow(QWidget):
    """A run that can go on.

    Signals:
        go_on(str): its name.
    """

    go_on = Signal(str)

    def __init__(self, name: str, about: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.link = Link("Continue", role="small", parent=self)
        self.link.setAccessibleName(f"Continue with {name}")
        self.link.clicked.connect(lambda: self.go_on.emit(name))
        row = line_of(Elided(f"{name}   {about}", role="small", parent=self), self.link)
        self.setLayout(row)


class RunCard(Card):
    """A run while it lasts, and after it.

    Signals:
        pause_requested(), stop_requested(), open_requested(), loss_chosen(str).
    """

    pause_requested = Signal()
    stop_requested = Signal()
    open_requested = Signal()
    loss_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = Text("", role="title", parent=self)
        self.share = Text("", role="small", colour="dim", parent=self)
        self.bar = QProgressBar(self)
        self.bar.setRange(0, _FINE)
        self.bar.setTextVisible(False)
        self.message = words("", self)
        self.notes = words("", self, colour="bad")
        self.samples = Mosaic("Samples of the run", self)
        self.samples_words = dim("Pictures above, what the networks make of them and samples below", self)
        self.which = ChoiceLink("Loss", parent=self)
        self.loss = LossPlot(self)
        self.pause_button = QPushButton("Pause", self)
        self.stop_button = QPushButton("Stop", self)
        self.stop_button.setToolTip("Keep a checkpoint and stop; it can go on another day")
        self.open_button = QPushButton("Open the model", self)
        self.open_button.setDefault(True)
        head = QHBoxLayout()
        head.addWidget(self.title)
        head.addStretch(1)
        head.addWidget(self.share)
        buttons = QHBoxLayout()
        for button in (self.pause_button, self.stop_button, self.open_button):
            buttons.addWidget(button)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 16)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self.bar)
        column.addWidget(self.message)
        column.addWidget(self.notes)
        column.addLayout(buttons)
        column.addWidget(self.which, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self.loss)
        column.addWidget(self.samples)
        column.addWidget(self.samples_words)
        self.pause_button.clicked.connect(self.pause_requested)
        self.stop_button.clicked.connect(self.stop_requested)
        self.open_button.clicked.connect(self.open_requested)
        self.which.chosen.connect(self.loss_chosen)

    def begin(self, name: str) -> None:
        """Another run: nothing is known of it yet."""
        self.title.setText(name)
        self.set_progress(0.0, "reading the pictures…", "")
        self.notes.hide()
        self.samples.set_sheet(None)
        self.samples_words.hide()
        self.loss.hide()
        self.which.hide()
        self.set_state(running=True)
        self.show()

    def set_progress(self, fraction: float, message: str, left: str) -> None:
        """The share done, a few words, and the time left in words."""
        self.bar.setValue(round(_FINE * fraction))
        self.share.setText(f"{fraction:.0%} · {left}" if left else f"{fraction:.0%}")
        self.message.setText(message)

    def set_state(self, *, running: bool, paused: bool = False, finished: bool = False) -> None:
        """Which buttons make sense now."""
        self.pause_button.setVisible(running)
        self.pause_button.setText("Continue" if paused else "Pause")
        self.stop_button.setVisible(running)
        self.stop_button.setEnabled(not paused)
        self.open_button.setVisible(finished)

    def say(self, sentence: str) -> None:
        """What should be known; nothing hides the line."""
        self.notes.setText(sentence)
        self.notes.setVisible(bool(sentence))


class TrainPanel(Panel):
    """Shows the choices, the runs that wait, and the run.

    Signals:
        source_chosen(str): one of ``SOURCES``.
        folder_requested(), recipe_chosen(str), model_chosen(str), name_edited(str), start_requested(),
        go_on_requested(str).
    """

    source_chosen = Signal(str)
    folder_requested = Signal()
    recipe_chosen = Signal(str)
    model_chosen = Signal(str)
    name_edited = Signal(str)
    start_requested = Signal()
    go_on_requested = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("trainPanel")
        self.introduction = words(INTRODUCTION, self)
        self._build_choices()
        self.run = RunCard(self)
        self.run.hide()
        self.unfinished = QWidget(self)
        self._rows = QVBoxLayout(self.unfinished)
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(4)
        self.unfinished.hide()
        self._build_layout()
        self._connect()

    def _build_choices(self) -> None:
        self.source = WrappedNames(self)
        self.source.setAccessibleName("Pictures to learn from")
        self.source.set_names(SOURCES)
        self.folder = Link("Choose a folder…", role="small", parent=self)
        self.model = ChoiceLink("Model whose samples are learned from", parent=self)
        self.recipe = ChoiceLink("Recipe to start from", parent=self)
        self.name = QLineEdit(self)
        self.name.setAccessibleName("Name of the new model")
        self.text = QPlainTextEdit(self)
        self.text.setAccessibleName("Recipe")
        self.text.setTabChangesFocus(True)
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setMinimumHeight(220)
        self.text.hide()
        self.text_toggle = Link("Recipe ▸", role="small", parent=self)
        self.mistake = words("", self, colour="bad")
        self.mistake.hide()
        self.start_button = QPushButton("Train", self)
        self.start_button.setDefault(True)

    def _build_layout(self) -> None:
        column = QWidget(self)
        layout = QVBoxLayout(column)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(10)
        layout.addWidget(self.introduction)
        layout.addWidget(self.run)
        layout.addWidget(self.unfinished)
        layout.addWidget(Heading("Pictures", self))
        layout.addWidget(self.source)
        layout.addWidget(self.folder, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self.model, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(Heading("Model", self))
        named = Text("name", role="small", colour="dim", parent=self)
        made_like = Text("made like", role="small", colour="dim", parent=self)
        layout.addLayout(row_of(None, named, self.name, spacing=10))
        layout.addLayout(row_of(None, made_like, self.recipe, None, spacing=10))
        layout.addWidget(self.text_toggle, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self.text)
        layout.addWidget(self.mistake)
        layout.addStretch(1)
        fill_panel(self, column, foot_of(self, self.start_button))

    def _connect(self) -> None:
        self.source.chosen.connect(self.source_chosen)
        self.folder.clicked.connect(self.folder_requested)
        self.model.chosen.connect(self.model_chosen)
        self.recipe.chosen.connect(self.recipe_chosen)
        self.name.textEdited.connect(self.name_edited)
        self.start_button.clicked.connect(self.start_requested)
        self.text_toggle.clicked.connect(self._on_toggle)

    def _on_toggle(self) -> None:
        opened = self.text.isHidden()
        self.text.setVisible(opened)
        self.text_toggle.setText("Recipe ▾" if opened else "Recipe ▸")

    def set_unfinished(self, runs: tuple[tuple[str, str], ...]) -> None:
        """The runs that can go on: pairs of name and a few words."""
        while (item := self._rows.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        if runs:
            self._rows.addWidget(Heading("Unfinished", self.unfinished))
        for name, about in runs:
            row = UnfinishedRow(name, about, self.unfinished)
            row.go_on.connect(self.go_on_requested)
            self._rows.addWidget(row)
        self.unfinished.setVisible(bool(runs))

    def say(self, sentence: str) -> None:
        """What is wrong with the wish; nothing hides the line."""
        self.mistake.setText(sentence)
        self.mistake.setVisible(bool(sentence))
