"""The real window by hand: keys, drops, panels, closing and coming back, and five thousand moves."""

from __future__ import annotations

import gc
import math
import threading
from dataclasses import replace

import numpy as np
import psutil
import pytest
from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialogButtonBox, QWidget

from latentstudio.document.autosave import claim_slot
from latentstudio.document.picture_recipe import read_recipe
from latentstudio.document.preferences import Preferences, load_preferences
from latentstudio.factors import apply_factors
from latentstudio.pixels import AS_DRAWN, parse_size, read_picture, to_bytes, write_png
from latentstudio.stories.driver import Driver, close_window, story_window
from latentstudio.stories.map_benchmark import bench_map
from latentstudio.studio.app import build_window
from latentstudio.studio.shell.dialogs import Dialogs, SizeDialog, ask_save_file, system_dialogs
from latentstudio.studio.shell.docks import RIGHT
from latentstudio.tasks.write_file import SaveChoice
from tests.half_done import leave_half_done

MODEL = "story-model"
MOVES = 5_000
MOST_GROWN = 20 * 2**20


@pytest.fixture
def driver(story_home, tmp_path, qapp):
    with story_window(tmp_path / "shots", model=MODEL) as made:
        yield made


def test_the_panels_undock_close_and_come_back(driver: Driver):
    docks = driver.window.docks
    driver.key("Ctrl+3")
    driver.wait(lambda: docks.front == "raw", "the raw panel")
    driver.key("Ctrl+U")
    assert docks.docks["raw"].isFloating()
    docks.toggle_floating("raw")
    assert not docks.docks["raw"].isFloating()
    driver.wait(lambda: docks.is_seen("raw"), "the docked panel in front")
    docks.docks["raw"].close()
    assert docks.docks["raw"].isHidden()
    driver.window.menus.actions["show_raw"].trigger()
    driver.wait(docks.docks["raw"].isVisible, "the raw panel again")


def test_a_floating_panel_has_buttons_and_hears_the_windows_keys(driver: Driver):
    from PySide6.QtTest import QTest

    docks, canvas = driver.window.docks, driver.parts.picture_panel.canvas
    panel = docks.docks["raw"]
    docks.toggle_floating("raw")
    assert panel.titleBarWidget().isVisible()
    panel.activateWindow()
    driver.wait(panel.isActiveWindow, "the keyboard in the floating panel")
    rows = driver.parts.raw_panel.sliders.rows
    QTest.keyPress(rows, Qt.Key.Key_B)
    driver.wait(lambda: canvas.comparing, "the comparison from a floating panel")
    QTest.keyRelease(rows, Qt.Key.Key_B)
    assert not canvas.comparing
    driver.click(panel.titleBarWidget().dock_button)
    assert not panel.isFloating()
    docks.toggle_floating("raw")
    driver.click(panel.titleBarWidget().close_button)
    assert panel.isHidden()


def test_closed_panels_come_back_as_wide_as_they_were(driver: Driver):
    docks = driver.window.docks
    library, factors = docks.docks["library"].width(), docks.docks["factors"].width()
    for name in RIGHT:
        docks.docks[name].close()
    driver.wait(lambda: driver.parts.picture_panel.width() > 1_000, "the picture to take the room")
    driver.key("Ctrl+2")
    driver.wait(lambda: abs(docks.docks["factors"].width() - factors) <= 2, "the factors as wide as before")
    assert abs(docks.docks["library"].width() - library) <= 2


def test_menu_entries_have_a_check_mark_while_they_are_on(driver: Driver):
    actions = driver.window.menus.actions

    def checked() -> set[str]:
        driver.window.menus.opening.emit()
        return {name for name, action in actions.items() if action.isChecked()}

    assert checked() == {"show_library", "show_factors", "show_map", "workspace_play", "theme_dark", "smooth"}
    driver.key("F6")
    driver.wait(lambda: driver.window.docks.is_seen("raw"), "raw beside factors")
    driver.key("N")
    driver.key("Ctrl+1")
    assert checked() == {"show_factors", "show_raw", "workspace_research", "theme_dark"}


