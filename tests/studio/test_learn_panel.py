"""The learning panel: choices, settings, a run that can be watched, an earlier run, a verdict with its evidence."""

from __future__ import annotations

import json
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from latentstudio.factors import Evidence, Factor, LearnSettings, MeasuredCalibration, MonotoneCurve
from latentstudio.factors.verdict import verdict_of
from latentstudio.places import records_folder
from latentstudio.steps import Step
from latentstudio.studio.learn.panel import LearnPanel
from latentstudio.studio.learn.presenter import LearnPresenter
from latentstudio.studio.widgets.mosaic import Mosaic
from latentstudio.studio.widgets.wrapped_names import WrappedNames
from latentstudio.tasks.learn import STRIP_VALUES, draw_new, left_over, settings_for, strip_labels
from latentstudio.transformations import FACTS, NAMES
from latentstudio.units import PIXELS

LEFT = Qt.MouseButton.LeftButton


@dataclass(frozen=True)
class LearnStep(Step):
    """As the real one."""

    factor: Factor | None = None
    phase: str = "trajectories"


def made_factor(**figures):
    p = np.linspace(-3.0, 3.0, 7)
    measured = MeasuredCalibration(p, 4.0 * p, np.full(7, 0.2), (-3.0, 3.0))
    evidence = Evidence(
        np.zeros((2, 4), np.float32), np.array([-1.0, 1.0]), np.zeros((2, 2, 4), np.float32),
        np.linspace(-8, 8, 9, dtype=np.float32), np.linspace(-7, 7, 9, dtype=np.float32),
        np.linspace(0.01, 0.2, 20, dtype=np.float32), 0.18,
    )
    axis = np.eye(4, dtype=np.float32)[1]
    return Factor("y", "down", PIXELS, axis, MonotoneCurve(p, 4.0 * p), measured, "one", "hash of one", figures,
                  evidence=evidence)


@pytest.fixture
def learning(desk, worker, qtbot, monkeypatch):
    """The panel in a shown window, its presenter, the steps that its job makes, and a clock that the test moves."""
    desk.request_model("one")
    worker.work()
    factor = made_factor(leak={"brightness": 0.03})
    told = SimpleNamespace(wanted=[], now=0.0, shown=[], factor=factor)
    told.steps = [
        LearnStep(0.1 * index, "to +2 px", np.full((32, 48, 3), 10 * index, np.uint8), {"loss": 1.0 / (index + 1)})
        for index in range(4)
    ] + [LearnStep(1.0, "done", factor=factor, phase="measuring")]

    def learn(model, wanted):
        told.wanted.append(wanted)
        yield from told.steps

    panel = LearnPanel()
    qtbot.addWidget(panel)
    monkeypatch.setattr("latentstudio.tasks.factors.learn_wanted", learn)
    told.presenter = LearnPresenter(desk, panel, clock=lambda: told.now)
    panel.resize(480, 900)
    panel.show()
    qtbot.waitExposed(panel)
    told.panel = panel
    return told


def click(panel, button):
    assert button.isVisible()
    QTest.mouseClick(button, LEFT)


def test_every_transformation_can_be_chosen_with_its_words(learning):
    panel = learning.panel
    assert panel.what.names == NAMES
    for facts in FACTS:
        area = panel.what.area_of(facts.name)
        assert panel.what.rect().contains(area.toAlignedRect())
        QTest.mouseClick(panel.what, LEFT, pos=area.center().toPoint())
        assert panel.what.current == facts.name
        assert facts.title in panel.what_words.text()
        assert facts.range_text in panel.what_words.text()


def test_names_wrap_where_there_is_little_room(dressed, qtbot):
    row = WrappedNames()
    qtbot.addWidget(row)
    row.set_names(NAMES)
    assert row.heightForWidth(1_600) < row.heightForWidth(300) < row.heightForWidth(120)
    row.show()
    qtbot.waitExposed(row)
    row.resize(300, 10)
    qtbot.waitUntil(lambda: row.height() == row.heightForWidth(row.width()))
    assert all(row.rect().contains(row.area_of(name).toAlignedRect()) for name in NAMES)


def test_a_file_of_ones_own_is_learned_by_its_path(learning, worker, tmp_path):
    path = tmp_path / "swirl.py"
    learning.presenter.use_file(path)
    assert learning.panel.what.current == "swirl.py"
    click(learning.panel, learning.panel.start_button)
    worker.run_jobs()
    assert learning.wanted[-1].transformation == str(path)


def test_another_file_is_refused(learning, desk, tmp_path):
    said = []
    desk.noticed.connect(said.append)
    learning.presenter.use_file(tmp_path / "notes.txt")
    assert "notes.txt is no Python file" in said[-1].sentence
    assert learning.panel.what.names == NAMES


def test_every_setting_has_a_row_with_its_reason_and_its_value_is_used(learning, worker):
    panel, advanced = learning.panel, learning.panel.advanced
    assert not advanced.editors
    click(panel, advanced.toggle)
    assert set(advanced.editors) == set(LearnSettings.__dataclass_fields__)
    assert panel.settings == settings_for("normal")
    starts = advanced.editors["starts"]
    assert "drawn at random" in starts.toolTip()
    starts.selectAll()
    QTest.keyClicks(starts, "96")
    advanced.editors["ball"].setChecked(False)
    click(panel, panel.start_button)
    worker.run_jobs()
    assert learning.wanted[-1].settings.starts == 96
    assert learning.wanted[-1].settings.ball is False


