"""Distributions of a factor: the prior's own, and wanted ones, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.integrate import quad
from scipy.special import erf, ndtr
from scipy.stats import kstest

from latentstudio import api
from latentstudio.errors import UnknownNameError, UsageError
from latentstudio.factors import Factor, FactorSet, MeasuredCalibration, MonotoneCurve
from latentstudio.factors.distribution import (
    Distribution,
    distribute,
    parse_distribution,
    prior_cumulative,
    prior_density,
    prior_ends,
    prior_quantile,
)
from latentstudio.latents import LatentSpace, sample_prior
from latentstudio.measures.moments import barycentre
from latentstudio.units import PIXELS, TIMES, Unit

SPACE = LatentSpace("z", (6,))
P = np.linspace(-6.0, 6.0, 2401)
ERF = MonotoneCurve(P, 10.0 * erf(P / np.sqrt(2.0)))


def factor_of(name: str, axis: np.ndarray, curve: MonotoneCurve, unit: Unit = PIXELS) -> Factor:
    known = (float(curve.coordinates[0]), float(curve.coordinates[-1]))
    measured = MeasuredCalibration(curve.coordinates, curve.values, np.full(len(curve.values), 0.1), known)
    unit_axis = (axis / np.linalg.norm(axis)).astype(np.float32)
    return Factor(name, name, unit, unit_axis, curve, measured, "toy", "ab" * 32)


def straight(slope: float, furthest: float = 4.0) -> MonotoneCurve:
    p = np.linspace(-furthest, furthest, 33)
    return MonotoneCurve(p, slope * p)


def test_an_erf_curve_makes_the_prior_uniform():
    # equation 7: g = erf means that t is uniform, here from -10 to 10
    t = np.linspace(-9.9, 9.9, 101)
    assert prior_density(ERF, t) == pytest.approx(np.full(101, 1 / 20), rel=1e-2)
    assert prior_cumulative(ERF, t) == pytest.approx((t + 10.0) / 20.0, abs=1e-5)
    assert prior_quantile(ERF, np.array([0.05, 0.5, 0.95])) == pytest.approx([-9.0, 0.0, 9.0], abs=1e-3)
    drawn = ERF(sample_prior(SPACE, count=4000, seed=1)[:, 0].astype(np.float64))
    assert kstest(drawn, "uniform", args=(-10.0, 20.0)).pvalue > 0.05


def test_a_straight_curve_keeps_the_normal_prior_and_its_ends_hold_the_rest():
    curve = straight(3.0, 2.0)
    t = np.array([-5.0, 0.0, 2.5])
    assert prior_density(curve, t) == pytest.approx(np.exp(-0.5 * (t / 3) ** 2) / (3 * np.sqrt(2 * np.pi)), rel=1e-6)
    assert prior_density(curve, np.array([-6.1, 6.1])) == pytest.approx([0.0, 0.0])
    below, above = prior_ends(curve)
    assert (below, above) == pytest.approx((ndtr(-2.0), ndtr(-2.0)))
    inside, _ = quad(lambda value: float(prior_density(curve, np.array(value))), -6.0, 6.0)
    assert inside + below + above == pytest.approx(1.0, abs=1e-6)
    assert prior_cumulative(curve, np.array([-6.1, 6.0])) == pytest.approx([0.0, 1.0])


@pytest.mark.parametrize(("text", "against"), [
    ("x=uniform(-8,8)", ("uniform", (-8.0, 16.0))), ("x = normal(1, 2px)", ("norm", (1.0, 2.0))),
])
def test_samples_follow_the_wanted_distribution_and_nothing_else_moves(text, against):
    factors = FactorSet((factor_of("x", np.array([1.0, 1, 0, 0, 0, 0]), straight(5.0)),))
    latents = sample_prior(SPACE, count=3000, seed=2)
    done = distribute(latents, dict([parse_distribution(text, factors)]), factors, space=SPACE)
    axis = factors.get("x").axis.astype(np.float64)
    t = 5.0 * (done.latents @ axis)
    assert kstest(t, against[0], args=against[1]).pvalue > 0.05
    assert t == pytest.approx(done.aimed["x"], abs=1e-4)
    assert done.clamped == {"x": 0}
    across = np.array([1.0, -1, 0, 0, 0, 0]) / np.sqrt(2)
    assert done.latents @ across == pytest.approx(latents @ across, abs=1e-5)
    assert np.array_equal(done.latents[:, 2:], latents[:, 2:])
    order = np.argsort(latents @ axis)
    assert (np.diff(t[order]) > 0).all(), "a sample keeps its rank"


def test_two_slanted_factors_both_follow():
    factors = FactorSet((
        factor_of("x", np.array([1.0, 0, 0, 0, 0, 0]), straight(5.0)),
        factor_of("scale", np.array([1.0, 2.0, 0, 0, 0, 0]), straight(0.25), TIMES),
    ))
    wanted = {"x": Distribution("fixed", (4.0,)), "scale": Distribution("uniform", (0.8, 1.25))}
    done = distribute(sample_prior(SPACE, count=2000, seed=3), wanted, factors, space=SPACE)
    assert done.latents[:, 0] == pytest.approx(np.full(2000, 0.8), abs=1e-5)
    magnified = 2.0 ** (0.25 * (done.latents @ factors.get("scale").axis))
    assert kstest(magnified, "uniform", args=(0.8, 0.45)).pvalue > 0.05


def test_truncated_samples_follow_as_well():
    factors = FactorSet((factor_of("x", np.eye(6)[0], straight(5.0)),))
    latents = sample_prior(SPACE, count=3000, seed=7, truncation=0.5)
    done = distribute(latents, {"x": Distribution("uniform", (-8.0, 8.0))}, factors, space=SPACE, truncation=0.5)
    assert kstest(5.0 * done.latents[:, 0], "uniform", args=(-8.0, 16.0)).pvalue > 0.05


def test_what_lies_beyond_the_known_range_ends_there_and_is_counted():
    factors = FactorSet((factor_of("x", np.eye(6)[0], straight(5.0, 2.0)),))
    latents = sample_prior(SPACE, count=1000, seed=5)
    done = distribute(latents, {"x": Distribution("uniform", (-20.0, 20.0))}, factors, space=SPACE)
    assert np.abs(done.aimed["x"]).max() == pytest.approx(10.0)
    assert 440 < done.clamped["x"] < 560
    sizes = FactorSet((factor_of("scale", np.eye(6)[0], straight(0.25), TIMES),))
    done = distribute(latents, {"scale": Distribution("normal", (1.0, 2.0))}, sizes, space=SPACE)
    assert done.aimed["scale"].min() == pytest.approx(-1.0), "a magnification below 0 is the least one"


@pytest.mark.parametrize("text", [
    "x", "x=uniform", "x=uniform(1)", "x=uniform(8,-8)", "x=normal(0,0)", "x=fixed(1,2)", "x=fixed(nan)",
    "x=bell(1,2)", "x=uniform(a,b)",
])
def test_what_is_no_distribution_is_refused(text):
    factors = FactorSet((factor_of("x", np.eye(6)[0], straight(5.0)),))
    with pytest.raises(UsageError):
        parse_distribution(text, factors)


def test_an_unknown_factor_and_another_prior_are_refused():
    factors = FactorSet((factor_of("x", np.eye(6)[0], straight(5.0)),))
    with pytest.raises(UnknownNameError, match="mood"):
        parse_distribution("mood=fixed(1)", factors)
    other = LatentSpace("z", (6,), prior="uniform")
    with pytest.raises(UsageError, match="uniform"):
        distribute(sample_prior(SPACE, count=2, seed=0), {"x": Distribution("fixed", (1.0,))}, factors, space=other)
    unmoved = distribute(sample_prior(SPACE, count=2, seed=0), {}, factors, space=other)
    assert np.array_equal(unmoved.latents, sample_prior(SPACE, count=2, seed=0))


def test_sprites_really_stand_where_the_distribution_wants_them():
    model = api.open_model("sprites-b10")
    try:
        known = api.factors_of(model)
        space = model.card.spaces[0]
        latents = sample_prior(space, count=600, seed=11)
        wanted = {"x": Distribution("uniform", (-8.0, 8.0))}
        done = distribute(latents, wanted, known, space=space)
        middle = distribute(latents, {"x": Distribution("fixed", (0.0,))}, known, space=space)
        stand, zero = (
            barycentre(torch.from_numpy(model.pictures(one.latents)))[0].numpy().astype(np.float64)
            for one in (done, middle)
        )
    finally:
        model.close()
    moved = (stand - zero)[np.isfinite(stand - zero)]
    assert len(moved) > 550
    assert kstest(moved, "uniform", args=(-8.0, 16.0)).pvalue > 0.05
    assert np.abs(moved - done.aimed["x"][np.isfinite(stand - zero)]).mean() < 0.5
