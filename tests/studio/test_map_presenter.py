"""The map's presenter with plain fakes: when maps are drawn, what the points mean, and where a click leads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from latentstudio.errors import ModelFileError
from latentstudio.factors import Evidence, FactorSet, paths
from latentstudio.factors.pixel_paths import pixel_path
from latentstudio.latents import sample_prior
from latentstudio.studio import desk as desk_module
from latentstudio.studio.map.panel import PATHS, MapPanel
from latentstudio.studio.map.presenter import COUNTS, MapPresenter
from latentstudio.studio.map.store import KEPT
from latentstudio.studio.theme import app_theme
from latentstudio.tasks.map_scenes import evenly_along, pixel_scene, pixel_words
from latentstudio.tasks.map_values import Pick
from latentstudio.transformations import transformation_named
from latentstudio.units import PIXELS
from tests.studio.conftest import FakeFactor, fake_apply

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture(autouse=True)
def small_maps(monkeypatch):
    """Maps of a few samples, and paths by the fake's arithmetic."""
    for view in COUNTS:
        monkeypatch.setitem(COUNTS, view, 30)
    monkeypatch.setattr(paths, "apply_factors", fake_apply)


@pytest.fixture
def panel(qtbot, dressed):
    made = MapPanel()
    qtbot.addWidget(made)
    made.resize(480, 400)
    return made


@pytest.fixture
def map_(desk, panel, worker):
    """The presenter of a panel that nobody sees yet."""
    return MapPresenter(desk, panel, rest_ms=0, leave_ms=0)


def settle(map_, worker, qtbot):
    """Let timers and the worker do what they were asked for."""

    def quiet() -> bool:
        worker.work()
        worker.run_jobs()
        return map_.still and not worker.waiting and not worker.jobs

    qtbot.waitUntil(quiet)


def begin_map(desk, panel, worker, qtbot):
    """Get so far that the map of model "one" waits to be drawn."""
    desk.request_model("one")
    worker.work()
    panel.show()
    qtbot.waitUntil(lambda: bool(worker.waiting))
    worker.work()
    qtbot.waitUntil(lambda: bool(worker.jobs))


@pytest.fixture
def shown(map_, desk, panel, worker, qtbot):
    """The map of the pictures of model "one" on the screen."""
    desk.request_model("one")
    worker.work()
    panel.show()
    settle(map_, worker, qtbot)
    assert map_.data is not None
    return map_


def choose(panel, view):
    """Click a name of the row."""
    QTest.mouseClick(panel.views, LEFT, pos=panel.views.area_of(view).center().toPoint())


def drawn(desk, view=None):
    """Tell everybody that the session's picture was drawn."""
    view = view or desk.workspace.view
    desk.show_session(desk.opened_for(view).draw(view))


def follow(map_, qtbot):
    """Let the map come after the canvas."""
    qtbot.waitUntil(lambda: map_.still)


def test_nothing_is_drawn_or_loaded_while_nobody_looks(map_, desk, panel, worker, qtbot):
    desk.request_model("one")
    settle(map_, worker, qtbot)
    assert panel.plot is None
    assert not worker.jobs
    assert "map plane" not in worker.asked


def test_the_map_comes_when_somebody_looks(shown, panel, models):
    assert shown.data.space == "images"
    assert len(shown.data.cloud) == 30
    assert panel.plot.isVisible()
    assert panel.words.text() == "principal components of the pictures"
    assert panel.share.text().endswith(" %")
    assert len(panel.plot.scene_shown.cloud) == 30


def test_progress_is_said_and_a_cancelled_map_is_offered_again(map_, desk, panel, worker, qtbot):
    begin_map(desk, panel, worker, qtbot)
    assert panel.ground.words == "Waiting…"
    for job in list(worker.jobs):
        worker.cancel_job(job)
    worker.run_jobs()
    assert panel.ground.words == "The map was not drawn."
    assert panel.again.isVisible()
    map_.refresh()
    assert not worker.jobs
    QTest.mouseClick(panel.again, LEFT)
    settle(map_, worker, qtbot)
    assert map_.data is not None
    assert not panel.again.isVisible()