def test_a_photograph_waits_until_the_layout_stands(driver: Driver):
    licence = driver.parts.library_panel.licence
    licence.ask("faces-gan", "Fetch faces-gan?", "Some terms. " * 20, "The licence. " * 80)
    tiles = driver.parts.library_panel.samples.tiles
    driver.shoot("licence")
    stands = (licence.geometry(), tiles.geometry())
    assert tiles.height() == tiles.heightForWidth(tiles.width())
    driver.live(0.2)
    assert (licence.geometry(), tiles.geometry()) == stands


def test_a_licence_is_shown_from_its_beginning(driver: Driver):
    licence = driver.parts.library_panel.licence
    text = "Copyright\n\n" + "\n".join(f"A line of terms that is wrapped, number {number}." for number in range(40))
    driver.shoot("before")
    licence.ask("faces-gan", "Fetch faces-gan?", "Some terms. " * 20, text)
    driver.shoot("licence")
    assert licence.full_text.verticalScrollBar().maximum() > 0
    assert licence.full_text.verticalScrollBar().value() == 0


def test_the_workspaces_only_arrange(driver: Driver):
    view = driver.view
    driver.key("F6")
    driver.wait(lambda: not driver.parts.raw_panel.visibleRegion().isEmpty(), "raw beside factors")
    assert not driver.parts.factors_panel.visibleRegion().isEmpty()
    driver.key("F5")
    driver.wait(lambda: driver.parts.raw_panel.visibleRegion().isEmpty(), "raw behind factors")
    assert driver.view == view


def test_the_map_lies_under_the_factors_and_a_click_on_it_goes_there(driver: Driver):
    from PySide6.QtTest import QTest

    panel, presenter = driver.parts.map_panel, driver.parts.map
    assert not panel.visibleRegion().isEmpty()
    driver.wait(lambda: presenter.data is not None, "the map")
    plot, start = panel.plot, driver.view
    driver.drag("x", 4.0, steps=6, seconds=0.1)
    driver.wait(lambda: len(plot.moving.path) == 13, "the path of the edit")
    sample = plot.scene_shown.cloud[int(np.argmin(np.abs(plot.scene_shown.cloud).sum(axis=1)))]
    QTest.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=plot.position_of(sample).toPoint())
    driver.settle()
    assert not driver.view.positions
    assert driver.view.seed is not None
    driver.wait(lambda: len(plot.moving.path) == 0, "no path")
    driver.key("Ctrl+Z")
    driver.key("Ctrl+Z")
    assert driver.view == start
    driver.key("Ctrl+5")
    assert panel.visibleRegion().isEmpty()
    driver.key("F6")
    driver.key("Ctrl+5")
    driver.wait(plot.isVisible, "the map as a tab")
    driver.click(plot.viewport(), QPoint(3, 3))
    assert driver.window.docks.front == "map"
    driver.key("Ctrl+U")
    assert driver.window.docks.docks["map"].isFloating()


def test_the_map_is_measured_with_twenty_thousand_points(story_home, qapp):
    report = bench_map(MODEL, seconds=0.3)
    assert report.points == 20_000
    assert report.frames_a_second > 0
    assert report.frame_p95_ms >= report.frame_p50_ms > 0
    assert report.large_width > report.width


def test_search_finds_and_does_an_action(driver: Driver):
    from PySide6.QtTest import QTest

    driver.drag("x", 4.0, steps=4, seconds=0.05)
    driver.key("Ctrl+K")
    search = driver.window.search
    assert search.isVisible()
    QTest.keyClicks(QApplication.focusWidget() or search, "reset all")
    QTest.keyClick(QApplication.focusWidget() or search, Qt.Key.Key_Return)
    driver.wait(lambda: not driver.view.positions, "the reset")
    assert not search.isVisible()


