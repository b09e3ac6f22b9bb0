"""The measurement of cancelling: a fast job answers at once, an unknown one is named, the worst is the worst."""

from __future__ import annotations

import math

import pytest

from latentstudio.errors import UnknownNameError
from latentstudio.tasks import cancel_benchmark
from latentstudio.tasks.cancel_benchmark import KINDS, CancelFigures, CancelStep, watch


def test_a_job_that_is_cancelled_while_torch_loads_or_runs_answers() -> None:
    told = watch("components", 0.2, again=True)
    assert set(told) == {"answer", "longest", "loaded", "work"}
    assert math.isnan(told["answer"]) or 0.0 <= told["answer"] < 5_000.0
    assert 0.0 < told["longest"] < 5_000.0


def test_a_kind_that_is_none_is_told() -> None:
    with pytest.raises(UnknownNameError, match="no kind of job 'dance'"):
        watch("dance", 0.1, again=False)


def test_the_worst_is_the_longest_of_all_and_what_ended_before_does_not_count() -> None:
    figures = (CancelFigures("a", math.nan, 20.0, 30.0, 7.0), CancelFigures("b", 1.0, 400.0, 3.0, 5.0))
    assert CancelStep(1.0, figures=figures).worst == 400.0
    assert CancelStep(1.0, figures=figures).most_work == 7.0


def test_a_kind_is_watched_in_processes_of_its_own_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cancel_benchmark, "SECONDS", 0.3)
    *_, last = cancel_benchmark.measure_cancel(("components",))
    (figures,) = last.figures
    assert figures.kind == "components"
    assert 0.0 < figures.work_ms <= 5_000.0


def test_every_panels_job_is_among_the_kinds() -> None:
    assert {"photo", "tuning", "learn", "find", "exact", "reconstruct", "scene", "map", "fetch"} <= set(KINDS)
