"""Learning a factor: trajectories, candidate axes, and a verdict by what moving along them does to new samples."""

from __future__ import annotations

import time
from collections.abc import Generator as Steps
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from latentstudio.errors import LearningError
from latentstudio.factors.axes import Axis, fit_of, mean_axis, paper_fit, ridge_axis
from latentstudio.factors.calibration import MeasuredCalibration, MonotoneCurve
from latentstudio.factors.factor import Factor
from latentstudio.factors.measuring import calibrate, measure_effects
from latentstudio.factors.settings import LearnSettings
from latentstudio.factors.trajectories import Records, generate_trajectories
from latentstudio.generators.contract import Generator
from latentstudio.latents import LatentSpace, sample_prior
from latentstudio.measures.effects import Effect, effect_of
from latentstudio.steps import Step
from latentstudio.transformations import Transformation, transformation_named

TRAJECTORY_SHARE = 0.75
PILOT_END = 0.9
PILOTS = 64
PILOT_POINTS = 15
POINTS = 29
STANDSTILL = 1e-4
_JUDGE_SEED = 1_000_003


@dataclass(frozen=True)
class LearnStep(Step):
    """Progress of learning; the last one carries the factor."""

    factor: Factor | None = None


def learn_factor(
    generator: Generator, *, transformation: str | Transformation, settings: LearnSettings | None = None
) -> Iterator[LearnStep]:
    """Learn one factor of a generator (Algorithm 1 and section 2.2 of Plumerault et al. 2020), and measure it.

    Records whose errors are among the worst share are dropped; a share of the starting points is held out. The
    candidate axes (the paper's, ridge regression, mean displacement) are judged by moving ``PILOTS`` new samples along
    each; the one with the widest known range for its spread is measured again on ``settings.judged`` samples.

    Raises:
        LearningError: nothing was left after dropping, or no axis moves the picture.
    """
    settings = settings or LearnSettings()
    chosen = transformation_named(transformation) if isinstance(transformation, str) else transformation
    began = time.perf_counter()
    records: Records | None = None
    for step in generate_trajectories(generator, chosen, settings):
        records = step.records
        yield LearnStep(step.fraction * TRAJECTORY_SHARE, step.message, metrics=step.metrics)
    assert records is not None
    kept, held_out = _split(records, settings)
    paper, curve = yield from _fit(kept)
    candidates = [axis for axis in (paper, ridge_axis(kept), mean_axis(kept)) if settings.axis in ("best", axis.name)]
    judge = _Judge(generator, chosen, settings)
    scores: list[float] = []
    for index, axis in enumerate(candidates):
        share = (PILOT_END - TRAJECTORY_SHARE) / len(candidates)
        measured = yield from judge.measure(axis, PILOTS, PILOT_POINTS, TRAJECTORY_SHARE + share * index, share)
        scores.append(_score(measured))
    # of equal ones the later, simpler model
    best = candidates[max(range(len(candidates)), key=lambda index: (scores[index], index))]
    own = curve if best is paper else (yield from _fit(kept, best, at=PILOT_END))[1]
    measured = yield from judge.measure(best, settings.judged, POINTS, PILOT_END, 1.0 - PILOT_END)
    figures = {
        "seconds": round(time.perf_counter() - began, 1),
        "starts": settings.starts,
        "records": len(records),
        "records_kept": len(kept) + len(held_out),
        "axis": best.name,
        "r2_heldout_starts": round(fit_of(best, own, held_out), 3),
        "r2_heldout_starts_paper": round(fit_of(paper, curve, held_out), 3),
        "judged": settings.judged,
        "scores": {axis.name: round(score, 3) for axis, score in zip(candidates, scores, strict=True)},
        "spread": round(measured.spread, 4),
    }
    factor = _factor(generator, chosen, settings, best, own, measured, figures)
    yield LearnStep(1.0, factor.describe(), factor=factor)


