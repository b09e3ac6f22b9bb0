"""Solving a factor on one sample by measuring it: against a generator whose every effect is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from latentstudio import api
from latentstudio.errors import UnknownNameError, UsageError
from latentstudio.factors import Factor, FactorSet, MeasuredCalibration, MonotoneCurve, apply_factors
from latentstudio.factors.conditioned import Conditioned
from latentstudio.factors.exact import CLOSE, exact_steps
from latentstudio.generators.conditions import NONE, Conditions
from latentstudio.measures.moments import barycentre
from latentstudio.units import PIXELS, TIMES, Unit
from tests.blob import BlobGenerator


def factor_along(name: str, index: int, slope: float, unit: Unit = PIXELS, slant: float = 0.0) -> Factor:
    """A curve that is wrong by a factor: it says ``slope`` a unit."""
    axis = np.zeros(6, np.float32)
    axis[index], axis[(index + 1) % 6] = 1.0, slant
    axis /= np.linalg.norm(axis)
    p = np.linspace(-2.0, 2.0, 17)
    measured = MeasuredCalibration(p, slope * p, np.full(17, 0.1), (-2.0, 2.0))
    return Factor(name, name, unit, axis, MonotoneCurve(p, slope * p), measured, "blob", "b10b" * 16)


# the blob moves by 6 px a unit and grows by 0.25 a unit; these curves say 9 px and 0.2
FACTORS = FactorSet((factor_along("x", 0, 9.0), factor_along("y", 1, 9.0), factor_along("scale", 2, 0.2, TIMES)))
SAMPLE = np.array([0.1, -0.2, 0.2, 0.5, 1.0, -1.0], np.float32)


def solve(wanted, factors=FACTORS, latent=SAMPLE, generator=None, **options):
    steps = list(exact_steps(generator or BlobGenerator(), latent, wanted, factors, **options))
    return {one.name: one for one in steps[-1].exact}, steps


@pytest.mark.parametrize("t", [3.0, -4.0, 0.4])
def test_the_measured_effect_is_what_was_asked(t):
    found, steps = solve({"x": t})
    exact = found["x"]
    assert exact.reached
    assert exact.reason == ""
    assert exact.position == pytest.approx(1.5 * t, abs=0.1), "6 px a unit where the curve says 9"
    before, after = (
        barycentre(BlobGenerator().generate(torch.from_numpy(z)[None]))[0]
        for z in (SAMPLE, apply_factors(SAMPLE, {"x": exact.position}, FACTORS).latent)
    )
    assert float(after - before) == pytest.approx(t, abs=0.06)
    assert exact.evaluations <= 8
    assert len(steps) == exact.evaluations + 1, "one measured picture a step"
    assert [step.fraction for step in steps] == sorted(step.fraction for step in steps)


def test_a_right_curve_takes_one_look():
    factors = FactorSet((factor_along("brightness", 3, 1.0), factor_along("x", 0, 6.0)))
    found, _ = solve({"x": 2.0}, factors)
    assert (found["x"].evaluations, found["x"].reached) == (1, True)
    assert found["x"].position == pytest.approx(2.0)


def test_zero_needs_no_look():
    found, _ = solve({"x": 0.0})
    assert (found["x"].position, found["x"].evaluations, found["x"].reached) == (0.0, 0, True)


def test_beyond_the_known_range_it_says_what_can_be_had():
    found, _ = solve({"x": 12.0})
    exact = found["x"]
    low, high = FACTORS.get("x").range_at(SAMPLE)
    assert not exact.reached
    assert exact.position == pytest.approx(high)
    assert exact.measured == pytest.approx(10.8, abs=0.1), "11.4 px, less what the picture's edge cuts off"
    assert "known range ends" in exact.reason
    assert "+10.8 px at most" in exact.reason
    assert low < 0


def test_a_factor_that_does_nothing_to_this_sample_stays_at_zero():
    class Still(BlobGenerator):
        def generate(self, latent, **options):
            return super().generate(latent * torch.tensor([0.0, 1, 1, 1, 1, 1]), **options)

    found, _ = solve({"x": 3.0}, generator=Still())
    assert (found["x"].position, found["x"].reached) == (0.0, False)
    assert found["x"].reason


def test_a_shape_that_vanishes_cannot_be_measured_and_this_is_said():
    class Vanishing(BlobGenerator):
        def generate(self, latent, **options):
            return super().generate(latent, **options) * (latent[:, :1, None, None] < 0.5)

    found, _ = solve({"x": 8.0}, generator=Vanishing())
    assert not found["x"].reached
    assert "nothing can be measured" in found["x"].reason


def test_an_effect_that_jumps_is_told_with_both_sides():
    class Jumping(BlobGenerator):
        def generate(self, latent, **options):
            latent = latent.clone()
            latent[:, 0] = torch.where(latent[:, 0] > 0.6, latent[:, 0] + 0.5, latent[:, 0])
            return super().generate(latent, **options)

    found, _ = solve({"x": 4.5}, generator=Jumping())
    assert not found["x"].reached
    assert "jumps from +3.0 px to +6.0 px" in found["x"].reason


def test_several_factors_agree_and_the_others_stand():
    found, _ = solve({"x": 3.0, "scale": 0.2}, positions={"y": 3.0})
    positions = {"y": 3.0, **{name: one.position for name, one in found.items()}}
    latent = apply_factors(SAMPLE, positions, FACTORS).latent
    assert all(one.reached for one in found.values())
    assert 6.0 * (latent[0] - SAMPLE[0]) == pytest.approx(3.0, abs=0.1)
    assert 0.25 * (latent[2] - SAMPLE[2]) == pytest.approx(0.2, abs=0.01)
    assert latent[1] - SAMPLE[1] == pytest.approx(3.0 / 9.0, abs=1e-4)


def test_a_kept_factor_stays_while_another_is_solved():
    slanted = FactorSet((factor_along("x", 0, 9.0, slant=0.5), factor_along("y", 1, 9.0)))
    found, _ = solve({"x": 3.0}, slanted, keep=("y",))
    latent = apply_factors(SAMPLE, {"x": found["x"].position}, slanted, keep=("y",)).latent
    assert latent[1] == pytest.approx(SAMPLE[1], abs=1e-5)
    assert 6.0 * (latent[0] - SAMPLE[0]) == pytest.approx(3.0, abs=CLOSE)


ASKED = Conditions.of(label=3, truncation=0.5)


def test_label_and_truncation_reach_the_generator():
    seen = []

    class Listening(BlobGenerator):
        def generate(self, latent, *, conditions=NONE, **options):
            seen.append(conditions)
            return super().generate(latent * conditions.number("truncation"), **options)

    found, _ = solve({"x": 2.0}, generator=Listening(), conditions=ASKED)
    assert set(seen) == {ASKED}
    assert found["x"].position == pytest.approx(6.0, abs=0.2), "3 px a unit where the curve says 9"


def test_a_conditioned_generator_may_insist_on_full_precision():
    seen = []

    class Listening(BlobGenerator):
        def generate(self, latent, **options):
            seen.append(torch.is_autocast_enabled("cpu"))
            return super().generate(latent, **options)

    for precise in (True, False):
        with torch.autocast("cpu", torch.bfloat16):
            Conditioned(Listening(), precise=precise).generate(torch.from_numpy(SAMPLE)[None])
    assert seen == [False, True]


def test_wrong_wishes_are_refused():
    with pytest.raises(UsageError, match="nan"):
        solve({"x": float("nan")})
    with pytest.raises(UnknownNameError, match="mood"):
        solve({"mood": 1.0})
    own = FactorSet((replace(FACTORS.get("x"), name="mood"),))
    with pytest.raises(UnknownNameError, match="mood"):
        solve({"mood": 1.0}, own)


def test_sprites_move_by_exactly_what_was_asked():
    model = api.open_model("sprites-b10", runtime="eager")
    try:
        known = api.factors_of(model)
        for seed in range(6):
            latent = api.sample(model, seed=seed)
            found, _ = solve({"x": 4.0}, known, latent, model.generator)
            if not found["x"].reached:
                continue
            moved = apply_factors(latent, {"x": found["x"].position}, known).latent
            with torch.no_grad():
                stand = barycentre(model.generator.generate(torch.from_numpy(np.stack([latent, moved]))))[0]
            assert float(stand[1] - stand[0]) == pytest.approx(4.0, abs=CLOSE * PIXELS.least + 1e-3)
    finally:
        model.close()
