"""Moving along an axis on new samples and measuring what that did."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from latentstudio.errors import LearningError
from latentstudio.factors.calibration import MeasuredCalibration, known_range_with_stops
from latentstudio.generators.conditions import NONE, Conditions, label_in_turn
from latentstudio.generators.contract import Generator
from latentstudio.measures.effects import Effect
from latentstudio.measures.residual import Residual
from latentstudio.steps import Step
from latentstudio.training.loop import mixed_precision_pays
from latentstudio.transformations import Transformation

CHUNK = 16
IRLS_ROUNDS = 25
SHORTEST_WAY = 0.5
FEWEST = 5


@dataclass(frozen=True)
class MeasureStep(Step):
    """Progress of measuring.

    The last one carries the effects (samples, offsets), NaN where nothing was seen, and where a transformation was
    given ``residual`` (offsets,): the median residual as a share of what unrelated samples differ by, NaN where it is
    not known.
    """

    effects: np.ndarray | None = None
    residual: np.ndarray | None = None


def measure_effects(
    generator: Generator, direction: Tensor, effect: Effect, *, latents: Tensor, offsets: Tensor,
    labels: tuple[int, ...] = (), transformation: Transformation | None = None,
) -> Iterator[MeasureStep]:
    """Move every sample z to z + offset u along ``direction`` u (d,), for each of ``offsets`` (K,), and measure.

    The reference is the sample's own picture, as a slider finds it; from there each side is followed outwards, see
    ``Effect.stride``. ``labels`` are classes of a conditional model, one a chunk of ``CHUNK`` samples in turn. With
    ``transformation`` what it leaves unexplained is measured as well.
    """
    chunks = latents.split(CHUNK)
    effects = torch.zeros(len(latents), len(offsets))
    residuals, unrelated = torch.full_like(effects, float("nan")), []
    total, done, first = len(chunks) * len(offsets), 0, 0
    for index, chunk in enumerate(chunks):
        conditions = label_in_turn(labels, index)
        for side in (1.0, -1.0):
            path = _Path(generator, effect, chunk, conditions, transformation)
            if side > 0:
                unrelated.append(path.unrelated())
            for column in _outwards(offsets, side):
                offset = float(offsets[column])
                moved = chunk + offset * direction
                rows = slice(first, first + len(chunk))
                effects[rows, column] = path.measure(moved, abs(offset)).cpu()
                residuals[rows, column] = path.residual.cpu()
                done += 1
                yield MeasureStep(done / total, "measuring on new samples")
        first += len(chunk)
    usual = torch.cat(unrelated).median() if unrelated and len(torch.cat(unrelated)) else torch.tensor(float("nan"))
    residual = (residuals.nanmedian(dim=0).values / usual.cpu()).numpy().astype(np.float64)
    yield MeasureStep(1.0, "measured", effects=effects.numpy().astype(np.float64),
                      residual=None if transformation is None else residual)


def follow(
    generator: Generator, effect: Effect, start: Tensor, move: Tensor, *, length: float,
    conditions: Conditions = NONE,
) -> Tensor:
    """The measured effect (N,) of moving latents ``start`` (N, d) by ``move`` (N, d), in pieces of at most the stride.

    ``length`` is the longest of the moves in latent units.
    """
    pieces = max(1, math.ceil(length / effect.stride - 1e-9)) if math.isfinite(effect.stride) else 1
    path = _Path(generator, effect, start, conditions)
    for piece in range(1, pieces + 1):
        effects = path.measure(start + move * (piece / pieces), length * piece / pieces, anew=piece < pieces)
    return effects


class _Path:
    """Follows pictures along a way through the latent space and adds up what was measured piece by piece."""

    def __init__(
        self, generator: Generator, effect: Effect, start: Tensor, conditions: Conditions = NONE,
        transformation: Transformation | None = None,
    ) -> None:
        self._generator, self._effect, self._conditions = generator, effect, conditions
        self._at, self._so_far = 0.0, torch.zeros(len(start), device=start.device)
        pictures = self._draw(start)
        self._measured = effect.prepare(pictures)
        self._left = None if transformation is None else Residual(pictures, transformation)
        self.residual = torch.full_like(self._so_far, float("nan"))

    def unrelated(self) -> Tensor:
        """What the samples' pictures differ by (N,); nothing (0,) where it was not asked for."""
        return self._so_far.new_zeros(0) if self._left is None else self._left.unrelated()

    def _draw(self, latents: Tensor) -> Tensor:
        device = latents.device.type
        fast = device == "cuda" or mixed_precision_pays()
        with torch.no_grad(), torch.autocast(device, torch.bfloat16, enabled=fast):
            return self._generator.generate(latents, conditions=self._conditions).float()

    def measure(self, latents: Tensor, distance: float, *, anew: bool | None = None) -> Tensor:
        """Effect (N,) since the start at ``distance`` units from it; ``residual`` (N,) tells how well T_t explains it.

        ``anew`` says whether what follows is compared with these pictures; None means, once a stride is behind.
        """
        pictures = self._draw(latents)
        effects = self._so_far + self._measured(pictures)
        if self._left is not None:
            self.residual = self._left.measure(pictures, effects)
        if anew is None:
            anew = distance - self._at >= self._effect.stride - 1e-6
        if anew:
            self._at, self._so_far, self._measured = distance, effects, self._effect.prepare(pictures)
        return effects


