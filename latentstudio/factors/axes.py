"""Axis models: from records to a unit axis u (section 2.2 of Plumerault et al. 2020, and closed forms beside it)."""

from __future__ import annotations

from collections.abc import Generator as Steps
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from latentstudio.factors.calibration import MonotoneCurve
from latentstudio.factors.records import Records
from latentstudio.factors.settings import LearnSettings

FURTHEST = 5.0
WIDTH = 0.5  # the largest |t| counts as this much in the fit, so that the published weights mean what they meant
PAPER_BATCH = 32
PAPER_RATE = 1e-3
CURVE_STEPS = 300
CURVE_RATE = 0.02
CURVE_SMOOTHNESS = 1e-3
YIELD_EVERY = 40


@dataclass(frozen=True)
class Axis:
    """A candidate axis: ``name`` of the method and the unit vector ``direction`` (d,), t grows along it."""

    name: str
    direction: Tensor


def mean_axis(records: Records) -> Axis:
    """The mean of sign(t) (z_t - z_0): how the latents moved on average."""
    moved = (records.displacement * records.t.sign()[:, None]).mean(dim=0)
    return Axis("mean", functional.normalize(moved, dim=0))


def ridge_axis(records: Records, *, strength: float = 0.03) -> Axis:
    """Ridge regression of t on z_t - z_0 without a constant, ``strength`` a share of the mean squared move."""
    moved = records.displacement
    gram = moved.T @ moved / len(records)
    level = strength * gram.diagonal().mean() * moved.shape[1]
    slopes = torch.linalg.solve(
        gram + level * torch.eye(moved.shape[1], device=moved.device), moved.T @ records.t / len(records)
    )
    return Axis("ridge", functional.normalize(slopes, dim=0))


def paper_axis(records: Records, settings: LearnSettings, *, warm: bool = True) -> Steps[float, None, Axis]:
    """The paper's u of t = g(<u, z>), fitted together with g on differences (equation 9).

    Minimises the mean squared difference between t and g(<v, z_t>) - g(<v, z_0>), plus ``settings.l2`` ||v||^2 and
    ``settings.smoothness`` times the mean squared difference of neighbouring slopes of g, by Adam over minibatches of
    32 for ``settings.epochs``; slopes of g are kept at 0 or more, and u = v / ||v||. Starts from the mean displacement,
    or with ``warm`` False from a random v as the published code does. Yields the share done.
    """
    span = records.t.abs().max().clamp_min(1e-12)
    origin, end, t = records.origin, records.end, records.t / span * WIDTH
    source = torch.Generator().manual_seed(settings.seed)
    size = origin.shape[1]
    bound = (6.0 / (size + 1)) ** 0.5  # Glorot's uniform start of a layer with one output
    random = ((2.0 * torch.rand(size, generator=source) - 1.0) * bound).to(origin)
    first = _scaled_mean(records, t) if warm else random
    direction = first.clone().requires_grad_(True)
    curve = _Lattice(settings.knots, origin)
    optimiser = torch.optim.Adam([direction, curve.slopes], lr=PAPER_RATE)
    count, done = len(t), 0
    total = settings.epochs * max(1, count // PAPER_BATCH)
    for _ in range(settings.epochs):
        order = torch.randperm(count, generator=source).to(t.device)
        for rows in order[: max(1, count // PAPER_BATCH) * PAPER_BATCH].split(PAPER_BATCH):
            predicted = curve(end[rows] @ direction) - curve(origin[rows] @ direction)
            error = (predicted - t[rows]).square().mean() + settings.l2 * direction.square().sum()
            error = error + settings.smoothness * curve.roughness()
            optimiser.zero_grad()
            error.backward()
            optimiser.step()
            curve.keep_increasing()
            done += 1
            if done % YIELD_EVERY == 0:
                yield min(1.0, done / total)
    return Axis("paper", functional.normalize(direction.detach(), dim=0))


def curve_along(records: Records, axis: Axis, *, knots: int = 101) -> Steps[float, None, MonotoneCurve]:
    """The paper's monotone piecewise linear g for a given axis, fitted on differences (equation 9); g(0) = 0.

    Slopes are softplus values, so g increases by construction; it is constant beyond the outermost knots.
    """
    t, scale = records.t, records.t.abs().mean().clamp_min(1e-12)
    end, origin = records.end @ axis.direction, records.origin @ axis.direction
    places = torch.linspace(-FURTHEST, FURTHEST, knots, device=t.device)
    gap = float(places[1] - places[0])
    along = (end - origin).abs().mean().clamp_min(1e-9)
    raw = torch.full((knots - 1,), float(torch.log(torch.expm1(1.0 / along))), device=t.device).requires_grad_(True)
    optimiser = torch.optim.Adam([raw], lr=CURVE_RATE)
    ramps = [(place[:, None] - places[:-1]).clamp(0.0, gap) for place in (end, origin)]
    design = ramps[0] - ramps[1]
    for done in range(CURVE_STEPS):
        if done % YIELD_EVERY == 0:
            yield done / CURVE_STEPS
        slopes = functional.softplus(raw)
        error = (design @ slopes - t / scale).square().mean()
        error = error + CURVE_SMOOTHNESS * (slopes[1:] - slopes[:-1]).square().mean() * (knots / 41.0) ** 2
        optimiser.zero_grad()
        error.backward()
        optimiser.step()
    slopes = functional.softplus(raw).detach() * scale
    values = torch.cat((torch.zeros(1, device=t.device), (slopes * gap).cumsum(0))).cpu().numpy().astype(np.float64)
    coordinates = np.linspace(-FURTHEST, FURTHEST, knots)
    return MonotoneCurve(coordinates, values - np.interp(0.0, coordinates, values))


def predicted(axis: Axis, curve: MonotoneCurve, records: Records) -> np.ndarray:
    """What the paper's model says for t of each record (R,): g(<u, z_t>) - g(<u, z_0>)."""
    end, origin = ((z @ axis.direction).cpu().numpy() for z in (records.end, records.origin))
    return np.asarray(curve(end) - curve(origin))


def r_squared(wanted: np.ndarray, reached: np.ndarray) -> float:
    """1 - sum of squared differences / sum of squared deviations of ``wanted`` from its mean."""
    spread = float(((wanted - wanted.mean()) ** 2).sum())
    return 1.0 - float(((wanted - reached) ** 2).sum()) / max(spread, 1e-12)


def _scaled_mean(records: Records, t: Tensor) -> Tensor:
    """The mean displacement, as long as a straight g needs it."""
    direction = mean_axis(records).direction
    along = records.displacement @ direction
    return direction * ((along @ t) / (along @ along).clamp_min(1e-12))


class _Lattice:
    """g of the published code: one slope a knot, each over the cell about its knot; straight at first."""

    def __init__(self, knots: int, like: Tensor) -> None:
        self._knots = torch.linspace(-FURTHEST, FURTHEST, knots).to(like)
        self._half = FURTHEST / (knots - 1)
        self.slopes = torch.ones(knots).to(like).requires_grad_(True)

    def __call__(self, coordinate: Tensor) -> Tensor:
        return (coordinate[:, None] - self._knots).clamp(-self._half, self._half) @ self.slopes

    def roughness(self) -> Tensor:
        return (self.slopes[1:] - self.slopes[:-1]).square().mean()

    def keep_increasing(self) -> None:
        with torch.no_grad():
            self.slopes.clamp_(min=0.0)
