"""Learning on a generator whose factors are known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from latentstudio.errors import LearningError, UnknownNameError, UsageError
from latentstudio.factors import LearnSettings, MeasuredCalibration, MonotoneCurve, apply_factors
from latentstudio.factors.axes import curve_along, mean_axis, paper_axis, r_squared, ridge_axis
from latentstudio.factors.evaluating import evaluate_factor
from latentstudio.factors.factor import Factor, FactorSet
from latentstudio.factors.learning import learn_factor
from latentstudio.factors.measuring import calibrate, follow
from latentstudio.factors.records import Records
from latentstudio.factors.trajectories import generate_trajectories
from latentstudio.latents import sample_prior
from latentstudio.measures.effects import Effect
from latentstudio.measures.moments import barycentre
from latentstudio.transformations import transformation_named
from latentstudio.units import PIXELS
from tests.blob import PIXELS_A_UNIT, BlobGenerator

QUICK = LearnSettings(starts=24, targets=3, steps=15, learning_rate=0.1, batch=12, judged=48, mixed_precision=False)


def _learn(name: str, settings: LearnSettings = QUICK, generator: BlobGenerator | None = None):
    steps = list(learn_factor(generator or BlobGenerator(), transformation=name, settings=settings))
    fractions = [step.fraction for step in steps]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert all(step.factor is None for step in steps[:-1])
    return steps[-1].factor


def test_x_is_found_with_its_sign_and_calibration():
    factor = _learn("x")
    assert factor.axis[0] > 0.9
    low, high = factor.known
    assert low <= -1.5
    assert high >= 1.5
    assert float(factor.curve(1.0)) == pytest.approx(PIXELS_A_UNIT * factor.axis[0], rel=0.1)
    assert factor.figures["r2_heldout_starts"] > 0.9


def test_asked_is_measured_on_new_samples():
    generator = BlobGenerator()
    factor = _learn("y", generator=generator)
    latents = sample_prior(generator.card.spaces[0], count=60, seed=77)
    latents = latents[np.abs(latents @ factor.axis) < 1.0]
    moved = np.stack([apply_factors(z, {"y": 3.0}, FactorSet((factor,))).latent for z in latents])
    before, after = (barycentre(generator.generate(torch.from_numpy(z)))[1] for z in (latents, moved))
    assert float((after - before).median()) == pytest.approx(3.0, rel=0.15)


def test_brightness_is_learned_by_luminance():
    factor = _learn("brightness")
    assert factor.axis[3] > 0.5
    assert factor.unit.symbol == "%"


def test_the_same_seed_learns_the_same_axis():
    one, other = _learn("x"), _learn("x")
    assert np.array_equal(one.axis, other.axis)
    assert not np.array_equal(one.axis, _learn("x", LearnSettings(**{**QUICK.as_dict(), "seed": 1})).axis)


def test_trajectories_follow_both_signs_and_stay_in_the_ball():
    generator = BlobGenerator()
    records = list(generate_trajectories(generator, transformation_named("x"), QUICK))[-1].records
    assert len(records) == 24 * 3 * 2
    assert sorted(set(records.t.sign().tolist())) == [-1.0, 1.0]
    assert records.end.norm(dim=1).max() <= 6**0.5 + 1e-4
    along = records.displacement[:, 0] * records.t.sign()
    assert along.median() > 0.2


def _finish(steps):
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value


def _straight_records() -> Records:
    source = torch.Generator().manual_seed(0)
    origin = torch.randn(200, 8, generator=source)
    t = torch.linspace(-6, 6, 200)
    direction = torch.zeros(8)
    direction[2] = 1.0
    end = origin + t[:, None] / 4.0 * direction + 0.05 * torch.randn(200, 8, generator=source)
    return Records(torch.arange(200), origin, end, t, torch.zeros(200), torch.full((200,), -1))


def test_every_axis_model_recovers_a_straight_factor():
    records = _straight_records()
    axis = _finish(paper_axis(records, LearnSettings()))
    curve = _finish(curve_along(records, axis))
    cold = _finish(paper_axis(records, LearnSettings(l2=0.0, epochs=1500), warm=False))
    for found in (axis, cold, ridge_axis(records), mean_axis(records)):
        assert found.direction[2] > 0.95
        assert found.direction.norm().item() == pytest.approx(1.0, abs=1e-5)
    assert float(curve(0.0)) == 0.0
    assert float(curve(1.0) - curve(-1.0)) == pytest.approx(8.0, rel=0.1)


def test_the_papers_axis_can_be_asked_for():
    factor = _learn("x", LearnSettings(**{**QUICK.as_dict(), "axis": "paper"}))
    assert factor.figures["axis"] == "paper"


def test_a_generator_that_ignores_its_latent_is_reported():
    class Still(BlobGenerator):
        def generate(self, latent, **options):
            return super().generate(latent * 0.0, **options)

    with pytest.raises(LearningError, match=r"no latent moved|does not change"):
        _learn("x", generator=Still())


def test_a_generator_without_numbers_is_reported():
    class Broken(BlobGenerator):
        def generate(self, latent, **options):
            return super().generate(latent, **options) * float("nan")

    with pytest.raises(LearningError, match="not finite"):
        _learn("x", generator=Broken())


def test_wrong_settings_are_named():
    for wrong in ({"starts": 0}, {"targets": 0}, {"dropped": 1.0}, {"learning_rate": 0.0}, {"axis": "best guess"},
                  {"seed": -1}):
        with pytest.raises(UsageError):
            LearnSettings(**wrong)
    with pytest.raises(UnknownNameError):
        next(learn_factor(BlobGenerator(), transformation="charm"))


def test_r_squared():
    wanted = np.array([-1.0, 0.0, 1.0])
    assert r_squared(wanted, wanted) == 1.0
    assert r_squared(wanted, np.zeros(3)) == 0.0


def test_an_evaluation_asks_new_samples_and_reports_what_came():
    generator = BlobGenerator()
    factor = _learn("x", generator=generator)
    steps = list(evaluate_factor(generator, factor, count=60))
    evaluation = steps[-1].evaluation
    assert evaluation.r2 > 0.95
    assert evaluation.monotone
    assert evaluation.worst_ratio < 0.15
    assert 0 < max(evaluation.samples) <= 60
    assert all(step.evaluation is None for step in steps[:-1])


@pytest.mark.parametrize("length", [1.0, 2.0, 3.0, 5.0, 6.0])
def test_no_two_pictures_further_apart_than_the_stride_are_compared(length: float) -> None:
    compared: list[float] = []

    def prepare(before: torch.Tensor):
        def after(pictures: torch.Tensor) -> torch.Tensor:
            compared.append(float((pictures - before).norm(dim=1).max()))
            return (pictures - before)[:, 0]

        return after

    class Plain(BlobGenerator):
        def generate(self, latent: torch.Tensor, **_: object) -> torch.Tensor:
            return latent

    move = torch.zeros(3, 6)
    move[:, 0] = torch.tensor([length, -length / 2, 0.0])
    effects = follow(Plain(), Effect(prepare, 2.0), torch.ones(3, 6), move, length=length)
    assert effects.tolist() == pytest.approx(move[:, 0].tolist(), abs=1e-5)
    assert max(compared) <= 2.0 + 1e-5


def test_where_nothing_is_seen_nothing_is_calibrated() -> None:
    grid = np.linspace(-3.5, 3.5, 15)
    with pytest.raises(LearningError, match="nothing can be measured"):
        calibrate(np.full((8, 15), np.nan), np.zeros(8), grid, grid)


def test_a_range_that_no_sample_is_in_cannot_be_evaluated() -> None:
    along = np.array([50.0, 51.0, 52.0])
    axis = np.eye(6, dtype=np.float32)[0]
    factor = Factor(
        name="x", title="x", unit=PIXELS, axis=axis, paper=MonotoneCurve(along, along),
        measured=MeasuredCalibration(along, along, 0 * along, (50.0, 52.0)), model="blob", model_sha256="b10b" * 16,
    )
    with pytest.raises(LearningError, match="none of 8 new samples"):
        list(evaluate_factor(BlobGenerator(), factor, count=8))
