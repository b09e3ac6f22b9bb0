"""Time to the same quality: this program's way of learning an axis against the published protocol, in one run."""

from __future__ import annotations

import time
from collections.abc import Generator as Steps
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from latentstudio.factors.axes import Axis, paper_axis, r_squared, ridge_axis
from latentstudio.factors.learning import split_records
from latentstudio.factors.measuring import measure_effects
from latentstudio.factors.records import Records
from latentstudio.factors.settings import LearnSettings
from latentstudio.factors.trajectories import generate_trajectories
from latentstudio.generators.contract import Generator
from latentstudio.latents import sample_prior
from latentstudio.measures.effects import effect_of
from latentstudio.steps import Step
from latentstudio.transformations import Transformation

PLAIN = LearnSettings(
    starts=50, targets=5, steps=50, optimiser="adam", learning_rate=0.01, tolerance=0.0, encoder_start=False,
    sigma=3.0 / 128.0, batch=10, refined=0, axis="paper", mixed_precision=False,
)
BUDGETS = (24, 32, 48, 64, 96, 128, 192, 256)
OFFSETS = (-3.0, -1.5, 1.5, 3.0)
SAMPLES = 128
LITTLE = 0.02
_SEED = 4_000_037


@dataclass(frozen=True)
class Trial:
    """One way of learning an axis and what moving along it did to ``SAMPLES`` new samples.

    Attributes:
        starts: starting points.
        seconds: trajectories and axis, without the measuring.
        effect: half the difference of the median effects at +3 and -3 units, in t's own parameter.
        r2: share of the effects' variance that the medians explain, over samples and moves.
    """

    starts: int
    seconds: float
    effect: float
    r2: float


@dataclass(frozen=True)
class BenchStep(Step):
    """Progress; the last one carries the published protocol's trial and all of ours, the sufficient one last."""

    plain: Trial | None = None
    ours: tuple[Trial, ...] = ()


def bench_learning(generator: Generator, transformation: Transformation, *, seed: int = 0) -> Iterator[BenchStep]:
    """Learn by the published protocol, then with growing numbers of starts until moving along the axis does as much.

    The published protocol: 50 starts, 5 targets a sign, 50 steps of Adam at 0.01, batch 10, float32, the paper's u from
    a random start. Ours: the default settings with fewer starts, and ridge regression. "As much" is an effect at least
    as large with an r2 at most ``LITTLE`` smaller, both on the same new samples.
    """
    plain = yield from _trial(generator, transformation, PLAIN, seed, 0.0, 0.6)
    ours: list[Trial] = []
    for index, starts in enumerate(BUDGETS):
        settings = LearnSettings(starts=starts, targets=3, refined=0, axis="ridge")
        at = 0.6 + 0.4 * index / len(BUDGETS)
        ours.append((yield from _trial(generator, transformation, settings, seed, at, 0.4 / len(BUDGETS))))
        if ours[-1].effect >= plain.effect and ours[-1].r2 >= plain.r2 - LITTLE:
            break
    yield BenchStep(1.0, "compared", plain=plain, ours=tuple(ours))


def _trial(
    generator: Generator, transformation: Transformation, settings: LearnSettings, seed: int, at: float, share: float
) -> Steps[BenchStep, None, Trial]:
    began = time.perf_counter()
    records: Records | None = None
    for step in generate_trajectories(generator, transformation, settings):
        records = step.records
        yield BenchStep(at + share * 0.8 * step.fraction, f"{settings.starts} starts: {step.message}")
    assert records is not None
    kept = split_records(records, settings).kept
    axis = ridge_axis(kept)
    if settings.axis == "paper":
        axis = yield from _fitted(paper_axis(kept, settings, warm=False), at + 0.8 * share)
    seconds = time.perf_counter() - began
    effects = yield from _effects(generator, transformation, axis.direction, seed, at + 0.8 * share, 0.2 * share)
    median = np.nanmedian(effects, axis=0)
    seen = np.isfinite(effects)
    explained = r_squared(effects[seen], np.broadcast_to(median, effects.shape)[seen])
    return Trial(settings.starts, round(seconds, 2), float(median[-1] - median[0]) / 2, explained)


def _fitted(steps: Steps[float, None, Axis], at: float) -> Steps[BenchStep, None, Axis]:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            axis: Axis = end.value
            return axis
        yield BenchStep(at, "fitting the paper's axis")


def _effects(
    generator: Generator, transformation: Transformation, direction: Tensor, seed: int, at: float, share: float
) -> Steps[BenchStep, None, np.ndarray]:
    card = generator.card
    effect = effect_of(transformation, measure=card.measure, side=card.image_size[0])
    latents = torch.from_numpy(sample_prior(card.spaces[0], count=SAMPLES, seed=seed + _SEED)).to(direction.device)
    effects = np.zeros((0, len(OFFSETS)))
    for step in measure_effects(
        generator, direction, effect, latents=latents, offsets=torch.tensor(OFFSETS, device=direction.device)
    ):
        effects = effects if step.effects is None else step.effects
        yield BenchStep(at + share * step.fraction, "measuring on new samples")
    return effects
