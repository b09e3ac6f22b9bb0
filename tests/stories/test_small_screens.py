"""Windows on small screens: held inside, nothing cut, the picture larger than every panel, four sliders in sight."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QDialog, QTabBar

from latentstudio.stories.driver import Driver, story_window
from latentstudio.studio.shell.screens import hold_to_screen

MODEL = "story-model"
# logical sizes of 1024 x 700, 1280 x 720, 1366 x 768 at 125 %, 1920 x 1080 at 150 % and at 200 %, and the drawing's
SIZES = ((1024, 700), (1280, 720), (1092, 614), (1280, 720), (960, 540), (1440, 900))


@pytest.fixture
def driver(story_home, tmp_path, qapp):
    with story_window(tmp_path / "shots", model=MODEL) as made:
        yield made


def area(rect: QRect) -> int:
    return rect.width() * rect.height()


def test_the_picture_is_the_largest_thing_and_nothing_is_cut(driver: Driver):
    for wide, high in SIZES:
        check_at(driver, wide, high)


def check_at(driver: Driver, wide: int, high: int) -> None:
    window, docks = driver.window, driver.window.docks
    window.resize(wide, high)
    driver.live(0.2)
    assert (window.width(), window.height()) == (wide, high)
    _, _, picture_wide, picture_high = driver.parts.picture_panel.canvas.viewport.rectangle
    for name, dock in docks.docks.items():
        if docks.is_seen(name):
            assert area(dock.geometry()) < picture_wide * picture_high, name
            assert window.rect().contains(dock.geometry()), name
    for bar in window.findChildren(QTabBar):
        if bar.isVisible() and bar.parent() is window:
            assert all("…" not in bar.tabText(index) for index in range(bar.count()))
            assert bar.tabRect(bar.count() - 1).right() <= bar.width()
    shown = driver.parts.factors_panel
    for card in list(shown.cards.values())[:4]:
        corner = card.mapTo(shown, QPoint(0, 0))
        assert shown.rect().contains(QRect(corner, card.size())), card.name
    status = window.statusBar()
    assert window.rect().contains(status.geometry())


def test_at_1440_the_right_side_takes_400_and_the_picture_675(driver: Driver):
    driver.window.resize(1440, 900)
    driver.live(0.2)
    assert driver.window.docks.docks["factors"].width() == 400
    assert driver.parts.picture_panel.canvas.viewport.rectangle[2] >= 675


def test_what_finishes_a_panels_work_is_in_sight(driver: Driver):
    driver.window.resize(1440, 900)
    driver.live(0.2)
    parts = driver.parts
    for name, button in (("learn", parts.learn_panel.start_button), ("train", parts.train_panel.start_button)):
        driver.window.docks.bring_forward(name)
        driver.live(0.2)
        assert not button.visibleRegion().isEmpty(), name
    driver.window.arrange("Photo")
    parts.photo_panel.show_card()
    driver.live(0.2)
    for button in (parts.photo_panel.paste_button, parts.photo_panel.tune_button, parts.photo_panel.again_button):
        assert not button.visibleRegion().isEmpty()
        assert button.width() >= button.sizeHint().width(), "no word is cut"


def test_a_window_is_held_to_its_screen(qtbot):
    dialog = QDialog()
    qtbot.addWidget(dialog)
    room = QRect(0, 30, 960, 510)
    dialog.setGeometry(room.right() - 40, room.bottom() - 40, room.width() + 300, room.height() + 300)
    dialog.show()
    hold_to_screen(dialog, room)
    assert room.contains(dialog.frameGeometry())