def test_typing_a_value_sets_it_exactly(driver: Driver):
    from PySide6.QtTest import QTest

    card = driver.card("x")
    driver.click(card._edit)
    card._edit.selectAll()
    QTest.keyClicks(card._edit, "2.5px")
    QTest.keyClick(card._edit, Qt.Key.Key_Return)
    driver.settle()
    assert driver.view.position("x") == pytest.approx(2.5, abs=0.02)


def test_saving_asks_for_a_path_and_says_that_it_saved(driver: Driver, tmp_path):
    asked = []

    def answer(*words: object) -> str:
        asked.append(words[1])
        return str(tmp_path / ("strip" if "strip" in str(words[1]) else "mine"))

    driver.window.commands.dialogs = Dialogs(save_file=answer)
    driver.key("Ctrl+S")
    driver.wait((tmp_path / "mine.png").is_file, "the picture")
    driver.key("Ctrl+Shift+S")
    driver.wait((tmp_path / "mine.latentstudio").is_file, "the session")
    driver.key("Ctrl+E")
    driver.wait(lambda: len(asked) == 3, "the strip's question")
    assert asked == ["Save picture", "Save session", "Export strip"]
    driver.wait(lambda: driver.parts.notices.last.sentence == "Saved the strip of x as strip.png", "the strip")
    saved = (tmp_path / "mine.png").read_bytes()
    driver.drag("x", 3.0, steps=4, seconds=0.05)
    driver.key("Ctrl+S")
    driver.wait(lambda: driver.parts.notices.last.kind == "bad", "the refusal")
    assert driver.parts.notices.last.sentence.startswith("mine.png is there already")
    assert (tmp_path / "mine.png").read_bytes() == saved


def test_a_picture_is_saved_at_the_size_chosen_in_the_dialog_and_offered_again(driver: Driver, tmp_path):
    offered = []
    look = QTimer(driver.window, interval=20)

    def choose() -> None:
        dialog = QApplication.activeModalWidget()
        if not isinstance(dialog, SizeDialog):
            return
        offered.append((dialog.times.current, dialog.facts.text()))
        for row, name in ((dialog.times, "4x"), (dialog.method, "Nearest")):
            QTest.mouseClick(row, Qt.MouseButton.LeftButton, pos=row.area_of(name).center().toPoint())
        QTest.mouseClick(dialog.buttons.button(QDialogButtonBox.StandardButton.Save), Qt.MouseButton.LeftButton)

    look.timeout.connect(choose)
    look.start()
    target = tmp_path / "large.png"
    driver.window.commands.dialogs = replace(system_dialogs(), save_file=lambda *words: str(target))
    driver.key("Ctrl+S")
    driver.wait(target.is_file, "the picture")
    assert read_recipe(target).size == "4x nearest"
    large = read_picture(target)
    assert large.shape == (256, 256, 3)
    assert np.array_equal(large, large[::4, ::4].repeat(4, 0).repeat(4, 1))
    target.unlink()
    driver.key("Ctrl+E")
    driver.wait(target.is_file, "the strip")
    assert read_picture(target).shape == (256, 9 * 258 - 2, 3)
    assert offered == [("1x", "64 x 64 pixels"), ("4x", "256 x 256 pixels")]
    assert driver.window.commands.last_size == parse_size("4x nearest")


def test_pixels_are_typed_and_what_is_no_size_cannot_be_chosen(driver: Driver):
    dialog = SizeDialog(driver.window, "Save picture", (48, 64), parse_size("512"))
    save = dialog.buttons.button(QDialogButtonBox.StandardButton.Save)
    assert (dialog.times.current, dialog.side.text(), dialog.facts.text()) == ("Pixels", "512", "512 x 384 pixels")
    for text in ("", "0", "many", "99999", "640"):
        dialog.side.clear()
        QTest.keyClicks(dialog.side, text)
        assert save.isEnabled() == (text == "640")
    assert dialog.size_chosen == parse_size("640 bicubic")
    dialog.deleteLater()


