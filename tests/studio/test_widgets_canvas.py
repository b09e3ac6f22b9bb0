"""The canvas: geometry without Qt, then painting, zoom, pan and comparing with real events."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from latentstudio.studio.canvas.view import Canvas, Gesture
from latentstudio.studio.theme import DARK, apply_theme
from latentstudio.tasks.viewport import Viewport


def plain(red: int, green: int, blue: int, side: int = 64) -> np.ndarray:
    return np.full((side, side, 3), (red, green, blue), dtype=np.uint8)


@pytest.fixture
def canvas(qtbot: QtBot, qapp: QApplication) -> Canvas:
    apply_theme(qapp, "dark")
    made = Canvas()
    qtbot.addWidget(made)
    made.resize(400, 300)
    made.show()
    qtbot.waitExposed(made)
    return made


def wheel(canvas: Canvas, at: QPointF, notches: int) -> None:
    event = QWheelEvent(
        at,
        QPointF(canvas.mapToGlobal(at.toPoint())),
        QPoint(),
        QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(canvas, event)


def test_fit_centres_the_whole_picture() -> None:
    view = Viewport().resized(400, 300).showing(64, 64).fit()
    assert view.scale == pytest.approx(300 / 64)
    assert view.rectangle == pytest.approx((50, 0, 300, 300))
    assert not view.zoomed


def test_zoom_keeps_the_point_under_the_cursor() -> None:
    view = Viewport().resized(400, 300).showing(64, 64)
    fixed = view.to_picture(250, 100)
    near = view.zoom_by(3.0, (250, 100))
    assert near.to_picture(250, 100) == pytest.approx(fixed)
    assert near.scale == pytest.approx(3 * view.scale)
    assert near.zoom_by(1e-3).fitted


def test_pan_stops_at_the_edge_and_resize_keeps_a_fitted_picture_fitted() -> None:
    view = Viewport().resized(400, 300).showing(64, 64).zoom_by(4.0)
    left = view.panned(1e6, 1e6)
    assert left.rectangle[0] == pytest.approx(0)
    assert left.rectangle[1] == pytest.approx(0)
    fitted = Viewport().resized(400, 300).showing(64, 64).resized(800, 800)
    assert fitted.scale == pytest.approx(800 / 64)


def test_the_same_part_is_seen_when_the_resolution_changes() -> None:
    view = Viewport().resized(400, 400).showing(64, 64).zoom_by(4.0, (100, 100))
    finer = view.showing(128, 128)
    assert np.array(finer.rectangle) == pytest.approx(np.array(view.rectangle))


def test_to_window_is_the_inverse_of_to_picture() -> None:
    view = Viewport().resized(333, 251).showing(64, 48).zoom_by(2.7, (12, 200))
    assert view.to_picture(*view.to_window(13.5, 40.25)) == pytest.approx((13.5, 40.25))


def test_painted_comes_once_for_each_new_picture(canvas: Canvas, qtbot: QtBot) -> None:
    numbers: list[int] = []
    canvas.painted.connect(numbers.append)
    with qtbot.waitSignal(canvas.painted):
        canvas.show_picture(plain(200, 0, 0), 7)
    canvas.repaint()
    with qtbot.waitSignal(canvas.painted):
        canvas.show_picture(plain(0, 200, 0), 9)
    assert numbers == [7, 9]
    assert canvas.number == 9


def test_pictures_are_painted_with_square_pixels_and_round_corners(canvas: Canvas) -> None:
    picture = plain(0, 0, 0)
    picture[:, 32:] = (250, 100, 50)
    canvas.show_picture(picture, 1)
    shown = canvas.grab().toImage()
    assert shown.pixelColor(60, 150) == QColor(0, 0, 0)
    assert shown.pixelColor(340, 150) == QColor(250, 100, 50)
    assert shown.pixelColor(51, 1) == QColor(DARK.background)
    assert shown.pixelColor(20, 150) == QColor(DARK.background)


def test_the_before_picture_is_shown_only_while_comparing(canvas: Canvas, qtbot: QtBot) -> None:
    canvas.show_before(plain(0, 0, 255))
    canvas.show_picture(plain(255, 0, 0), 1)
    canvas.set_comparing(True)
    assert canvas.grab().toImage().pixelColor(200, 150) == QColor(0, 0, 255)
    canvas.set_comparing(False)
    assert canvas.grab().toImage().pixelColor(200, 150) == QColor(255, 0, 0)


def test_wheel_zooms_about_the_cursor_drag_pans_double_click_fits(canvas: Canvas, qtbot: QtBot) -> None:
    canvas.show_picture(plain(1, 2, 3), 1)
    fixed = canvas.viewport.to_picture(100, 80)
    with qtbot.waitSignal(canvas.zoom_changed):
        wheel(canvas, QPointF(100, 80), 4)
    assert canvas.viewport.to_picture(100, 80) == pytest.approx(fixed)
    before = canvas.viewport.x
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=QPoint(200, 150))
    QTest.mouseMove(canvas, QPoint(180, 150))
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=QPoint(180, 150))
    assert canvas.viewport.x == pytest.approx(before + 20 / canvas.viewport.scale)
    QTest.mouseDClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(200, 150))
    assert canvas.viewport.fitted


def test_keys_zoom_and_fit(canvas: Canvas) -> None:
    canvas.show_picture(plain(1, 2, 3), 1)
    canvas.setFocus()
    for _ in range(4):
        QTest.keyClick(canvas, Qt.Key.Key_Plus)
    assert canvas.viewport.zoomed
    before = canvas.viewport.x
    QTest.keyClick(canvas, Qt.Key.Key_Right)
    assert canvas.viewport.x > before
    QTest.keyClick(canvas, Qt.Key.Key_0)
    assert canvas.viewport.fitted


@pytest.mark.parametrize("factor", ["x", "y", "scale", "brightness"])
def test_gestures_draw_in_the_accent(canvas: Canvas, factor: str) -> None:
    canvas.show_picture(plain(20, 20, 20), 1)
    canvas.set_gesture(Gesture(factor, 0.5, "+0.5"))
    shown = canvas.grab().toImage()
    accent = QColor(DARK.accent)
    found = sum(shown.pixelColor(x, y) == accent for x in range(50, 350, 2) for y in range(0, 300, 2))
    assert found > 20
    canvas.set_gesture(None)
    assert canvas.grab().toImage().pixelColor(200, 150) == QColor(20, 20, 20)


def test_another_picture_stands_left_of_a_line_that_can_be_dragged(canvas: Canvas) -> None:
    canvas.show_picture(plain(200, 0, 0), 1)
    assert canvas.line is None
    canvas.show_beside(plain(0, 0, 200))
    assert canvas.line == 0.5

    def colours() -> tuple[int, int]:
        seen = canvas.grab().toImage()
        return seen.pixelColor(120, 150).blue(), seen.pixelColor(280, 150).red()

    assert colours() == (200, 200)
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=QPoint(200, 150))
    QTest.mouseMove(canvas, QPoint(80, 150))
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=QPoint(80, 150))
    assert canvas.line == pytest.approx(0.1, abs=0.01)
    assert colours() == (0, 200)
    canvas.show_beside(None)
    assert canvas.line is None


def test_the_line_stays_on_the_picture(canvas: Canvas) -> None:
    canvas.show_picture(plain(200, 0, 0), 1)
    canvas.show_beside(plain(0, 0, 200))
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=QPoint(200, 20))
    QTest.mouseMove(canvas, QPoint(390, 20))
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=QPoint(390, 20))
    assert canvas.line == 1.0
