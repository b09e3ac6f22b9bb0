"""The running job in the status bar: title, share, time left, Cancel and a thin line of progress."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from latentstudio.steps import time_left_text
from latentstudio.studio.theme import app_theme
from latentstudio.studio.widgets.base import Elided, Link, Text


@dataclass(frozen=True)
class JobLine:
    """What is running: its title, the share done in [0, 1], the seconds left or None while unknown."""

    title: str
    fraction: float
    seconds_left: float | None = None


class JobStrip(QWidget):
    """Hidden while no job runs.

    Signals:
        cancel_requested(): Cancel was clicked; the strip stays until ``clear``.
        shown(bool): a job came, or the last one went.
    """

    cancel_requested = Signal()
    shown = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = app_theme()
        self._fraction = 0.0
        self.title = Elided("", role="small", colour="dim")
        self.share = Text("", role="small", colour="dim")
        self.left = Text("", role="small", colour="dim")
        self.cancel = Link("Cancel", role="small", colour="dim")
        self.title.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self.cancel.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.cancel.clicked.connect(self._on_cancel)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 2)
        row.setSpacing(8)
        for widget in (self.title, self.share, self.left, self.cancel):
            row.addWidget(widget, 0, Qt.AlignmentFlag.AlignVCenter)
        self.setAccessibleName("Running job")
        self.hide()

    def show_job(self, line: JobLine) -> None:
        """Show how far it is."""
        if self.isHidden() or line.title != self.title.text():
            self.cancel.setEnabled(True)
        self._fraction = min(1.0, max(0.0, line.fraction))
        self.title.setText(line.title)
        self.share.setText(f"{100 * self._fraction:.0f} %")
        self.left.setText(time_left_text(line.seconds_left))
        self.left.setVisible(line.seconds_left is not None)
        self.setAccessibleDescription(f"{line.title} {self.share.text()} {self.left.text()}")
        if self.isHidden():
            self.shown.emit(True)
        self.show()
        self.update()

    def clear(self) -> None:
        """No job runs."""
        self.cancel.setEnabled(True)
        self.hide()
        self.shown.emit(False)

    def _on_cancel(self) -> None:
        self.cancel.setEnabled(False)
        self.cancel_requested.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The thin line at the lower edge."""
        painter = QPainter(self)
        tokens = self._theme.tokens
        line = QRectF(0, self.height() - 2, self.width(), 2)
        painter.fillRect(line, tokens.colour("track"))
        line.setWidth(self.width() * self._fraction)
        painter.fillRect(line, tokens.colour("accent"))
