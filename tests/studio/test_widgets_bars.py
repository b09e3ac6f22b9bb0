"""Notices, jobs, bars, tabs, search, shortcuts, hints, the plot, theme and icons."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QObject, QPoint, QRect, Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QScrollArea, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from latentstudio.errors import UnknownNameError, UsageError
from latentstudio.factors.curves import Curves
from latentstudio.steps import time_left_text
from latentstudio.studio.shell.action_search import ActionSearch
from latentstudio.studio.shell.hints import Hint, Hints, card_place
from latentstudio.studio.shell.icons import app_icon, icon, icon_names, icon_pixmap
from latentstudio.studio.shell.shortcut_sheet import ShortcutGroup, ShortcutSheet
from latentstudio.studio.shell.status_line import StatusLine
from latentstudio.studio.shell.top_bar import TopBar
from latentstudio.studio.theme import DARK, LIGHT, app_theme, apply_theme
from latentstudio.studio.widgets.curve_plot import CurvePlot
from latentstudio.studio.widgets.job_strip import JobLine, JobStrip
from latentstudio.studio.widgets.notice_bar import NoticeBar
from latentstudio.studio.widgets.pieces import scrolling
from latentstudio.studio.widgets.tab_row import TabRow
from latentstudio.studio.widgets.wrapped_names import WrappedNames
from latentstudio.tasks.find_action import ActionRow, best_matches, match_score

LEFT = Qt.MouseButton.LeftButton
ROWS = (
    ActionRow("undo", "Undo", "Ctrl+Z", "Edit"),
    ActionRow("save", "Save picture", "Ctrl+S", "File"),
    ActionRow("session", "Save session", "Ctrl+Shift+S", "File"),
    ActionRow("fit", "Fit the picture", "", "View"),
)


@pytest.fixture(autouse=True)
def dressed(qapp: QApplication) -> Iterator[None]:
    apply_theme(qapp, "dark")
    yield
    app_theme().set_text_scale(1.0)
    apply_theme(qapp, "dark")


def test_theme_sets_palette_and_changes(qapp: QApplication, qtbot: QtBot) -> None:
    theme = apply_theme(qapp, "dark")
    assert theme is app_theme()
    assert theme.tokens is DARK
    with qtbot.waitSignal(theme.changed):
        apply_theme(qapp, "light")
    assert theme.tokens is LIGHT
    assert qapp.palette().window().color() == QColor(LIGHT.panel)
    assert LIGHT.accent in qapp.styleSheet()
    assert "{" + "accent}" not in qapp.styleSheet()
    with pytest.raises(UsageError, match="unknown theme 'blue'"):
        theme.set_choice("blue")  # type: ignore[arg-type]


def test_the_theme_follows_the_system_only_when_asked_to(qapp: QApplication) -> None:
    theme = apply_theme(qapp, "system")
    hints = qapp.styleHints()
    hints.colorSchemeChanged.emit(Qt.ColorScheme.Light)
    assert theme.tokens is LIGHT
    hints.colorSchemeChanged.emit(Qt.ColorScheme.Dark)
    assert theme.tokens is DARK
    theme.set_choice("light")
    hints.colorSchemeChanged.emit(Qt.ColorScheme.Dark)
    assert theme.tokens is LIGHT


def test_text_scale_grows_fonts_and_measures() -> None:
    theme = app_theme()
    theme.set_text_scale(1.0)
    assert theme.font("body").pixelSize() == 13
    theme.set_text_scale(2.0)
    assert theme.font("body").pixelSize() == 26
    assert theme.px(28) == 56


def test_icons_are_tinted_and_sharp() -> None:
    wanted = {"undo", "redo", "save", "open", "dice", "fit", "zoom-in", "zoom-out", "reset", "lock", "unlock", "plus"}
    wanted |= {"trash", "download", "close", "search", "history", "grid", "help", "compare", "strip", "export"}
    assert wanted | {"warning", "check", "app"} <= set(icon_names())
    pixmap = icon_pixmap("plus", "#ff0000", 16, 2.0)
    assert pixmap.width() == 32
    assert pixmap.toImage().pixelColor(16, 16) == QColor("#ff0000")
    assert not icon("undo", "#ffffff").isNull()
    assert len(app_icon().availableSizes()) == 6
    with pytest.raises(UnknownNameError, match="no icon 'sun'"):
        icon_pixmap("sun", "#ffffff", 16)


def test_notice_says_one_sentence_and_offers_one_action(qtbot: QtBot) -> None:
    page = QWidget()
    QVBoxLayout(page).addWidget(bar := NoticeBar())
    qtbot.addWidget(page)
    page.resize(500, 120)
    page.show()
    assert bar.sentence == ""
    bar.show_notice("bad", "No network.", "Try again")
    assert bar.sentence == "No network."
    assert bar.kind == "bad"
    qtbot.waitUntil(lambda: bar.graphicsEffect() is None, timeout=1000)
    with qtbot.waitSignal(bar.action_requested):
        QTest.mouseClick(bar.action_link, LEFT)
    assert bar.sentence == ""
    bar.show_notice("info", "Saved.")
    assert bar.action_link.isHidden()
    with qtbot.waitSignal(bar.closed):
        QTest.mouseClick(bar.close_button, LEFT)
    assert bar.isHidden()


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, ""), (8.2, "8 s left"), (72.0, "1:12 left"), (3725.0, "1:02:05 left"), (-1.0, "0 s left")],
)
def test_time_left(seconds: float | None, text: str) -> None:
    assert time_left_text(seconds) == text


def test_job_strip_shows_and_cancels_once(qtbot: QtBot) -> None:
    strip = JobStrip()
    qtbot.addWidget(strip)
    strip.show_job(JobLine("Learning scale", 0.64, 72.0))
    strip.resize(strip.sizeHint())
    assert strip.share.text() == "64 %"
    said: list[int] = []
    strip.cancel_requested.connect(lambda: said.append(1))
    QTest.mouseClick(strip.cancel, LEFT)
    QTest.mouseClick(strip.cancel, LEFT)
    assert said == [1]
    strip.clear()
    assert strip.isHidden()
    strip.show_job(JobLine("Learning x", 0.0))
    assert strip.cancel.isEnabled()


def test_status_line_holds_three_zones(qtbot: QtBot) -> None:
    status = StatusLine()
    qtbot.addWidget(status)
    status.set_state("Ready")
    status.set_render("input to picture 9 ms")
    status.job.show_job(JobLine("Learning", 0.5))
    status.resize(900, 28)
    status.show()
    assert (status.state_text, status.render_text) == ("Ready", "input to picture 9 ms")
    assert status.job.geometry().right() > 700


class LayoutWatch(QObject):
    """Counts how often what it watches is laid out."""

    def __init__(self, watched: QWidget) -> None:
        super().__init__(watched)
        self.count = 0
        watched.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.count += event.type() == QEvent.Type.LayoutRequest
        return False


def _let_it_settle() -> None:
    for _ in range(10):
        QCoreApplication.processEvents()


def test_figures_that_change_with_every_picture_lay_out_nothing(qtbot: QtBot) -> None:
    whole = QWidget()
    column = QVBoxLayout(whole)
    status, names = StatusLine(), WrappedNames()
    column.addWidget(status)
    column.addWidget(names)
    names.set_names(("1", "2"))
    qtbot.addWidget(whole)
    whole.show()
    _let_it_settle()
    watch = LayoutWatch(whole)
    status.set_render("input to picture 9 ms")
    status.set_render("input to picture 11 ms  ·  ONNX Runtime, CPU")
    names.set_names(("1", "2"))
    _let_it_settle()
    assert watch.count == 0
    assert status.render_text == "input to picture 11 ms  ·  ONNX Runtime, CPU"
    names.set_names(("1", "2", "3"))
    _let_it_settle()
    assert watch.count > 0


def test_top_bar(qtbot: QtBot) -> None:
    bar = TopBar(("Play", "Research"))
    qtbot.addWidget(bar)
    bar.resize(1280, 48)
    bar.show()
    with qtbot.waitSignal(bar.workspace_chosen) as caught:
        QTest.mouseClick(bar.workspaces, LEFT, pos=bar.workspaces.area_of("Research").center().toPoint())
    assert caught.args == ["Research"]
    with qtbot.waitSignal(bar.search_requested):
        QTest.mouseClick(bar.search, LEFT)
    with qtbot.assertNotEmitted(bar.workspace_chosen):
        bar.set_workspace("Play")
    assert bar.workspaces.current == "Play"


def test_tabs_by_mouse_and_keys(qtbot: QtBot) -> None:
    tabs = TabRow(("Factors", "Raw", "Learn"))
    qtbot.addWidget(tabs)
    tabs.resize(400, 36)
    tabs.show()
    chosen: list[str] = []
    tabs.chosen.connect(chosen.append)
    QTest.mouseClick(tabs, LEFT, pos=tabs.area_of("Learn").center().toPoint())
    QTest.keyClick(tabs, Qt.Key.Key_Left)
    QTest.mouseClick(tabs, LEFT, pos=tabs.area_of("Raw").center().toPoint())
    assert chosen == ["Learn", "Raw"]
    assert tabs.current == "Raw"


def test_fuzzy_search_prefers_beginnings_of_words() -> None:
    assert match_score("xq", "Save picture") is None
    assert best_matches("sp", ROWS)[0].id == "save"
    assert [row.id for row in best_matches("ses", ROWS)] == ["session"]
    assert best_matches(" ", ROWS) == ROWS


def test_action_search_by_keys(qtbot: QtBot) -> None:
    page = QWidget()
    qtbot.addWidget(page)
    page.resize(800, 600)
    page.show()
    search = ActionSearch(page)
    search.open_with(ROWS)
    assert search.isVisible()
    QTest.keyClicks(search.field, "save")
    assert set(search.shown) == {"save", "session"}
    QTest.keyClick(search.field, Qt.Key.Key_Down)
    wanted = search.shown[1]
    with qtbot.waitSignal(search.triggered) as caught:
        QTest.keyClick(search.field, Qt.Key.Key_Return)
    assert caught.args == [wanted]
    assert search.isHidden()
    search.open_with(ROWS)
    assert search.nothing.isHidden()
    QTest.keyClicks(search.field, "qqq")
    assert search.shown == ()
    assert search.nothing.isVisible()
    QTest.keyClick(search.field, Qt.Key.Key_Escape)
    assert search.isHidden()


def test_shortcut_sheet_groups_what_has_a_shortcut(qtbot: QtBot) -> None:
    sheet = ShortcutSheet(ROWS)
    qtbot.addWidget(sheet)
    assert sheet.groups == ("Edit", "File")
    words = [group.accessibleDescription() for group in sheet.findChildren(ShortcutGroup)]
    assert all(row.title in " ".join(words) and row.shortcut in " ".join(words) for row in ROWS if row.shortcut)
    sheet.show()
    QTest.keyClick(sheet, Qt.Key.Key_F1)
    assert sheet.isHidden()


def test_a_sheet_that_would_be_too_wide_has_one_column(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    many = tuple(ActionRow(f"a{i}", "An action with a long title", "Ctrl+Shift+K", f"group {i % 4}") for i in range(20))
    for width, columns in ((1400, 2), (500, 1)):
        window.resize(width, 600)
        sheet = ShortcutSheet(many, window)
        sheet.show()
        lefts = {group.mapTo(sheet, QPoint(0, 0)).x() for group in sheet.findChildren(ShortcutGroup)}
        assert len(lefts) == columns
        assert sheet.width() <= width
        sheet.close()


def test_a_long_notice_scrolls_where_there_is_no_room_for_it(qtbot: QtBot) -> None:
    page = QWidget()
    column = QVBoxLayout(page)
    bar, canvas = NoticeBar(), QWidget()
    canvas.setMinimumHeight(160)
    column.addWidget(bar)
    column.addWidget(canvas, 1)
    qtbot.addWidget(page)
    page.resize(300, 700)
    page.show()
    bar.show_notice("bad", "A sentence that goes on for a while. " * 12)
    words = bar.findChild(QScrollArea)
    qtbot.waitUntil(lambda: words.height() > 100)
    assert words.verticalScrollBar().maximum() == 0
    page.resize(300, 280)
    qtbot.waitUntil(lambda: words.verticalScrollBar().maximum() > 0)
    bar.show_notice("good", "Short.")
    qtbot.waitUntil(lambda: words.verticalScrollBar().maximum() == 0)


def test_the_scroll_bar_takes_its_room_from_the_margin(qtbot: QtBot) -> None:
    page, column = QWidget(), QWidget()
    inner = QVBoxLayout(column)
    inner.setContentsMargins(12, 12, 12, 12)
    tall = QWidget()
    tall.setMinimumHeight(300)
    inner.addWidget(tall)
    outer = QVBoxLayout(page)
    outer.addWidget(scrolling(column, page))
    qtbot.addWidget(page)
    page.resize(300, 500)
    page.show()
    qtbot.waitUntil(lambda: tall.width() > 200)
    wide = tall.width()
    page.resize(300, 250)
    qtbot.waitUntil(lambda: inner.contentsMargins().right() < 12)
    assert tall.width() == wide
    page.resize(300, 500)
    qtbot.waitUntil(lambda: inner.contentsMargins().right() == 12)
    assert tall.width() == wide


def test_hints_go_on_and_finish(qtbot: QtBot) -> None:
    page = QWidget()
    column = QVBoxLayout(page)
    targets = [QPushButton(name) for name in "abc"]
    for target in targets:
        column.addWidget(target)
    qtbot.addWidget(page)
    page.resize(900, 600)
    page.show()
    hints = Hints(page)
    hints.start(tuple(Hint(target, target.text(), "Try it.") for target in targets))
    assert hints.geometry() == page.rect()
    QTest.mouseClick(hints.next_button, LEFT)
    assert hints.index == 1
    page.resize(700, 500)
    assert hints.size() == page.size()
    QTest.mouseClick(hints.next_button, LEFT)
    with qtbot.waitSignal(hints.finished):
        QTest.mouseClick(hints.next_button, LEFT)
    assert hints.isHidden()
    hints.start((Hint(targets[0], "a", "b"), Hint(targets[1], "a", "b")))
    with qtbot.waitSignal(hints.finished):
        QTest.mouseClick(hints.skip_link, LEFT)


def test_a_hint_stands_beside_its_target_inside_the_window() -> None:
    window = QRect(0, 0, 1000, 700)
    for target in (QRect(10, 10, 100, 40), QRect(880, 600, 100, 40), QRect(0, 0, 1000, 100), QRect(0, 0, 1000, 700)):
        x, y = card_place(target, window, 300, 140)
        card = QRect(QPoint(x, y), window.size()).adjusted(0, 0, 300 - 1000, 140 - 700)
        assert window.contains(card)
        if target.width() < 1000:
            assert not card.intersects(target)


def orange_pixels(plot: CurvePlot) -> int:
    drawn = plot.grab().toImage()
    pixels = (drawn.pixelColor(x, y) for x in range(0, 440, 2) for y in range(0, 240, 2))
    return sum(colour.red() > 200 and 60 < colour.blue() < 120 for colour in pixels)


def test_the_plot_draws_when_shown(qtbot: QtBot) -> None:
    plot = CurvePlot()
    qtbot.addWidget(plot)
    plot.resize(440, 240)
    plot.show()
    empty = plot.grab().toImage()
    p = np.linspace(-3, 3, 9)
    plot.set_curves(Curves(p, 2 * p, 2 * p - 1, 2 * p + 1, p, 1.8 * p, (-2.0, 2.0), "px", "x"))
    qtbot.waitUntil(lambda: orange_pixels(plot) > 20, timeout=3000)
    assert plot.grab().toImage() != empty
    plot.set_curves(None)
    assert plot.curves is None


def test_widgets_need_no_heavy_import() -> None:
    code = (
        "import sys, latentstudio.studio.canvas.view, latentstudio.studio.widgets.curve_plot,"
        " latentstudio.studio.factors.card, latentstudio.studio.raw.sliders;"
        "print([m for m in ('torch', 'scipy', 'pyqtgraph', 'onnxruntime') if m in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
