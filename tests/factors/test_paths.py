"""Paths of edits and kept trajectories against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from latentstudio.errors import UnknownNameError, UsageError
from latentstudio.factors import FactorSet, apply_factors
from latentstudio.factors.paths import edit_path, trajectories_of
from tests.factors.map_parts import line_factor

START = np.array([0.3, -0.2, 0.1, 1.0], np.float32)
FACTORS = FactorSet((line_factor(0), line_factor(1, name="y")))


def test_the_path_begins_at_the_sample_and_ends_where_the_factors_bring_it():
    positions = {"x": 2.0, "y": -1.5}
    path = edit_path(START, positions, FACTORS, count=7)
    assert np.array_equal(path.latents[0], START)
    assert np.array_equal(path.latents[-1], apply_factors(START, positions, FACTORS).latent)
    half = apply_factors(START, {"x": 1.0, "y": -0.75}, FACTORS).latent
    assert path.latents[3] == pytest.approx(half)
    assert path.shares == pytest.approx(np.linspace(0, 1, 7))


def test_a_path_without_an_edit_stays_where_it_is():
    path = edit_path(START.reshape(2, 2), {}, FACTORS, count=3)
    assert np.array_equal(path.latents, np.stack([START] * 3))


def test_a_path_needs_two_stations_and_known_factors():
    with pytest.raises(UsageError, match="path of 1"):
        edit_path(START, {"x": 1.0}, FACTORS, count=1)
    with pytest.raises(UnknownNameError, match="no factor 'size'"):
        edit_path(START, {"size": 1.0}, FACTORS)


def test_trajectories_begin_at_their_origin_and_leave_dropped_records_out():
    factor = line_factor(0)
    whole, cut = trajectories_of(factor)
    assert whole.t.tolist() == [-2.0, -1.0, 0.0, 1.0, 2.0]
    assert whole.latents[2].tolist() == factor.evidence.origins[0].tolist()
    assert whole.latents[:, 0] == pytest.approx([-1.0, -0.5, 0.0, 0.5, 1.0])
    assert cut.t.tolist() == [-2.0, -1.0, 0.0, 1.0]
    assert cut.start == 1
    assert np.isfinite(cut.latents).all()


def test_a_factor_that_kept_nothing_has_no_trajectories():
    assert trajectories_of(line_factor(0, evidence=False)) == ()
