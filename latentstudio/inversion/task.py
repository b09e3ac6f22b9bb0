"""What an inversion works on: one generator, one target, one loss, one constraint."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from latentstudio.errors import CapabilityError, UsageError
from latentstudio.generators.conditions import NONE, Conditions
from latentstudio.generators.contract import Generator, MapsLatents
from latentstudio.inversion.settings import InversionSettings
from latentstudio.latents import (
    LatentSpace,
    hold_near,
    hold_near_shell,
    project_to_ball,
    project_to_sphere,
    sample_prior,
)
from latentstudio.loss_names import SQUARED, needs_features, parse_loss
from latentstudio.losses import Features, Loss, blur, features_for, loss_named
from latentstudio.optimisation.second_order import Ball
from latentstudio.training.loop import mixed_precision_pays

GRID = 32


@dataclass(frozen=True)
class Task:
    """Finds flat latents (N, d) whose pictures meet ``target`` (1, 3, H, W) where ``mask`` (1, 1, H, W) is 1."""

    generator: Generator
    target: Tensor
    mask: Tensor
    settings: InversionSettings
    conditions: Conditions = NONE
    features: Features | None = None
    centre: Tensor | None = None

    @property
    def space(self) -> LatentSpace:
        """The latent space that is searched."""
        card = self.generator.card
        return card.space(self.settings.space) if self.settings.space else card.spaces[0]

    @property
    def mapped(self) -> bool:
        """Whether that is another one than the generator's first, reached by its mapping."""
        return self.space.name != self.generator.card.spaces[0].name

    @property
    def loss(self) -> Loss:
        """The settings' loss."""
        return loss_named(self.settings.loss, sigma=self.settings.sigma, features=self.features)

    @property
    def distance(self) -> float | None:
        """How far the latent may go from the centre or the shell; None is any way."""
        return self.settings.allowed(self.generator.card.spaces[0].radius)

    @property
    def fast(self) -> bool:
        """Whether bfloat16 is wanted and pays."""
        return self.settings.mixed_precision and (self.target.device.type == "cuda" or mixed_precision_pays())

    def draw(self, latents: Tensor) -> Tensor:
        """Pictures (N, 3, H, W) of flat latents, in the settings' precision."""
        with torch.autocast(latents.device.type, torch.bfloat16, enabled=self.fast):
            pictures = self._generate(latents)
        return pictures.float()

    def draw_exactly(self, latents: Tensor) -> Tensor:
        """Pictures (N, 3, H, W) of flat latents in float32, without gradients."""
        with torch.no_grad():
            return self._generate(latents)

    def _generate(self, latents: Tensor) -> Tensor:
        shaped = latents.reshape(-1, *self.space.shape)
        return self.generator.generate(shaped, space=self.space.name, conditions=self.conditions)

    def sample(self, count: int, seed: int) -> Tensor:
        """Flat latents (count, d) of samples of the prior, mapped into the space that is searched.

        Raises:
            UsageError: the prior cannot be sampled.
            CapabilityError: the generator has no mapping into the space.
        """
        drawn = torch.from_numpy(sample_prior(self.generator.card.spaces[0], count=count, seed=seed))
        return self.map_in(drawn.to(self.target.device)).reshape(count, -1)

    def map_in(self, latents: Tensor) -> Tensor:
        """Latents (N, *shape) of the generator's first space, told in the one that is searched."""
        if not self.mapped:
            return latents
        generator = self.generator
        if not isinstance(generator, MapsLatents):
            raise CapabilityError(f"the model '{generator.card.name}' has no mapping into {self.space.name}",
                                  action=f"search in {generator.card.spaces[0].name}")
        with torch.no_grad():
            return generator.map_latents(latents, space=self.space.name, conditions=self.conditions).float()

    def losses(self, latents: Tensor) -> Tensor:
        """The loss (N,) of flat latents, differentiable."""
        return self.loss(self.draw(latents), self.target, self.mask)

    def exact_losses(self, latents: Tensor) -> Tensor:
        """The loss (N,) in float32, without gradients."""
        with torch.no_grad():
            return self.loss(self._generate(latents), self.target, self.mask)

    def project(self, latents: Tensor) -> Tensor:
        """Flat latents after the constraint; equation 2 of Plumerault et al. 2020 for the ball.

        A start that obeys ball or sphere obeys them still after the distance from it was held, as the ball is convex.
        """
        radius, distance = self.settings.radius or self.space.radius, self.distance
        if distance is not None and self.settings.around == "shell":
            latents = hold_near_shell(latents, radius, distance)
        elif distance is not None and self.centre is not None:
            latents = hold_near(latents, self.centre, distance)
        if not self._bounded:
            return latents
        if self.settings.constraint == "ball":
            return project_to_ball(latents, radius)
        return project_to_sphere(latents, radius) if self.settings.constraint == "sphere" else latents

    @property
    def ball(self) -> Ball | None:
        """A ball that holds all latents which ``project`` leaves as they are, the smaller one where there are two."""
        settings, balls = self.settings, []
        if settings.constraint == "ball" and self._bounded:
            balls.append(Ball(settings.radius or self.space.radius))
        if self.distance and settings.around == "start" and self.centre is not None:
            balls.append(Ball(self.distance, self.centre))
        return min(balls, key=lambda one: one.radius, default=None)

    @property
    def _bounded(self) -> bool:
        """Whether a radius is known: no prior says how far a mapped latent may go."""
        return not self.mapped or self.settings.radius is not None

    def residual(self, latents: Tensor) -> Tensor:
        """Residuals (N, P) whose mean square is the loss; blurred ones are seen at ``GRID`` points a side or more.

        A blur of a pixel or more leaves nothing between two such points, and the Jacobian is four times smaller.
        """
        difference = (self.draw(latents) - self.target) * self.mask
        defined = self.mask.mean().clamp_min(1e-6)
        parts = []
        for weight, name in parse_loss(self.settings.loss):
            assert name in SQUARED
            spread = self.settings.sigma * difference.shape[-2] if name == "blurred" else 0.0
            seen = blur(difference, spread)
            pooled = max(1, difference.shape[-1] // GRID) if spread >= 1.0 else 1
            seen = functional.avg_pool2d(seen, pooled) if pooled > 1 else seen
            parts.append(seen.flatten(1) * (weight / defined).sqrt() / seen[0].numel() ** 0.5)
        residuals = torch.cat(parts, dim=1)
        return residuals * math.sqrt(residuals.shape[1])


def make_task(
    generator: Generator, target: Tensor, settings: InversionSettings, *, mask: Tensor | None = None,
    conditions: Conditions = NONE,
) -> Task:
    """The task for a picture (3, H, W) or (1, 3, H, W) of any size, resized to the model's (bicubic, antialiased).

    Raises:
        UsageError: the picture is not one RGB picture, or holds numbers that are not finite.
        CapabilityError: the loss needs features, and neither add-on nor critic gives them.
    """
    device = next(generator.network.parameters()).device
    picture = target[None] if target.dim() == 3 else target
    if picture.dim() != 4 or picture.shape[:2] != (1, 3) or min(picture.shape[2:]) < 1:
        raise UsageError(f"a picture of shape {tuple(target.shape)}", expected="(3, height, width)")
    whole = torch.ones_like(picture[:, :1]) if mask is None else mask.reshape(1, 1, *picture.shape[2:])
    if not bool(torch.isfinite(picture).all()) or float(whole.max()) <= 0.0:
        raise UsageError("a picture without a single finite and defined pixel, or with some that are not finite",
                         expected="numbers in [0, 1]")
    picture, whole = (_sized(part.float(), generator.card.image_size) for part in (picture, whole))
    features = features_for(generator) if needs_features(settings.loss) else None
    return Task(generator, picture.clamp(0.0, 1.0).to(device), whole.clamp(0.0, 1.0).to(device), settings, conditions,
                features)


def _sized(picture: Tensor, size: tuple[int, int]) -> Tensor:
    if tuple(picture.shape[-2:]) == size:
        return picture
    return functional.interpolate(picture, size, mode="bicubic", antialias=True, align_corners=False)
