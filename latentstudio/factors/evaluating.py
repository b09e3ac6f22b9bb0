"""How well a factor does what is asked of it, on samples that had no part in learning or calibrating it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from latentstudio.errors import LearningError
from latentstudio.factors.axes import r_squared
from latentstudio.factors.control import apply_factors
from latentstudio.factors.factor import Factor, FactorSet
from latentstudio.factors.measuring import follow
from latentstudio.generators.contract import Generator
from latentstudio.latents import sample_prior
from latentstudio.measures.effects import effect_of
from latentstudio.steps import Step
from latentstudio.transformations import Transformation, transformation_named

CHUNK = 8
ASKED = 9


@dataclass(frozen=True)
class Evaluation:
    """Asked against measured, in t's own parameter.

    Attributes:
        asked: the t asked of every sample that can reach it inside the known range (K,), 0 left out.
        median, deviation: of the measured effect (K,); half the 16-84 % interval.
        samples: how many samples could be asked for each (K,).
        r2: of measured against asked over all samples and values.
        r2_median: of the medians against asked.
        worst_ratio: largest |median / asked - 1| over the values asked of at least a quarter of the samples.
        monotone: the medians increase.
    """

    asked: tuple[float, ...]
    median: tuple[float, ...]
    deviation: tuple[float, ...]
    samples: tuple[int, ...]
    r2: float
    r2_median: float
    worst_ratio: float
    monotone: bool


@dataclass(frozen=True)
class EvaluationStep(Step):
    """Progress; the last one carries the evaluation."""

    evaluation: Evaluation | None = None


def evaluate_factor(
    generator: Generator,
    factor: Factor,
    *,
    count: int = 500,
    seed: int = 2_000_003,
    transformation: Transformation | None = None,
) -> Iterator[EvaluationStep]:
    """Ask ``count`` new samples for values of t over the known range, and measure what happens.

    Every sample is moved from its own coordinate, as a slider does; samples outside the known range are not asked.
    ``transformation`` is what the factor was learned from, where that is not a built-in one of the factor's name.

    Raises:
        UnknownNameError: the factor was learned from a transformation of the user's own, and that is not given.
        LearningError: no sample lies in the known range, or nothing could be measured on any.
    """
    card = generator.card
    values = _values(factor)
    device = next(generator.network.parameters()).device
    known = transformation or transformation_named(factor.name)
    effect = effect_of(known, measure=card.measure, side=card.image_size[0])
    latents = sample_prior(card.spaces[0], count=count, seed=seed)
    low, high = factor.known
    inside = [z for z in latents if low <= factor.coordinate(z) <= high]
    if not inside:
        raise LearningError(f"none of {count} new samples lies in the known range of '{factor.name}'",
                            action="raise count, or learn the factor anew")
    effects = np.full((len(inside), len(values)), np.nan)
    alone = FactorSet((factor,))
    for first in range(0, len(inside), CHUNK):
        chunk = inside[first : first + CHUNK]
        start = torch.from_numpy(np.stack(chunk)).to(device)
        for column, t in enumerate(values):
            applied = [apply_factors(z, {factor.name: float(t)}, alone) for z in chunk]
            move = torch.from_numpy(np.stack([one.latent for one in applied])).to(device) - start
            length = float(move.norm(dim=1).max())
            reached = follow(generator, effect, start, move, length=length).cpu().numpy()
            free = np.array([not one.clamped for one in applied])
            effects[first : first + len(chunk), column] = np.where(free, reached, np.nan)
            yield EvaluationStep((first + len(chunk) * column / len(values)) / len(inside), "asking new samples")
    yield EvaluationStep(1.0, "evaluated", evaluation=_summary(values, effects))


def _values(factor: Factor) -> np.ndarray:
    low, high = factor.reach
    values = np.linspace(low, high, ASKED)
    return values[np.abs(values) > 0.05 * (high - low)]


def _summary(values: np.ndarray, effects: np.ndarray) -> Evaluation:
    seen = np.isfinite(effects)
    samples = seen.sum(axis=0)
    usable = samples > 0
    values, effects, samples, seen = values[usable], effects[:, usable], samples[usable], seen[:, usable]
    median = np.nanmedian(effects, axis=0)
    low, high = np.nanpercentile(effects, [15.87, 84.13], axis=0)
    asked = np.broadcast_to(values, effects.shape)[seen]
    enough = samples >= max(1, len(effects) // 4)
    ratios = np.abs(median / values - 1.0)[enough]
    return Evaluation(
        asked=tuple(map(float, values)),
        median=tuple(map(float, median)),
        deviation=tuple(map(float, (high - low) / 2)),
        samples=tuple(map(int, samples)),
        r2=r_squared(asked, effects[seen]),
        r2_median=r_squared(values, median),
        worst_ratio=float(ratios.max()) if len(ratios) else float("nan"),
        monotone=bool((np.diff(median) >= 0).all()),
    )