def test_a_map_that_fails_says_why_in_the_panel(map_, desk, panel, worker, models, qtbot):
    desk.request_model("one")
    worker.work()
    models["one"].fails = ModelFileError("the weights are gone")
    panel.show()
    settle(map_, worker, qtbot)
    assert panel.ground.words == "the weights are gone"
    assert not panel.plot.isVisible()


def test_the_map_of_z_needs_no_pictures_and_both_are_kept(shown, panel, worker, models, qtbot):
    before = len(models["one"].drawn)
    choose(panel, "z")
    settle(shown, worker, qtbot)
    assert shown.data.space == "z"
    assert panel.words.text() == "principal components of z"
    assert len(models["one"].drawn) == before
    choose(panel, "Pictures")
    settle(shown, worker, qtbot)
    assert shown.data.space == "images"
    assert len(models["one"].drawn) == before


def test_more_samples_and_only_so_many_maps_kept(shown, panel, worker, qtbot):
    for count in range(10, 10 + KEPT + 2):
        panel.count_chosen.emit(count)
        settle(shown, worker, qtbot)
        assert len(shown.data.cloud) == count
    assert len(shown._store._maps) == KEPT


def test_other_components_are_shown_with_their_share(shown, panel, worker):
    panel.across._choose("3")
    assert np.allclose(panel.plot.scene_shown.cloud[:, 0], shown.data.cloud[:, 2], atol=1e-6)
    assert panel.share.text() == f"{100 * sum(shown.data.explained(3, 2)):.1f} %"
    panel.up._choose("3")
    assert panel.components != (3, 3)


def test_another_model_has_another_map(shown, desk, panel, worker, qtbot):
    desk.request_model("two")
    settle(shown, worker, qtbot)
    assert shown.data.model == "two"


def test_the_live_point_follows_and_a_drag_leaves_a_trail(shown, desk, panel, worker, qtbot):
    drawn(desk)
    follow(shown, qtbot)
    moving = panel.plot.moving
    assert moving.live == pytest.approx(shown.data.place(None, moving.marks[0].picture[None])[0, :2], abs=1e-6)
    assert len(moving.path) == 0
    start = desk.workspace.view
    asked = len(worker.asked)
    for t in (1.0, 2.0, 3.0):
        desk.workspace.apply_preview(start.with_position("x", t))
        drawn(desk)
    follow(shown, qtbot)
    assert worker.asked[asked:] == []
    assert len(panel.plot.moving.path) == 4
    assert panel.plot.moving.path[-1] == pytest.approx(panel.plot.moving.live)
    desk.workspace.apply(start.with_position("x", 3.0), "x")
    worker.work()
    assert len(panel.plot.moving.path) == 13
    assert panel.plot.moving.path[0] == pytest.approx(moving.live, abs=1e-6)
    assert panel.plot.moving.path[-1] == pytest.approx(panel.plot.moving.live, abs=1e-6)
    assert len(panel.plot.moving.marks) == 2
    desk.workspace.undo()
    drawn(desk)
    follow(shown, qtbot)
    assert len(panel.plot.moving.path) == 0


def test_a_click_on_a_sample_goes_there_and_undo_comes_back(shown, desk, panel, worker):
    desk.workspace.apply(desk.workspace.view.with_position("x", 2.0), "x")
    before = desk.workspace.view
    where = panel.plot.position_of(panel.plot.scene_shown.cloud[7]).toPoint()
    QTest.mouseClick(panel.plot.viewport(), LEFT, pos=where)
    view = desk.workspace.view
    taken = view.seed
    assert view.positions == ()
    expected = sample_prior(desk.current.model.card.spaces[0], count=1, seed=taken)[0]
    assert np.array_equal(view.latent_array(), expected)
    assert np.linalg.norm(shown.data.cloud[taken, :2] - shown.data.cloud[7, :2]) < 0.05
    assert desk.workspace.history.current_entry.label == f"seed {taken}"
    desk.workspace.undo()
    assert desk.workspace.view == before


