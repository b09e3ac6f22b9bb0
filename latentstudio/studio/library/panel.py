"""The left panel: the models, the licence to be read before one is fetched, and the samples."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from latentstudio.studio.library.models_list import LibraryList
from latentstudio.studio.library.sample_grid import SampleGrid
from latentstudio.studio.widgets.base import Card, Heading, Link, Text
from latentstudio.studio.widgets.pieces import fill_panel, indented, line_of, words


class LicenceCard(Card):
    """Shows what is going to be fetched and under which licence; nothing happens before Accept.

    Signals:
        accepted(str), declined(): with the add-on's name.
    """

    accepted = Signal(str)
    declined = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = ""
        self.title = Text("", role="name", parent=self)
        self.terms = words("", self)
        self.full_text = QPlainTextEdit(self)
        self.full_text.setReadOnly(True)
        self.full_text.setTabChangesFocus(True)
        self.full_text.setMaximumHeight(150)
        self.full_text.setAccessibleName("Licence text")
        self.accept_button = QPushButton("Accept and fetch", self)
        self.accept_button.setDefault(True)
        self.decline_link = Link("Not now", role="small", colour="dim", parent=self)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 12, 12, 12)
        layout.setSpacing(8)
        for widget in (self.title, self.terms, self.full_text):
            layout.addWidget(widget)
        layout.addWidget(self.accept_button)
        layout.addLayout(line_of(self.decline_link))
        self.accept_button.clicked.connect(self._on_accept)
        self.decline_link.clicked.connect(self._on_decline)
        self.hide()

    def ask(self, name: str, title: str, terms: str, full_text: str) -> None:
        """Show the terms of the add-on ``name`` and wait for an answer."""
        self._name = name
        self.title.setText(title)
        self.terms.setText(terms)
        self.full_text.setPlainText(full_text.strip())
        self.show()
        # text that is wrapped anew by a new layout keeps its place in the middle of a paragraph
        QTimer.singleShot(0, self, self._show_beginning)
        self.accept_button.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_beginning(self) -> None:
        self.full_text.verticalScrollBar().setValue(0)

    def _on_accept(self) -> None:
        self.hide()
        self.accepted.emit(self._name)

    def _on_decline(self) -> None:
        self.hide()
        self.declined.emit()


class LibraryPanel(QWidget):
    """Lays out ``library``, ``licence`` and ``samples``; folded, a strip of the models' thumbnails."""

    def set_folded(self, folded: bool) -> None:
        """Only thumbnails, in a narrow window."""
        for widget in self._foldable:
            widget.setVisible(not folded)
        self.library.set_folded(folded)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("libraryPanel")
        self.library = LibraryList(self)
        self.licence = LicenceCard(self)
        self.samples = SampleGrid(self)
        column = QWidget(self)
        inner = QVBoxLayout(column)
        inner.setContentsMargins(12, 12, 12, 12)
        inner.setSpacing(8)
        headings = Heading("Library", column), Heading("Samples", column)
        self._foldable = (*headings, self.samples)
        inner.addLayout(indented(headings[0]))
        inner.addWidget(self.library)
        inner.addWidget(self.licence)
        inner.addSpacing(8)
        inner.addLayout(indented(headings[1]))
        inner.addLayout(indented(self.samples))
        inner.addStretch(1)
        fill_panel(self, column)
