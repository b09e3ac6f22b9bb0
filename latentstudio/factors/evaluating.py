"""How well a factor does what is asked of it, on samples that had no part in learning or calibrating it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latentstudio.errors import LearningError
from latentstudio.factors.axes import r_squared
from latentstudio.factors.conditioned import Conditioned
from latentstudio.factors.control import apply_factors
from latentstudio.factors.factor import Factor, FactorSet
from latentstudio.factors.leaking import median_of
from latentstudio.factors.measuring import follow
from latentstudio.factors.settings import EVALUATION_SEED
from latentstudio.generators.conditions import NONE, Conditions
from latentstudio.generators.contract import Generator
from latentstudio.latents import sample_prior
from latentstudio.measures.effects import effect_of
from latentstudio.steps import Step
from latentstudio.transformations import Transformation, transformation_named

CHUNK = 8
ASKED = 9
LEAK_SAMPLES = 24  # registering jointly takes its time, and a median of these tells enough

Leak = Callable[[Tensor, Tensor], Mapping[str, Tensor]]
"""Pictures before and after (N, 3, H, W) -> by name how much each changed (N,), in the unit's own parameter."""


@dataclass(frozen=True)
class Evaluation:
    """Asked against measured, in t's own parameter.

    Attributes:
        asked: the t asked of every sample that can reach it inside the known range (K,), 0 left out.
        mean, std: of the measured effect (K,).
        median, deviation: the same, robust: half the 16-84 % interval (K,).
        samples: how many samples could be asked for each (K,).
        r2: of measured against asked over all samples and values.
        r2_median: of the medians against asked.
        worst_ratio: largest |median / asked - 1| over the values asked of at least a quarter of the samples.
        monotone: the medians increase.
        leak: median change of everything else by name (K,); empty where no measure of it was given.
        effects: measured effect of every sample (N, K), NaN where it could not be asked or nothing was seen.
        latents: these samples (N, *shape), and ``drawn`` their numbers in the draw (N,).
    """

    asked: tuple[float, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    median: tuple[float, ...]
    deviation: tuple[float, ...]
    samples: tuple[int, ...]
    r2: float
    r2_median: float
    worst_ratio: float
    monotone: bool
    leak: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    effects: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0), compare=False, repr=False)
    latents: NDArray[np.float32] = field(
        default_factory=lambda: np.zeros(0, np.float32), compare=False, repr=False)
    drawn: NDArray[np.int64] = field(
        default_factory=lambda: np.zeros(0, np.int64), compare=False, repr=False)


@dataclass(frozen=True)
class EvaluationStep(Step):
    """Progress; the last one carries the evaluation."""

    evaluation: Evaluation | None = None


def evaluate_factor(
    generator: Generator,
    factor: Factor,
    *,
    count: int = 500,
    seed: int = EVALUATION_SEED,
    conditions: Conditions = NONE,
    leak: Leak | None = None,
    transformation: Transformation | None = None,
) -> Iterator[EvaluationStep]:
    """Ask ``count`` new samples for values of t over the known range, and measure what happens.

    Every sample is moved from its own coordinate, as a slider does; samples outside the known range are not asked.
    ``leak`` measures what else changed, on the same pictures.
    ``transformation`` is what the factor was learned from, where that is not a built-in one of the factor's name.

    Raises:
        UnknownNameError: the factor was learned from a transformation of the user's own, and that is not given.
        LearningError: no sample lies in the known range, or nothing could be measured on any.
    """
    card = generator.card
    drawing = Conditioned(generator, conditions)
    values = _values(factor)
    latents = sample_prior(card.spaces[0], count=count, seed=seed)
    own = np.array([factor.coordinate(z) for z in latents])
    low, high = factor.known
    drawn = np.flatnonzero((low <= own) & (own <= high))
    if not len(drawn):
        raise LearningError(f"none of {count} new samples lies in the known range of '{factor.name}'",
                            action="raise count, or learn the factor anew")
    asking = _Asking(drawing, factor, transformation or transformation_named(factor.name), leak)
    effects = np.full((len(drawn), len(values)), np.nan)
    for first in range(0, len(drawn), CHUNK):
        chunk = latents[drawn[first : first + CHUNK]]
        for column, t in enumerate(values):
            effects[first : first + len(chunk), column] = asking.ask(chunk, column, float(t))
            yield EvaluationStep((first + len(chunk) * column / len(values)) / len(drawn), "asking new samples")
    yield EvaluationStep(1.0, "evaluated", evaluation=_summary(values, effects, latents[drawn], drawn, asking.leaks))


