"""Several factors at once: order does not matter, a locked one stays, axes that are almost the same are said."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from latentstudio.errors import UnknownNameError, UsageError
from latentstudio.factors import (
    ALPHAS,
    Factor,
    FactorSet,
    MeasuredCalibration,
    MonotoneCurve,
    apply_factors,
    clean_axis,
    parse_alphas,
    set_coordinate,
    standing,
    traverse,
)
from latentstudio.factors.solving import smallest_move
from latentstudio.units import PIXELS

SIZE = 6
NAMES = ("x", "y", "scale", "brightness")


def factor_along(name: str, axis: np.ndarray, *, known: float = 50.0, slope: float = 2.0) -> Factor:
    p = np.linspace(-known, known, 21)
    measured = MeasuredCalibration(p, slope * p, np.full(21, 0.1), (-known, known))
    return Factor(name, name, PIXELS, (axis / np.linalg.norm(axis)).astype(np.float32),
                  MonotoneCurve(p, slope * p), measured, "toy", "ab" * 32)


NUMBERS = st.floats(-1.0, 1.0, width=32)
VECTORS = st.lists(NUMBERS, min_size=SIZE, max_size=SIZE).map(np.array)


@st.composite
def factor_sets(draw: st.DrawFn) -> FactorSet:
    """Two to four factors along slanted axes, none of them almost in the span of the others."""
    count = draw(st.integers(2, 4))
    axes = [np.eye(SIZE)[index] + 0.35 * draw(VECTORS) for index in range(count)]
    return FactorSet(tuple(factor_along(name, axis) for name, axis in zip(NAMES, axes, strict=False)))


LATENTS = VECTORS.map(lambda values: (2.0 * values).astype(np.float32))
AMOUNTS = st.lists(st.floats(-6.0, 6.0).filter(lambda t: abs(t) > 1e-3), min_size=4, max_size=4)


def coordinates(latent: np.ndarray, factors: FactorSet) -> dict[str, float]:
    return {factor.name: factor.coordinate(latent) for factor in factors}


@settings(max_examples=60)
@given(factor_sets(), LATENTS, AMOUNTS, st.randoms())
def test_every_factor_arrives_whatever_the_order(factors, latent, amounts, chance):
    positions = dict(zip(factors.names, amounts, strict=False))
    shuffled = list(positions.items())
    chance.shuffle(shuffled)
    one, other = apply_factors(latent, positions, factors), apply_factors(latent, dict(shuffled), factors)
    assert np.array_equal(one.latent, other.latent)
    assert one.notes == ()
    before, after = coordinates(latent, factors), coordinates(one.latent, factors)
    for name, t in positions.items():
        assert 2.0 * (after[name] - before[name]) == pytest.approx(t, abs=1e-3)


@settings(max_examples=60)
@given(factor_sets(), LATENTS, AMOUNTS)
def test_a_kept_factor_stays_where_it_is_while_the_others_move(factors, latent, amounts):
    kept, *moving = factors.names
    positions = dict(zip(moving, amounts, strict=False))
    applied = apply_factors(latent, positions, factors, keep=(kept,))
    before, after = coordinates(latent, factors), coordinates(applied.latent, factors)
    assert after[kept] == pytest.approx(before[kept], abs=1e-4)
    for name, t in positions.items():
        assert 2.0 * (after[name] - before[name]) == pytest.approx(t, abs=1e-3)
    assert kept not in applied.reached


@settings(max_examples=60)
@given(factor_sets(), LATENTS, AMOUNTS)
def test_locking_leaves_the_latent_as_it_stands(factors, latent, amounts):
    kept, *moving = factors.names
    positions = dict(zip(moving, amounts, strict=False))
    free = apply_factors(latent, positions, factors).latent
    t = standing(latent, kept, positions, factors)
    locked = apply_factors(latent, {**positions, kept: t}, factors, keep=(kept,))
    assert locked.latent == pytest.approx(free, abs=5e-4)  # half of what a thousandth of t is here
    more = {**positions, kept: t, moving[0]: positions[moving[0]] + 1.0}
    further = apply_factors(latent, more, factors, keep=(kept,))
    assert coordinates(further.latent, factors)[kept] == pytest.approx(coordinates(free, factors)[kept], abs=2e-4)


def test_a_kept_factor_with_a_position_stays_at_that_position():
    factors = FactorSet((factor_along("x", np.array([1.0, 1, 0, 0, 0, 0])), factor_along("y", np.eye(SIZE)[1])))
    latent = np.full(SIZE, 0.25, np.float32)
    for t in (-3.0, 0.0, 5.0):
        applied = apply_factors(latent, {"x": t, "y": 2.0}, factors, keep=("y",))
        assert applied.latent[1] == pytest.approx(1.25)
        assert applied.reached["y"] == 2.0


def test_keeping_alone_moves_nothing_and_unknown_names_are_refused():
    factors = FactorSet((factor_along("x", np.eye(SIZE)[0]),))
    latent = np.full(SIZE, 0.25, np.float32)
    assert np.array_equal(apply_factors(latent, {}, factors, keep=("x",)).latent, latent)
    with pytest.raises(UnknownNameError, match="mood"):
        apply_factors(latent, {"x": 1.0}, factors, keep=("mood",))
    assert standing(latent, "x", {}, factors) == 0.0
    assert standing(latent, "x", {"x": 3.0}, factors) == 3.0


def almost(cosine: float) -> FactorSet:
    """x along the first coordinate, x2 at this cosine to it."""
    second = np.array([cosine, np.sqrt(1.0 - cosine**2), 0, 0, 0, 0])
    return FactorSet((factor_along("x", np.eye(SIZE)[0]), factor_along("x2", second)))


def moved(applied_latent: np.ndarray, factors: FactorSet) -> dict[str, float]:
    return {name: 2.0 * p for name, p in coordinates(applied_latent, factors).items()}


@pytest.mark.parametrize("cosine", [0.98, -0.98])
def test_axes_that_differ_enough_are_set_apart(cosine):
    factors, zero = almost(cosine), np.zeros(SIZE, np.float32)
    applied = apply_factors(zero, {"x": 3.0, "x2": -3.0 * np.sign(cosine)}, factors)
    assert moved(applied.latent, factors) == pytest.approx({"x": 3.0, "x2": -3.0 * np.sign(cosine)}, abs=1e-3)
    assert applied.notes == ()


@pytest.mark.parametrize("cosine", [0.995, 0.9999, 1.0])
def test_axes_that_are_almost_the_same_get_what_lies_between_and_say_so(cosine):
    factors, zero = almost(cosine), np.zeros(SIZE, np.float32)
    applied = apply_factors(zero, {"x": 4.0, "x2": 2.0}, factors)
    assert np.linalg.norm(applied.latent) < 2.0, "no leap across the latent space"
    came = moved(applied.latent, factors)
    assert came == pytest.approx({"x": 3.0, "x2": 3.0}, abs=1e-3)
    assert applied.reached == pytest.approx(came, abs=1e-4)
    assert len(applied.notes) == 2
    assert f"beside x2, whose axis is almost the same (cosine {cosine:.3f})" in applied.notes[0]
    assert apply_factors(zero, {"x": 3.0, "x2": 3.0}, factors).notes == (), "what both can have is no matter"


def test_a_kept_factor_wins_over_one_that_is_almost_the_same():
    factors, latent = almost(0.9999), np.full(SIZE, 0.5, np.float32)
    applied = apply_factors(latent, {"x": 4.0}, factors, keep=("x2",))
    assert factors.get("x2").coordinate(applied.latent) == pytest.approx(factors.get("x2").coordinate(latent), abs=1e-5)
    assert abs(applied.reached["x"]) < 0.1
    assert "beside x2" in applied.notes[0]


@given(st.lists(VECTORS, min_size=1, max_size=3), st.lists(NUMBERS, min_size=3, max_size=3))
def test_the_smallest_move_is_that_of_the_gram_matrix(rows, wanted):
    axes = np.stack([np.eye(SIZE)[index] + 0.35 * row for index, row in enumerate(rows)])
    axes /= np.linalg.norm(axes, axis=1, keepdims=True)
    moves = np.array(wanted[: len(rows)])
    expected = moves @ np.linalg.inv(axes @ axes.T) @ axes
    for kept in range(len(rows) + 1):
        assert smallest_move(axes, moves, kept=kept) == pytest.approx(expected, abs=1e-8)
    assert smallest_move(axes, np.stack([moves, 2 * moves])) == pytest.approx(np.stack([expected, 2 * expected]))


def unit(values: Mapping[int, float]) -> np.ndarray:
    axis = np.zeros(SIZE, np.float32)
    for index, value in values.items():
        axis[index] = value
    return axis / np.linalg.norm(axis)


def test_a_cleaned_axis_leaves_the_others_alone():
    axis, other, third = unit({0: 1, 1: 1, 2: 1}), unit({1: 1}), unit({1: 1, 2: 0.5})
    clean = clean_axis(axis, [other, third])
    assert clean == pytest.approx(unit({0: 1}), abs=1e-6)
    assert (clean @ other, clean @ third) == pytest.approx((0.0, 0.0), abs=1e-6)
    assert clean_axis(axis, []) == pytest.approx(axis)
    assert clean_axis(axis, [other, other]) == pytest.approx(unit({0: 1, 2: 1}), abs=1e-6)


def test_an_axis_in_the_span_of_the_others_cannot_be_cleaned():
    with pytest.raises(UsageError, match="is left beside the others"):
        clean_axis(unit({0: 1, 1: 0.05}), [unit({0: 1})])
    with pytest.raises(UsageError, match="of one model"):
        clean_axis(unit({0: 1}), [np.ones(4, np.float32) / 2])


@given(LATENTS, VECTORS.filter(lambda axis: np.linalg.norm(axis) > 0.1), st.floats(-5.0, 5.0))
def test_a_set_coordinate_is_where_it_was_put_and_nothing_else_moved(latent, axis, alpha):
    u = axis / np.linalg.norm(axis)
    put = set_coordinate(latent, axis.astype(np.float32), alpha).astype(np.float64)
    assert put @ u == pytest.approx(alpha, abs=1e-5)
    assert put - (put @ u) * u == pytest.approx(latent - (latent @ u) * u, abs=1e-5)


def test_a_traversal_is_the_papers_row_for_every_sample():
    latents = np.random.Generator(np.random.PCG64(1)).standard_normal((3, SIZE)).astype(np.float32)
    u = unit({0: 3, 4: 4})
    rows = traverse(latents, u)
    assert rows.shape == (3, 11, SIZE)
    for latent, row in zip(latents, rows, strict=True):
        for alpha, z in zip(ALPHAS, row, strict=True):
            assert z == pytest.approx(latent - (latent @ u) * u + alpha * u, abs=1e-5)
    assert traverse(latents[0], u, np.array([2.0])).shape == (1, SIZE)


def test_alphas_are_read_as_a_range_or_a_list():
    assert parse_alphas("-5..5/11") == pytest.approx(ALPHAS)
    assert parse_alphas("-2, 0.5") == pytest.approx([-2.0, 0.5])
    assert parse_alphas("1") == pytest.approx([1.0])
    for text in ("", "a..b/3", "1..2", "1..2/0", "0..1/2000", "nan", "1..inf/3"):
        with pytest.raises(UsageError, match="no row of coordinates"):
            parse_alphas(text)