def _fit(
    records: Records, axis: Axis | None = None, *, at: float = TRAJECTORY_SHARE
) -> Steps[LearnStep, None, tuple[Axis, MonotoneCurve]]:
    fitting = paper_fit(records, axis=axis)
    while True:
        try:
            next(fitting)
        except StopIteration as end:
            fitted: tuple[Axis, MonotoneCurve] = end.value
            return fitted
        yield LearnStep(at, "fitting the axis")


class _Judge:
    """Moves new samples along an axis and measures what that did."""

    def __init__(self, generator: Generator, transformation: Transformation, settings: LearnSettings) -> None:
        self._generator, self._seed = generator, settings.seed + _JUDGE_SEED
        card = generator.card
        self._space: LatentSpace = card.spaces[0]
        self._device = next(generator.network.parameters()).device
        self._effect: Effect = effect_of(transformation, measure=card.measure, side=card.image_size[0])

    def measure(
        self, axis: Axis, samples: int, points: int, start: float, share: float
    ) -> Steps[LearnStep, None, MeasuredCalibration]:
        latents = torch.from_numpy(sample_prior(self._space, count=samples, seed=self._seed)).to(self._device)
        furthest = min(7.0, max(3.5, 0.7 * self._space.radius))
        offsets = torch.linspace(-furthest, furthest, points, device=self._device)
        effects: np.ndarray | None = None
        for step in measure_effects(
            self._generator, axis.direction, self._effect, latents=latents, offsets=offsets
        ):
            effects = step.effects
            yield LearnStep(start + share * step.fraction, f"{step.message}: {axis.name} axis")
        assert effects is not None
        own = (latents @ axis.direction).cpu().numpy().astype(np.float64)
        grid = offsets.cpu().numpy().astype(np.float64)
        return calibrate(effects, own, grid, grid)


def _split(records: Records, settings: LearnSettings) -> tuple[Records, Records]:
    usable = torch.isfinite(records.error) & torch.isfinite(records.end).all(dim=1)
    if int(usable.sum()) < 4:
        raise LearningError(
            "the generator's pictures are not finite numbers on these trajectories", action="check the model's weights"
        )
    limit = torch.quantile(records.error[usable], 1.0 - settings.dropped)
    kept = usable & (records.error <= limit)
    first_held_out = round(settings.starts * (1.0 - settings.held_out))
    training, held_out = records.where(kept & (records.start < first_held_out)), records.where(
        kept & (records.start >= first_held_out)
    )
    if len(training) < 4 or len(held_out) < 2:
        raise LearningError(
            f"{len(training)} records are left after dropping the worst", expected="at least 4",
            action="raise starts or lower dropped",
        )
    if not float(training.displacement.abs().max()) > STANDSTILL:
        raise LearningError("no latent moved towards its target", action="the model may not depend on its latent")
    return training, held_out


def _score(measured: MeasuredCalibration) -> float:
    """Reach of the known range, discounted by the spread of new samples inside it; 0 where nothing moves."""
    low, high = measured.known
    if not low < 0.0 < high:
        return 0.0
    curve = measured.curve()
    half = float(curve.values[-1] - curve.values[0]) / 2
    nearer = float(min(-curve.values[0], curve.values[-1]))
    return (half + nearer) / (1.0 + measured.spread / half) if half > 0 else 0.0


def _factor(
    generator: Generator,
    transformation: Transformation,
    settings: LearnSettings,
    axis: Axis,
    curve: MonotoneCurve,
    measured: MeasuredCalibration,
    figures: dict[str, object],
) -> Factor:
    low, high = measured.known
    if not low < high or not np.ptp(measured.curve().values) > transformation.unit.least:
        raise LearningError(
            f"moving along the axis of '{transformation.name}' does not change new pictures of this model measurably",
            action="try more starts, or accept that this model has no such factor",
        )
    card = generator.card
    direction: Tensor = axis.direction
    return Factor(
        name=transformation.name,
        title=transformation.title,
        unit=transformation.unit,
        axis=direction.cpu().numpy().astype(np.float32),
        paper=curve,
        measured=measured,
        model=card.name,
        model_sha256=card.weights_sha256,
        figures=figures,
        recipe=settings.as_dict(),
    )


