"""Algorithm 1 of Plumerault et al. 2020: latent trajectories that follow a transformation in pixel space."""

from __future__ import annotations

from collections.abc import Generator as Steps
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latentstudio.factors.records import NO_LABEL, Records, RecordStore
from latentstudio.factors.searches import Target, ball_of, converged, search_for, second_order
from latentstudio.factors.settings import LearnSettings
from latentstudio.generators.capabilities import Encodes
from latentstudio.generators.conditions import LABEL, Conditions, label_in_turn
from latentstudio.generators.contract import Generator
from latentstudio.latents import sample_prior
from latentstudio.steps import Step
from latentstudio.transformations import Transformation

SHOWN = 12


@dataclass(frozen=True)
class TrajectoryStep(Step):
    """Progress of Algorithm 1; ``metrics`` has the ``loss``. The last one carries the records of all trajectories.

    Attributes:
        preview: after each target, a dozen targets above and what was reached below, uint8 (2 H, 12 W, 3).
    """

    records: Records | None = None


def target_values(transformation: Transformation, settings: LearnSettings, side: int) -> Tensor:
    """The parameters (targets,) of one sign: evenly spaced up to the largest."""
    largest = transformation.largest(side) * settings.reach
    return torch.linspace(0.0, largest, settings.targets + 1)[1:]


def generate_trajectories(
    generator: Generator, transformation: Transformation, settings: LearnSettings, *, store: RecordStore | None = None
) -> Iterator[TrajectoryStep]:
    """Run Algorithm 1 in batches, both signs from the same starting points; yields after every optimiser step.

    Targets are transformed from the starting picture G(z_0) itself; each optimisation starts at the last one's result
    (equation 5) with fresh state; undefined regions are ignored; the ball constraint is equation 2. Batches that
    ``store`` holds are not computed again, so an interrupted run ends with the same records.

    Raises:
        StorageError: the disk is full.
    """
    device = next(generator.network.parameters()).device
    starts = torch.from_numpy(sample_prior(generator.card.spaces[0], count=settings.starts, seed=settings.seed))
    starts = ball_of(generator, settings)(starts.to(device))
    # a damped step takes longer than one of Adam's, and pictures are to be served between two of them
    together = max(1, settings.batch // 2) if second_order(settings, starts.shape[1]) else settings.batch
    batches = torch.arange(settings.starts, device=device).split(together)
    found: list[Records] = []
    for index, rows in enumerate(batches):
        records = store.load(index) if store is not None else None
        if records is None:
            conditions = label_in_turn(settings.labels, index)
            batch = _Batch(generator, transformation, settings, rows, starts[rows], conditions)
            records = yield from batch.run(index / len(batches), 1.0 / len(batches))
            if store is not None:
                store.save(index, records)
        found.append(records)
        yield TrajectoryStep((index + 1) / len(batches), _said(index + 1, len(batches)))
    yield TrajectoryStep(1.0, "trajectories done", records=Records.join(found))


class _Batch:
    """The trajectories of some starting points, of one class where the model has classes."""

    def __init__(
        self, generator: Generator, transformation: Transformation, settings: LearnSettings, rows: Tensor,
        origin: Tensor, conditions: Conditions,
    ) -> None:
        self._generator, self._transformation, self._settings = generator, transformation, settings
        self._rows, self._origin, self._conditions = rows, origin, conditions
        with torch.no_grad():
            self._before = generator.generate(origin, conditions=conditions)

    def run(self, start: float, share: float) -> Steps[TrajectoryStep, None, Records]:
        """Both signs; the records of all targets."""
        settings = self._settings
        values = target_values(self._transformation, settings, self._generator.card.image_size[0]).to(self._origin)
        found = []
        for side, sign in enumerate((1.0, -1.0)):
            latent = self._origin
            for number, value in enumerate(values):
                at = start + share * (side * settings.targets + number) / (2 * settings.targets)
                t = (sign * value).expand(len(self._rows))
                record = yield from self._reach(latent, t, at, share / (2 * settings.targets))
                latent = record.end
                found.append(record)
        return Records.join(found)

    def _reach(self, latent: Tensor, t: Tensor, at: float, share: float) -> Steps[TrajectoryStep, None, Records]:
        settings = self._settings
        pictures, mask = self._transformation.apply(self._before, t)
        target = Target(self._generator, pictures, mask, self._conditions)
        search = search_for(target, self._start(target, latent), settings)
        losses: list[float] = []
        for step in range(search.most):
            search.advance()
            losses.append(search.loss)
            yield TrajectoryStep(at + share * (step + 1) / search.most, _words(t), metrics={"loss": search.loss})
            if converged(losses, settings.tolerance):
                break
        end = search.latent
        with torch.no_grad():
            reached = target.draw(end).float()
            errors = target.errors(reached, settings)
        yield TrajectoryStep(at + share, _words(t), preview=pairs(pictures, reached), metrics={"loss": search.loss})
        label = self._conditions.whole(LABEL)
        labels = torch.full_like(self._rows, NO_LABEL if label is None else label)
        return Records(self._rows, self._origin, end, t, errors, labels)

    def _start(self, target: Target, latent: Tensor) -> Tensor:
        """The last result, or the encoder's answer to the target where that comes closer."""
        # a recoder that was trained later is no part of the model, and may not change what learning finds
        own = self._generator.card.promises(Encodes)
        if not (self._settings.encoder_start and own and isinstance(self._generator, Encodes)):
            return latent
        with torch.no_grad():
            last = target.draw(latent).float()
            whole = target.pictures * target.mask + last * (1.0 - target.mask)  # an encoder needs something everywhere
            told = ball_of(self._generator, self._settings)(self._generator.encode(whole))
            errors = [target.errors(pictures, self._settings) for pictures in (target.draw(told), last)]
        return torch.where((errors[0] < errors[1])[:, None], told, latent)


def pairs(targets: Tensor, reached: Tensor) -> NDArray[np.uint8]:
    """Up to a dozen targets above and results below, side by side: uint8 (2 H, K W, 3)."""
    rows = [torch.cat(tuple(part[:SHOWN].float()), dim=2) for part in (targets, reached)]
    mosaic = torch.cat(rows, dim=1).clamp(0.0, 1.0).mul(255.0).round().to(torch.uint8)
    return np.ascontiguousarray(mosaic.permute(1, 2, 0).cpu().numpy())


def _said(done: int, batches: int) -> str:
    return f"trajectories: {done} of {batches} batches"


def _words(t: Tensor) -> str:
    return f"trajectories: target {float(t[0]):+.2f}"
