"""Algorithm 1 of Plumerault et al. 2020: latent trajectories that follow a transformation in pixel space."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from latentstudio.factors.settings import LearnSettings
from latentstudio.generators.contract import Generator
from latentstudio.latents import project_to_ball, sample_prior
from latentstudio.losses import blurred_error
from latentstudio.steps import Step
from latentstudio.training.loop import mixed_precision_pays
from latentstudio.transformations import Transformation

BETAS = (0.9, 0.99)


@dataclass(frozen=True)
class Records:
    """The dataset D of Algorithm 1, one row a record.

    Attributes:
        start: index of the starting point, int64 (R,).
        origin: z_0 (R, d).
        end: z_t (R, d).
        t: parameter of the target (R,).
        error: reconstruction error at ``end`` (R,).
    """

    start: Tensor
    origin: Tensor
    end: Tensor
    t: Tensor
    error: Tensor

    def __len__(self) -> int:
        return len(self.t)

    def where(self, kept: Tensor) -> Records:
        """The rows for which ``kept`` (R,) is true."""
        return Records(self.start[kept], self.origin[kept], self.end[kept], self.t[kept], self.error[kept])

    @property
    def displacement(self) -> Tensor:
        """z_t - z_0 (R, d)."""
        return self.end - self.origin


@dataclass(frozen=True)
class TrajectoryStep(Step):
    """Progress of Algorithm 1; the last one carries the records of all trajectories."""

    records: Records | None = None


def target_values(transformation: Transformation, settings: LearnSettings, side: int) -> Tensor:
    """The parameters (targets,) of one sign: evenly spaced up to the largest."""
    largest = transformation.largest(side) * settings.reach
    return torch.linspace(0.0, largest, settings.targets + 1)[1:]


def generate_trajectories(
    generator: Generator, transformation: Transformation, settings: LearnSettings
) -> Iterator[TrajectoryStep]:
    """Run Algorithm 1 in batches, both signs from the same starting points; yields after every optimiser step.

    Targets are transformed from the starting picture G(z_0) itself; each optimisation starts at the last one's result
    (equation 5) with fresh Adam state; undefined regions are ignored; the ball constraint is equation 2.
    """
    card = generator.card
    space = card.spaces[0]
    device = next(generator.network.parameters()).device
    starts = torch.from_numpy(sample_prior(space, count=settings.starts, seed=settings.seed)).to(device)
    if settings.ball:
        starts = project_to_ball(starts, space.radius)
    values = target_values(transformation, settings, card.image_size[0]).to(device)
    batches = list(torch.arange(settings.starts, device=device).split(settings.batch))
    total = len(batches) * 2 * settings.targets * settings.steps
    found: list[Records] = []
    done = 0
    for rows in batches:
        origin = starts[rows]
        with torch.no_grad():
            before = generator.generate(origin)
        for sign in (1.0, -1.0):
            latent = origin
            for value in values:
                t = (sign * value).expand(len(rows))
                target, mask = transformation.apply(before, t)
                search = _Search(generator, target, mask, settings, latent)
                for _ in range(settings.steps):
                    search.advance()
                    done += 1
                    yield TrajectoryStep(done / total, f"trajectories: {done:,} of {total:,} steps",
                                         metrics={"loss": search.loss})
                latent = search.latent
                found.append(Records(rows, origin, latent, t, search.errors()))
    yield TrajectoryStep(1.0, "trajectories done", records=_join(found))


class _Search:
    """One target of one batch: Adam on the latent with fresh state."""

    def __init__(
        self, generator: Generator, target: Tensor, mask: Tensor, settings: LearnSettings, start: Tensor
    ) -> None:
        self._generator, self._target, self._mask, self._settings = generator, target, mask, settings
        self._radius = generator.card.spaces[0].radius
        self._latent = start.clone().requires_grad_(True)
        self._optimiser = torch.optim.Adam([self._latent], lr=settings.learning_rate, betas=BETAS)
        device = target.device.type
        self._autocast = settings.mixed_precision and (device == "cuda" or mixed_precision_pays())
        self.loss = float("nan")

    @property
    def latent(self) -> Tensor:
        return self._latent.detach().clone()

    def errors(self) -> Tensor:
        """Reconstruction error (B,) at the present latent, in full precision."""
        with torch.no_grad():
            images = self._generator.generate(self._latent)
            return blurred_error(images, self._target, self._mask, sigma=self._settings.sigma)

    def advance(self) -> None:
        with torch.autocast(self._target.device.type, torch.bfloat16, enabled=self._autocast):
            images = self._generator.generate(self._latent)
        error = blurred_error(images.float(), self._target, self._mask, sigma=self._settings.sigma).sum()
        (self._latent.grad,) = torch.autograd.grad(error, self._latent)
        self._optimiser.step()
        if self._settings.ball:
            with torch.no_grad():
                self._latent.copy_(project_to_ball(self._latent, self._radius))
        self.loss = float(error.detach()) / len(self._target)


def _join(parts: list[Records]) -> Records:
    return Records(
        start=torch.cat([part.start for part in parts]),
        origin=torch.cat([part.origin for part in parts]),
        end=torch.cat([part.end for part in parts]),
        t=torch.cat([part.t for part in parts]),
        error=torch.cat([part.error for part in parts]),
    )
