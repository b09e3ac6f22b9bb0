"""The map's plane with real mouse, wheel and key events, and the arithmetic of its points."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPen, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from latentstudio.studio.map.items import COLD, WARM, ramp_colour
from latentstudio.studio.map.plot import MapPlot
from latentstudio.studio.theme import app_theme, apply_theme
from latentstudio.studio.widgets.choice_link import ChoiceLink
from latentstudio.tasks.map_values import (
    Legend,
    Line,
    Mark,
    Moving,
    Pick,
    Scene,
    find_pick,
    nearest,
    place_marks,
    point_of,
    spaced,
)

LEFT, RIGHT, NONE = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton, Qt.MouseButton.NoButton
CLOUD = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [-1.0, -1.0], [2.0, 1.0]])
LINE = Line(np.array([[-0.5, 0.5], [0.0, 0.7], [0.5, 0.5]]), np.array([-1.0, 0.0, 1.0]))
PATH = np.array([[1.0, 0.6], [1.3, 0.7], [1.6, 0.6]])


@pytest.fixture(autouse=True)
def dressed(qapp: QApplication) -> Iterator[None]:
    apply_theme(qapp, "dark")
    yield
    app_theme().set_text_scale(1.0)
    apply_theme(qapp, "dark")


@pytest.fixture
def plot(qtbot: QtBot) -> MapPlot:
    """A plane of 500 x 300 pixels with five samples and one line."""
    made = MapPlot()
    qtbot.addWidget(made)
    made.resize(500, 300)
    made.show()
    made.set_scene(Scene(CLOUD, (LINE,), Legend("x", "−8 px", "+8 px"), note="a note"))
    qtbot.waitExposed(made)
    return made


def at(plot: MapPlot, point) -> QPoint:
    return plot.position_of(np.asarray(point)).toPoint()


def drag(plot: MapPlot, start: QPoint, way: QPoint, steps: int = 8) -> None:
    """Press, move in steps, let go, as the window system would tell it."""
    viewport = plot.viewport()
    QTest.mousePress(viewport, LEFT, pos=start)
    for step in range(1, steps + 1):
        place = QPointF(start) + QPointF(way) * (step / steps)
        event = QMouseEvent(QEvent.Type.MouseMove, place, viewport.mapToGlobal(place), NONE, LEFT,
                            Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(viewport, event)
    QTest.mouseRelease(viewport, LEFT, pos=start + way)


def test_everything_is_in_sight_at_first_and_both_directions_have_one_scale(plot: MapPlot):
    places = np.array([[at(plot, point).x(), at(plot, point).y()] for point in CLOUD])
    assert (places >= 0).all()
    assert (places[:, 0] < 500).all()
    assert (places[:, 1] < 300).all()
    across = at(plot, (1, 0)).x() - at(plot, (0, 0)).x()
    up = at(plot, (0, 0)).y() - at(plot, (0, 1)).y()
    assert across == pytest.approx(up, abs=1.0)
    assert up > 0


def test_hovering_a_point_tells_it_once_and_leaving_it_too(plot: MapPlot, qtbot: QtBot):
    heard = []
    plot.hovered.connect(heard.append)
    QTest.mouseMove(plot.viewport(), at(plot, CLOUD[1]))
    QTest.mouseMove(plot.viewport(), at(plot, CLOUD[1]) + QPoint(1, 1))
    QTest.mouseMove(plot.viewport(), at(plot, CLOUD[4]))
    QTest.mouseMove(plot.viewport(), at(plot, (1.0, -0.8)))
    assert heard == [Pick("sample", 1), Pick("sample", 4), None]


def test_the_hovered_picture_is_shown_unless_it_comes_too_late(plot: MapPlot, qtbot: QtBot):
    QTest.mouseMove(plot.viewport(), at(plot, CLOUD[1]))
    before = plot.grab().toImage()
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 0] = 255
    plot.set_hover(Pick("sample", 1), Mark(CLOUD[1], red), "seed 1")
    place = at(plot, CLOUD[1]) + QPoint(55, 0)
    assert plot.grab().toImage().pixelColor(place) == QColor(255, 0, 0)
    assert before.pixelColor(place) != QColor(255, 0, 0)
    QTest.mouseMove(plot.viewport(), at(plot, (1.0, -0.8)))
    plot.set_hover(Pick("sample", 1), Mark(CLOUD[1], red), "seed 1")
    assert plot.grab().toImage().pixelColor(place) != QColor(255, 0, 0)


def test_a_click_goes_to_a_point_and_a_drag_pans_instead(plot: MapPlot, qtbot: QtBot):
    clicked = []
    plot.clicked.connect(clicked.append)
    QTest.mouseClick(plot.viewport(), LEFT, pos=at(plot, CLOUD[2]))
    assert clicked == [Pick("sample", 2)]
    start = plot.position_of(CLOUD[0])
    drag(plot, at(plot, CLOUD[0]), QPoint(60, -25))
    moved = plot.position_of(CLOUD[0]) - start
    assert (moved.x(), moved.y()) == pytest.approx((60, -25), abs=1.5)
    assert clicked == [Pick("sample", 2)]
    QTest.mouseClick(plot.viewport(), LEFT, pos=at(plot, (1.0, -0.9)))
    assert len(clicked) == 1


def test_a_right_click_pins(plot: MapPlot, qtbot: QtBot):
    with qtbot.waitSignal(plot.pinned) as caught:
        QTest.mouseClick(plot.viewport(), RIGHT, pos=at(plot, CLOUD[3]))
    assert caught.args == [Pick("sample", 3)]


def test_lines_and_the_path_are_points_too_and_lie_above_samples(plot: MapPlot):
    heard = []
    plot.hovered.connect(heard.append)
    plot.set_moving(Moving(PATH, PATH[-1]))
    QTest.mouseMove(plot.viewport(), at(plot, LINE.points[1]))
    QTest.mouseMove(plot.viewport(), at(plot, PATH[0]))
    assert heard == [Pick("line", 0, 1), Pick("path", 0, 0)]


def wheel(plot: MapPlot, place: QPoint, notches: float) -> None:
    viewport = plot.viewport()
    event = QWheelEvent(QPointF(place), QPointF(viewport.mapToGlobal(place)), QPoint(), QPoint(0, round(120 * notches)),
                        NONE, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False)
    QApplication.sendEvent(viewport, event)


def test_the_wheel_zooms_about_the_mouse_and_not_without_end(plot: MapPlot):
    place = at(plot, CLOUD[1])
    gap = plot.position_of(CLOUD[4]) - plot.position_of(CLOUD[1])
    wheel(plot, place, 2)
    kept = plot.position_of(CLOUD[1])
    assert (kept.x(), kept.y()) == pytest.approx((place.x(), place.y()), abs=1.0)
    larger = plot.position_of(CLOUD[4]) - plot.position_of(CLOUD[1])
    assert larger.x() / gap.x() == pytest.approx(1.44, rel=0.02)
    for _ in range(60):
        wheel(plot, place, -4)
    smallest = plot.position_of(CLOUD[4]).x() - plot.position_of(CLOUD[1]).x()
    assert smallest > gap.x() / 12


def test_keys_pan_zoom_fit_and_go_there(plot: MapPlot, qtbot: QtBot):
    clicked, pinned = [], []
    plot.clicked.connect(clicked.append)
    plot.pinned.connect(pinned.append)
    plot.setFocus()
    fitted = plot.position_of(CLOUD[0])
    QTest.keyClick(plot, Qt.Key.Key_Right)
    assert plot.position_of(CLOUD[0]).x() == pytest.approx(fitted.x() - 60, abs=1)
    QTest.keyClick(plot, Qt.Key.Key_Down)
    assert plot.position_of(CLOUD[0]).y() == pytest.approx(fitted.y() - 36, abs=1)
    QTest.keyClick(plot, Qt.Key.Key_Plus)
    QTest.keyClick(plot, Qt.Key.Key_Minus)
    QTest.keyClick(plot, Qt.Key.Key_0)
    assert plot.position_of(CLOUD[0]).x() == pytest.approx(fitted.x(), abs=0.5)
    assert plot.pick == Pick("line", 0, 2)
    QTest.keyClick(plot, Qt.Key.Key_Return)
    QTest.keyClick(plot, Qt.Key.Key_P)
    assert clicked == pinned == [plot.pick]


def test_a_view_that_nobody_moved_follows_the_live_point_and_the_size(plot: MapPlot):
    plot.set_moving(Moving(live=np.array([5.0, 0.0])))
    assert 0 < at(plot, (5.0, 0.0)).x() < 500
    plot.resize(300, 300)
    assert 0 < at(plot, (5.0, 0.0)).x() < 300
    QTest.keyClick(plot, Qt.Key.Key_Plus)
    place = plot.position_of(CLOUD[0])
    plot.set_moving(Moving(live=np.array([50.0, 0.0])))
    plot.set_scene(Scene(CLOUD), fits=False)
    assert plot.position_of(CLOUD[0]) == place


def test_dots_lines_path_and_theme_are_painted(plot: MapPlot, qapp: QApplication):
    plot.set_moving(Moving(PATH, PATH[-1]))
    QTest.mouseMove(plot.viewport(), QPoint(2, 2))
    image = plot.grab().toImage()
    ground = QColor(app_theme().tokens.background)
    assert image.pixelColor(at(plot, CLOUD[3])) != ground
    assert image.pixelColor(at(plot, PATH[-1])) == QColor(app_theme().tokens.accent)
    assert image.pixelColor(at(plot, LINE.points[0])) == QColor(COLD[True])
    assert image.pixelColor(at(plot, LINE.points[2])) == QColor(WARM[True])
    assert image.pixelColor(at(plot, (1.2, -0.9))) == ground
    apply_theme(qapp, "light")
    light = plot.grab().toImage()
    assert light.pixelColor(at(plot, (1.2, -0.9))) == QColor(app_theme().tokens.background)
    assert light.pixelColor(at(plot, LINE.points[0])) == QColor(COLD[False])


def test_a_still_view_is_kept_as_a_picture_that_looks_the_same(plot: MapPlot):
    plot.fit()
    first = plot.grab().toImage()
    assert plot.grab().toImage() == first
    assert plot.grab().toImage() == first


def median_ms(act, times: int = 30) -> float:
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        act()
        spent.append(1000 * (time.perf_counter() - began))
    return float(np.median(spent))


def test_a_pan_of_twenty_thousand_points_costs_less_than_drawing_them_plainly_once(plot: MapPlot, record_property):
    points = np.random.default_rng(0).normal(size=(20_000, 2))
    plot.set_scene(Scene(points))

    def pan() -> None:
        plot.pan_by(2.0, 1.0)
        plot.viewport().repaint()

    image = QImage(plot.size(), QImage.Format.Format_RGB32)

    def plain() -> None:
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(139, 147, 161, 100), 3.0, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawPoints([QPointF(x, y) for x, y in 60 * points + 150])
        painter.end()

    ours, plainly = median_ms(pan), median_ms(plain, 10)
    record_property("frame_ms", round(ours, 2))
    record_property("ratio_to_plain_points", round(ours / plainly, 3))
    assert ours < plainly


def test_words_at_twice_the_size_stay_inside(plot: MapPlot):
    app_theme().set_text_scale(2.0)
    plot.resize(400, 240)
    plot.set_hover(Pick("sample", 1), None, "")
    QTest.mouseMove(plot.viewport(), at(plot, CLOUD[1]))
    plot.set_hover(Pick("sample", 1), Mark(CLOUD[1], np.zeros((8, 8, 3), np.uint8)), "brightness −100 %")
    assert not plot.grab().isNull()
    assert plot.minimumSizeHint().width() <= 400


def test_nearest_and_find_pick_agree_with_distances():
    assert nearest(CLOUD, 0.9, 0.1, 0.2) == 1
    assert nearest(CLOUD, 0.5, 0.5, 0.2) == -1
    assert nearest(np.zeros((0, 2)), 0.0, 0.0, 9.0) == -1
    scene, moving = Scene(CLOUD, (Line(CLOUD, picked=False), LINE)), Moving(PATH)
    assert find_pick(scene, moving, 1.0, 0.0, 0.1) == Pick("sample", 1)
    assert find_pick(scene, moving, 0.5, 0.5, 0.1) == Pick("line", 1, 2)
    assert find_pick(scene, moving, 1.6, 0.6, 0.1) == Pick("path", 0, 2)
    assert find_pick(scene, moving, 9.0, 9.0, 0.1) is None
    assert point_of(scene, moving, Pick("line", 1, 2)).tolist() == [0.5, 0.5]
    assert point_of(scene, moving, Pick("path", 0, 7)) is None
    assert point_of(scene, moving, Pick("line", 5, 0)) is None


def test_bounds_hold_lines_whole_and_let_outliers_go():
    many = np.random.default_rng(0).normal(size=(1000, 2))
    many[0] = (500.0, 500.0)
    left, bottom, width, height = Scene(many, (Line(np.array([[9.0, 0.0], [10.0, 0.0]])),)).bounds
    assert left + width == pytest.approx(10.0)
    assert bottom + height < 10.0
    assert Scene().bounds == (-1.0, -1.0, 2.0, 2.0)


def test_small_pictures_never_lie_on_each_other_and_stay_inside():
    anchors = np.array([[100.0, 100.0], [104.0, 100.0], [2.0, 2.0], [500.0, 500.0]])
    aways = np.array([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [1.0, 0.0]])
    places = place_marks(anchors, aways, 30.0, (0.0, 0.0, 200.0, 200.0))
    assert places[0] == pytest.approx((100 + 0.92 * 30 - 15, 85.0, 30.0, 30.0))
    assert places[3] is None
    found = [place for place in places if place is not None]
    assert len(found) == 3
    for index, (x, y, width, height) in enumerate(found):
        assert 0 <= x <= 200 - width
        assert 0 <= y <= 200 - height
        for other in found[index + 1 :]:
            assert x + width <= other[0] or other[0] + other[2] <= x or y + height <= other[1] or other[1] + 30 <= y


def test_the_ramp_runs_over_dim():
    tokens = app_theme().tokens
    assert ramp_colour(tokens, 0.0) == QColor(tokens.dim)
    assert ramp_colour(tokens, -1.0) == QColor(COLD[True])
    assert ramp_colour(tokens, 3.0) == QColor(WARM[True])


def test_a_choice_changes_by_menu_and_by_keys(qtbot: QtBot):
    link = ChoiceLink("Component across", ("1", "2", "3"))
    qtbot.addWidget(link)
    link.show()
    heard = []
    link.chosen.connect(heard.append)
    QTest.mouseClick(link, LEFT)
    assert link.menu.isVisible()
    link.menu.actions()[2].trigger()
    link.menu.close()
    assert (link.current, link.text(), link.accessibleName()) == ("3", "3", "Component across: 3")
    assert [action.isChecked() for action in link.menu.actions()] == [False, False, True]
    QTest.keyClick(link, Qt.Key.Key_Up)
    QTest.keyClick(link, Qt.Key.Key_Up)
    QTest.keyClick(link, Qt.Key.Key_Up)
    assert heard == ["3", "2", "1"]
    link.set_choices(("2", "3"))
    assert link.current == "2"
    assert heard == ["3", "2", "1"]


def test_a_long_trail_is_thinned_and_keeps_its_ends() -> None:
    there = np.stack([np.linspace(0.0, 100.0, 500), np.zeros(500)], axis=1)
    once = spaced(there, 5.0, most=60)
    assert len(once) in (20, 21, 22)
    assert (once[0].tolist(), once[-1].tolist()) == ([0.0, 0.0], [100.0, 0.0])
    assert np.diff(once[:-1, 0]).min() > 4.5
    to_and_fro = np.concatenate([there, there[::-1]] * 10)
    assert len(spaced(to_and_fro, 5.0, most=60)) <= 62


def test_a_trail_of_one_place_is_two_points() -> None:
    assert spaced(np.zeros((9, 2)), 2.0, most=10).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert spaced(np.zeros((1, 2)), 2.0, most=10).shape == (1, 2)
