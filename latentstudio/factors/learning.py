"""Learning a factor: trajectories, candidate axes, and a verdict by what moving along them does to new samples."""

from __future__ import annotations

from collections.abc import Generator as Steps
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from latentstudio.errors import LearningError
from latentstudio.factors.axes import Axis, curve_along, mean_axis, paper_axis, predicted, r_squared, ridge_axis
from latentstudio.factors.calibration import MeasuredCalibration, MonotoneCurve
from latentstudio.factors.factor import Evidence, Factor
from latentstudio.factors.leaking import leak_of
from latentstudio.factors.measuring import calibrate, measure_effects
from latentstudio.factors.records import Records, RecordStore
from latentstudio.factors.refining import refined_axis
from latentstudio.factors.settings import LearnSettings
from latentstudio.factors.trajectories import generate_trajectories
from latentstudio.files import sha256_of
from latentstudio.generators.card import ModelCard
from latentstudio.generators.contract import Generator
from latentstudio.latents import LatentSpace, sample_prior
from latentstudio.measures.effects import Effect, effect_of
from latentstudio.steps import Step
from latentstudio.transformations import Transformation, transformation_named

Fitted = TypeVar("Fitted")

TRAJECTORY_SHARE = 0.75
REFINE_END = 0.8
PILOT_END = 0.88
LEAK_START = 0.97
PILOTS = 64
PILOT_POINTS = 15
POINTS = 29
STANDSTILL = 1e-4
SHOWN = 12
MOST_PAIRS = 400
_JUDGE_SEED = 1_000_003


@dataclass(frozen=True)
class LearnStep(Step):
    """Progress of learning; the last one carries the factor.

    Attributes:
        phase: ``trajectories``, ``axis``, ``judging`` or ``measuring``.
        preview: while trajectories are made, a dozen targets above and what was reached below.
        metrics: ``loss`` while trajectories are made.
    """

    factor: Factor | None = None
    phase: str = "trajectories"


def learn_factor(
    generator: Generator, *, transformation: str | Transformation, settings: LearnSettings | None = None,
    records_folder: Path | None = None,
) -> Iterator[LearnStep]:
    """Learn one factor of a generator (Algorithm 1 and section 2.2 of Plumerault et al. 2020), and measure it.

    Records whose errors are among the worst share are dropped; a share of the starting points is held out. The
    candidate axes (the paper's, ridge regression, mean displacement, the best of these refined end to end) are judged
    by moving ``PILOTS`` new samples along each; the one with the widest known range for its spread is measured again on
    ``settings.judged`` samples. With ``records_folder`` finished batches of trajectories are kept there and not
    computed again: a killed run that is started anew ends with the same factor.

    Raises:
        LearningError: nothing was left after dropping, no axis moves the picture, or the folder holds other records.
        StorageError: the disk is full.
    """
    settings = settings or LearnSettings()
    chosen = transformation_named(transformation) if isinstance(transformation, str) else transformation
    store = None if records_folder is None else RecordStore(records_folder, about(generator.card, chosen, settings))
    records: Records | None = None
    for step in generate_trajectories(generator, chosen, settings, store=store):
        records = step.records
        yield LearnStep(step.fraction * TRAJECTORY_SHARE, step.message, step.preview, step.metrics)
    assert records is not None
    yield from learn_from(generator, chosen, records, settings)


def about(card: ModelCard, transformation: Transformation, settings: LearnSettings) -> dict[str, object]:
    """Everything that the records of a run depend on."""
    options = {key: getattr(transformation, key) for key in ("name", "reach", "fill", "interpolation")}
    own = "" if transformation.origin is None else sha256_of(transformation.origin.path)
    return {
        "model": card.name, "weights_sha256": card.weights_sha256, "transformation": {**options, "file_sha256": own},
        **settings.of_records(),
    }


def learn_from(
    generator: Generator, transformation: Transformation, records: Records, settings: LearnSettings
) -> Iterator[LearnStep]:
    """The second half of ``learn_factor``: axis, judgement and calibration from records that are there already."""
    split = split_records(records, settings)
    judge = _Judge(generator, transformation, settings)
    candidates = yield from _candidates(generator, transformation, split.kept, settings)
    scores = {axis.name: 0.0 for axis in candidates}
    wanted = [axis for axis in candidates if settings.axis in ("best", axis.name)]
    if len(wanted) > 1:
        share = (PILOT_END - REFINE_END) / len(wanted)
        for index, axis in enumerate(wanted):
            measured = yield from judge.measure(axis, PILOTS, PILOT_POINTS, REFINE_END + share * index, share)
            scores[axis.name] = score(measured)
    best = max(reversed(wanted), key=lambda axis: scores[axis.name])  # of equal ones the later, simpler model
    curve = yield from _curve(split.kept, best, settings)
    own = next(axis for axis in candidates if axis.name == "paper")
    paper_curve = curve if own is best else (yield from _curve(split.kept, own, settings))
    measured = yield from judge.measure(best, settings.judged, POINTS, PILOT_END, LEAK_START - PILOT_END)
    leaking = leak_of(generator, best.direction, measured, name=transformation.name, seed=settings.seed,
                      labels=settings.labels)
    beside = yield from _through(leaking, LEAK_START, 1.0 - LEAK_START, "measuring what else moves", phase="measuring")
    asked = split.held_out.t.cpu().numpy().astype(np.float64)
    said = predicted(best, curve, split.held_out)
    figures = {
        "starts": settings.starts,
        "records": len(records),
        "records_kept": len(split.kept) + len(split.held_out),
        "axis": best.name,
        "r2_heldout_starts": round(r_squared(asked, said), 3),
        "r2_heldout_starts_paper": round(r_squared(asked, predicted(own, paper_curve, split.held_out)), 3),
        "judged": settings.judged,
        "scores": {name: round(score, 3) for name, score in scores.items() if score},
        "cosines": {axis.name: round(float(axis.direction @ best.direction), 3) for axis in candidates},
        "spread": round(measured.spread, 4),
        "range_stops": list(measured.stops),
        "leak": beside,
        "notes": list(split.notes),
    }
    evidence = _evidence(records, split, asked, said)
    factor = _factor(generator, transformation, settings, best, curve, measured, figures, evidence)
    yield LearnStep(1.0, factor.describe(), factor=factor, phase="measuring")