def _outwards(coordinates: Tensor, side: float) -> list[int]:
    """Indices of one side's coordinates from the nearest to the furthest; 0 belongs to the positive side."""
    signed = [(float(p) * side, index) for index, p in enumerate(coordinates)]
    return [index for distance, index in sorted(signed) if distance > 0 or (distance == 0 and side > 0)]


def calibrate(
    effects: np.ndarray, own: np.ndarray, offsets: np.ndarray, coordinates: np.ndarray, *,
    residual: np.ndarray | None = None,
) -> MeasuredCalibration:
    """Calibration at ``coordinates`` (K,) from effects (N, M) of moving samples at ``own`` (N,) by ``offsets`` (M,).

    The curve m minimises the mean absolute difference between the effects and m(own + offset) - m(own), so that it is
    the median of what a slider does wherever it starts. A difference counts by the inverse of the way moved, as a share
    of it matters and not its pixels. The deviation at a coordinate is half the 16-84 % interval of the differences of
    the moves that end nearest to it. Moves that end beyond the coordinates do not count. ``residual`` (M,), as a
    ``MeasureStep`` carries it, may end the known range as well.

    Raises:
        LearningError: not one effect is a number.
    """
    ends = own[:, None] + offsets[None, :]
    usable = np.isfinite(effects) & (np.abs(ends) <= np.abs(coordinates).max()) & (offsets != 0.0)[None, :]
    if not usable.any():
        raise LearningError("nothing can be measured on this model's pictures", expected="something to be seen in them",
                            action="check the model, or choose another measure in its card")
    starts = np.broadcast_to(own[:, None], ends.shape)[usable]
    ends, wanted = ends[usable], effects[usable]
    median = _least_absolute(wanted, starts, ends, coordinates)
    median = median - np.interp(0.0, coordinates, median)
    away = wanted - np.interp(ends, coordinates, median) + np.interp(starts, coordinates, median)
    nearest = np.abs(ends[:, None] - coordinates[None, :]).argmin(axis=1)
    deviation = np.array([_half_width(away[nearest == index]) for index in range(len(coordinates))])
    deviation = np.where(np.isfinite(deviation), deviation, np.nanmax(deviation))
    left = None if residual is None else np.interp(coordinates, offsets, residual)
    known, stops = known_range_with_stops(coordinates, median, deviation, residual=left)
    return MeasuredCalibration(coordinates, median, deviation, known, stops)


def _half_width(values: np.ndarray) -> float:
    if len(values) < FEWEST:
        return float("nan")
    low, high = np.percentile(values, [15.87, 84.13])
    return float(high - low) / 2


def _least_absolute(wanted: np.ndarray, starts: np.ndarray, ends: np.ndarray, coordinates: np.ndarray) -> np.ndarray:
    """Knots m (K,) that minimise the sum of |wanted - m(end) + m(start)| / way, by iteratively reweighted squares."""
    knots = np.eye(len(coordinates))
    design = np.stack(
        [np.interp(ends, coordinates, knot) - np.interp(starts, coordinates, knot) for knot in knots], axis=1
    )
    smallest = 1e-3 * max(float(np.abs(wanted).max(initial=0.0)), 1e-6)
    importance = 1.0 / np.maximum(np.abs(ends - starts), SHORTEST_WAY)
    weights = importance / importance.mean()
    tie = 1e-6 * len(wanted) * knots
    curve = np.zeros(len(coordinates))
    for _ in range(IRLS_ROUNDS):
        weighted = design * weights[:, None]
        curve = np.linalg.solve(design.T @ weighted + tie, weighted.T @ wanted)
        weights = importance / np.maximum(np.abs(wanted - design @ curve), smallest)
        weights /= weights.mean()
    return curve
