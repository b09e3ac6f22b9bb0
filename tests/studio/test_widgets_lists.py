"""Film strip, library, samples and raw sliders with real events."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QFontMetrics, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from latentstudio.stories.gallery import sample_picture
from latentstudio.studio.canvas.film_strip import FilmStrip, StripEntry
from latentstudio.studio.library.models_list import LibraryList
from latentstudio.studio.library.sample_grid import SampleGrid
from latentstudio.studio.raw.sliders import RawSliders
from latentstudio.studio.theme import app_theme, apply_theme
from latentstudio.studio.widgets.base import IconButton, Link
from latentstudio.tasks.library import LibraryRow

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture(autouse=True)
def dressed(qapp: QApplication) -> None:
    apply_theme(qapp, "dark")


def entries(count: int, current: int) -> tuple[StripEntry, ...]:
    return tuple(StripEntry(10 + i, PICTURES[i % 4], f"step {i}", i == current) for i in range(count))


PICTURES = [sample_picture(seed) for seed in range(4)]


def test_strip_click_and_arrow_keys_choose(qtbot: QtBot) -> None:
    strip = FilmStrip()
    qtbot.addWidget(strip)
    strip.resize(400, 64)
    strip.set_entries(entries(5, 2))
    strip.show()
    chosen: list[int] = []
    strip.chosen.connect(chosen.append)
    QTest.mouseClick(strip.viewport(), LEFT, pos=strip.area_of(4).center().toPoint())
    QTest.keyClick(strip, Qt.Key.Key_Left)
    QTest.keyClick(strip, Qt.Key.Key_Home)
    QTest.mouseClick(strip.viewport(), LEFT, pos=QPoint(398, 30))
    assert chosen == [14, 11, 10]


def test_strip_scrolls_to_the_current_entry_and_keeps_known_pictures(qtbot: QtBot) -> None:
    strip = FilmStrip()
    qtbot.addWidget(strip)
    strip.resize(300, 64)
    strip.show()
    strip.set_entries(entries(50, 49))
    area = strip.area_of(49)
    assert area.left() >= 0
    assert area.right() <= strip.viewport().width()
    known = strip.image_of(10)
    strip.set_entries(entries(51, 0))
    assert strip.image_of(10) is known
    assert strip.area_of(0).left() >= 0


ROWS = (
    LibraryRow("faces-gan", "64 px", PICTURES[0], "ready", "MIT", removable=True),
    LibraryRow("faces", "64 px", None, "available", "MIT"),
    LibraryRow("scenes", "broken card", None, "broken", "line 3"),
)


def shown_library(qtbot: QtBot) -> LibraryList:
    library = LibraryList()
    qtbot.addWidget(library)
    library.set_rows(ROWS)
    library.resize(230, 320)
    library.show()
    return library


def test_library_rows_are_chosen_or_fetched(qtbot: QtBot) -> None:
    library = shown_library(qtbot)
    said: list[tuple[str, str]] = []
    library.chosen.connect(lambda name: said.append(("chosen", name)))
    library.fetch_requested.connect(lambda name: said.append(("fetch", name)))
    QTest.mouseClick(library.row_view("faces-gan"), LEFT)
    QTest.mouseClick(library.row_view("faces"), LEFT, pos=QPoint(40, 20))
    button = library.row_view("faces").findChild(IconButton)
    QTest.mouseClick(button, LEFT)
    QTest.keyClick(library.row_view("faces-gan"), Qt.Key.Key_Return)
    assert said == [("chosen", "faces-gan"), ("fetch", "faces"), ("fetch", "faces"), ("chosen", "faces-gan")]


def test_library_keeps_its_rows_and_shows_progress(qtbot: QtBot) -> None:
    library = shown_library(qtbot)
    view = library.row_view("faces")
    before = view.grab().toImage()
    fetching = LibraryRow("faces", "fetching", None, "fetching", "MIT", fraction=0.5)
    library.set_rows((fetching, ROWS[0]))
    assert library.names == ("faces", "faces-gan")
    assert library.row_view("faces") is view
    assert view.grab().toImage() != before
    library.set_current("faces-gan")
    assert library.current == "faces-gan"


def test_library_menu_and_link(qtbot: QtBot) -> None:
    library = shown_library(qtbot)
    removed: list[str] = []
    library.remove_requested.connect(removed.append)
    menu = library.menu_of("faces-gan")
    titles = [action.text() for action in menu.actions() if action.text()]
    assert titles == ["Open", "Show its folder", "Facts and licence", "Rename\N{HORIZONTAL ELLIPSIS}",
                      "Remove from this computer"]
    with qtbot.waitSignal(library.rename_requested) as asked:
        menu.actions()[-2].trigger()
    assert asked.args == ["faces-gan"]
    menu.actions()[-1].trigger()
    assert removed == ["faces-gan"]
    assert "Fetch" in [action.text() for action in library.menu_of("faces").actions()]
    link = next(link for link in library.findChildren(Link) if "Add a model" in link.text())
    with qtbot.waitSignal(library.add_requested):
        QTest.mouseClick(link, LEFT)


def shown_grid(qtbot: QtBot) -> SampleGrid:
    grid = SampleGrid()
    qtbot.addWidget(grid)
    grid.set_samples(np.stack([sample_picture(seed) for seed in range(6)]), tuple("abcdef"))
    grid.set_seed(1207)
    grid.resize(208, 220)
    grid.show()
    return grid


def test_a_sample_is_picked_by_mouse_and_keys(qtbot: QtBot) -> None:
    grid = shown_grid(qtbot)
    picked: list[int] = []
    grid.picked.connect(picked.append)
    QTest.mouseClick(grid.tiles, LEFT, pos=grid.tiles.area_of(5).center().toPoint())
    QTest.keyClick(grid.tiles, Qt.Key.Key_Up)
    QTest.keyClick(grid.tiles, Qt.Key.Key_Return)
    assert picked == [5, 1]
    qtbot.waitUntil(lambda: grid.tiles.height() == round(2 * grid.tiles.area_of(0).width() + 6))


def test_seed_field_and_new_sample(qtbot: QtBot) -> None:
    grid = shown_grid(qtbot)
    seeds: list[int] = []
    grid.seed_entered.connect(seeds.append)
    grid.seed_edit.setFocus()
    grid.seed_edit.selectAll()
    QTest.keyClicks(grid.seed_edit, "x")
    QTest.keyClick(grid.seed_edit, Qt.Key.Key_Return)
    assert seeds == []
    assert "'x' is not a seed" in grid.hint_text
    grid.seed_edit.selectAll()
    QTest.keyClicks(grid.seed_edit, "42")
    QTest.keyClick(grid.seed_edit, Qt.Key.Key_Return)
    assert seeds == [42]
    assert grid.hint_text == ""
    link = grid.findChild(Link)
    with qtbot.waitSignal(grid.new_sample_requested):
        QTest.mouseClick(link, LEFT)


def shown_raw(qtbot: QtBot, count: int = 512) -> RawSliders:
    raw = RawSliders()
    qtbot.addWidget(raw)
    raw.set_values(np.zeros(count), -3.0, 3.0, [f"z {i}" for i in range(count)], start=np.full(count, 0.5))
    raw.resize(420, 300)
    raw.show()
    return raw


def test_raw_drag_moves_one_coordinate_and_settles(qtbot: QtBot) -> None:
    raw = shown_raw(qtbot)
    said: list[tuple[str, int, float]] = []
    raw.moved.connect(lambda index, value: said.append(("moved", index, value)))
    raw.settled.connect(lambda index, value: said.append(("settled", index, value)))
    rows = raw.rows
    y = round(rows.track_of(3).center().y())
    QTest.mousePress(rows.viewport(), LEFT, pos=QPoint(round(rows.position_of(3, 0.0)), y))
    QTest.mouseMove(rows.viewport(), QPoint(round(rows.position_of(3, 1.5)), y))
    QTest.mouseRelease(rows.viewport(), LEFT, pos=QPoint(round(rows.position_of(3, 1.5)), y))
    assert [kind for kind, *_ in said] == ["moved", "settled"]
    assert said[-1][1] == 3
    assert said[-1][2] == pytest.approx(1.5, abs=0.03)
    assert raw.values[3] == said[-1][2]
    assert np.count_nonzero(raw.values) == 1


def test_raw_double_click_leads_to_the_start_value(qtbot: QtBot) -> None:
    raw = shown_raw(qtbot)
    rows = raw.rows
    at = QPoint(round(rows.position_of(2, 0.0)), round(rows.track_of(2).center().y()))
    QTest.mouseDClick(rows.viewport(), LEFT, pos=at)
    assert raw.values[2] == 0.5


def test_raw_keys_walk_scroll_and_step(qtbot: QtBot) -> None:
    raw = shown_raw(qtbot)
    rows = raw.rows
    rows.setFocus()
    for _ in range(40):
        QTest.keyClick(rows, Qt.Key.Key_Down)
    assert rows.row == 40
    assert rows.verticalScrollBar().value() > 0
    with qtbot.waitSignal(raw.settled, timeout=2000) as caught:
        QTest.keyClick(rows, Qt.Key.Key_Right)
    assert caught.args == [40, pytest.approx(0.06)]


def test_raw_modes(qtbot: QtBot) -> None:
    raw = shown_raw(qtbot, 4)
    raw.set_modes(("coordinates", "components"), "coordinates")
    at = raw.modes.area_of("components").center().toPoint()
    with qtbot.waitSignal(raw.mode_chosen) as caught:
        QTest.mouseClick(raw.modes, LEFT, pos=at)
    assert caught.args == ["components"]


def test_a_value_in_the_hand_is_not_overwritten(qtbot: QtBot) -> None:
    raw = shown_raw(qtbot, 4)
    rows = raw.rows
    y = round(rows.track_of(1).center().y())
    QTest.mousePress(rows.viewport(), LEFT, pos=QPoint(round(rows.position_of(1, 2.0)), y))
    held = raw.values[1]
    raw.set_values(np.zeros(4), -3.0, 3.0, list("abcd"))
    assert raw.values[1] == held
    QTest.mouseRelease(rows.viewport(), LEFT, pos=QPoint(round(rows.position_of(1, 2.0)), y))


def test_the_link_under_the_samples_says_as_much_as_there_is_room_for(qtbot: QtBot) -> None:
    grid = shown_grid(qtbot)
    link = next(link for link in grid.findChildren(Link) if "new" in link.text())
    for width, words in ((400, "new sample  Space"), (120, "new")):
        grid.resize(width, 300)
        qtbot.waitUntil(lambda wanted=words: link.text() == wanted)
    assert link.toolTip() == "New sample (Space)"


def test_raw_names_are_shown_in_full(qtbot: QtBot) -> None:
    raw = shown_raw(qtbot, 4)
    names = [f"c{index + 1}  31.6%" for index in range(4)]
    raw.set_values(np.zeros(4), -4, 4, names)
    metrics = QFontMetrics(app_theme().font("small"))
    assert raw.rows.track_of(0).left() >= 4 + max(metrics.horizontalAdvance(name) for name in names)


def test_a_run_of_steps_ends_before_other_values_come(qtbot: QtBot) -> None:
    raw = shown_raw(qtbot, 4)
    raw.set_modes(("coordinates", "components"))
    said: list[str] = []
    raw.settled.connect(lambda index, value: said.append(f"settled {index}"))
    raw.mode_chosen.connect(said.append)
    QTest.keyClick(raw.rows, Qt.Key.Key_Right)
    QTest.mouseClick(raw.modes, LEFT, pos=raw.modes.area_of("components").center().toPoint())
    assert said == ["settled 0", "components"]
    QTest.keyClick(raw.rows, Qt.Key.Key_Right)
    raw.set_values((), -4, 4, ())
    assert len(raw.values) == 0
    with qtbot.assertNotEmitted(raw.settled, wait=400):
        QTest.keyClick(raw.rows, Qt.Key.Key_Right)


def test_small_turns_of_a_wheel_add_up_to_whole_steps(qtbot: QtBot) -> None:
    raw = shown_raw(qtbot, 4)
    raw.set_values(np.zeros(4), -5, 5, ["a", "b", "c", "d"])
    raw.activateWindow()
    raw.rows.setFocus()
    qtbot.waitUntil(raw.rows.hasFocus)
    for _ in range(6):
        turn(raw.rows.viewport(), 40, Qt.KeyboardModifier.ControlModifier)
    assert raw.values[0] == pytest.approx(0.2)


def turn(widget: QWidget, angle: int, modifiers: Qt.KeyboardModifier) -> None:
    """A turn of the wheel over the middle of a widget, in eighths of a degree."""
    middle = QPointF(widget.rect().center())
    place, phase = QPointF(widget.mapToGlobal(middle.toPoint())), Qt.ScrollPhase.NoScrollPhase
    none = Qt.MouseButton.NoButton
    event = QWheelEvent(middle, place, QPoint(), QPoint(0, angle), none, modifiers, phase, False)
    QApplication.sendEvent(widget, event)
