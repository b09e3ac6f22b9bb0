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
    gradual_components,
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


@pytest.mark.parametrize("shape", [(), (0,), (-1,), (76,) * 3_000, (10**4_000, 10**4_000), (1,) * 70])
def test_a_shape_of_no_latent_is_refused_in_few_words(shape):
    with pytest.raises(UsageError) as told:
        LatentSpace("z", shape)
    assert len(told.value.sentence) < 200


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


def _found(finding):
    """The result of a generator of shares, and the shares."""
    shares = []
    while True:
        try:
            shares.append(next(finding))
        except StopIteration as end:
            return end.value, shares


def test_gradual_components_of_a_known_gaussian():
    source = np.random.default_rng(2)
    turned = np.linalg.qr(source.normal(size=(6, 6)))[0]
    scales = np.array([4.0, 2.0, 1.0, 0.5, 0.3, 0.1])
    points = (source.normal(size=(6000, 6)) * scales @ turned.T + 3.0).astype(np.float32)
    found, shares = _found(gradual_components(points, count=2))
    assert np.abs(found.directions @ turned[:, :2]) == pytest.approx(np.eye(2), abs=0.05)
    assert found.explained == pytest.approx(scales[:2] ** 2 / (scales**2).sum(), rel=0.05)
    assert found.mean == pytest.approx(np.full(6, 3.0), abs=0.2)
    assert shares == sorted(shares)
    assert 0.0 <= shares[0] <= shares[-1] <= 1.0
    exact = principal_components(points, count=2)
    assert found.directions == pytest.approx(exact.directions, abs=1e-4)
    assert found.explained == pytest.approx(exact.explained, abs=1e-5)


def test_gradual_components_of_wide_bytes_agree_with_the_exact_ones():
    source = np.random.default_rng(3)
    waves = source.normal(size=(5, 900)) * np.array([40.0, 25.0, 15.0, 9.0, 5.0])[:, None]
    rows = np.clip(128 + source.normal(size=(1100, 5)) @ waves / 4 + source.normal(size=(1100, 900)), 0, 255)
    bytes_ = np.rint(rows).astype(np.uint8)
    found, shares = _found(gradual_components(bytes_, count=4))
    exact = principal_components(bytes_.astype(np.float32), count=4)
    assert np.abs((found.directions * exact.directions).sum(axis=1)) == pytest.approx(np.ones(4), abs=1e-3)
    assert found.explained == pytest.approx(exact.explained, abs=1e-4)
    assert len(shares) > 20
    assert shares == sorted(shares)


def test_gradual_components_refuse_a_single_point():
    with pytest.raises(UsageError, match="at least two"):
        next(gradual_components(np.zeros((1, 4), np.float32), count=1))
