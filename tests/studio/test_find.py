"""Finding all sliders of a model: the card with real clicks, the presenter with a made-up search."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import Qt

from latentstudio.engine import JobStep
from latentstudio.errors import LearningError, StorageError
from latentstudio.factors import Factor, MeasuredCalibration, MonotoneCurve, read_factor
from latentstudio.factors.finding import NOT_FOUND, Finding, FindStep
from latentstudio.places import user_factors
from latentstudio.steps import Step
from latentstudio.studio import desk as desk_module
from latentstudio.studio.factors.panel import FactorsPanel
from latentstudio.studio.learn.find import FindPresenter
from latentstudio.studio.learn.find_panel import FindPanel
from latentstudio.studio.widgets.finding_row import FoundRow
from latentstudio.tasks.draw import OpenModel
from latentstudio.tasks.factors import find_steps
from latentstudio.tasks.learn import FOUND_NAMES, plain
from latentstudio.units import PIXELS

MOSAIC = np.full((8, 48, 3), 200, dtype=np.uint8)
ROWS = (
    FoundRow("x", "A", "Known from -6 px to +6 px.", True, True),
    FoundRow("y", "D", "Known from -1 px to +1 px.", True, False),
    FoundRow("rotation", NOT_FOUND, "No direction turns the pictures.", False, False),
)


def factor(name: str, spread: float = 0.2) -> Factor:
    p = np.linspace(-3.0, 3.0, 7)
    measured = MeasuredCalibration(p, 4.0 * p, np.full(7, spread), (-3.0, 3.0))
    axis = np.eye(4, dtype=np.float32)[2]
    return Factor(name, name, PIXELS, axis, MonotoneCurve(p, 4.0 * p), measured, "one", "hash of one")


def finding(name: str, spread: float = 0.2) -> Finding:
    made = factor(name, spread)
    return Finding(name, made, made.grade, made.describe())


FOUND = (finding("x"), finding("y", 30.0), Finding("scale", None, NOT_FOUND, "no direction makes the pictures grow"))


def click(qtbot, button):
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


@pytest.fixture
def panel(dressed, qtbot):
    made = FindPanel()
    qtbot.addWidget(made)
    made.resize(420, 700)
    made.show()
    qtbot.waitExposed(made)
    return made


@dataclass
class Search:
    """What the made-up search yields; an error among the steps is raised in its turn."""

    steps: list[Step | Exception] = field(default_factory=list)
    models: list[object] = field(default_factory=list)

    def __call__(self, model, names):
        self.models.append(model)
        for step in self.steps:
            if isinstance(step, Exception):
                raise step
            yield step


@pytest.fixture
def finding_job(desk, worker, panel, monkeypatch):
    desk.request_model("one")
    worker.work()
    search = Search([
        FindStep(0.1, "x: target 1 of 4", MOSAIC, {}, (), "x"),
        FindStep(0.4, "y: target 1 of 4", None, {}, FOUND[:1], "y"),
        FindStep(0.7, "scale: target 1 of 4", None, {}, FOUND[:2], "scale"),
        FindStep(1.0, "all tried", None, {}, FOUND),
    ])
    monkeypatch.setattr("latentstudio.tasks.factors.find_steps", search)
    notices = []
    desk.noticed.connect(notices.append)
    return SimpleNamespace(search=search, notices=notices, presenter=FindPresenter(desk, panel))


def test_usable_sliders_are_ticked_and_what_was_not_found_has_no_box(panel, qtbot):
    panel.show_findings(ROWS)
    assert panel.ticked == ("x",)
    assert panel.rows["y"].box.isVisible()
    assert not panel.rows["rotation"].box.isVisible()
    assert panel.rows["x"].grade.text() == "grade A"
    assert panel.rows["rotation"].grade.text() == "not found"
    assert panel.rows["rotation"].reason.text() == "No direction turns the pictures."
    assert panel.keep_button.text() == "Keep 1 slider"


def test_the_ticked_ones_go_out_and_without_any_the_button_says_so(panel, qtbot):
    panel.show_findings(ROWS)
    qtbot.keyClick(panel.rows["y"].box, Qt.Key.Key_Space)
    assert panel.keep_button.text() == "Keep 2 sliders"
    with qtbot.waitSignal(panel.keep_requested) as sent:
        click(qtbot, panel.keep_button)
    assert sent.args == [("x", "y")]
    for name in ("x", "y"):
        qtbot.keyClick(panel.rows[name].box, Qt.Key.Key_Space)
    assert not panel.keep_button.isEnabled()


def test_a_tick_that_was_taken_away_stays_away_when_more_is_found(panel, qtbot):
    panel.show_findings(ROWS[:1])
    qtbot.keyClick(panel.rows["x"].box, Qt.Key.Key_Space)
    panel.show_findings(ROWS)
    assert panel.ticked == ()
    panel.show_findings(())
    assert panel.rows == {}
    assert not panel.keep_button.isVisible()


def test_the_mosaic_is_as_high_as_its_shape_asks_and_goes_at_the_end(panel, qtbot):
    panel.set_running(True)
    panel.show_preview(np.zeros((512, 3072, 3), dtype=np.uint8))
    assert panel.mosaic.isVisible()
    assert panel.mosaic.image.width() == 1024
    qtbot.waitUntil(lambda: panel.mosaic.height() == round(panel.mosaic.width() / 6))
    panel.set_running(False)
    assert not panel.mosaic.isVisible()


def test_progress_is_told_with_name_share_and_time_left(panel, qtbot, worker, finding_job):
    click(qtbot, panel.start_button)
    assert not panel.start_button.isVisible()
    assert panel.cancel_button.isVisible()
    job = next(iter(worker.jobs.values()))
    assert job.title == "Finding sliders in one"
    job.on_step(JobStep(1, job.title, finding_job.search.steps[0], 2.0, 192.0))
    assert panel.state.text() == "x · 10% · 3:12 left"
    assert panel.message.text() == "target 1 of 4"
    assert panel.line.fraction == pytest.approx(0.1)
    assert panel.mosaic.isVisible()


def test_previews_come_five_times_a_second_at_most(panel, qtbot, worker, finding_job, monkeypatch):
    shown = []
    monkeypatch.setattr(panel, "show_preview", shown.append)
    click(qtbot, panel.start_button)
    job = next(iter(worker.jobs.values()))
    for index in range(101):
        step = FindStep(index / 1000, "x: trying", MOSAIC, {}, (), "x")
        job.on_step(JobStep(1, job.title, step, index * 0.0201, None))
    assert 9 <= len(shown) <= 11, "two seconds"


def test_what_was_found_is_listed_and_only_the_ticked_is_kept(panel, desk, worker, qtbot, finding_job, monkeypatch):
    reread = []
    monkeypatch.setattr(desk, "reload_factors", lambda: reread.append(True))
    click(qtbot, panel.start_button)
    worker.run_jobs()
    assert finding_job.search.models == [desk.current.model]
    assert list(panel.rows) == ["x", "y", "scale"]
    assert panel.message.text() == "1 of 3 can be used in one."
    assert panel.rows["x"].reason.text().endswith("Takes the place of the slider you have (grade C).")
    assert panel.rows["scale"].reason.text() == "No direction makes the pictures grow."
    assert panel.ticked == ("x",)
    click(qtbot, panel.keep_button)
    worker.work()
    assert read_factor(user_factors("one") / "x.safetensors").describe() == FOUND[0].reason
    assert not (user_factors("one") / "y.safetensors").exists()
    assert reread == [True]
    assert finding_job.notices[-1].sentence == "Among the sliders of one now: x"
    assert panel.rows["x"].grade.text() == "grade C, kept"
    assert panel.ticked == ()


def test_after_cancel_what_was_found_so_far_stays_and_can_be_kept(panel, worker, qtbot, finding_job):
    click(qtbot, panel.start_button)
    job = next(iter(worker.jobs.values()))
    taken = job.on_step

    def cancel_at_the_second(step):
        taken(step)
        if step.step.name == "y":
            click(qtbot, panel.cancel_button)

    job.on_step = cancel_at_the_second
    worker.run_jobs()
    assert not finding_job.presenter.running
    assert panel.message.text() == "Cancelled; 1 of the 1 tried can be used."
    assert panel.ticked == ("x",)
    assert panel.keep_button.isVisible()
    assert panel.start_button.text() == "Find again"


def test_cancelled_before_anything_was_found(panel, worker, qtbot, finding_job):
    click(qtbot, panel.start_button)
    click(qtbot, panel.cancel_button)
    worker.run_jobs()
    assert panel.message.text() == "Cancelled; nothing was found yet."
    assert not panel.keep_button.isVisible()


def test_an_error_is_one_line_and_leaves_what_was_found(panel, worker, qtbot, finding_job):
    finding_job.search.steps[2:] = [LearningError("the model has no gradients", action="take another")]
    click(qtbot, panel.start_button)
    worker.run_jobs()
    assert panel.message.text() == "The search ended early: the model has no gradients; take another"
    assert panel.ticked == ("x",)
    finding_job.search.steps[:] = [RuntimeError("oh")]
    click(qtbot, panel.start_button)
    worker.run_jobs()
    assert panel.message.text() == "The search failed (oh); this is a defect of the program."
    assert panel.rows == {}


def test_keeping_that_fails_is_told_and_the_ticks_stay(panel, worker, qtbot, finding_job, monkeypatch):
    def full(made):
        raise StorageError("the disk is full")

    monkeypatch.setattr("latentstudio.tasks.learn.keep_factor", full)
    click(qtbot, panel.start_button)
    worker.run_jobs()
    click(qtbot, panel.keep_button)
    worker.work()
    assert finding_job.notices[-1].sentence == "the disk is full"
    assert panel.ticked == ("x",)


def test_another_model_takes_the_list_away_and_kept_sliders_are_read_when_theirs_comes_back(
    panel, desk, worker, qtbot, finding_job, monkeypatch
):
    reread = []
    monkeypatch.setattr(desk, "reload_factors", lambda: reread.append(desk.current.name))
    click(qtbot, panel.start_button)
    desk.request_model("two")
    worker.work()
    worker.run_jobs()
    assert panel.message.text() == "1 of 3 can be used in one."
    click(qtbot, panel.keep_button)
    worker.work()
    assert reread == []
    desk.request_model("one")
    assert reread == ["one"]
    assert list(panel.rows) == ["x", "y", "scale"]
    desk.request_model("two")
    assert panel.rows == {}


def test_the_reason_does_not_repeat_what_the_row_says():
    assert plain(FOUND[0]) == "Known from −12.0 px to +12.0 px, spread 0.2 px over new samples."
    assert plain(Finding("x", None, NOT_FOUND, "")) == ""


def test_the_search_takes_five_transformations_with_the_usual_settings(monkeypatch):
    asked = []

    def find_factors(generator, transformations, *, settings):
        asked.append((generator, tuple(each.name for each in transformations), settings))
        yield FindStep(1.0, "all tried")

    monkeypatch.setattr("latentstudio.tasks.factors.find_factors", find_factors)
    last = list(find_steps(SimpleNamespace(guarded_generator="the generator"), FOUND_NAMES))[-1]
    assert last.message == "all tried"
    assert asked == [("the generator", FOUND_NAMES, None)]


def test_a_model_without_sliders_offers_to_find_them(dressed, qtbot):
    panel = FactorsPanel()
    qtbot.addWidget(panel)
    panel.show()
    assert panel.find_button.isVisible()
    assert not panel.find_link.isVisible()
    with qtbot.waitSignal(panel.find_requested):
        click(qtbot, panel.find_button)


def test_a_model_with_sliders_has_the_link(desk, dressed, qtbot, worker):
    opened: OpenModel = desk_module.open_for_window("one", desk.catalogue, "cpu")
    panel = FactorsPanel()
    qtbot.addWidget(panel)
    panel.show_factors(opened.factors)
    panel.show()
    assert not panel.find_button.isVisible()
    with qtbot.waitSignal(panel.find_requested):
        click(qtbot, panel.find_link)


def test_a_slider_that_is_worse_than_the_one_you_have_is_not_ticked(panel, desk, worker, qtbot, monkeypatch):
    desk.request_model("one")
    worker.work()
    worse = finding("x", 5.0)  # the desk has an x of grade A
    assert worse.grade in ("B", "C")
    search = Search([FindStep(1.0, "all tried", None, {}, (worse,))])
    monkeypatch.setattr("latentstudio.tasks.factors.find_steps", search)
    presenter = FindPresenter(desk, panel)
    click(qtbot, panel.start_button)
    worker.run_jobs()
    assert presenter.findings == (worse,)
    assert panel.ticked == ()
    assert panel.rows["x"].box.isVisible()
    assert panel.rows["x"].reason.text().endswith("(grade C), which is better.")