def test_renaming_and_a_typed_seed_ask_through_the_dialogs(driver: Driver):
    asked = []

    def answer(parent: QWidget, title: str, question: str, words: str) -> str:
        asked.append((title, words))
        return ""

    driver.window.commands.dialogs = Dialogs(ask_words=answer)
    driver.window.commands.rename_factor("x", "x")
    driver.window.docks.docks["library"].hide()
    driver.window.commands.on_enter_seed()
    assert asked == [("Rename the slider", "x"), ("Enter a seed", "")]


def test_the_save_dialog_adds_the_suffix_itself(driver: Driver, tmp_path, monkeypatch):
    from PySide6.QtWidgets import QFileDialog

    def accept(dialog: QFileDialog) -> int:
        assert dialog.acceptMode() == QFileDialog.AcceptMode.AcceptSave
        assert dialog.defaultSuffix() == "latentstudio"
        return QFileDialog.DialogCode.Accepted

    monkeypatch.setattr(QFileDialog, "exec", accept)
    asked = str(tmp_path / "a.latentstudio")
    assert ask_save_file(driver.window, "Save session", asked, "Sessions (*.latentstudio)") == asked


def test_a_dropped_photo_stands_on_the_canvas_and_undo_takes_it_back(driver: Driver, tmp_path):
    write_png(tmp_path / "photo.png", np.full((80, 120, 3), 40, np.uint8))
    view, photo = driver.view, driver.parts.photo
    driver.drop(tmp_path / "photo.png")
    driver.wait(lambda: photo.concluded is not None, "the inversion", seconds=120)
    driver.settle()
    assert driver.view.seed is None
    assert driver.window.docks.is_seen("photo")
    assert driver.window.docks.workspace == "Photo"
    assert driver.parts.photo_panel.title.text()
    photo.request_paste_back(tmp_path / "pasted.png")
    driver.wait((tmp_path / "pasted.png").is_file, "the photo with the crop back in it")
    driver.key("Ctrl+Z")
    driver.wait(lambda: driver.view == view, "what stood there before the photo")


