"""What a hand does out of turn: resizing while rows come, tabs opened late, the same thing twice, nothing to paste."""

from __future__ import annotations

import random

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from latentstudio.stories.driver import Driver, story_window
from latentstudio.studio.app import make_application
from latentstudio.studio.reconstruct.panel import ReconstructPanel
from latentstudio.studio.theme import apply_theme

MODEL = "story-model"


@pytest.fixture
def driver(story_home, tmp_path, qapp):
    with story_window(tmp_path / "shots", model=MODEL) as made:
        yield made


def test_rows_may_be_set_while_the_panel_is_resized(qtbot):
    apply_theme(make_application(), "dark")
    panel = ReconstructPanel()
    qtbot.addWidget(panel)
    panel.resize(400, 500)
    panel.card.show()
    panel.show()
    hand = random.Random(1)
    for turn in range(300):
        count, names = hand.randint(1, 16), ("original", "decoder", "generator")[: hand.randint(1, 3)]
        panel.grid.set_rows([(name, np.zeros((count, 32, 32, 3), np.uint8)) for name in names])
        panel.resize(hand.randint(200, 700), hand.randint(200, 900))
        if turn % 3:
            QApplication.processEvents()
    qtbot.waitUntil(lambda: panel.grid.height() == panel.grid.heightForWidth(panel.grid.width()))


def test_a_panel_is_filled_when_its_tab_comes_to_the_front(driver: Driver):
    docks, parts = driver.window.docks, driver.parts
    driver.window.arrange("Photo")
    for dock in docks.docks.values():
        dock.show()
    docks.bring_forward("photo")
    driver.live(0.2)
    for name, filled in (("train", lambda: parts.train_panel.name.text() and parts.train_panel.recipe.choices),
                         ("reconstruct", lambda: parts.reconstruct_panel.message.text()
                          or parts.reconstruct_panel.models.names)):
        assert not docks.is_seen(name)
        docks.docks[name].raise_()
        driver.wait(lambda filled=filled: bool(filled()), f"the panel {name} filled")


def test_comparing_from_the_menu_says_so_and_ends_with_the_next_change(driver: Driver):
    picture, canvas = driver.parts.picture, driver.parts.picture_panel.canvas
    driver.drag("x", 4.0)
    driver.window.menus.trigger("before")
    driver.wait(lambda: canvas.comparing, "the picture before")
    driver.window.menus.opening.emit()
    assert driver.window.menus.actions["before"].isChecked()
    driver.window.menus.trigger("before")
    driver.wait(lambda: not canvas.comparing, "the picture after")
    driver.window.menus.trigger("before")
    driver.wait(lambda: canvas.comparing, "the picture before, again")
    driver.drag("x", 1.0)
    assert not picture.comparing
    assert not canvas.comparing


def test_hints_may_be_asked_for_twice_and_skipped(driver: Driver):
    driver.window.on_hints()
    first = driver.window.hints
    driver.window.on_hints()
    assert first is not None
    assert first.isHidden()
    driver.live(0.05)
    assert driver.window.hints is not None
    driver.click(driver.window.hints.skip_link)
    driver.live(0.05)
    assert driver.window.hints is None


def test_nothing_to_paste_is_said(driver: Driver):
    QGuiApplication.clipboard().clear()
    driver.key("Ctrl+V")
    driver.wait(lambda: "no picture on the clipboard" in driver.parts.notices.last.sentence, "the sentence")


def test_a_message_moves_nothing(driver: Driver):
    canvas = driver.parts.picture_panel.canvas
    before = canvas.geometry()
    driver.parts.desk.notice("good", "Saved a picture under a name that is long enough to be wrapped " * 3)
    driver.live(0.2)
    bar = driver.parts.picture_panel.notices
    assert canvas.geometry() == before
    assert before.contains(bar.geometry())


def test_held_space_leaves_the_last_sample_alone(driver: Driver):
    history = driver.parts.workspace.history
    before = len(history.path())
    for _ in range(12):
        driver.window.menus.trigger("new_sample")
        driver.live(0.03)
    driver.settle()
    driver.wait(lambda: not driver.parts.workspace.has_preview, "the last one kept")
    assert len(driver.parts.workspace.history.path()) == before + 2


def test_a_workspace_that_was_left_comes_back_as_it_was(driver: Driver):
    docks, window = driver.window.docks, driver.window
    window.resizeDocks([docks.docks["factors"]], [470], Qt.Orientation.Horizontal)
    driver.live(0.1)
    wide = docks.docks["factors"].width()
    window.arrange("Photo")
    driver.live(0.1)
    window.arrange("Play")
    driver.live(0.1)
    assert abs(docks.docks["factors"].width() - wide) <= 2
    QTest.keyClick(window, Qt.Key.Key_F5)


def right_click(driver: Driver, widget, place) -> list[str]:
    """What the menu offers there; it is closed again."""
    widget.customContextMenuRequested.emit(place)
    menu = driver.window.context_menus.menu
    assert menu is not None
    assert menu.isVisible()
    menu.close()
    return [action.text().split("\t")[0] for action in menu.actions() if not action.isSeparator()]


def test_a_right_click_offers_what_can_be_done_with_the_thing_under_it(driver: Driver):
    parts = driver.parts
    canvas, tiles, strip = parts.picture_panel.canvas, parts.library_panel.samples.tiles, parts.picture_panel.strip
    driver.wait(lambda: tiles.count > 1, "the samples")
    assert "Save picture…" in right_click(driver, canvas, canvas.rect().center())
    assert right_click(driver, tiles, tiles.area_of(1).center().toPoint())[0] == "Edit this one"
    assert "Copy as Python" in right_click(driver, strip, strip.area_of(0).center().toPoint())
    panel, card = parts.factors_panel, parts.factors_panel.cards["scale"]
    offered = right_click(driver, panel, card.mapTo(panel, card.rect().center()))
    wanted = {"Reset", "Type a value", "Match this picture exactly", "Remove my slider", "What the grade means"}
    assert wanted <= set(offered)
    assert parts.factors.chosen == "scale"


def test_a_slider_is_renamed_and_keeps_its_name_in_sessions(driver: Driver):
    driver.drag("scale", 0.1)
    driver.parts.factors.request_rename("scale", "size")
    driver.wait(lambda: driver.card("scale").title == "size", "the other word")
    assert driver.view.position("scale") != 0.0