class _Asking:
    """Moves samples by t and measures the effect, and what else changed where that is wanted."""

    def __init__(
        self, generator: Generator, factor: Factor, transformation: Transformation, leak: Leak | None
    ) -> None:
        card = generator.card
        self._generator, self._factor, self._leak = generator, factor, leak
        self._alone = FactorSet((factor,))
        self._device = next(generator.network.parameters()).device
        self._effect = effect_of(transformation, measure=card.measure, side=card.image_size[0])
        self._noted: dict[int, int] = {}
        self.leaks: dict[str, dict[int, list[float]]] = {}

    def ask(self, latents: NDArray[np.float32], column: int, t: float) -> NDArray[np.float64]:
        """The measured effects (N,) of asking latents (N, d) for t; NaN where the known range ends before it."""
        applied = [apply_factors(z, {self._factor.name: t}, self._alone) for z in latents]
        start = torch.from_numpy(latents).to(self._device)
        move = torch.from_numpy(np.stack([one.latent for one in applied])).to(self._device) - start
        length = float(move.norm(dim=1).max())
        reached = follow(self._generator, self._effect, start, move, length=length).cpu().numpy().astype(np.float64)
        free = np.array([not one.clamped for one in applied])
        if self._leak is not None and free.any() and self._noted.setdefault(column, 0) < LEAK_SAMPLES:
            self._noted[column] += int(free.sum())
            self._note_leak(self._leak, start[free], move[free], column)
        return np.where(free, reached, np.nan)

    def _note_leak(self, leak: Leak, start: Tensor, move: Tensor, column: int) -> None:
        with torch.no_grad():
            changes = leak(self._generator.generate(start), self._generator.generate(start + move))
        for name, values in changes.items():
            self.leaks.setdefault(name, {}).setdefault(column, []).extend(map(float, values.cpu()))


def _values(factor: Factor) -> np.ndarray:
    low, high = factor.reach
    values = np.linspace(low, high, ASKED)
    return values[np.abs(values) > 0.05 * (high - low)]


def _summary(
    values: np.ndarray, effects: np.ndarray, latents: np.ndarray, drawn: np.ndarray,
    leaks: Mapping[str, Mapping[int, list[float]]],
) -> Evaluation:
    seen = np.isfinite(effects)
    usable = np.flatnonzero(seen.any(axis=0))
    values, effects, seen = values[usable], effects[:, usable], seen[:, usable]
    samples = seen.sum(axis=0)
    median = np.nanmedian(effects, axis=0)
    low, high = np.nanpercentile(effects, [15.87, 84.13], axis=0)
    asked = np.broadcast_to(values, effects.shape)[seen]
    enough = samples >= max(1, len(effects) // 4)
    ratios = np.abs(median / values - 1.0)[enough]
    return Evaluation(
        asked=tuple(map(float, values)),
        mean=tuple(map(float, np.nanmean(effects, axis=0))),
        std=tuple(map(float, np.nanstd(effects, axis=0))),
        median=tuple(map(float, median)),
        deviation=tuple(map(float, (high - low) / 2)),
        samples=tuple(map(int, samples)),
        r2=r_squared(asked, effects[seen]),
        r2_median=r_squared(values, median),
        worst_ratio=float(ratios.max()) if len(ratios) else float("nan"),
        monotone=bool((np.diff(median) >= 0).all()),
        leak={
            name: tuple(median_of(columns.get(int(index), [])) for index in usable)
            for name, columns in leaks.items()
        },
        effects=effects,
        latents=latents,
        drawn=drawn,
    )
