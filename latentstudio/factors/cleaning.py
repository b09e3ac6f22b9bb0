"""Cleaning an axis against others and measuring anew what moving along it does."""

from __future__ import annotations

from collections.abc import Generator as Steps
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from latentstudio.errors import LearningError, UsageError
from latentstudio.factors.calibration import MeasuredCalibration
from latentstudio.factors.conditioned import Conditioned
from latentstudio.factors.factor import Factor
from latentstudio.factors.measuring import calibrate, measure_effects
from latentstudio.factors.solving import clean_axis
from latentstudio.generators.conditions import NONE, Conditions
from latentstudio.generators.contract import Generator
from latentstudio.latents import sample_prior
from latentstudio.measures.effects import effect_of
from latentstudio.steps import Step
from latentstudio.transformations import transformation_named

_JUDGE_SEED = 1_000_003


@dataclass(frozen=True)
class CleanStep(Step):
    """Progress; the last one carries the cleaned factor and the cosines with the others before and after."""

    factor: Factor | None = None
    before: Mapping[str, float] = field(default_factory=dict)
    after: Mapping[str, float] = field(default_factory=dict)


def clean_steps(
    generator: Generator,
    factor: Factor,
    against: Sequence[Factor],
    *,
    count: int = 192,
    seed: int = 0,
    conditions: Conditions = NONE,
) -> Iterator[CleanStep]:
    """The factor along its axis without what the others' axes share with it, calibrated on ``count`` new samples.

    The paper's g belongs to the old axis and to records that are not kept; the measured curve stands in its place.

    Raises:
        UsageError: nothing to clean against, the factor itself among it, or hardly anything is left.
        LearningError: moving along what is left does not change new pictures measurably.
        UnknownNameError: the factor's effect cannot be measured.
    """
    names = [other.name for other in against]
    if not names or factor.name in names:
        raise UsageError(f"'{factor.name}' against {', '.join(names) or 'nothing'}", expected="one or more others")
    axis = clean_axis(factor.axis, [other.axis for other in against])
    drawing = Conditioned(generator, conditions)
    measured = yield from _measure(drawing, factor, axis, count, seed)
    curve = measured.curve() if measured.known[0] < measured.known[1] else None
    if curve is None or not np.ptp(curve.values) > factor.unit.least:
        raise LearningError(f"what is left of the axis of '{factor.name}' does not move new pictures measurably",
                            action="clean it against fewer")
    cleaned = replace(
        factor, axis=axis, paper=curve, measured=measured, evidence=None,
        figures={"judged": count, "spread": round(measured.spread, 4), "range_stops": list(measured.stops),
                 "cleaned_against": names},
        recipe={**factor.recipe, "cleaned_against": names},
    )
    yield CleanStep(1.0, cleaned.describe(), factor=cleaned, before=_cosines(factor.axis, against),
                    after=_cosines(axis, against))


def _measure(
    generator: Generator, factor: Factor, axis: np.ndarray, count: int, seed: int
) -> Steps[CleanStep, None, MeasuredCalibration]:
    card = generator.card
    device = next(generator.network.parameters()).device
    transformation = transformation_named(factor.name)
    effect = effect_of(transformation, measure=card.measure, side=card.image_size[0])
    latents = torch.from_numpy(sample_prior(card.spaces[0], count=count, seed=seed + _JUDGE_SEED)).to(device)
    direction = torch.from_numpy(axis).to(device)
    grid = np.asarray(factor.measured.coordinates, dtype=np.float64)
    offsets = torch.from_numpy(grid).float().to(device)
    effects: np.ndarray | None = None
    residual: np.ndarray | None = None
    for step in measure_effects(
        generator, direction, effect, latents=latents, offsets=offsets, transformation=transformation
    ):
        effects, residual = step.effects, step.residual
        yield CleanStep(step.fraction * 0.99, step.message)
    assert effects is not None
    own = (latents @ direction).cpu().numpy().astype(np.float64)
    return calibrate(effects, own, grid, grid, residual=residual)


def _cosines(axis: np.ndarray, others: Sequence[Factor]) -> dict[str, float]:
    return {other.name: float(np.dot(axis.astype(np.float64), other.axis.astype(np.float64))) for other in others}
