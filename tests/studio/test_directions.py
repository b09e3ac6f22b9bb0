"""A model without sliders gets the directions of its largest changes; names and units hold from file to picture."""

from __future__ import annotations

import numpy as np
import pytest

from latentstudio.factors import FactorSet, apply_factors, load_factors
from latentstudio.latents import sample_prior
from latentstudio.studio.canvas.view import Canvas
from latentstudio.studio.factors.panel import FactorsPanel
from latentstudio.studio.factors.presenter import FactorsPresenter
from latentstudio.tasks.directions import SLIDERS, slider_steps
from latentstudio.tasks.draw import OpenModel
from latentstudio.units import DEVIATIONS


@pytest.fixture
def opened(desk, worker):
    desk.request_model("one")
    worker.work()
    return desk.current


def test_the_directions_are_kept_as_sliders_in_standard_deviations(desk, worker, opened, qtbot, home):
    panel, canvas = FactorsPanel(), Canvas()
    for widget in (panel, canvas):
        qtbot.addWidget(widget)
    presenter = FactorsPresenter(desk, panel, canvas)
    bare = OpenModel(opened.name, opened.model, FactorSet())
    presenter._on_model(bare)
    job = next(iter(worker.jobs.values()))
    assert job.quiet
    assert panel.cards == {}
    presenter._on_model(bare)
    assert len(worker.jobs) == 1, "it is looked for once"


def test_a_step_of_one_is_one_standard_deviation(opened, home):
    *_, last = slider_steps(opened.model)
    assert last.components is not None
    known = load_factors(opened.model.folder, opened.model.card)
    mine = [factor for factor in known if factor.unit == DEVIATIONS]
    size = opened.model.card.spaces[0].size
    assert len(mine) == min(SLIDERS, size)
    assert all(factor.grade == "D" for factor in mine), "nobody measured them"
    latent = sample_prior(opened.model.card.spaces[0], count=1, seed=3)[0]
    moved = apply_factors(latent, {"c1": 0.5}, FactorSet(tuple(mine)))
    assert moved.reached["c1"] == pytest.approx(0.5, abs=1e-5)
    axis = mine[0].axis.astype(np.float64)
    assert float((moved.latent - latent).reshape(-1) @ axis) == pytest.approx(0.5, abs=1e-4)
    assert mine[0].unit.format(1.5) == "+1.5 sd"
    assert mine[0].unit.parse("1.5 sd") == 1.5
