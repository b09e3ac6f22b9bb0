"""Locks and exact values in the window, with plain fakes."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import Qt

from latentstudio.errors import LearningError
from latentstudio.factors.exact import Exact, ExactStep
from latentstudio.latents import sample_prior
from latentstudio.pixels import AS_DRAWN, read_picture
from latentstudio.studio.canvas.view import Canvas
from latentstudio.studio.factors.exact import ExactPresenter
from latentstudio.studio.factors.panel import FactorsPanel
from latentstudio.studio.factors.presenter import FactorsPresenter
from latentstudio.studio.shell.files import FilesPresenter
from latentstudio.tasks.as_code import as_command, as_python
from latentstudio.tasks.draw import draw_traversal
from latentstudio.tasks.write_file import SaveChoice


@pytest.fixture
def notices(desk):
    found = []
    desk.noticed.connect(found.append)
    return found


@pytest.fixture
def opened(desk, worker):
    desk.request_model("one")
    worker.work()
    return desk.current


@pytest.fixture
def solving():
    """What the fake solver does: ``answer`` is an Exact or an error; ``asked`` are the sessions and names it got."""
    return SimpleNamespace(answer=Exact("x", 5.0, 6.5, 5.04, True, 4), asked=[])


@pytest.fixture
def cards(desk, worker, opened, qtbot, solving, monkeypatch):
    """The factor panel in a shown window with both presenters."""

    def solve(model, view, wanted, known) -> Iterator[ExactStep]:
        solving.asked.append((view, *wanted))
        yield ExactStep(0.4, "looking")
        if isinstance(solving.answer, Exception):
            raise solving.answer
        yield ExactStep(1.0, "measured", exact=(solving.answer,))

    panel, canvas = FactorsPanel(), Canvas()
    qtbot.addWidget(panel)
    qtbot.addWidget(canvas)
    monkeypatch.setattr("latentstudio.tasks.factors.exact_steps", solve)
    factors = FactorsPresenter(desk, panel, canvas)
    exact = ExactPresenter(desk, panel)
    factors._on_model(opened)
    panel.resize(420, 500)
    panel.show()
    qtbot.waitExposed(panel)
    return SimpleNamespace(panel=panel, exact=exact, card=panel.cards["x"], other=panel.cards["scale"])


def set_to(desk, name, t):
    desk.workspace.apply(desk.workspace.view.with_position(name, t), f"{name}")


def click(qtbot, button):
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def test_locking_is_an_entry_of_the_history_and_takes_over_what_the_others_did(desk, cards, qtbot):
    set_to(desk, "scale", 4.0)
    click(qtbot, cards.card.lock_button)
    view = desk.workspace.view
    assert view.kept == ("x",)
    assert view.position_map() == {"scale": 4.0, "x": pytest.approx(0.4)}
    assert desk.workspace.history.current_entry.label == "x locked"
    assert cards.card.locked
    assert cards.card.value == pytest.approx(0.4, abs=0.05)
    desk.workspace.undo()
    assert not cards.card.locked
    desk.workspace.redo()
    assert cards.card.locked
    click(qtbot, cards.card.lock_button)
    assert desk.workspace.view.kept == ()
    assert desk.workspace.view.position("x") == pytest.approx(0.4)
    assert desk.workspace.history.current_entry.label == "x unlocked"


def test_a_lock_stays_with_the_session_over_new_samples_and_reset(desk, cards, qtbot, worker):
    set_to(desk, "x", 3.0)
    click(qtbot, cards.card.lock_button)
    desk.request_sample(7)
    worker.work()
    assert cards.card.locked
    set_to(desk, "scale", 2.0)
    click(qtbot, cards.panel.reset_link)
    assert desk.workspace.view.position_map() == {"x": 3.0}


def test_the_words_for_other_programs_tell_locks_label_and_truncation(desk, opened, cards):
    view = desk.workspace.view.with_position("x", 8.0).with_kept(("scale",))
    view = view.with_condition("label", 2).with_condition("truncation", 0.5)
    assert as_command(view, opened.factors) == (
        "latentstudio factors apply one --seed 100 --label 2 --truncation 0.5 --set x=8px --keep scale --out out.png"
    )
    snippet = as_python(view, opened.factors)
    compile(snippet, "snippet", "exec")
    assert "latentstudio.apply(model, latent, {'x': '8px'}, keep=('scale',), " \
           "conditions=latentstudio.Conditions.of(label=2, truncation=0.5))" in snippet


def test_exact_keeps_the_curves_position_and_says_what_was_measured(desk, cards, qtbot, worker, solving):
    set_to(desk, "x", 5.0)
    asked = desk.workspace.view
    click(qtbot, cards.card.exact_button)
    assert cards.exact.running
    assert cards.card.note == "measuring this picture…"
    worker.run_jobs()
    assert solving.asked == [(asked, "x")]
    assert not cards.exact.running
    assert desk.workspace.view == asked.with_position("x", 6.5)
    assert desk.workspace.history.current_entry.label == "x +5.0 px measured"
    assert cards.card.note == "+5.0 px measured on this picture, where the curve says +6.5 px"
    click(qtbot, cards.card.exact_button)
    assert worker.jobs == {}, "what is exact already is not measured again"
    set_to(desk, "scale", 1.0)
    assert cards.card.note == "", "the words belonged to another picture"
    desk.workspace.undo()
    assert cards.card.note.startswith("+5.0 px measured")


def test_what_cannot_be_had_changes_nothing_and_says_why(desk, cards, qtbot, worker, solving):
    solving.answer = Exact("x", 5.0, 8.0, 3.0, False, 6, "this sample gives +3.0 px at most")
    set_to(desk, "x", 5.0)
    before = desk.workspace.view
    click(qtbot, cards.card.exact_button)
    worker.run_jobs()
    assert desk.workspace.view == before
    assert cards.card.note == "+5.0 px is not available on this picture: this sample gives +3.0 px at most"


def test_a_hand_that_moves_something_gives_the_measuring_up(desk, cards, qtbot, worker):
    set_to(desk, "x", 5.0)
    click(qtbot, cards.card.exact_button)
    desk.workspace.apply_preview(desk.workspace.view.with_position("scale", 0.5))
    worker.run_jobs()
    assert desk.workspace.view.position_map() == {"scale": 0.5, "x": 5.0}
    assert cards.card.note == ""
    assert not cards.exact.running


def test_a_failed_measurement_is_told_and_the_next_one_runs(desk, cards, qtbot, worker, solving, notices):
    solving.answer = LearningError("nothing can be seen")
    set_to(desk, "x", 5.0)
    click(qtbot, cards.card.exact_button)
    worker.run_jobs()
    assert notices[-1].sentence == "nothing can be seen"
    assert cards.card.note == ""
    solving.answer = Exact("x", 5.0, 6.5, 5.0, True, 4)
    click(qtbot, cards.card.exact_button)
    worker.run_jobs()
    assert desk.workspace.view.position("x") == 6.5


def test_locked_or_resting_factors_are_not_measured(desk, cards, worker):
    cards.exact.request_exact("x")
    cards.exact.request_exact("no such factor")
    set_to(desk, "x", 5.0)
    desk.workspace.apply(desk.workspace.view.with_kept(("x",)), "lock")
    cards.exact.request_exact("x")
    assert worker.jobs == {}


def test_a_traversal_takes_the_coordinate_out_of_the_sample_as_it_stands(opened, desk, worker, tmp_path, monkeypatch):
    axis = np.eye(4, dtype=np.float32)[0]
    monkeypatch.setattr(type(opened.factors.get("x")), "axis", axis, raising=False)
    view = desk.workspace.view.with_position("scale", 2.0)
    opened.model.drawn.clear()
    frames = draw_traversal(opened, view, "x")
    assert frames.shape == (11, 16, 16, 3)
    drawn = np.concatenate(opened.model.drawn)
    assert drawn[:, 0] == pytest.approx(np.linspace(-5.0, 5.0, 11))
    start = sample_prior(opened.model.card.spaces[0], count=1, seed=100)[0]
    assert drawn[:, 1] == pytest.approx(np.full(11, start[1] + 0.2), abs=1e-6)
    files = FilesPresenter(
        desk, fetch=lambda name: None, renew=lambda: None, take_photo=lambda name, photo: None,
        take_scene=lambda name, scene: None,
    )
    files.request_traversal(SaveChoice(tmp_path / "row", AS_DRAWN), "x")
    worker.work()
    assert read_picture(tmp_path / "row.png").shape == (16, 11 * 18 - 2, 3)
