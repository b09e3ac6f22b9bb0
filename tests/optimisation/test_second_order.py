"""Damped steps inside a ball."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import minimize

from latentstudio.latents import project_to_ball
from latentstudio.optimisation.second_order import LARGEST_WITHIN, Ball, LevenbergMarquardt

SIZE, RADIUS = 6, 1.5


def _linear(seed):
    """A residual of latents (N, 6) whose best place lies outside the ball, steep along some directions only."""
    source = torch.Generator().manual_seed(seed)
    matrix = torch.randn(12, SIZE, generator=source) * torch.logspace(0, -1.5, SIZE)
    wanted = torch.randn(SIZE, generator=source)
    wanted = 2.0 * RADIUS * wanted / wanted.norm()
    return lambda latent: (latent - wanted.to(latent)) @ matrix.to(latent).T


def _best_inside(residual, centre, radius):
    """What scipy finds from the middle of the ball."""
    def loss(point):
        return float(residual(torch.from_numpy(point)[None]).square().mean())

    inside = {"type": "ineq", "fun": lambda point: radius**2 - np.sum((point - centre) ** 2)}
    found = minimize(loss, np.asarray(centre, dtype=np.float64), constraints=inside, method="SLSQP",
                     options={"ftol": 1e-12, "maxiter": 500})
    return found.fun


@pytest.mark.parametrize("seed", range(5))
def test_inside_a_ball_a_few_steps_find_the_best_place_of_a_linear_problem(seed):
    residual = _linear(seed)
    search = LevenbergMarquardt(residual, torch.zeros(1, SIZE), project=_cut, ball=Ball(RADIUS))
    for _ in range(6):
        search.advance()
    assert float(search.latent.norm()) <= RADIUS * (1 + 1e-5)
    assert float(search.loss) == pytest.approx(_best_inside(residual, np.zeros(SIZE), RADIUS), rel=0.01)


def test_a_ball_about_another_place():
    residual, centre = _linear(7), torch.full((1, SIZE), 0.3)

    def project(latent):
        return centre + project_to_ball(latent - centre, 0.5)

    search = LevenbergMarquardt(residual, centre, project=project, ball=Ball(0.5, centre))
    for _ in range(6):
        search.advance()
    assert float((search.latent - centre).norm()) == pytest.approx(0.5, rel=1e-4)
    assert float(search.loss) == pytest.approx(_best_inside(residual, centre[0].numpy(), 0.5), rel=0.01)


def test_steps_that_know_the_ball_come_further_than_steps_that_are_cut_back():
    ends = {}
    for name, ball in (("known", Ball(RADIUS)), ("cut", None)):
        losses = []
        for seed in range(10):
            residual = _linear(seed)
            search = LevenbergMarquardt(residual, torch.zeros(1, SIZE), project=_cut, ball=ball)
            for _ in range(4):
                search.advance()
            losses.append(float(search.loss) / _best_inside(residual, np.zeros(SIZE), RADIUS))
        ends[name] = np.median(losses)
    assert ends["known"] < ends["cut"]


def test_a_ball_that_holds_the_best_place_changes_nothing():
    residual = _linear(3)
    free = LevenbergMarquardt(residual, torch.zeros(1, SIZE))
    held = LevenbergMarquardt(residual, torch.zeros(1, SIZE), ball=Ball(100.0))
    for _ in range(4):
        free.advance()
        held.advance()
        assert torch.allclose(free.latent, held.latent, atol=1e-4)


def test_a_residual_that_is_not_finite_moves_nothing_inside_a_ball():
    start = torch.full((1, SIZE), 0.1)
    search = LevenbergMarquardt(lambda latent: latent * torch.nan, start, ball=Ball(RADIUS))
    search.advance()
    assert torch.equal(search.latent, start)


def test_large_latents_are_cut_back_instead():
    start = torch.zeros(1, LARGEST_WITHIN + 1)
    ends = []
    for ball in (Ball(RADIUS), None):
        search = LevenbergMarquardt(lambda latent: latent[:, :8] * torch.arange(1.0, 9.0) - 1.0, start, project=_cut,
                                    ball=ball)
        search.advance()
        ends.append(search.latent)
    assert torch.equal(*ends)
    assert 0.0 < float(ends[0].norm()) <= RADIUS * (1 + 1e-5)


def _cut(latent):
    return project_to_ball(latent, RADIUS)
