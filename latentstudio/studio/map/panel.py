"""The panel of the map: what is shown, in which components, and the plane itself once there is something on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from latentstudio.studio.theme import app_theme
from latentstudio.studio.widgets.base import CARD_RADIUS, Heading, Link, Text
from latentstudio.studio.widgets.choice_link import ChoiceLink
from latentstudio.studio.widgets.pieces import Panel, dim, line_of
from latentstudio.studio.widgets.segmented import Segmented

if TYPE_CHECKING:  # pyqtgraph must not be loaded with the window
    from latentstudio.studio.map.plot import MapPlot

PICTURES, LATENTS, PATHS = "Pictures", "z", "Pixel paths"
VIEWS = (PICTURES, LATENTS, PATHS)
COUNTS = ("2000", "5000", "20000")
COMPONENTS = tuple(str(number) for number in range(1, 11))
ROOM_FOR_WORDS = 400
EMPTY = "Open a model to see where its samples lie."


class MapGround(QWidget):
    """The rounded ground under the plane, with one sentence while there is nothing to see."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = app_theme()
        self._words = EMPTY
        self.setAccessibleName("Map")
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self.setMinimumHeight(self._theme.px(90))

    @property
    def words(self) -> str:
        """The sentence."""
        return self._words

    def set_words(self, words: str) -> None:
        """What to say; also told to screen readers."""
        self._words = words
        self.setAccessibleDescription(words)
        self.update()

    def take(self, plot: QWidget) -> None:
        """Put the plane on the ground, hidden."""
        plot.hide()
        self._layout.addWidget(plot)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.tokens.colour("background"))
        painter.drawRoundedRect(QRectF(self.rect()), CARD_RADIUS, CARD_RADIUS)
        painter.setFont(self._theme.font("small"))
        painter.setPen(self._theme.tokens.colour("dim"))
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(self.rect().adjusted(16, 8, -16, -8), flags, self._words)


class MapPanel(Panel):
    """Lays out the choices and the ground; ``plot`` is there after ``take_plot``.

    Signals:
        view_chosen(str): one of ``VIEWS``.
        components_chosen(int, int), count_chosen(int), transformation_chosen(str).
        again_requested(): draw the map that was cancelled.
        fit_requested().
    """

    view_chosen = Signal(str)
    components_chosen = Signal(int, int)
    count_chosen = Signal(int)
    transformation_chosen = Signal(str)
    again_requested = Signal()
    fit_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("mapPanel")
        self.plot: MapPlot | None = None
        self.views = Segmented(VIEWS, padding=14, height=26, parent=self)
        self.views.setAccessibleName("What the map shows")
        self.words = dim("", self)
        self.across = ChoiceLink("Component across", COMPONENTS, parent=self)
        self.times = dim("×", self)
        self.up = ChoiceLink("Component upwards", COMPONENTS, parent=self)
        self.up.set_current("2")
        self.share = Text("", role="small", colour="dim", parent=self)
        self.count = ChoiceLink("Samples on the map", COUNTS, written=_in_words, parent=self)
        self.transformation = ChoiceLink("Transformation", parent=self)
        self.again = Link("Draw the map", role="small", parent=self)
        self.fit_link = Link("Fit", role="small", colour="dim", parent=self)
        self.fit_link.setToolTip("Everything in sight (0)")
        self.ground = MapGround(self)
        self._build_layout()
        self._connect()
        self.show_choices(PICTURES)
        self.again.hide()

    @property
    def components(self) -> tuple[int, int]:
        """The chosen pair, counted from 1."""
        return int(self.across.current), int(self.up.current)

    def take_plot(self, plot: MapPlot) -> None:
        """The plane was loaded."""
        self.plot = plot
        self.ground.take(plot)

    def show_plot(self, shown: bool) -> None:
        """The plane, or the words on the ground."""
        if self.plot is not None:
            self.plot.setVisible(shown)
        self.fit_link.setEnabled(shown)

    def say(self, words: str, *, again: bool = False) -> None:
        """Hide the plane and say why; ``again`` offers to draw the map."""
        self.ground.set_words(words)
        self.again.setVisible(again)
        self.show_plot(False)

    def show_choices(self, view: str) -> None:
        """The choices that belong to a view."""
        of_paths = view == PATHS
        for widget in (self.across, self.times, self.up, self.share, self.count):
            widget.setVisible(not of_paths)
        self.transformation.setVisible(of_paths)
        self.views.set_current(view)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where there is little room, or large text, the number of samples stands alone."""
        super().resizeEvent(event)
        self.count.set_written(_in_words if self.width() >= app_theme().px(ROOM_FOR_WORDS) else _in_figures)

    def _connect(self) -> None:
        self.views.chosen.connect(self._on_view)
        self.across.chosen.connect(self._on_component)
        self.up.chosen.connect(self._on_component)
        self.count.chosen.connect(self._on_count)
        self.transformation.chosen.connect(self.transformation_chosen)
        self.again.clicked.connect(self.again_requested)
        self.fit_link.clicked.connect(self.fit_requested)

    def _on_view(self, view: str) -> None:
        self.show_choices(view)
        self.view_chosen.emit(view)

    def _on_component(self, chosen: str) -> None:
        other = self.up if self.sender() is self.across else self.across
        if other.current == chosen:  # the same one twice spans no plane: the other takes the next
            other.set_current(next(name for name in other.choices if name != chosen))
        self.components_chosen.emit(*self.components)

    def _on_count(self, chosen: str) -> None:
        self.count_chosen.emit(int(chosen))

    def _build_layout(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 8, 16, 12)
        column.setSpacing(4)
        column.addLayout(line_of(Heading("Map", self), self.again, self.views))
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        for widget in (self.transformation, self.words, self.across, self.times, self.up, self.share):
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(self.count)
        row.addWidget(self.fit_link)
        column.addLayout(row)
        column.addWidget(self.ground, 1)


def _in_words(count: str) -> str:
    return f"{int(count):,} samples"


def _in_figures(count: str) -> str:
    return f"{int(count):,}"
