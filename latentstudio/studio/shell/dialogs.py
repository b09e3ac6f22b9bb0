"""What the window asks in dialogs: paths, a size, a word; all through ``Dialogs``, so that tests can answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QFileDialog, QInputDialog, QLineEdit, QWidget

from latentstudio.errors import UsageError
from latentstudio.picture_files import MAX_PIXELS
from latentstudio.pixels import SavedSize, parse_size, saved_shape
from latentstudio.studio.widgets.base import Text
from latentstudio.studio.widgets.pieces import column_of, dim, line_of
from latentstudio.studio.widgets.segmented import Segmented

SIZES = ("1x", "4x", "8x", "Pixels")
BICUBIC, NEAREST = "Bicubic", "Nearest"


def _no_words(*asked: object) -> str:
    return ""


@dataclass(frozen=True)
class Dialogs:
    """Asks the user; where nothing was chosen the answer is empty, or None for the size.

    Without arguments nobody is asked: no path and no word is chosen, and the size stays.
    """

    open_file: Callable[[QWidget, str, str], str] = _no_words
    open_files: Callable[[QWidget, str, str], list[str]] = lambda parent, title, folder: []
    save_file: Callable[[QWidget, str, str, str], str] = _no_words
    choose_folder: Callable[[QWidget, str, str], str] = _no_words
    ask_size: Callable[[QWidget, str, tuple[int, int], SavedSize], SavedSize | None] = (
        lambda parent, title, shape, size: size)
    ask_words: Callable[[QWidget, str, str, str], str] = _no_words
    show_folder: Callable[[Path], object] = lambda folder: None


def system_dialogs() -> Dialogs:
    """The system's own dialogs."""
    return Dialogs(
        open_file=lambda parent, title, folder: QFileDialog.getOpenFileName(parent, title, folder)[0],
        open_files=lambda parent, title, folder: list(QFileDialog.getOpenFileNames(parent, title, folder)[0]),
        save_file=ask_save_file,
        choose_folder=QFileDialog.getExistingDirectory,
        ask_size=ask_size,
        ask_words=lambda parent, title, question, words: QInputDialog.getText(parent, title, question, text=words)[0],
        show_folder=lambda folder: QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))),
    )


def ask_save_file(parent: QWidget, title: str, path: str, kinds: str) -> str:
    """The system's dialog for saving; it puts the suffix behind a name without one before it asks about replacing."""
    dialog = QFileDialog(parent, title, path, kinds)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(Path(path).suffix.removeprefix("."))
    chosen = dialog.selectedFiles() if dialog.exec() else []
    dialog.deleteLater()
    return chosen[0] if chosen else ""


def ask_size(parent: QWidget, title: str, shape: tuple[int, int], size: SavedSize) -> SavedSize | None:
    """How large pictures of this ``shape`` (height, width) shall be saved, ``size`` to begin with."""
    dialog = SizeDialog(parent, title, shape, size)
    chosen = dialog.size_chosen if dialog.exec() else None
    dialog.deleteLater()
    return chosen


class SizeDialog(QDialog):
    """The choices of ``--size`` and ``--enlarge``, and how many pixels a picture will have."""

    def __init__(self, parent: QWidget, title: str, shape: tuple[int, int], size: SavedSize) -> None:
        super().__init__(parent)
        self._shape = shape
        self.setWindowTitle(title)
        self.times = Segmented(SIZES, padding=14, parent=self)
        self.side = QLineEdit(str(size.side or max(saved_shape(*shape, size))), self)
        self.side.setAccessibleName("Pixels on the longer side")
        self.side.setMaximumWidth(80)
        self.method = Segmented((BICUBIC, NEAREST), padding=14, parent=self)
        self.method.setToolTip("Bicubic is smooth; nearest draws every pixel as a square")
        self.facts = dim("", self)
        kinds = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(kinds.Save | kinds.Cancel, self)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        column_of(self, line_of(Text("Size", parent=self), self.times, self.side),
                  line_of(Text("Enlarged by", parent=self), self.method), self.facts, self.buttons,
                  margins=(20, 16, 20, 16), spacing=12)
        self.times.set_current("Pixels" if size.side else str(replace(size, nearest=False)))
        self.method.set_current(NEAREST if size.nearest else BICUBIC)
        self.times.chosen.connect(self._show)
        self.method.chosen.connect(self._show)
        self.side.textChanged.connect(self._show)
        self._show()

    @property
    def size_chosen(self) -> SavedSize | None:
        """The size as it stands; None where the pixels are no number, or too many."""
        asked = self.side.text() if self.times.current == "Pixels" else self.times.current
        try:
            size = replace(parse_size(asked), nearest=self.method.current == NEAREST)
        except UsageError:
            return None
        height, width = saved_shape(*self._shape, size)
        return size if height * width <= MAX_PIXELS else None

    def _show(self) -> None:
        size = self.size_chosen
        self.side.setVisible(self.times.current == "Pixels")
        self.buttons.button(QDialogButtonBox.StandardButton.Save).setEnabled(size is not None)
        if size is None:
            self.facts.setText(f"A number of pixels, at most {MAX_PIXELS // 1_000_000} million in all")
        else:
            height, width = saved_shape(*self._shape, size)
            self.facts.setText(f"{width:,} x {height:,} pixels")
