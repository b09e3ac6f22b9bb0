"""The panel of factors: one card a factor, links below, the calibration of the chosen one."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from latentstudio.factors import Factor, FactorSet
from latentstudio.factors.verdict import grade_words
from latentstudio.studio.factors.card import FactorCard
from latentstudio.studio.theme import app_theme
from latentstudio.studio.widgets.base import Heading, Link
from latentstudio.studio.widgets.curve_plot import CurvePlot
from latentstudio.studio.widgets.pieces import dim, fill_panel, line_of, words
from latentstudio.units import DEVIATIONS

STRIP = (
    "Save the chosen slider over its range from this sample as one picture (Ctrl+E), or its axis with the sample's own "
    "coordinate taken out (Ctrl+Shift+E)"
)
ROOM_FOR_STRIP = 350
EMPTY = "This model has no sliders yet. Find out which ones it can have: x, y, scale, rotation, brightness."


class FactorsPanel(QWidget):
    """Shows cards; what they say goes out by signals.

    Signals:
        pressed(name), moved(name, t), settled(name, t), lock_changed(name, locked), exact_requested(name): cards' own.
        reset_requested(), strip_requested(), learn_requested(), find_requested(): of the links.
        curve_toggled(shown): the calibration is wanted, or not any more.
    """

    pressed = Signal(str)
    moved = Signal(str, float)
    settled = Signal(str, float)
    lock_changed = Signal(str, bool)
    exact_requested = Signal(str)
    reset_requested = Signal()
    strip_requested = Signal()
    learn_requested = Signal()
    find_requested = Signal()
    curve_toggled = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("factorsPanel")
        self.cards: dict[str, FactorCard] = {}
        self._made: dict[tuple[str, str, str], FactorCard] = {}
        self._always_curve = False
        self._chosen_curve = False
        self.empty = words(EMPTY, self)
        self.find_button = QPushButton("Find sliders in this model", self)
        self.find_button.setDefault(True)
        self.find_link = Link("Find sliders", role="body", parent=self)
        self.find_link.setToolTip("Try x, y, scale, rotation and brightness in this model (Ctrl+F)")
        self.learn_link = Link("Learn one", role="body", parent=self)
        self.learn_link.setAccessibleName("Learn a slider")
        self.reset_link = Link("Reset", role="small", colour="dim", parent=self)
        self.strip_link = Link("Strip", role="small", colour="dim", parent=self)
        self.curve_link = Link("Curve", role="small", colour="dim", parent=self)
        self.curve_link.setCheckable(True)
        self.reset_link.setToolTip("Reset all sliders that are not locked (Ctrl+R)")
        self.strip_link.setToolTip(STRIP)
        self.curve_link.setToolTip("Show the calibration of the chosen slider")
        self.curve_title = Heading("Calibration", self)
        self.curve_words = dim("", self)
        self.plot = CurvePlot(self)
        self._build_layout()
        self.find_button.clicked.connect(self.find_requested)
        self.find_link.clicked.connect(self.find_requested)
        self.learn_link.clicked.connect(self.learn_requested)
        self.reset_link.clicked.connect(self.reset_requested)
        self.strip_link.clicked.connect(self.strip_requested)
        self.curve_link.toggled.connect(self._on_curve_toggled)
        self.curve_link.clicked.connect(self._on_curve_clicked)

    def show_factors(self, factors: FactorSet) -> None:
        """Show one card a factor; cards that were made for another model serve again, since making one takes time."""
        old, self.cards = self.cards, {}
        for index, factor in enumerate(factors):
            card = self._card(factor)
            if self._card_layout.indexOf(card) != index:
                self._card_layout.removeWidget(card)
                self._card_layout.insertWidget(index, card)
            card.show()
            self.cards[factor.name] = card
        for card in old.values():
            if card is not self.cards.get(card.name):
                self._card_layout.removeWidget(card)
                card.hide()
        self.empty.setVisible(not self.cards)
        self.find_button.setVisible(not self.cards)
        for widget in (self.find_link, self.reset_link, self.curve_link):
            widget.setVisible(bool(self.cards))
        self._settle_links()
        least = max((card.minimumSizeHint().width() for card in self.cards.values()), default=0)
        margins = self._card_layout.contentsMargins()
        self.setMinimumWidth(max(self.minimumWidth(), least + margins.left() + margins.right()))
        self._settle_curve()

    def _card(self, factor: Factor) -> FactorCard:
        key = (factor.name, factor.unit.symbol, factor.label)
        card = self._made.get(key)
        if card is None:
            card = self._made[key] = FactorCard(factor.name, factor.unit, title=factor.label, parent=self._column)
            card.pressed.connect(self.pressed)
            card.moved.connect(self.moved)
            card.settled.connect(self.settled)
            card.lock_changed.connect(self.lock_changed)
            card.exact_requested.connect(self.exact_requested)
        if factor.unit == DEVIATIONS:
            card.set_grade("", factor.title)
        else:
            card.set_grade(factor.grade, f"Grade {factor.grade}: {grade_words(factor)}")
        card.set_locked(False)
        card.set_note("")
        return card

    def set_curve_wanted(self, wanted: bool) -> None:
        """Show the calibration even where it takes scrolling; otherwise it stands only where there is room."""
        self._always_curve = wanted
        self._settle_curve()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The calibration comes where there is room, and goes where there is none."""
        super().resizeEvent(event)
        self._settle_links()
        self._settle_curve()

    def _settle_links(self) -> None:
        """Where there is little room the strip is left to the menus."""
        self.strip_link.setVisible(bool(self.cards) and self.width() >= app_theme().px(ROOM_FOR_STRIP))

    def _settle_curve(self) -> None:
        """Until the person decides by the link: shown where the workspace wants it or empty room is left."""
        if self._chosen_curve:
            return
        cards = sum(card.sizeHint().height() + self._card_layout.spacing() for card in self.cards.values())
        room = self.height() - cards - 3 * self.curve_link.sizeHint().height()
        self.curve_link.setChecked(bool(self.cards) and (self._always_curve or room >= self.plot.sizeHint().height()))

    def _on_curve_clicked(self) -> None:
        self._chosen_curve = True

    def _on_curve_toggled(self, shown: bool) -> None:
        for widget in (self.curve_title, self.curve_words, self.plot):
            widget.setVisible(shown)
        self.curve_toggled.emit(shown)

    def _build_layout(self) -> None:
        self._column = QWidget(self)
        self._column.setObjectName("panelColumn")
        self._card_layout = QVBoxLayout(self._column)
        self._card_layout.setContentsMargins(16, 12, 16, 12)
        self._card_layout.setSpacing(10)
        self._card_layout.addWidget(self.empty)
        self._card_layout.addLayout(line_of(self.find_button))
        links = line_of(self.find_link, self.reset_link, self.strip_link, self.curve_link)
        links.insertWidget(1, self.learn_link)
        links.setSpacing(8)
        self._card_layout.addLayout(links)
        self._card_layout.addLayout(line_of(self.curve_title, self.curve_words))
        self.plot.setFixedHeight(self.plot.sizeHint().height())
        self._card_layout.addWidget(self.plot)
        self._card_layout.addStretch(1)
        fill_panel(self, self._column)
        self._on_curve_toggled(False)
        self.show_factors(FactorSet())
