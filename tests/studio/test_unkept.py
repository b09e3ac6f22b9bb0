"""A learned factor stays until it is kept: through a full disk, another model, and the end of the program."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from latentstudio.errors import StorageError
from latentstudio.factors import Factor, MeasuredCalibration, MonotoneCurve, read_factor
from latentstudio.factors.rescuing import rescued_factors
from latentstudio.places import user_factors
from latentstudio.steps import Step
from latentstudio.studio.learn import presenter as learn_module
from latentstudio.studio.learn.panel import LearnPanel
from latentstudio.studio.learn.presenter import LearnPresenter
from latentstudio.studio.learn.unkept import UnkeptPresenter
from latentstudio.units import PIXELS


@dataclass(frozen=True)
class LearnStep(Step):
    """As the real one."""

    factor: Factor | None = None


@pytest.fixture
def made() -> Factor:
    p = np.linspace(-3.0, 3.0, 7)
    measured = MeasuredCalibration(p, 4.0 * p, np.full(7, 0.2), (-3.0, 3.0))
    axis = np.eye(4, dtype=np.float32)[2]
    return Factor("y", "down", PIXELS, axis, MonotoneCurve(p, 4.0 * p), measured, "one", "hash of one")


@pytest.fixture
def window(desk, worker, qtbot, made, monkeypatch):
    """The learning panel with both presenters; ``again()`` makes them anew, as the next start of the program does."""
    notices = []
    desk.noticed.connect(notices.append)
    desk.request_model("one")
    worker.work()
    monkeypatch.setattr(desk, "reload_factors", lambda: None)

    def learn(*anything):
        yield LearnStep(1.0, "done", factor=made)

    monkeypatch.setattr("latentstudio.tasks.factors.learn_wanted", learn)

    def again() -> SimpleNamespace:
        panel = LearnPanel()
        qtbot.addWidget(panel)
        panel.resize(480, 800)
        panel.show()
        presenter = LearnPresenter(desk, panel)
        return SimpleNamespace(
            panel=panel, learn=presenter, unkept=UnkeptPresenter(desk, presenter), notices=notices, again=again
        )

    return again()


def learned(window, worker) -> None:
    window.learn.start("y", "normal")
    worker.run_jobs()
    worker.work()


def test_a_full_disk_leaves_the_verdict_and_offers_another_place(window, worker, desk, made, tmp_path, monkeypatch):
    def full(factor):
        raise StorageError("no space left on the disk", action="free some space")

    learned(window, worker)
    monkeypatch.setattr(learn_module, "keep", full)
    window.learn.request_keep()
    worker.work()
    notice = window.notices[-1]
    assert (notice.kind, notice.action_text) == ("bad", "Save elsewhere…")
    assert "no space left" in notice.sentence
    assert window.panel.verdict.isVisible()
    asked = []
    window.learn.elsewhere_requested.connect(lambda: asked.append(True))
    notice.action()
    assert asked == [True]
    window.unkept.request_save(tmp_path / "mine")
    worker.work()
    assert read_factor(tmp_path / "mine.safetensors").name == "y"
    monkeypatch.undo()
    window.learn.request_keep()
    worker.work()
    assert read_factor(user_factors("one") / "y.safetensors").name == "y"


def test_another_model_hides_the_verdict_and_its_own_brings_it_back(window, worker, desk):
    learned(window, worker)
    desk.request_model("two")
    worker.work()
    assert not window.panel.verdict.isVisible()
    desk.request_model("one")
    worker.work()
    assert window.panel.verdict.isVisible()
    assert window.learn.factor is not None


def test_the_next_start_finds_what_was_not_kept_until_it_is_kept(window, worker, made):
    learned(window, worker)
    assert [factor.name for factor in rescued_factors()] == ["y"]
    next_start = window.again()
    assert not next_start.panel.verdict.isVisible()
    next_start.unkept.recover()
    worker.work()
    assert next_start.panel.verdict.isVisible()
    next_start.learn.request_keep()
    worker.work()
    assert (user_factors("one") / "y.safetensors").is_file()
    assert rescued_factors() == ()


def test_what_was_discarded_does_not_come_back(window, worker, desk):
    learned(window, worker)
    window.learn.discard()
    worker.work()
    assert rescued_factors() == ()
    desk.request_model("two")
    worker.work()
    desk.request_model("one")
    worker.work()
    assert not window.panel.verdict.isVisible()


def test_a_rescued_factor_of_other_weights_is_not_shown(window, worker, desk, made, models):
    learned(window, worker)
    next_start = window.again()
    path = next(Path(rescued_folder()).glob("*.safetensors"))
    path.rename(path.with_name("other.safetensors"))
    object.__setattr__(models["one"].card, "weights_sha256", "other weights")
    next_start.unkept.recover()
    worker.work()
    assert not next_start.panel.verdict.isVisible()


def rescued_folder() -> Path:
    from latentstudio.places import state_folder

    return state_folder() / "rescued"
