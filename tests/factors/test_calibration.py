"""Calibration curves: monotone, invertible, and a known range by a rule."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from latentstudio.errors import FactorFileError
from latentstudio.factors.calibration import (
    MeasuredCalibration,
    MonotoneCurve,
    increasing,
    known_range,
    known_range_with_stops,
)

COORDINATES = np.linspace(-4, 4, 33)
ERF = np.array([16 * math.erf(p / math.sqrt(2)) for p in COORDINATES])


def test_the_erf_of_a_uniform_position_inverts():
    curve = MonotoneCurve(COORDINATES, ERF)
    for t in (-12.0, -3.3, 0.0, 7.0, 12.0):
        assert float(curve(curve.inverse(t))) == pytest.approx(t, abs=1e-3)
    assert float(curve(99.0)) == ERF[-1]


@given(hnp.arrays(float, st.integers(2, 30), elements=st.floats(-50, 50)))
def test_increasing_is_monotone_and_keeps_the_mean(values):
    result = increasing(values)
    assert (np.diff(result) >= -1e-9).all()
    assert result.mean() == pytest.approx(values.mean(), abs=1e-6)
    assert np.allclose(increasing(result), result)


def test_increasing_keeps_what_is_monotone():
    assert np.array_equal(increasing(ERF), ERF)


def test_known_range_ends_where_the_median_stops_following():
    low, high = known_range(COORDINATES, ERF, np.full(33, 0.5))
    assert -2.25 <= low <= -1.25
    assert 1.25 <= high <= 2.25
    flat = known_range(COORDINATES, np.zeros(33), np.ones(33))
    assert flat == (0.0, 0.0)


def test_known_range_ends_where_nobody_can_tell():
    deviation = np.where(COORDINATES > 1.0, 40.0, 0.5)
    assert known_range(COORDINATES, 3 * COORDINATES, deviation)[1] == pytest.approx(1.0)
    assert known_range(COORDINATES, 3 * COORDINATES, deviation)[0] == pytest.approx(-4.0)


def test_the_measured_curve_passes_through_zero_inside_its_range():
    measured = MeasuredCalibration(COORDINATES, ERF + 0.3, np.ones(33), (-2.0, 2.0))
    curve = measured.curve()
    assert float(curve(0.0)) == pytest.approx(0.0, abs=1e-9)
    assert curve.coordinates[[0, -1]].tolist() == [-2.0, 2.0]
    assert measured.spread == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("coordinates", "values"),
    [([0, 1], [0, 1, 2]), ([0, 0], [0, 1]), ([0, 1], [1, 0]), ([0, 1], [0, float("nan")]), ([0], [0])],
)
def test_curves_that_are_none_are_refused(coordinates, values):
    with pytest.raises(FactorFileError):
        MonotoneCurve(np.array(coordinates, float), np.array(values, float))


def test_known_range_ends_where_nothing_was_seen() -> None:
    coordinates = np.linspace(-4.0, 4.0, 9)
    deviation = np.where(coordinates > 2.5, np.nan, 0.1)
    assert known_range(coordinates, coordinates, deviation) == (-4.0, 2.0)


def test_known_range_ends_where_it_is_another_picture_that_moved() -> None:
    residual = np.where(COORDINATES < -2.0, 0.9, 0.1 * np.abs(COORDINATES))
    known, stops = known_range_with_stops(COORDINATES, 3 * COORDINATES, np.full(33, 0.1), residual=residual)
    assert known == (-2.0, 4.0)
    assert stops == ("residual", "end")
    unknown = np.full(33, np.nan)
    assert known_range(COORDINATES, 3 * COORDINATES, np.full(33, 0.1), residual=unknown) == (-4.0, 4.0)


def test_each_rule_that_ends_a_range_has_its_name() -> None:
    deviation = np.where(COORDINATES > 1.0, 40.0, 0.5)
    assert known_range_with_stops(COORDINATES, 3 * COORDINATES, deviation)[1] == ("end", "spread")
    assert known_range_with_stops(COORDINATES, ERF, np.full(33, 0.5))[1] == ("median", "median")
