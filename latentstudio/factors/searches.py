"""One target of one batch of trajectories: where is the latent whose picture is the target? (equations 2 to 5)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from latentstudio.factors.settings import LearnSettings
from latentstudio.generators.conditions import Conditions
from latentstudio.generators.contract import Generator
from latentstudio.latents import project_to_ball
from latentstudio.losses import blur, blurred_error
from latentstudio.optimisation.second_order import LevenbergMarquardt
from latentstudio.training.loop import mixed_precision_pays

BETAS = (0.9, 0.99)
SMALL = 16
GRID = 32
PATIENCE = 3


@dataclass(frozen=True)
class Target:
    """Pictures (N, 3, H, W) to be met where ``mask`` (N, 1, H, W) is 1, drawn under these ``conditions``."""

    generator: Generator
    pictures: Tensor
    mask: Tensor
    conditions: Conditions

    def draw(self, latent: Tensor) -> Tensor:
        """The generator's pictures (N, 3, H, W)."""
        return self.generator.generate(latent, conditions=self.conditions)

    def errors(self, pictures: Tensor, settings: LearnSettings) -> Tensor:
        """Reconstruction error (N,) of pictures, equation 3."""
        return blurred_error(pictures.float(), self.pictures, self.mask, sigma=settings.sigma)


class Search(Protocol):
    """Steps towards a target from a start: at most ``most``; ``loss`` is the mean error of the last step."""

    loss: float
    most: int

    @property
    def latent(self) -> Tensor: ...

    def advance(self) -> None: ...


def search_for(target: Target, start: Tensor, settings: LearnSettings) -> Search:
    """The search that the settings ask for, with fresh state."""
    kind = SecondOrder if second_order(settings, start.shape[1]) else FirstOrder
    return kind(target, start, settings)


def second_order(settings: LearnSettings, size: int) -> bool:
    """Whether latents of ``size`` coordinates are searched by Levenberg-Marquardt."""
    return settings.optimiser == "levenberg-marquardt" or (settings.optimiser == "auto" and size <= SMALL)


def converged(losses: list[float], tolerance: float) -> bool:
    """True once the last ``PATIENCE`` steps together lowered the error by less than ``tolerance`` of it."""
    if len(losses) <= PATIENCE:
        return False
    before = min(losses[:-PATIENCE])
    return before - min(losses[-PATIENCE:]) < tolerance * before


class FirstOrder:
    """Adam with fresh state, projected to the ball after every step."""

    def __init__(self, target: Target, start: Tensor, settings: LearnSettings) -> None:
        self._target, self._settings = target, settings
        self._project = ball_of(target.generator, settings)
        self._latent = start.clone().requires_grad_(True)
        self._optimiser = torch.optim.Adam([self._latent], lr=settings.learning_rate, betas=BETAS)
        self.loss, self.most = float("nan"), settings.steps

    @property
    def latent(self) -> Tensor:
        """Where the search stands (N, d)."""
        return self._latent.detach().clone()

    def advance(self) -> None:
        """One step of Adam."""
        with torch.autocast(self._latent.device.type, torch.bfloat16, enabled=fast(self._latent, self._settings)):
            images = self._target.draw(self._latent)
        error = self._target.errors(images, self._settings).sum()
        (self._latent.grad,) = torch.autograd.grad(error, self._latent)
        self._optimiser.step()
        with torch.no_grad():
            self._latent.copy_(self._project(self._latent))
        self.loss = float(error.detach()) / len(self._latent)


class SecondOrder:
    """Levenberg-Marquardt on the blurred difference, seen at no more than ``GRID`` points a side."""

    def __init__(self, target: Target, start: Tensor, settings: LearnSettings) -> None:
        self._settings, self._target = settings, target
        self._pooled = max(1, target.pictures.shape[-1] // GRID)
        self._mask = functional.avg_pool2d(target.mask, self._pooled)
        self._wanted = functional.avg_pool2d(target.pictures, self._pooled)
        self._defined = target.mask.mean(dim=(1, 2, 3)).clamp_min(1e-6).sqrt()[:, None]
        project = ball_of(target.generator, settings)
        self._steps = LevenbergMarquardt(self._residual, start, project=project)
        self.loss, self.most = float(self._steps.loss.mean()), settings.damped_steps

    @property
    def latent(self) -> Tensor:
        """Where the search stands (N, d)."""
        return self._steps.latent.clone()

    def advance(self) -> None:
        """One damped Gauss-Newton step."""
        self._steps.advance()
        self.loss = float(self._steps.loss.mean())

    def _residual(self, latent: Tensor) -> Tensor:
        with torch.autocast(latent.device.type, torch.bfloat16, enabled=fast(latent, self._settings)):
            images = self._target.draw(latent)
        small = functional.avg_pool2d(images, self._pooled).float()
        difference = (small - self._wanted) * self._mask
        return blur(difference, self._settings.sigma * difference.shape[-2]).flatten(1) / self._defined


def ball_of(generator: Generator, settings: LearnSettings) -> partial[Tensor]:
    """The projection after every step: to the ball of equation 2, or none."""
    radius = generator.card.spaces[0].radius if settings.ball else float("inf")
    return partial(project_to_ball, radius=radius)


def fast(latent: Tensor, settings: LearnSettings) -> bool:
    """Whether bfloat16 is wanted and pays where this latent lies."""
    return settings.mixed_precision and (latent.device.type == "cuda" or mixed_precision_pays())