def _candidates(
    generator: Generator, transformation: Transformation, kept: Records, settings: LearnSettings
) -> Steps[LearnStep, None, list[Axis]]:
    """The simplest last."""
    fitting = paper_axis(kept, settings)
    paper = yield from _through(fitting, TRAJECTORY_SHARE, 0.0, "fitting the axis")
    mean, ridge = mean_axis(kept), ridge_axis(kept)
    if not settings.refined or settings.axis not in ("best", "refined"):
        return [paper, ridge, mean]
    length = float((kept.displacement @ mean.direction).abs().max())
    refining = refined_axis(generator, transformation, mean, settings, length=length)
    refined = yield from _through(refining, TRAJECTORY_SHARE, REFINE_END - TRAJECTORY_SHARE, "refining the axis")
    return [paper, refined, ridge, mean]


def _curve(records: Records, axis: Axis, settings: LearnSettings) -> Steps[LearnStep, None, MonotoneCurve]:
    fitting = curve_along(records, axis, knots=settings.knots)
    curve: MonotoneCurve = yield from _through(fitting, PILOT_END, 0.0, "fitting the paper's g")
    return curve


def _through(
    steps: Steps[float, None, Fitted], start: float, share: float, words: str, *, phase: str = "axis"
) -> Steps[LearnStep, None, Fitted]:
    """Carry the shares of a fit into steps; returns what it found."""
    while True:
        try:
            done = next(steps)
        except StopIteration as end:
            found: Fitted = end.value
            return found
        yield LearnStep(start + share * done, words, phase=phase)


@dataclass(frozen=True)
class Split:
    """Records that were kept for the fit and for its judgement, the errors' cut, and what is to be said of them."""

    kept: Records
    held_out: Records
    cut: float
    notes: tuple[str, ...] = ()


def split_records(records: Records, settings: LearnSettings) -> Split:
    """Drop the worst share of the errors; hold out the last share of the starting points.

    Raises:
        LearningError: too few are left, or no latent moved.
    """
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
    size = training.origin.shape[1]
    few = f"{len(training)} records for {size} dimensions: the axis rests on its regularisation; use more starts"
    return Split(training, held_out, float(limit), (few,) if len(training) < 2 * size else ())


def _evidence(records: Records, split: Split, asked: np.ndarray, said: np.ndarray) -> Evidence:
    """A dozen trajectories, the fit on held-out starts and all errors, as much as plots need."""
    values = sorted({float(t) for t in records.t.cpu()})
    starts = sorted({int(start) for start in records.start.cpu()})[:SHOWN]
    column = {value: index for index, value in enumerate(values)}
    row = {start: index for index, start in enumerate(starts)}
    origins = np.zeros((len(starts), records.origin.shape[1]), np.float32)
    ends = np.full((len(starts), len(values), records.origin.shape[1]), np.nan, np.float32)
    for index in (records.start <= starts[-1]).nonzero()[:, 0].tolist():
        place = row[int(records.start[index])]
        origins[place] = records.origin[index].cpu().numpy()
        if float(records.error[index]) <= split.cut:
            ends[place, column[float(records.t[index])]] = records.end[index].cpu().numpy()
    every = max(1, len(asked) // MOST_PAIRS)
    errors = np.sort(records.error.cpu().numpy().astype(np.float32))
    return Evidence(
        origins=origins, values=np.asarray(values, np.float64), ends=ends, asked=asked[::every].astype(np.float32),
        predicted=said[::every].astype(np.float32), errors=errors[:: max(1, len(errors) // MOST_PAIRS)], cut=split.cut,
    )


class _Judge:
    """Moves new samples along an axis and measures what that did."""

    def __init__(self, generator: Generator, transformation: Transformation, settings: LearnSettings) -> None:
        self._generator, self._seed = generator, settings.seed + _JUDGE_SEED
        self._labels, self._transformation = settings.labels, transformation
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
        residual: np.ndarray | None = None
        phase = "judging" if samples == PILOTS else "measuring"
        for step in measure_effects(
            self._generator, axis.direction, self._effect, latents=latents, offsets=offsets, labels=self._labels,
            transformation=self._transformation,
        ):
            effects, residual = step.effects, step.residual
            yield LearnStep(start + share * step.fraction, f"{step.message}: {axis.name} axis", phase=phase)
        assert effects is not None
        own = (latents @ axis.direction).cpu().numpy().astype(np.float64)
        grid = offsets.cpu().numpy().astype(np.float64)
        return calibrate(effects, own, grid, grid, residual=residual)


def score(measured: MeasuredCalibration) -> float:
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
    evidence: Evidence,
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
        evidence=evidence,
    )


