"""Axis models: from records to a unit axis u (section 2.2 of Plumerault et al. 2020, and two closed forms)."""

from __future__ import annotations

from collections.abc import Generator as Steps
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from latentstudio.factors.calibration import MonotoneCurve
from latentstudio.factors.trajectories import Records

KNOTS = 41
FURTHEST = 5.0


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


def paper_fit(
    records: Records, *, axis: Axis | None = None, steps: int = 400, learning_rate: float = 0.02
) -> Steps[float, None, tuple[Axis, MonotoneCurve]]:
    """The paper's model t = g(<u, z>), fitted on differences (equation 9): unit u, monotone piecewise linear g.

    Minimises the mean squared difference between t and g(<u, z_t>) - g(<u, z_0>) with full-batch Adam, from the ridge
    axis and a straight g. Slopes of g are softplus values, so g is increasing by construction. Yields the share done
    every few steps and returns the axis and g. With ``axis`` given, u stays and only its g is fitted.
    """
    origin, end, t = records.origin, records.end, records.t
    scale = t.abs().mean()
    knots = torch.linspace(-FURTHEST, FURTHEST, KNOTS, device=t.device)
    gap = float(knots[1] - knots[0])
    direction = (axis or ridge_axis(records)).direction.clone().requires_grad_(axis is None)
    along = (records.displacement @ direction.detach()).abs().mean()
    raw = torch.full((KNOTS - 1,), float(torch.log(torch.expm1(scale / along / scale))), device=t.device)
    raw = raw.clone().requires_grad_(True)
    optimiser = torch.optim.Adam([raw] if axis else [direction, raw], lr=learning_rate)

    def curve(coordinate: Tensor, slopes: Tensor) -> Tensor:
        return (slopes * (coordinate[:, None] - knots[:-1]).clamp(0.0, gap)).sum(dim=1)

    for done in range(steps):
        if done % 10 == 0:
            yield done / steps
        slopes = functional.softplus(raw)
        unit = functional.normalize(direction, dim=0)
        predicted = curve(end @ unit, slopes) - curve(origin @ unit, slopes)
        error = (predicted - t / scale).square().mean() + 1e-3 * (slopes[1:] - slopes[:-1]).square().mean()
        optimiser.zero_grad()
        error.backward()
        optimiser.step()
    slopes = functional.softplus(raw).detach() * scale
    values = torch.cat((torch.zeros(1, device=t.device), (slopes * gap).cumsum(0))).cpu().numpy()
    coordinates = knots.cpu().numpy()
    values = values - np.interp(0.0, coordinates, values)
    unit = functional.normalize(direction.detach(), dim=0)
    return axis or Axis("paper", unit), MonotoneCurve(coordinates.astype(np.float64), values.astype(np.float64))


def fit_of(axis: Axis, curve: MonotoneCurve | None, records: Records) -> float:
    """r2 of t against the model's difference on records; a straight line is fitted where there is no ``curve``."""
    t = records.t.cpu().numpy().astype(np.float64)
    if curve is not None:
        end, origin = ((z @ axis.direction).cpu().numpy() for z in (records.end, records.origin))
        predicted = curve(end) - curve(origin)
    else:
        along = (records.displacement @ axis.direction).cpu().numpy().astype(np.float64)
        predicted = along * (along @ t) / max(float(along @ along), 1e-12)
    return r_squared(t, predicted)


def r_squared(wanted: np.ndarray, reached: np.ndarray) -> float:
    """1 - sum of squared differences / sum of squared deviations of ``wanted`` from its mean."""
    spread = float(((wanted - wanted.mean()) ** 2).sum())
    return 1.0 - float(((wanted - reached) ** 2).sum()) / max(spread, 1e-12)
