"""Presenters with plain fakes: decisions without a thread, a model file or a window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from latentstudio.document.origin import Origin
from latentstudio.document.session import Session
from latentstudio.engine import Result, Timing
from latentstudio.errors import AddOnError, LearningError, ModelFileError, StudioError
from latentstudio.factors import Factor, MeasuredCalibration, MonotoneCurve, keep_factor, read_factor
from latentstudio.factors.verdict import verdict_of
from latentstudio.generators import addons
from latentstudio.generators.addons import AddOn
from latentstudio.latents import sample_prior
from latentstudio.places import user_factors
from latentstudio.steps import Step
from latentstudio.studio.canvas.film_strip import FilmStrip
from latentstudio.studio.canvas.history import HistoryPresenter, strip_entries
from latentstudio.studio.canvas.presenter import PicturePresenter, header_line
from latentstudio.studio.canvas.view import Canvas
from latentstudio.studio.factors.panel import FactorsPanel
from latentstudio.studio.factors.presenter import FactorsPresenter
from latentstudio.studio.learn.panel import LearnPanel
from latentstudio.studio.learn.presenter import LearnPresenter
from latentstudio.studio.library import presenter as library_module
from latentstudio.studio.library.panel import LibraryPanel
from latentstudio.studio.library.presenter import LibraryPresenter
from latentstudio.studio.library.sample_grid import SampleGrid
from latentstudio.studio.library.samples import SamplesPresenter
from latentstudio.studio.raw.panel import RawPanel
from latentstudio.studio.raw.presenter import COMPONENTS, RawPresenter
from latentstudio.tasks.as_code import as_command, as_python, settings_of
from latentstudio.tasks.draw import draw_strip, shrink
from latentstudio.tasks.learn import settings_for
from latentstudio.units import PIXELS


@pytest.fixture
def notices(desk):
    """Every notice of the desk."""
    found = []
    desk.noticed.connect(found.append)
    return found


@pytest.fixture
def opened(desk, worker):
    """The desk with the model "one" open at the sample of seed 100."""
    desk.request_model("one")
    worker.work()
    return desk.current


def test_opening_a_model_starts_a_sample_of_it(desk, worker, opened):
    view = desk.workspace.view
    assert opened.name == "one"
    assert view.seed == 100
    expected = sample_prior(opened.model.card.spaces[0], count=1, seed=100)[0]
    assert np.array_equal(view.latent_array(), expected)


def test_a_model_that_cannot_be_opened_is_told_in_one_sentence(desk, worker, notices):
    failed = []
    desk.open_failed.connect(failed.append)
    desk.request_model("missing")
    worker.work()
    assert failed == ["missing"]
    assert notices[-1].kind == "bad"
    assert "there is no model 'missing'" in notices[-1].sentence
    assert desk.opening == ""


def test_the_newest_wish_wins_when_two_models_are_chosen(desk, worker):
    desk.request_model("one")
    desk.request_model("two")
    worker.work()
    assert desk.current.name == "two"
    assert desk.workspace.view.model == "two"


def test_undo_over_a_change_of_model_brings_the_model_back(desk, worker, opened):
    desk.request_model("two")
    worker.work()
    desk.workspace.undo()
    assert desk.current.name == "one"
    assert desk.workspace.view.model == "one"


def test_a_restored_session_opens_its_model_and_stays_as_it_is(desk, worker, opened):
    view = desk.workspace.view.with_position("x", 3.0)
    desk.forget("one")
    worker.work()
    desk._current = None
    desk.workspace.restore(Session((view,)), None)
    worker.work()
    assert desk.current.name == "one"
    assert desk.workspace.view == view


def test_a_picture_is_drawn_for_every_change_and_its_age_is_told(desk, worker, qtbot):
    canvas = Canvas()
    qtbot.addWidget(canvas)
    ticks = iter(np.arange(0.0, 100.0))
    presenter = PicturePresenter(desk, canvas, clock=lambda: float(next(ticks)))
    canvas.resize(200, 200)
    canvas.show()
    with qtbot.waitSignal(presenter.painted) as painted:
        desk.request_model("one")
        worker.work()
    assert painted.args[0].number == presenter.last_requested
    assert painted.args[0].age > 0
    assert presenter.last_drawn.view == desk.workspace.view


def test_a_failing_render_is_told_and_the_next_one_is_drawn(desk, worker, models, qtbot, notices):
    canvas = Canvas()
    qtbot.addWidget(canvas)
    presenter = PicturePresenter(desk, canvas)
    models["one"].fails = ModelFileError("the weights are broken")
    desk.request_model("one")
    worker.work()
    assert notices[-1].sentence == "the weights are broken"
    models["one"].fails = None
    desk.request_sample(5)
    worker.work()
    assert presenter.last_drawn.view.seed == 5


def test_only_the_newest_of_many_moves_is_drawn(desk, worker, opened, models, qtbot):
    canvas = Canvas()
    qtbot.addWidget(canvas)
    presenter = PicturePresenter(desk, canvas)
    models["one"].drawn.clear()
    for t in range(1, 8):
        desk.workspace.apply_preview(desk.workspace.view.with_position("x", float(t)))
    worker.work()
    assert len(models["one"].drawn) == 1
    assert presenter.last_drawn.reached == {"x": 7.0}


def test_the_original_is_the_sample_of_the_nearest_seed(desk, opened):
    start = desk.workspace.view
    desk.workspace.apply(start.with_position("x", 4.0), "x")
    edited = desk.workspace.view.with_latent(start.latent_array() + 1, seed=None)
    desk.workspace.apply(edited, "raw")
    assert desk.workspace.history.original(edited) == start


@pytest.fixture
def factor_cards(desk, worker, opened, qtbot):
    """The factor panel with its presenter on a fresh sample."""
    panel, canvas = FactorsPanel(), Canvas()
    qtbot.addWidget(panel)
    qtbot.addWidget(canvas)
    presenter = FactorsPresenter(desk, panel, canvas)
    presenter._on_model(opened)
    return SimpleNamespace(panel=panel, canvas=canvas, presenter=presenter, cards=panel.cards)


def test_a_drag_is_live_and_one_entry_of_the_history(desk, factor_cards):
    panel, entries = factor_cards.panel, len(desk.workspace.history)
    panel.pressed.emit("x")
    for t in (1.0, 2.0, 3.0):
        panel.moved.emit("x", t)
    assert desk.workspace.view.position("x") == 3.0
    assert len(desk.workspace.history) == entries
    panel.settled.emit("x", 3.0)
    assert len(desk.workspace.history) == entries + 1
    assert desk.workspace.history.current_entry.label == "x +3.0 px"


def test_a_card_tells_what_was_measured_to_move_along(factor_cards):
    x, scale = (factor_cards.cards[name].findChild(QWidget, "leaks") for name in ("x", "scale"))
    assert x.accessibleName() == "leak: scale 25 %"
    assert scale.isHidden()  # nothing was measured for it


def test_a_slider_of_ones_own_is_put_aside_and_goes_back_to_zero(desk, worker, factor_cards, home):
    p = np.linspace(-3.0, 3.0, 7)
    measured = MeasuredCalibration(p, p, 0.1 + 0 * p, (-3.0, 3.0))
    axis = np.eye(4, dtype=np.float32)[0]
    mine = keep_factor(Factor("x", "x", PIXELS, axis, MonotoneCurve(p, p), measured, "one", "hash"))
    desk.workspace.apply(desk.workspace.view.with_position("x", 2.0), "x")
    factor_cards.presenter.chosen = "x"
    factor_cards.presenter.request_forgetting()
    worker.work()
    assert not mine.exists()
    assert desk.workspace.view.position("x") == 0.0
    assert (user_factors("one") / "forgotten" / "x-1.safetensors").is_file()


def test_a_slider_that_ships_cannot_be_put_aside(desk, worker, factor_cards, home, notices):
    desk.workspace.apply(desk.workspace.view.with_position("x", 2.0), "x")
    factor_cards.presenter.chosen = "x"
    factor_cards.presenter.request_forgetting()
    worker.work()
    assert desk.workspace.view.position("x") == 2.0
    assert "of your own" in notices[-1].sentence


def test_beyond_the_known_range_is_clamped_and_said(desk, factor_cards):
    factor_cards.panel.moved.emit("x", 11.0)
    factor_cards.panel.settled.emit("x", 11.0)
    card = factor_cards.cards["x"]
    assert desk.workspace.view.position("x") == 8.0
    assert card.value == pytest.approx(8.0, abs=0.05)
    assert card.note == "stops at +8.0 px"


def test_a_locked_factor_stays_through_moves_and_reset(desk, factor_cards):
    panel = factor_cards.panel
    panel.settled.emit("x", 4.0)
    panel.settled.emit("scale", 1.0)
    panel.lock_changed.emit("x", True)
    panel.moved.emit("x", -2.0)
    factor_cards.presenter.apply_reset()
    assert desk.workspace.view.position_map() == {"x": 4.0}


def test_undo_puts_the_slider_back(desk, factor_cards):
    factor_cards.panel.settled.emit("x", 4.0)
    desk.workspace.undo()
    assert factor_cards.cards["x"].value == pytest.approx(0.0, abs=0.05)


def test_the_strip_shows_the_branch_with_its_pictures(desk, worker, qtbot):
    strip, canvas = FilmStrip(), Canvas()
    qtbot.addWidget(strip)
    qtbot.addWidget(canvas)
    HistoryPresenter(desk, strip)
    PicturePresenter(desk, canvas)
    desk.request_model("one")
    worker.work()
    desk.request_sample(7)
    worker.work()
    shown = strip_entries(desk.workspace.history)
    assert [entry.label for entry in shown] == ["one", "seed 7"]
    assert all(entry.picture is not None for entry in shown)
    assert [entry.current for entry in strip.entries] == [False, True]
    strip.chosen.emit(shown[0].id)
    assert desk.workspace.view.seed == 100


def test_the_grid_shows_other_seeds_and_a_click_takes_one(desk, worker, qtbot):
    grid = SampleGrid()
    qtbot.addWidget(grid)
    samples = SamplesPresenter(desk, grid)
    desk.request_model("one")
    worker.work()
    assert samples.seeds == tuple(range(101, 117))
    assert grid.tiles.count == 16
    asked = worker.asked.count("samples")
    grid.picked.emit(3)
    worker.work()
    assert desk.workspace.view.seed == 104
    assert worker.asked.count("samples") == asked, "a seed of the grid does not change the grid"


def test_a_typed_seed_is_taken(desk, worker, qtbot):
    grid = SampleGrid()
    qtbot.addWidget(grid)
    SamplesPresenter(desk, grid)
    desk.request_model("one")
    worker.work()
    grid.seed_entered.emit(4242)
    worker.work()
    assert desk.workspace.view.seed == 4242
    assert header_line(desk.workspace.view).split() == ["one", "seed", "4242", "as", "sampled"]


def test_a_raw_edit_changes_one_coordinate_and_forgets_the_seed(desk, worker, opened, qtbot):
    panel = RawPanel()
    qtbot.addWidget(panel)
    raw = RawPresenter(desk, panel)
    before = desk.workspace.view.latent_array()
    panel.sliders.settled.emit(2, 1.5)
    after = desk.workspace.view
    assert after.seed is None
    assert after.latent_array()[2] == np.float32(1.5)
    assert np.array_equal(np.delete(after.latent_array(), 2), np.delete(before, 2))
    raw.apply_reset()
    assert desk.workspace.view.seed == 100
    assert np.array_equal(desk.workspace.view.latent_array(), before)


def test_components_are_computed_as_a_job_and_then_edited(desk, worker, opened, qtbot):
    panel = RawPanel()
    qtbot.addWidget(panel)
    raw = RawPresenter(desk, panel)
    raw.set_mode(COMPONENTS)
    worker.run_jobs()
    found = raw._components["one"]
    assert len(panel.sliders.values) == len(found.explained)
    panel.sliders.settled.emit(0, 2.0)
    moved = found.coordinates(desk.workspace.view.latent_array()[None])[0]
    assert moved[0] == pytest.approx(2.0, abs=1e-4)
    assert desk.workspace.history.current_entry.label == "c1 +2.00"


def test_no_coordinates_stand_under_the_word_components_while_they_are_computed(desk, worker, opened, qtbot):
    panel = RawPanel()
    qtbot.addWidget(panel)
    raw = RawPresenter(desk, panel)
    raw._show()
    raw.set_mode(COMPONENTS)
    assert len(panel.sliders.values) == 0
    assert "waiting" in panel.words.text()
    next(iter(worker.jobs.values())).cancelled = True
    worker.run_jobs()
    assert raw.mode == panel.sliders.modes.current == "coordinates"
    assert np.array_equal(panel.sliders.values, desk.workspace.view.latent_array())


def test_a_failing_comparison_is_told(desk, worker, opened, models, qtbot, notices):
    canvas = Canvas()
    qtbot.addWidget(canvas)
    presenter = PicturePresenter(desk, canvas)
    worker.work()
    models["one"].fails = StudioError("the weights are gone")
    presenter.set_comparing(True)
    worker.work()
    assert notices[-1].sentence == "the weights are gone"


@pytest.fixture
def add_on(monkeypatch):
    """One add-on that the program knows."""
    known = AddOn(name="faces", title="faces", requirement="faces==1", sha256="0" * 64, member="w", backend="dcgan",
                  facts="64 px", licence="MIT", licence_text="You may.", data_licence="For research.", bytes=1_000_000)
    monkeypatch.setattr(addons, "list_add_ons", lambda: (known,))
    monkeypatch.setattr(addons, "add_on", lambda name: known)
    return known


def library_with(desk, qtbot, monkeypatch, fetch):
    """A library panel whose presenter fetches by ``fetch``."""
    monkeypatch.setattr("latentstudio.generators.fetching.fetch", fetch)
    panel = LibraryPanel()
    qtbot.addWidget(panel)
    panel.resize(260, 700)
    panel.show()
    presenter = LibraryPresenter(desk, panel)
    presenter.show_rows()
    return panel, presenter


def test_nothing_is_fetched_before_the_licence_was_accepted(desk, worker, models, qtbot, add_on, monkeypatch):
    def fetch(wanted: AddOn, catalogue: object) -> Iterator[Step]:
        yield Step(0.5, "downloading")
        models["faces"] = type(models["one"])(replace(models["one"].card, name="faces"))

    panel, presenter = library_with(desk, qtbot, monkeypatch, fetch)
    monkeypatch.setattr(presenter, "renew", presenter.show_rows)
    assert panel.library.names == ("faces", "one", "two")
    panel.library.fetch_requested.emit("faces")
    assert worker.jobs == {}
    assert panel.licence.isVisible()
    assert "MIT" in panel.licence.terms.text()
    assert panel.licence.full_text.toPlainText() == "You may."
    qtbot.mouseClick(panel.licence.accept_button, Qt.MouseButton.LeftButton)
    assert len(worker.jobs) == 1
    worker.run_jobs()
    worker.work()
    assert desk.current.name == "faces"


def test_declining_the_licence_fetches_nothing(desk, worker, qtbot, add_on, monkeypatch):
    panel, _ = library_with(desk, qtbot, monkeypatch, lambda wanted, catalogue: iter(()))
    panel.library.fetch_requested.emit("faces")
    qtbot.mouseClick(panel.licence.decline_link, Qt.MouseButton.LeftButton)
    assert not panel.licence.isVisible()
    assert worker.jobs == {}


def test_a_failed_fetch_says_why_and_can_be_tried_again(desk, worker, qtbot, add_on, notices, monkeypatch):
    def fetch(wanted: AddOn, catalogue: object) -> Iterator[Step]:
        yield Step(0.1, "asking")
        raise AddOnError("the package index cannot be reached", action="check the network")

    _, presenter = library_with(desk, qtbot, monkeypatch, fetch)
    monkeypatch.setattr(presenter, "renew", presenter.show_rows)
    presenter.start_fetch("faces")
    worker.run_jobs()
    assert notices[-1].sentence == "the package index cannot be reached; check the network"
    assert notices[-1].action_text == "Try again"
    notices[-1].action()
    assert len(worker.jobs) == 1


def test_a_cancelled_fetch_keeps_nothing_and_says_so(desk, worker, qtbot, add_on, notices, monkeypatch):
    def fetch(wanted: AddOn, catalogue: object) -> Iterator[Step]:
        yield Step(0.1, "downloading")
        yield Step(0.2, "downloading")

    _, presenter = library_with(desk, qtbot, monkeypatch, fetch)
    monkeypatch.setattr(presenter, "renew", presenter.show_rows)
    presenter.start_fetch("faces")
    worker.cancel_job(next(iter(worker.jobs)))
    worker.run_jobs()
    assert "cancelled" in notices[-1].sentence
    assert notices[-1].kind == "info"


def test_the_model_in_front_is_not_removed(desk, worker, opened, qtbot, notices, monkeypatch):
    removed = []
    monkeypatch.setattr(library_module.addons, "remove", removed.append)
    monkeypatch.setattr(library_module.addons, "list_add_ons", lambda: ())
    _, presenter = library_with(desk, qtbot, monkeypatch, lambda wanted, catalogue: iter(()))
    presenter.apply_remove("one")
    assert removed == []
    assert "stands open" in notices[-1].sentence


def test_a_strip_runs_over_the_known_range(desk, opened):
    frames = draw_strip(opened, desk.workspace.view, "x", count=5)
    assert frames.shape == (5, 16, 16, 3)
    reds = frames[:, 0, 0, 0].astype(int)
    assert (np.diff(reds) >= 0).all()
    assert reds[-1] > reds[0]


def test_shrinking_averages_blocks():
    picture = np.zeros((128, 128, 3), np.uint8)
    picture[::2] = 200
    small = shrink(picture)
    assert small.shape == (64, 64, 3)
    assert (small == 100).all()


def test_the_session_as_words(desk, opened):
    view = desk.workspace.view.with_positions({"x": 8.0, "scale": 1.0})
    assert settings_of(view, opened.factors) == {"scale": "2x", "x": "8px"}
    assert as_command(view, opened.factors) == (
        "latentstudio factors apply one --seed 100 --set scale=2x --set x=8px --out out.png"
    )
    snippet = as_python(view, opened.factors)
    compile(snippet, "snippet", "exec")
    assert "latentstudio.sample(model, seed=100)" in snippet
    raw = view.with_latent(view.latent_array(), seed=None)
    assert "numpy.array" in as_python(raw, opened.factors)


@pytest.fixture
def learning(desk, worker, opened, qtbot, monkeypatch):
    """The learning panel with a way to learn that makes a real factor in two steps."""
    p = np.linspace(-3.0, 3.0, 7)
    curve = MonotoneCurve(p, 4.0 * p)
    measured = MeasuredCalibration(p, 4.0 * p, np.full(7, 0.2), (-3.0, 3.0))
    made = Factor("y", "down", PIXELS, np.eye(4, dtype=np.float32)[2], curve, measured, "one", "hash of one")

    def learn(model, wanted):
        yield LearnStep(0.5, f"learning {wanted.transformation}")
        yield LearnStep(1.0, "done", factor=made)

    panel = LearnPanel()
    qtbot.addWidget(panel)
    panel.resize(480, 800)
    panel.show()
    monkeypatch.setattr("latentstudio.tasks.factors.learn_wanted", learn)
    return SimpleNamespace(panel=panel, presenter=LearnPresenter(desk, panel), factor=made)


@dataclass(frozen=True)
class LearnStep(Step):
    """As the real one."""

    factor: Factor | None = None


def test_learning_ends_with_a_verdict_and_keeping_writes_the_file(desk, worker, learning, qtbot, notices):
    panel = learning.panel
    qtbot.mouseClick(panel.start_button, Qt.MouseButton.LeftButton)
    assert panel.cancel_button.isVisible()
    assert not panel.verdict.isVisible()
    worker.run_jobs()
    assert panel.verdict.title.text() == "y · grade C"
    assert panel.verdict.sentence.text() == verdict_of(learning.factor)
    qtbot.mouseClick(panel.verdict.keep_button, Qt.MouseButton.LeftButton)
    worker.waiting.pop("factors", None)
    number, work, answer = worker.waiting.pop("keep")
    answer(Result("keep", number, work(), None, Timing(0, 0, 0, 0)))
    assert read_factor(user_factors("one") / "y.safetensors").describe() == learning.factor.describe()
    assert notices[-1].kind == "good"


def test_a_cancelled_learning_keeps_nothing(worker, learning, qtbot):
    qtbot.mouseClick(learning.panel.start_button, Qt.MouseButton.LeftButton)
    qtbot.mouseClick(learning.panel.cancel_button, Qt.MouseButton.LeftButton)
    worker.run_jobs()
    assert "Cancelled" in learning.panel.message.text()
    assert learning.presenter.factor is None
    assert not learning.presenter.running


def test_a_failed_learning_says_why(desk, worker, opened, qtbot, monkeypatch):
    def fail(model, wanted):
        yield Step(0.1, "trying")
        raise LearningError("the axis moves nothing", action="try more starting points")

    panel = LearnPanel()
    qtbot.addWidget(panel)
    monkeypatch.setattr("latentstudio.tasks.factors.learn_wanted", fail)
    LearnPresenter(desk, panel).start("x", "normal")
    worker.run_jobs()
    assert panel.verdict.title.text() == "Nothing was learned"
    assert panel.verdict.sentence.text() == "the axis moves nothing; try more starting points"
    assert panel.verdict.keep_button.isHidden()


def test_efforts_differ_in_starting_points():
    assert settings_for("quick").starts < settings_for("normal").starts < settings_for("thorough").starts


def test_only_locked_sliders_carry_over_to_a_new_sample_unless_all_are_kept(desk, worker, opened):
    edited = desk.workspace.view.with_positions({"x": 4.0, "scale": 1.0}).with_kept(("scale",))
    desk.workspace.apply(edited, "both")
    desk.request_sample(5)
    assert desk.workspace.view.position_map() == {"scale": 1.0}
    assert desk.workspace.history.current_entry.origin is Origin.SAMPLE
    desk.workspace.undo()
    desk.keep_sliders = True
    desk.request_sample(6)
    assert desk.workspace.view.position_map() == {"scale": 1.0, "x": 4.0}


def test_another_model_and_a_file_take_nothing_over(desk, worker, opened):
    start = desk.workspace.view
    desk.workspace.apply(start.with_positions({"x": 4.0}).with_kept(("x",)), "x")
    desk.request_model("two")
    worker.work()
    assert (desk.workspace.view.positions, desk.workspace.view.kept) == ((), ())
    desk.request_model("one", session=Session((start.with_position("scale", 0.5),)), label="a file")
    worker.work()
    assert (desk.workspace.view.position_map(), desk.workspace.view.kept) == ({"scale": 0.5}, ())
    assert desk.workspace.history.current_entry.origin is Origin.FILE


def test_no_sample_is_drawn_from_another_model_while_that_of_the_view_is_on_its_way(desk, worker, opened):
    desk.request_model("two")
    worker.work()
    desk.forget("one")
    desk.workspace.undo()
    standing = desk.workspace.view
    assert (standing.model, desk.current.name) == ("one", "two")
    desk.request_sample()
    assert desk.workspace.view == standing
    worker.work()
    desk.request_sample()
    assert desk.workspace.view.model == "one"
    assert desk.workspace.view != standing