@pytest.mark.parametrize(("typed", "part"), [("many", "starts is 'many'"), ("0", "starts is 0"), ("", "whole number")])
def test_a_wrong_value_is_said_in_one_line_and_nothing_starts(learning, typed, part):
    panel, advanced = learning.panel, learning.panel.advanced
    click(panel, advanced.toggle)
    starts = advanced.editors["starts"]
    starts.selectAll()
    QTest.keyClick(starts, Qt.Key.Key_Delete)
    QTest.keyClicks(starts, typed)
    assert part in panel.mistake.text()
    assert panel.settings is None
    assert not panel.start_button.isEnabled()
    click(panel, advanced.reset)
    assert panel.mistake.isHidden()
    assert panel.settings == settings_for("normal")


def test_a_run_is_watched_at_most_five_times_a_second(learning, worker, monkeypatch):
    view, shown = learning.panel.run_view, []
    monkeypatch.setattr(view, "set_preview", lambda sheet: shown.append(int(sheet[0, 0, 0])))
    original = learning.steps

    def slow():
        for step in original[:4]:
            yield step
            learning.now += 0.12

    learning.steps = slow()
    click(learning.panel, learning.panel.start_button)
    worker.run_jobs()
    assert shown == [0, 20]
    assert learning.presenter._losses == [1.0, 0.5, pytest.approx(1 / 3), 0.25]


def test_the_run_shows_phase_share_and_pictures(learning, worker, desk):
    click(learning.panel, learning.panel.start_button)
    view, seen = learning.panel.run_view, []
    (job,) = worker.jobs.values()
    on_step = job.on_step

    def watched(step):
        on_step(step)
        learning.now += 1.0
        seen.append((view.phase.text(), view.share.text(), view.mosaic.sheet_size, view.loss.count))

    job.on_step = watched
    assert view.isVisible()
    assert not learning.panel.choices.isVisible()
    worker.run_jobs()
    assert seen[1] == ("Following targets", "10%", (48, 32), 2)
    assert seen[-1][0] == "Measuring on new samples"
    assert not view.isVisible()


def test_the_verdict_shows_the_evidence_and_new_pictures(learning, worker):
    panel = learning.panel
    click(panel, panel.start_button)
    worker.run_jobs()
    view = panel.verdict
    assert view.sentence.text() == verdict_of(learning.factor)
    assert (view.scatter.count, view.errors.count) == (9, 20)
    assert view.bars.bars[1] == (1, 1.0)
    assert view.strip.is_empty
    worker.work()
    assert view.strip.sheet_size == (STRIP_VALUES * 18 - 2, 3 * 18 - 2)
    assert not view.grab().isNull()
    click(panel, view.discard_button)
    assert learning.presenter.factor is None
    assert not view.isVisible()


def test_new_samples_stand_where_the_curve_says(desk, worker, models):
    desk.request_model("one")
    worker.work()
    factor = made_factor()
    models["one"].drawn.clear()
    assert draw_new(models["one"], factor, 5).shape == (STRIP_VALUES, 16, 16, 3)
    (drawn,) = models["one"].drawn
    assert drawn[:, 1] == pytest.approx(np.linspace(-3.0, 3.0, STRIP_VALUES), abs=1e-5)
    assert np.ptp(drawn[:, 0]) == 0
    assert strip_labels(factor)[::3] == ("−12.0", "0.0", "+12.0")


def left_records(card, name, settings, batches):
    facts = next(facts for facts in FACTS if facts.name == name)
    folder = records_folder(card.name, name)
    folder.mkdir(parents=True)
    options = {key: getattr(facts, key) for key in ("name", "reach", "fill", "interpolation")}
    about = {"model": card.name, "weights_sha256": card.weights_sha256,
             "transformation": {**options, "file_sha256": ""}, **settings.of_records()}
    (folder / "about.json").write_text(json.dumps(about))
    for batch in range(batches):
        (folder / f"batch-{batch:05d}.safetensors").write_bytes(b"")
    return about


def test_an_interrupted_run_with_the_same_settings_can_go_on(learning, worker, models):
    panel = learning.panel
    left_records(models["one"].card, "y", settings_for("normal"), 3)
    QTest.mouseClick(panel.what, LEFT, pos=panel.what.area_of("y").center().toPoint())
    worker.work()
    assert "interrupted after 3 of 8 batches" in panel.message.text()
    assert panel.start_button.text() == "Start over"
    click(panel, panel.go_on_button)
    worker.run_jobs()
    assert learning.wanted[-1].goes_on is True
    assert learning.wanted[-1].transformation == "y"


def test_records_of_other_settings_are_no_offer(learning, worker, models):
    panel, card = learning.panel, models["one"].card
    left_records(card, "y", settings_for("quick"), 1)
    assert left_over(card, "y", settings_for("normal")) == ""
    assert left_over(card, "x", settings_for("quick")) == ""
    assert "1 of 2" in left_over(card, "y", settings_for("quick"))
    QTest.mouseClick(panel.what, LEFT, pos=panel.what.area_of("y").center().toPoint())
    worker.work()
    assert panel.go_on_button.isHidden()


def test_what_is_asked_of_records_is_what_learning_writes(models, home):
    from latentstudio.factors.learning import about
    from latentstudio.transformations import transformation_named

    card, settings = models["one"].card, settings_for("normal")
    for name in NAMES:
        mine = left_records(card, name, settings, 1)
        assert mine == json.loads(json.dumps(about(card, transformation_named(name), settings)))


def test_a_sheet_is_as_high_as_its_width_says(dressed, qtbot):
    sheet = Mosaic("sheet")
    qtbot.addWidget(sheet)
    assert sheet.heightForWidth(400) == 0
    sheet.set_sheet(np.zeros((128, 768, 3), np.uint8))
    assert sheet.heightForWidth(384) == 64
    assert sheet.heightForWidth(10_000) == 3 * 128
    sheet.resize(384, 10)
    sheet.show()
    qtbot.waitExposed(sheet)
    qtbot.waitUntil(lambda: sheet.height() == 64)
