"""Moving along an axis on new samples and measuring what that did."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from latentstudio.factors.calibration import MeasuredCalibration, known_range
from latentstudio.generators.contract import Generator
from latentstudio.measures.effects import Effect
from latentstudio.steps import Step

CHUNK = 8
IRLS_ROUNDS = 25


@dataclass(frozen=True)
class MeasureStep(Step):
    """Progress of measuring; the last one carries the effects (samples, coordinates), NaN where nothing was seen."""

    effects: np.ndarray | None = None


def measure_effects(
    generator: Generator, direction: Tensor, effect: Effect, *, latents: Tensor, coordinates: Tensor
) -> Iterator[MeasureStep]:
    """Set the coordinate along ``direction`` (d,) of every sample to each of ``coordinates`` (K,) and measure.

    The rest of the latent stays: z - <z, u> u + p u (section 3.1 of Plumerault et al. 2020). The reference is the
    sample's own picture at its own coordinate, as a slider finds it; from there each side is followed outwards, see
    ``Effect.stride``.
    """
    chunks = latents.split(CHUNK)
    effects = torch.zeros(len(latents), len(coordinates))
    total, done = len(chunks) * len(coordinates), 0
    first = 0
    for chunk in chunks:
        rest = chunk - (chunk @ direction)[:, None] * direction
        for side in (1.0, -1.0):
            path = _Path(generator, effect, chunk)
            for column in _outwards(coordinates, side):
                p = float(coordinates[column])
                effects[first : first + len(chunk), column] = path.measure(rest + p * direction, abs(p)).cpu()
                done += 1
                yield MeasureStep(min(1.0, done / total), "measuring on new samples")
        first += len(chunk)
    yield MeasureStep(1.0, "measured", effects=effects.numpy().astype(np.float64))


def follow(generator: Generator, effect: Effect, start: Tensor, move: Tensor, *, length: float) -> Tensor:
    """The measured effect (N,) of moving latents ``start`` (N, d) by ``move`` (N, d), in pieces of at most the stride.

    ``length`` is the longest of the moves in latent units.
    """
    pieces = max(1, math.ceil(length / effect.stride - 1e-9)) if math.isfinite(effect.stride) else 1
    path = _Path(generator, effect, start)
    for piece in range(1, pieces + 1):
        effects = path.measure(start + move * (piece / pieces), length * piece / pieces, last=piece == pieces)
    return effects


class _Path:
    """Follows pictures along a way through the latent space and adds up what was measured piece by piece."""

    def __init__(self, generator: Generator, effect: Effect, start: Tensor) -> None:
        self._generator, self._effect = generator, effect
        self._at, self._so_far = 0.0, torch.zeros(len(start), device=start.device)
        self._measured = effect.prepare(self._draw(start))

    def _draw(self, latents: Tensor) -> Tensor:
        with torch.no_grad():
            return self._generator.generate(latents)

    def measure(self, latents: Tensor, distance: float, *, last: bool = False) -> Tensor:
        """Effect (N,) since the start at ``distance`` units from it."""
        pictures = self._draw(latents)
        effects = self._so_far + self._measured(pictures)
        if distance - self._at >= self._effect.stride - 1e-6 and not last:
            self._at, self._so_far, self._measured = distance, effects, self._effect.prepare(pictures)
        return effects


def _outwards(coordinates: Tensor, side: float) -> list[int]:
    """Indices of one side's coordinates from the nearest to the furthest; 0 belongs to the positive side."""
    signed = [(float(p) * side, index) for index, p in enumerate(coordinates)]
    return [index for distance, index in sorted(signed) if distance > 0 or (distance == 0 and side > 0)]


def calibrate(effects: np.ndarray, own: np.ndarray, coordinates: np.ndarray) -> MeasuredCalibration:
    """Calibration from effects (N, K) of bringing samples from their ``own`` coordinates (N,) to ``coordinates`` (K,).

    The curve m minimises the mean absolute difference between the effects and m(coordinate) - m(own), so that it is
    the median of what a slider does wherever it starts; the deviation is half the 16-84 % interval of the differences.
    """
    usable = np.isfinite(effects)
    median = _least_absolute(effects, own, coordinates, usable)
    median = median - np.interp(0.0, coordinates, median)
    expected = median[None, :] - np.interp(own, coordinates, median)[:, None]
    low, high = np.nanpercentile(np.where(usable, effects - expected, np.nan), [15.87, 84.13], axis=0)
    deviation = (high - low) / 2
    return MeasuredCalibration(coordinates, median, deviation, known_range(coordinates, median, deviation))


def _least_absolute(effects: np.ndarray, own: np.ndarray, coordinates: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Knots m (K,) that minimise sum |effect - m_k + m(own)|, by iteratively reweighted least squares."""
    count = len(coordinates)
    hats = np.stack([np.interp(own, coordinates, row) for row in np.eye(count)], axis=1)
    design = (np.eye(count)[None, :, :] - hats[:, None, :])[usable]
    wanted = effects[usable]
    smallest = 1e-3 * max(float(np.abs(wanted).max(initial=0.0)), 1e-6)
    weights = np.ones(len(wanted))
    tie = 1e-6 * len(wanted) * np.eye(count)
    knots = np.zeros(count)
    for _ in range(IRLS_ROUNDS):
        weighted = design * weights[:, None]
        knots = np.linalg.solve(design.T @ weighted + tie, weighted.T @ wanted)
        weights = 1.0 / np.maximum(np.abs(wanted - design @ knots), smallest)
        weights /= weights.mean()
    return knots