@pytest.mark.parametrize(("name", "content", "words"), [
    ("broken.jpg", b"no picture at all", "broken.jpg"), ("empty.png", b"", "empty.png"),
])
def test_a_photo_that_is_none_is_told_in_the_bar(driver: Driver, tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    view = driver.view
    driver.drop(tmp_path / name)
    driver.wait(lambda: bool(driver.parts.notices.shown), "the notice")
    assert driver.parts.notices.last.kind == "bad"
    assert words in driver.parts.notices.last.sentence
    assert driver.view == view


def test_a_save_that_fails_is_told_and_the_window_goes_on(driver: Driver, tmp_path):
    (tmp_path / "file").write_text("in the way")
    driver.parts.files.request_save_picture(SaveChoice(tmp_path / "file" / "picture.png", AS_DRAWN))
    driver.wait(lambda: bool(driver.parts.notices.shown), "the notice")
    assert driver.parts.notices.last.kind == "bad"
    assert "cannot be written" in driver.parts.notices.last.sentence
    driver.drag("x", 3.0, steps=4, seconds=0.05)
    assert driver.view.position("x") != 0.0


def test_closing_keeps_everything_for_tomorrow(story_home, tmp_path, qapp):
    slots = tmp_path / "slots"
    first = build_window(model=MODEL, preferences=Preferences(hints_seen=True), slot=claim_slot(slots))
    driver = Driver(first, tmp_path)
    first.show()
    driver.settle()
    driver.drag("x", 5.0, steps=5, seconds=0.05)
    driver.key("F6")
    view, entries = driver.view, len(driver.parts.workspace.history)
    close_window(first)
    assert load_preferences()[0].workspace == "Research"
    second = build_window(slot=claim_slot(slots))
    again = Driver(second, tmp_path)
    second.show()
    again.settle()
    assert again.view == view
    assert len(again.parts.workspace.history) == entries
    assert second.docks.workspace == "Research"
    close_window(second)


def test_a_second_window_keeps_a_session_of_its_own_and_says_so(story_home, tmp_path, qapp):
    held = claim_slot()
    with story_window(tmp_path, model=None, slot=claim_slot()) as driver:
        said = [notice.sentence for notice in driver.parts.notices.shown]
        assert any("is open already" in sentence for sentence in said)
    held.release()


def test_a_model_is_renamed_from_the_librarys_menu(driver: Driver):
    driver.drag("x", 3.0, steps=4, seconds=0.05)
    driver.settle()
    before, picture = driver.view, driver.parts.picture.last_drawn.pixels
    commands = driver.window.commands
    commands.dialogs = replace(commands.dialogs, ask_words=lambda parent, title, question, words: " mine ")
    entries = driver.parts.library_panel.library.menu_of(MODEL).actions()
    next(entry for entry in entries if entry.text().startswith("Rename")).trigger()
    driver.wait(lambda: driver.parts.desk.current.name == "mine", "the model under its new name")
    driver.settle()
    assert driver.view == replace(before, model="mine")
    assert set(driver.parts.desk.current.factors.names) >= {"x", "scale"}
    assert np.array_equal(driver.parts.picture.last_drawn.pixels, picture)
    driver.drag("x", -2.0, steps=4, seconds=0.05)
    assert driver.view.position("x") == pytest.approx(-2.0, abs=0.2)


def test_what_a_killed_program_left_goes_when_the_window_rests(story_home, tmp_path, qapp):
    left = leave_half_done(story_home)
    assert all(path.exists() for path in left)
    with story_window(tmp_path, model=MODEL) as driver:
        driver.settle()
        driver.wait(lambda: not any(path.exists() for path in left), "an orderly home", seconds=30)
    assert (story_home / "data" / "models" / MODEL / "card.json").is_file()


def test_five_thousand_moves_leak_nothing_and_end_where_the_slider_ends(driver: Driver):
    process, low, high = psutil.Process(), *driver.parts.factors.factor("x").range_at(
        driver.view.latent_array()
    )

    def at(step: int) -> float:
        return low + (high - low) * (0.5 + 0.49 * math.sin(step / 40.0))

    def moves(first: int, last: int) -> None:
        driver.press("x")
        for step in range(first, last):
            driver.move("x", at(step))
        driver.release("x", at(last - 1))
        driver.settle()

    driver.wait(lambda: driver.parts.map.data is not None and not driver.parts.runner.jobs, "the map", seconds=60)
    moves(0, 500)
    gc.collect()
    before, threads, widgets = process.memory_info().rss, threading.active_count(), len(QApplication.allWidgets())
    moves(500, 500 + MOVES)
    gc.collect()
    assert process.memory_info().rss - before <= MOST_GROWN
    assert threading.active_count() == threads
    assert len(QApplication.allWidgets()) == widgets
    opened, view = driver.parts.desk.current, driver.view
    latent = apply_factors(view.latent_array(), view.position_map(), opened.factors).latent
    expected = to_bytes(opened.model.pictures(latent[None]))[0]
    assert driver.card("x").value == pytest.approx(view.position("x"), abs=0.05)
    assert np.array_equal(driver.parts.picture.last_drawn.pixels, expected)
    assert driver.parts.picture_panel.canvas.number == driver.parts.picture.last_requested


def test_a_photo_named_at_the_start_waits_for_the_model_and_reaches_the_photo_panel(story_home, tmp_path, qapp):
    photo = tmp_path / "photo.png"
    write_png(photo, np.random.default_rng(0).integers(0, 256, (80, 90, 3), dtype=np.uint8))
    window = build_window(paths=(photo,), model=MODEL, preferences=Preferences(hints_seen=True),
                          slot=claim_slot(tmp_path / "slots"))
    driver, said = Driver(window, tmp_path), []
    driver.parts.desk.noticed.connect(said.append)
    window.show()
    driver.settle()
    driver.wait(lambda: driver.parts.photo.framed is not None, "the photo in its panel")
    assert driver.parts.photo.framed.photo.pixels.shape == (80, 90, 3)
    assert not [one for one in said if "No model is open" in str(one)]
    close_window(window)