def test_a_click_on_the_path_sets_the_sliders_part_of_the_way(shown, desk, panel, worker, qtbot):
    desk.workspace.apply(desk.workspace.view.with_positions({"x": 4.0, "scale": -2.0}), "both")
    drawn(desk)
    worker.work()
    follow(shown, qtbot)
    panel.plot.clicked.emit(Pick("path", 0, 6))
    assert dict(desk.workspace.view.positions) == {"x": 2.0, "scale": -1.0}
    assert desk.workspace.history.current_entry.label == "50% of the way"


def test_hovering_asks_for_the_picture_and_the_newest_wins(shown, desk, panel, worker, models):
    plot = panel.plot
    plot._light(Pick("sample", 3))
    plot._light(Pick("sample", 5))
    assert plot._hover_mark is None
    assert plot._hover_words == "seed 5"
    drawn_before = len(models["one"].drawn)
    worker.work()
    assert len(models["one"].drawn) == drawn_before + 1
    assert models["one"].drawn[-1][0] == pytest.approx(shown.data.latents[5])
    assert plot._hover_mark.picture.shape == (16, 16, 3)


def test_a_picture_is_pinned_and_taken_away_by_the_same_click(shown, desk, panel, worker):
    panel.plot.pinned.emit(Pick("sample", 4))
    worker.work()
    marks = panel.plot.scene_shown.marks
    assert len(marks) == 1
    assert marks[0].point == pytest.approx(shown.data.cloud[4, :2], abs=1e-6)
    panel.across._choose("2")
    panel.up._choose("1")
    assert panel.plot.scene_shown.marks[0].point == pytest.approx(shown.data.cloud[4, [1, 0]], abs=1e-6)
    panel.plot.pinned.emit(Pick("sample", 4))
    worker.work()
    assert panel.plot.scene_shown.marks == ()


def with_evidence(desk, monkeypatch):
    """The factor x of the open model gets one straight trajectory, y has none."""
    values = np.array([-4.0, 4.0])
    ends = np.zeros((1, 2, 4), np.float32)
    ends[0, :, 0] = values / 10
    nothing = np.zeros(0, np.float32)
    kept = Evidence(np.zeros((1, 4), np.float32), values, ends, nothing, nothing, nothing, 1.0)
    factors = FactorSet((FakeFactor("x", PIXELS, 0, evidence=kept), FakeFactor("y", PIXELS, 1)))
    opened = replace(desk.current, factors=factors)
    monkeypatch.setattr(desk_module, "with_factors", lambda old: opened)
    desk.reload_factors()


def test_trajectories_of_the_chosen_factor_are_placed_and_their_lack_is_said(
    shown, desk, panel, worker, monkeypatch, qtbot
):
    with_evidence(desk, monkeypatch)
    settle(shown, worker, qtbot)
    shown.set_factor("x")
    settle(shown, worker, qtbot)
    scene = panel.plot.scene_shown
    assert len(scene.lines) == 1
    assert scene.lines[0].shares.tolist() == [-1.0, 0.0, 1.0]
    assert (scene.legend.title, scene.legend.low, scene.legend.high) == ("x", "−4.0 px", "+4.0 px")
    assert scene.note == ""
    panel.plot.clicked.emit(Pick("line", 0, 2))
    assert desk.workspace.view.latent_array().tolist() == pytest.approx([0.4, 0, 0, 0])
    assert desk.workspace.view.seed is None
    assert desk.workspace.history.current_entry.label == "x +4.0 px"
    shown.set_factor("y")
    settle(shown, worker, qtbot)
    assert panel.plot.scene_shown.lines == ()
    assert "keeps no trajectories" in panel.plot.scene_shown.note


