"""The factor card and its slider with real mouse, wheel and key events."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from latentstudio.studio.factors.card import FactorCard
from latentstudio.studio.theme import apply_theme
from latentstudio.studio.widgets.base import IconButton
from latentstudio.studio.widgets.factor_slider import FactorSlider
from latentstudio.studio.widgets.value_edit import ValueEdit
from latentstudio.units import PIXELS, TIMES


class Log:
    """Everything a card said, in order."""

    def __init__(self, card: FactorCard) -> None:
        self.said: list[tuple[object, ...]] = []
        card.pressed.connect(self.on_pressed)
        card.moved.connect(self.on_moved)
        card.settled.connect(self.on_settled)
        card.lock_changed.connect(self.on_lock)
        card.exact_requested.connect(self.on_exact)

    def on_pressed(self, name: str) -> None:
        self.said.append(("pressed", name))

    def on_moved(self, name: str, t: float) -> None:
        self.said.append(("moved", name, t))

    def on_settled(self, name: str, t: float) -> None:
        self.said.append(("settled", name, t))

    def on_lock(self, name: str, locked: bool) -> None:
        self.said.append(("lock", name, locked))

    def on_exact(self, name: str) -> None:
        self.said.append(("exact", name))

    def kinds(self) -> list[object]:
        return [entry[0] for entry in self.said]


@pytest.fixture
def card(qtbot: QtBot, qapp: QApplication) -> Iterator[FactorCard]:
    apply_theme(qapp, "dark")
    page = QWidget()
    column = QVBoxLayout(page)
    made = FactorCard("x", PIXELS, "A")
    made.set_range(-12.0, 12.0, -6.0, 8.0)
    column.addWidget(made)
    qtbot.addWidget(page)
    page.resize(520, 140)
    page.show()
    qtbot.waitExposed(page)
    page.activateWindow()
    yield made
    page.close()


def point_of(slider: FactorSlider, value: float) -> QPoint:
    return QPoint(round(slider.position_of(value)), slider.height() // 2)


def turn(slider: FactorSlider, delta: int) -> bool:
    at = QPointF(slider.rect().center())
    event = QWheelEvent(
        at,
        QPointF(slider.mapToGlobal(at.toPoint())),
        QPoint(),
        QPoint(0, delta),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(slider, event)
    return event.isAccepted()


def editor(card: FactorCard) -> ValueEdit:
    found = card.findChild(ValueEdit)
    assert isinstance(found, ValueEdit)
    return found


def test_a_drag_presses_moves_and_settles_once(card: FactorCard) -> None:
    log, slider = Log(card), card.slider
    QTest.mousePress(slider, Qt.MouseButton.LeftButton, pos=point_of(slider, 0.0))
    assert card.in_hand
    for t in (1.0, 3.0, 6.0):
        QTest.mouseMove(slider, point_of(slider, t))
    QTest.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=point_of(slider, 6.0))
    kinds = log.kinds()
    assert kinds[0] == "pressed"
    assert kinds[-1] == "settled"
    assert kinds.count("settled") == 1
    assert kinds.count("moved") == 3
    assert card.value == pytest.approx(6.0, abs=0.06)
    assert card.value_text.startswith("+6.0") or card.value_text.startswith("+5.9")
    assert not card.in_hand


def test_a_click_on_the_track_brings_the_knob(card: FactorCard) -> None:
    slider = card.slider
    QTest.mouseClick(slider, Qt.MouseButton.LeftButton, pos=point_of(slider, -5.0))
    assert card.value == pytest.approx(-5.0, abs=0.06)


def test_a_drag_beyond_the_known_range_stops_there_and_moves_no_other_card(card: FactorCard) -> None:
    slider, high = card.slider, card.sizeHint().height()
    QTest.mousePress(slider, Qt.MouseButton.LeftButton, pos=point_of(slider, 0.0))
    QTest.mouseMove(slider, point_of(slider, 11.0))
    assert (card.value, card.value_text, card.note) == (8.0, "+8.0 px", "stops at +8.0 px")
    assert card.sizeHint().height() == high
    QTest.mouseMove(slider, point_of(slider, 4.0))
    assert card.note == ""
    QTest.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=point_of(slider, 4.0))


def test_double_click_resets_to_zero(card: FactorCard) -> None:
    card.set_value(5.0)
    log = Log(card)
    QTest.mouseDClick(card.slider, Qt.MouseButton.LeftButton, pos=point_of(card.slider, 5.0))
    assert card.value == 0.0
    assert ("settled", "x", 0.0) in log.said


def test_set_value_and_ranges_say_nothing(card: FactorCard) -> None:
    log = Log(card)
    card.set_value(4.25)
    card.set_range(-3.0, 3.0, -1.0, 1.0)
    assert log.said == []
    assert card.value == 3.0


def test_arrow_keys_step_and_settle_after_a_rest(card: FactorCard, qtbot: QtBot) -> None:
    card.slider.setFocus()
    log = Log(card)
    QTest.keyClick(card.slider, Qt.Key.Key_Right)
    QTest.keyClick(card.slider, Qt.Key.Key_Right)
    QTest.keyClick(card.slider, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    assert card.value == pytest.approx(0.5 + 0.5 + 2.5)
    assert "settled" not in log.kinds()
    with qtbot.waitSignal(card.settled, timeout=2000):
        pass
    assert log.kinds() == ["pressed", "moved", "moved", "moved", "settled"]
    QTest.keyClick(card.slider, Qt.Key.Key_End)
    assert card.value == pytest.approx(8.0)


def test_wheel_needs_the_keyboard_focus(card: FactorCard) -> None:
    card.slider.clearFocus()
    assert not turn(card.slider, 120)
    assert card.value == 0.0
    card.slider.setFocus()
    assert turn(card.slider, 240)
    assert card.value == pytest.approx(1.0)
    turn(card.slider, 60)
    assert card.value == pytest.approx(1.0)
    turn(card.slider, 60)
    assert card.value == pytest.approx(1.5)


def test_losing_the_focus_ends_a_run_of_steps_at_once(card: FactorCard) -> None:
    card.slider.setFocus()
    log = Log(card)
    QTest.keyClick(card.slider, Qt.Key.Key_Left)
    card.slider.clearFocus()
    assert log.said[-1] == ("settled", "x", pytest.approx(-0.5))


def test_a_typed_value_is_applied_by_enter(card: FactorCard) -> None:
    log, edit = Log(card), editor(card)
    QTest.mouseClick(edit, Qt.MouseButton.LeftButton)
    edit.selectAll()
    QTest.keyClicks(edit, "-3.5px")
    QTest.keyClick(edit, Qt.Key.Key_Return)
    assert card.value == pytest.approx(-3.5)
    assert log.kinds() == ["pressed", "moved", "settled"]
    assert edit.text() == "−3.5 px"


def test_escape_gives_a_typed_value_up(card: FactorCard) -> None:
    log, edit = Log(card), editor(card)
    edit.setFocus()
    edit.selectAll()
    QTest.keyClicks(edit, "9")
    QTest.keyClick(edit, Qt.Key.Key_Escape)
    assert card.value == 0.0
    assert log.said == []
    assert edit.text() == "0.0 px"


def test_wrong_text_is_said_in_the_card(card: FactorCard) -> None:
    log, edit = Log(card), editor(card)
    edit.setFocus()
    edit.selectAll()
    QTest.keyClicks(edit, "far")
    QTest.keyClick(edit, Qt.Key.Key_Return)
    assert "'far' is not a value in px" in card.note
    assert log.said == []
    edit.selectAll()
    QTest.keyClicks(edit, "2")
    QTest.keyClick(edit, Qt.Key.Key_Return)
    assert card.note == ""
    assert card.value == 2.0


def test_a_typed_value_beyond_the_known_range_stops_there_and_says_so(card: FactorCard) -> None:
    edit = editor(card)
    edit.setFocus()
    edit.selectAll()
    QTest.keyClicks(edit, "99px")
    QTest.keyClick(edit, Qt.Key.Key_Return)
    assert card.value == 8.0
    assert card.note == "stops at +8.0 px"


def test_lock_disables_slider_and_editor(card: FactorCard) -> None:
    log = Log(card)
    lock = next(button for button in card.findChildren(IconButton) if "Lock" in button.toolTip())
    QTest.mouseClick(lock, Qt.MouseButton.LeftButton)
    assert log.said == [("lock", "x", True)]
    assert card.locked
    QTest.mouseClick(card.slider, Qt.MouseButton.LeftButton, pos=point_of(card.slider, 5.0))
    assert card.value == 0.0
    QTest.mouseClick(lock, Qt.MouseButton.LeftButton)
    assert not card.locked


def test_reset_button(card: FactorCard) -> None:
    card.set_value(3.0)
    button = next(button for button in card.findChildren(IconButton) if "Reset" in button.toolTip())
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert card.value == 0.0


def test_leak_bars_show_only_with_data_and_room(card: FactorCard, qtbot: QtBot) -> None:
    bars = card.findChild(QWidget, "leaks")
    assert bars is not None
    assert bars.isHidden()
    card.set_leaks({"y": 0.2, "scale": 0.7})
    assert not bars.isHidden()
    assert "scale 70 %" in bars.accessibleName()
    card.window().resize(300, 140)
    qtbot.waitUntil(bars.isHidden)
    card.set_leaks({})
    assert bars.isHidden()


def test_magnifications_are_shown_and_typed_as_times(qtbot: QtBot, qapp: QApplication) -> None:
    made = FactorCard("scale", TIMES, "B")
    qtbot.addWidget(made)
    made.set_range(-1.0, 1.0, -0.5, 0.5)
    made.set_value(0.111)
    assert made.value_text == "× 1.08"
    made.show()
    edit = editor(made)
    edit.setFocus()
    edit.selectAll()
    QTest.keyClicks(edit, "1.2x")
    QTest.keyClick(edit, Qt.Key.Key_Return)
    assert made.value == pytest.approx(0.263, abs=1e-3)


def test_exact_is_asked_for_by_its_button_where_there_is_something_to_measure(card: FactorCard) -> None:
    log, button = Log(card), card.exact_button
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert log.said == [], "at 0 there is nothing to be exact about"
    card.set_value(4.0)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert log.said == [("exact", "x")]
    QTest.keyClick(button, Qt.Key.Key_Space)
    assert log.said == [("exact", "x"), ("exact", "x")]
    card.set_locked(True)
    assert not button.isEnabled()
    card.set_locked(False)
    assert button.isEnabled()
    assert "measure this very picture" in button.accessibleName()


def test_a_narrow_card_shows_the_whole_name_and_gives_up_reset_first(qtbot: QtBot, qapp: QApplication) -> None:
    apply_theme(qapp, "dark")
    card = FactorCard("brightness", PIXELS, "A")
    qtbot.addWidget(card)
    card.show()
    title = next(label for label in card.findChildren(QLabel) if label.text() == "brightness")
    reset = next(button for button in card.findChildren(IconButton) if button.toolTip().startswith("Reset"))
    for width, has_reset in ((420, True), (card.minimumSizeHint().width(), False)):
        card.resize(width, card.sizeHint().height())
        card.layout().activate()
        assert title.width() >= title.sizeHint().width()
        assert (reset.width() == reset.sizeHint().width()) is has_reset
