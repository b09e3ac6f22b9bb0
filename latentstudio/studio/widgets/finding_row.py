"""One row of what was found in a model: tick box, name, grade, and in one sentence what is known or why not."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QCheckBox, QGridLayout, QWidget

from latentstudio.studio.shell.icons import icon_pixmap
from latentstudio.studio.theme import app_theme
from latentstudio.studio.widgets.base import Text

_COLOURS = {"A": "good", "B": "good", "C": "text", "D": "bad"}


@dataclass(frozen=True)
class FoundRow:
    """What a row says.

    Attributes:
        name: of the slider.
        grade: A to D, or ``not found``.
        reason: one sentence.
        keepable: there is something to keep, so the row has a tick box.
        usable: worth keeping, so the box is ticked at first.
        kept: it stands among the sliders already.
    """

    name: str
    grade: str
    reason: str
    keepable: bool
    usable: bool
    kept: bool = False


class TickBox(QCheckBox):
    """A tick box whose square is seen on a card also while it is empty."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = app_theme()

    def sizeHint(self) -> QSize:
        side = self._theme.px(18)
        return QSize(side, side)

    def hitButton(self, pos: QPoint) -> bool:
        """All of the square can be clicked."""
        return self.rect().contains(pos)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The square; in the accent with the tick while it is on."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tokens, on = self._theme.tokens, self.isChecked()
        painter.setPen(QPen(tokens.colour("text" if self.hasFocus() else "accent" if on else "dim"), 1.5))
        painter.setBrush(tokens.colour("accent") if on else Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 4, 4)
        if on:
            side = self._theme.px(14)
            tick = icon_pixmap("check", tokens.panel, side, self.devicePixelRatioF())
            painter.drawPixmap((self.width() - side) // 2, (self.height() - side) // 2, tick)


class FindingRow(QWidget):
    """Shows one ``FoundRow``.

    Signals:
        toggled(): the tick box was changed.
    """

    toggled = Signal()

    def __init__(self, row: FoundRow, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.row = row
        self.box = TickBox(self)
        self.box.setAccessibleName(f"Keep {row.name}")
        self.box.setChecked(row.usable)
        policy = self.box.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.box.setSizePolicy(policy)
        self.name = Text(row.name, role="name", parent=self)
        self.grade = Text("", role="small", parent=self)
        self.reason = Text("", role="small", colour="dim", parent=self)
        self.reason.setWordWrap(True)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        grid.addWidget(self.box, 0, 0)
        grid.addWidget(self.name, 0, 1)
        grid.addWidget(self.grade, 0, 2)
        grid.addWidget(self.reason, 1, 1, 1, 2)
        self.box.toggled.connect(self._on_toggled)
        self.set_row(row)

    @property
    def ticked(self) -> bool:
        """Whether this slider is to be kept."""
        return self.row.keepable and not self.row.kept and self.box.isChecked()

    def set_row(self, row: FoundRow) -> None:
        """Say something else of the same slider; the tick stays as the person left it."""
        self.row = row
        found = row.grade in _COLOURS
        self.grade.setText(f"grade {row.grade}{', kept' if row.kept else ''}" if found else row.grade)
        self.grade.set_colour(_COLOURS.get(row.grade, "dim"))
        self.name.set_colour("text" if row.keepable else "dim")
        self.reason.setText(row.reason)
        self.box.setVisible(row.keepable and not row.kept)

    def _on_toggled(self) -> None:
        self.toggled.emit()
