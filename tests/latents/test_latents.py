"""Latent spaces against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from latentstudio.errors import UsageError
from latentstudio.latents import (
    LatentSpace,
    PrincipalComponents,
    check_latent,
    lerp,
    principal_components,
    project_to_ball,
    project_to_sphere,
    sample_prior,
    slerp,
)
from latentstudio.latents.components import picture_directions

SPACE = LatentSpace("z", (100,))


def test_the_same_seed_gives_the_same_latents_and_a_prefix():
    many, few = sample_prior(SPACE, count=9, seed=3), sample_prior(SPACE, count=4, seed=3)
    assert np.array_equal(many[:4], few)
    assert not np.array_equal(few, sample_prior(SPACE, count=4, seed=4))


def test_normal_prior_has_unit_variance_and_radius():
    drawn = sample_prior(SPACE, count=2000, seed=0)
    assert drawn.std() == pytest.approx(1.0, abs=0.01)
    assert np.linalg.norm(drawn, axis=1).mean() == pytest.approx(SPACE.radius, rel=0.01)


@pytest.mark.parametrize("wrap", [np.asarray, torch.tensor])
def test_ball_and_sphere(wrap):
    latents = wrap([[3.0, 4.0], [0.3, 0.4]])
    ball, sphere = project_to_ball(latents, 1.0), project_to_sphere(latents, 2.0)
    assert np.asarray(ball) == pytest.approx(np.array([[0.6, 0.8], [0.3, 0.4]]))
    assert np.asarray(sphere) == pytest.approx(np.array([[1.2, 1.6], [1.2, 1.6]]))


def test_lines_and_great_circles():
    start, end = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    assert lerp(start, end, 0.5) == pytest.approx([0.5, 0.5])
    assert slerp(start, end, 0.5) == pytest.approx([2**-0.5, 2**-0.5])
    assert slerp(start, 3 * start, 0.5) == pytest.approx([2.0, 0.0])


def test_check_latent_names_the_size_and_refuses_nan():
    assert check_latent(np.zeros(100, np.float32), SPACE).shape == (1, 100)
    with pytest.raises(UsageError, match=r"\(100,\)"):
        check_latent(np.zeros((2, 99), np.float32), SPACE)
    with pytest.raises(UsageError, match="finite"):
        check_latent(np.full(100, np.nan, np.float32), SPACE)


def test_spaces_refuse_nonsense():
    with pytest.raises(UsageError, match="prior"):
        LatentSpace("z", (4,), prior="cauchy")
    with pytest.raises(UsageError, match="parts"):
        LatentSpace("z", (4,), parts=(1, 2))
    with pytest.raises(UsageError, match="sample from"):
        sample_prior(LatentSpace("w", (4,), prior="none"), count=1, seed=0)


def test_principal_components_find_the_long_axis():
    source = np.random.default_rng(0)
    points = source.normal(size=(500, 3)) * np.array([5.0, 1.0, 0.1])
    found = principal_components(points, count=2)
    assert abs(found.directions[0, 0]) > 0.99
    assert found.explained[0] > 0.9
    assert found.coordinates(points).std(axis=0)[0] == pytest.approx(5.0, rel=0.1)


def test_picture_directions_carry_components_back():
    source = np.random.default_rng(1)
    latents = source.normal(size=(400, 5)).astype(np.float32)
    pictures = (latents[:, 2:3] * np.ones((1, 48))).reshape(400, 3, 4, 4).astype(np.float32)
    found = picture_directions(latents, pictures, count=1)
    assert abs(found.directions[0, 2]) > 0.99


def test_a_step_along_one_direction_changes_no_other_coordinate():
    slanted = np.array([[1.0, 0.0, 0.0], [0.8, 0.6, 0.0]], np.float32)
    found = PrincipalComponents(np.array([0.5, 0.0, 0.0], np.float32), slanted, np.array([0.7, 0.3], np.float32))
    point = np.array([1.5, -2.0, 3.0], np.float32)
    before = found.coordinates(point[None])[0]
    after = found.coordinates((point + 0.25 * slanted[1])[None])[0]
    assert after - before == pytest.approx([0.0, 0.25], abs=1e-6)
