"""The panel Scene: the objects of the picture, their numbers, and what can be done with them."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from latentstudio.studio.widgets.base import Card, Heading, Link, Text
from latentstudio.studio.widgets.mosaic import Mosaic
from latentstudio.studio.widgets.pieces import fill_panel, row_of, words
from latentstudio.studio.widgets.wrapped_names import WrappedNames

INTRODUCTION = (
    "Open a scene model, such as scenes, and every picture stands there with its objects: drag them, pull their edges "
    "and corners, turn them. Drop a picture with several objects and it is taken apart."
)
NUMBERS = (("x", "px"), ("y", "px"), ("width", "px"), ("height", "px"), ("angle", "°"), ("depth", ""))


class ScenePanel(QWidget):
    """Shows objects and numbers.

    Signals:
        new_requested(), background_requested(), look_requested(), swap_requested(), duplicate_requested(),
        delete_requested(), front_requested(), back_requested(), lock_requested(), export_requested(),
        layers_requested().
        object_chosen(int): its index.
        number_entered(str, float): one of ``NUMBERS``, and the value typed.
    """

    new_requested = Signal()
    background_requested = Signal()
    look_requested = Signal()
    swap_requested = Signal()
    duplicate_requested = Signal()
    delete_requested = Signal()
    front_requested = Signal()
    back_requested = Signal()
    lock_requested = Signal()
    export_requested = Signal()
    layers_requested = Signal()
    object_chosen = Signal(int)
    number_entered = Signal(str, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("scenePanel")
        self.introduction = words(INTRODUCTION, self)
        self.message = words("", self)
        self.message.hide()
        self.count = Heading("Objects", self)
        self.objects = WrappedNames(self)
        self.objects.setAccessibleName("Objects")
        self.objects.chosen.connect(self._on_chosen)
        self.card = Card(self)
        self._build_card()
        self.body = QWidget(self)
        self._build_body()
        column = QWidget(self)
        layout = QVBoxLayout(column)
        layout.setContentsMargins(16, 12, 16, 12)
        layout.setSpacing(10)
        for widget in (self.introduction, self.message, self.body):
            layout.addWidget(widget)
        layout.addStretch(1)
        fill_panel(self, column)
        self.body.hide()

    def _build_card(self) -> None:
        self.title = Text("", role="name", parent=self.card)
        self.edits: dict[str, QLineEdit] = {}
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(6)
        for index, (name, unit) in enumerate(NUMBERS):
            row, column = divmod(index, 2)
            edit = QLineEdit(self.card)
            edit.setFixedWidth(84)
            edit.setAccessibleName(f"{name} of the object, in {unit}" if unit else name)
            edit.editingFinished.connect(lambda name=name: self._on_entered(name))
            self.edits[name] = edit
            grid.addWidget(Text(name, role="small", colour="dim", parent=self.card), row, 3 * column)
            grid.addWidget(edit, row, 3 * column + 1)
            grid.addWidget(Text(unit, role="small", colour="dim", parent=self.card), row, 3 * column + 2)
        grid.setColumnStretch(6, 1)
        column_layout = QVBoxLayout(self.card)
        column_layout.setContentsMargins(16, 14, 16, 16)
        column_layout.setSpacing(8)
        column_layout.addWidget(self.title)
        column_layout.addLayout(grid)
        self.duplicate = Link("Duplicate", role="small", parent=self.card)
        self.delete = Link("Delete", role="small", parent=self.card)
        self.front = Link("To front", role="small", parent=self.card)
        self.back = Link("To back", role="small", parent=self.card)
        self.lock = Link("Lock", role="small", parent=self.card)
        self.look = Link("Another look", role="small", parent=self.card)
        self.look.setToolTip("Another shape and colour from the learned prior")
        self.swap = Link("Swap looks", role="small", parent=self.card)
        self.swap.setToolTip("With two objects chosen (Shift and click): each gets the other's shape and colour")
        for links in ((self.duplicate, self.delete, self.front, self.back, self.lock), (self.look, self.swap)):
            row_layout = QHBoxLayout()
            row_layout.setSpacing(12)
            for link in links:
                row_layout.addWidget(link)
            row_layout.addStretch(1)
            column_layout.addLayout(row_layout)
        for link, signal in (
            (self.duplicate, self.duplicate_requested), (self.delete, self.delete_requested),
            (self.front, self.front_requested), (self.back, self.back_requested), (self.lock, self.lock_requested),
            (self.look, self.look_requested), (self.swap, self.swap_requested),
        ):
            link.clicked.connect(signal)

    def _build_body(self) -> None:
        self.new_button = QPushButton("New scene", self.body)
        self.new_button.setDefault(True)
        self.new_button.setToolTip("Let the learned prior propose another one (Space)")
        self.new_button.clicked.connect(self.new_requested)
        self.background = Link("Another background", role="small", parent=self.body)
        self.export = Link("Export scene…", role="small", parent=self.body)
        self.export_layers = Link("Export layers…", role="small", parent=self.body)
        self.background.clicked.connect(self.background_requested)
        self.export.clicked.connect(self.export_requested)
        self.export_layers.clicked.connect(self.layers_requested)
        self.facts = words("", self.body)
        self.sheet = Mosaic("Masks, background and objects", self.body)
        column = QVBoxLayout(self.body)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        column.addLayout(row_of(None, self.new_button, self.background, None, spacing=12))
        column.addLayout(row_of(None, self.export, self.export_layers, None, spacing=12))
        column.addWidget(self.count)
        column.addWidget(self.objects)
        column.addWidget(self.card)
        column.addWidget(self.facts)
        column.addWidget(self.sheet)

    def set_objects(self, names: tuple[str, ...]) -> None:
        """The objects of the scene in front, by name."""
        self.introduction.hide()
        self.body.show()
        self.count.setText("No objects" if not names else f"{len(names)} object{'' if len(names) == 1 else 's'}")
        self.objects.set_names(names)
        self.objects.setVisible(bool(names))

    def set_waiting(self, sentence: str) -> None:
        """The objects of the model in front are being looked for."""
        self.introduction.hide()
        self.say(sentence)

    def set_idle(self) -> None:
        """The model in front knows no objects."""
        self.body.hide()
        self.introduction.show()
        self.say("")

    def set_chosen(self, index: int, title: str, values: dict[str, float], *, locked: bool, several: bool) -> None:
        """The numbers of the chosen object; an ``index`` below 0 hides them."""
        self.card.setVisible(index >= 0)
        if index < 0:
            self.objects.choose_none()
            return
        if index < len(self.objects.names):
            self.objects.set_current(self.objects.names[index])
        self.title.setText(title)
        for name, edit in self.edits.items():
            if not edit.hasFocus() or not edit.isModified():
                edit.setText(f"{values[name]:.1f}".replace("-", "\N{MINUS SIGN}"))
                edit.setModified(False)
            edit.setEnabled(not locked and not several)
        self.lock.setText("Unlock" if locked else "Lock")
        self.swap.setEnabled(several)

    def say(self, sentence: str) -> None:
        """What should be known; nothing hides the line."""
        self.message.setText(sentence)
        self.message.setVisible(bool(sentence))

    def _on_chosen(self, name: str) -> None:
        self.object_chosen.emit(self.objects.names.index(name))

    def _on_entered(self, name: str) -> None:
        edit = self.edits[name]
        if not edit.isModified():
            return
        edit.setModified(False)
        try:
            value = float(edit.text().replace("\N{MINUS SIGN}", "-").replace(",", ".").strip().rstrip("°px "))
        except ValueError:
            self.say(f"'{edit.text()}' is no number")
            return
        self.say("")
        self.number_entered.emit(name, value)