def test_pixel_paths_follow_the_picture_that_stands(shown, desk, panel, worker, qtbot):
    choose(panel, PATHS)
    assert panel.ground.words == "Following the picture…"
    worker.work()
    assert panel.plot.isVisible()
    assert len(panel.plot.scene_shown.lines) == 2
    assert panel.transformation.isVisible()
    assert not panel.count.isVisible()
    assert "brightness" in panel.transformation.choices
    panel.transformation._choose("brightness")
    worker.work()
    assert panel.words.text().startswith("from −40 % to +40 %")
    plot = panel.plot
    plot._light(Pick("line", 0, 0))
    assert plot._hover_words == "brightness −40 %"
    plot._light(Pick("line", 1, 4))
    assert plot._hover_words == "mixed 50%"
    before = desk.workspace.view
    plot.clicked.emit(Pick("line", 0, 3))
    assert desk.workspace.view == before
    choose(panel, "Pictures")
    settle(shown, worker, qtbot)
    assert len(plot.scene_shown.cloud) == 30


def test_a_picture_that_cannot_be_followed_says_why(shown, desk, panel, worker, models):
    models["one"].fails = ModelFileError("the weights are gone")
    choose(panel, PATHS)
    worker.work()
    assert panel.ground.words == "the weights are gone"


def test_a_hidden_panel_asks_for_nothing(shown, desk, panel, worker):
    panel.hide()
    asked = len(worker.asked)
    desk.workspace.apply(desk.workspace.view.with_position("x", 2.0), "x")
    drawn(desk)
    assert worker.asked[asked:] == []


def test_a_map_under_way_is_given_up_when_nobody_looks_and_drawn_when_somebody_does(map_, desk, panel, worker, qtbot):
    begin_map(desk, panel, worker, qtbot)
    panel.hide()
    panel.show()
    qtbot.wait(20)
    assert not any(job.cancelled for job in worker.jobs.values())
    panel.hide()
    qtbot.waitUntil(lambda: all(job.cancelled for job in worker.jobs.values()))
    worker.run_jobs()
    panel.show()
    qtbot.wait(20)
    settle(map_, worker, qtbot)
    assert len(map_.data.cloud) == 30


def test_pixel_scenes_have_pictures_along_both_ways():
    axis = np.arange(32) - 15.5
    blob = np.exp(-0.5 * (axis[:, None] ** 2 + axis[None] ** 2) / 4.0)
    path = pixel_path(np.broadcast_to(blob, (3, 32, 32)).astype(np.float32), transformation_named("x"))
    scene = pixel_scene(path)
    assert [line.colour for line in scene.lines] == ["cold", "bad"]
    assert len(scene.marks) >= 8
    assert scene.marks[0].point == pytest.approx(path.curve[0])
    assert pixel_words(path) == f"from −6.0 px to +6.0 px: {path.ratio:.1f} times as long as the straight line"


def test_stations_are_even_in_length():
    points = np.array([[0.0, 0.0], [0.1, 0.0], [0.2, 0.0], [1.0, 0.0], [2.0, 0.0]])
    assert evenly_along(points, 3) == [0, 3, 4]


def test_the_panel_is_usable_at_twice_the_text(panel, qtbot):
    app_theme().set_text_scale(2.0)
    panel.resize(460, 300)
    panel.show()
    assert panel.count.text() == "2,000"
    for widget in (panel.views, panel.across, panel.up, panel.count, panel.fit_link):
        corner = widget.mapTo(panel, QPoint(widget.width(), widget.height()))
        assert corner.x() <= 460, widget.accessibleName()
    app_theme().set_text_scale(1.0)


def test_every_part_of_the_panel_has_a_name(panel):
    for widget in (panel.views, panel.across, panel.up, panel.count, panel.transformation, panel.ground):
        assert widget.accessibleName()
