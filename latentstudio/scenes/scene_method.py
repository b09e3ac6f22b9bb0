"""Training a scene model (thesis chapter 5): the background first, then the auto-encoder of objects, then all of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from latentstudio import pixels
from latentstudio.errors import TrainingError
from latentstudio.generators.composing import lay, over
from latentstudio.generators.glimpses import extract
from latentstudio.scenes.losses import (
    background_log,
    boundary,
    log_normal,
    mixture,
    normal_divergence,
    object_prior,
    presence_divergence,
    robust,
    rotation,
)
from latentstudio.scenes.parts import scene_parts
from latentstudio.scenes.settings import SceneSettings
from latentstudio.settings import settings_from
from latentstudio.training.method import Batches, TrainingBatch, rate_at
from latentstudio.training.methods import IN_RECIPE
from latentstudio.training.recipe import Recipe

RESIDUAL = 3.0
CLIP = 1000.0  # losses are sums over pixels: ordinary gradients have norms of thousands
SHOWN = 8



@dataclass(frozen=True)
class Found:
    """What one pass found in B pictures: everything that losses and previews need."""

    pictures: Tensor
    masks: Tensor
    back: Tensor
    boxes: Tensor
    depth: Tensor
    presence: Tensor
    which: Tensor
    slot: Tensor
    decoded: Tensor
    colour: Tensor
    alpha: Tensor
    terms: Mapping[str, Tensor]


class SceneMethod:
    """Method ``scenes`` and (with other settings) plain SPACE."""

    def __init__(
        self, recipe: Recipe, model: nn.Module, *, shown: Tensor, batches: Batches | None = None
    ) -> None:
        """``shown`` are held-out pictures for previews; ``batches``, which every method is given, are not needed."""
        self.recipe, self.network = recipe, model
        self.settings = settings_from(SceneSettings, recipe.settings, where=IN_RECIPE, error=TrainingError)
        self.parts = scene_parts(model)
        self._shown = shown[:SHOWN]
        named: dict[str, list[nn.Parameter]] = {"background": [], "glimpses": [], "rest": []}
        for name, parameter in model.named_parameters():
            named[name.split(".")[0] if name.split(".")[0] in named else "rest"].append(parameter)
        self._groups = tuple(named)
        self._optimiser = torch.optim.Adam(
            [{"params": parameters, "lr": recipe.learning_rate} for parameters in named.values()],
            betas=(0.9, recipe.second_moment),
        )
        self.optimisers: Sequence[torch.optim.Optimizer] = (self._optimiser,)
        self._first = self.settings.background_steps
        self._second = self._first + self.settings.object_steps

    def trouble(self, losses: Mapping[str, float]) -> str:
        """A foreground that has died: no box is ever present, long after the boxes were let loose."""
        return "no object is found in any picture" if losses.get("boxes", 1.0) < 0.02 else ""

    def advance(self, batch: TrainingBatch) -> Mapping[str, Tensor]:
        """A step of the stage that the step belongs to."""
        if batch.step <= self._first:
            self._set_rates(background=self.settings.background_rate * _fall(batch.step, self._first))
            losses = self.background_losses(batch)
        elif batch.step <= self._second:
            self._set_rates(glimpses=self.settings.object_rate * _fall(batch.step - self._first,
                                                                         self._second - self._first))
            losses = self.object_losses(batch)
        else:
            rate = rate_at(self.recipe, batch.step)
            self._set_rates(background=0.3 * rate, glimpses=rate, rest=rate)
            losses = self.joint_losses(batch)
        batch.prepare(losses["loss"], self._optimiser)
        parameters = [p for group in self._optimiser.param_groups for p in group["params"]]
        nn.utils.clip_grad_norm_(parameters, CLIP)
        self._optimiser.step()
        return losses

    def _set_rates(self, **rates: float) -> None:
        for name, group in zip(self._groups, self._optimiser.param_groups, strict=True):
            group["lr"] = rates.get(name, 0.0)

    def background_losses(self, batch: TrainingBatch) -> dict[str, Tensor]:
        """Stage 1: the background alone, by a likelihood that objects do not pull."""
        pictures, masks, _, nats = self._background(batch.images, batch)
        unlike = robust(background_log(batch.images, pictures, masks, 0.15)).mean()
        return {"loss": unlike + nats.mean(), "reconstruction": unlike, "divergence": nats.mean()}

    def object_losses(self, batch: TrainingBatch) -> dict[str, Tensor]:
        """Stage 2: random boxes where the background is wrong; the auto-encoder learns what they show."""
        images, count = batch.images, self.settings.glimpses
        with torch.no_grad():
            behind = self._behind(images)
            which, boxes = self._random_boxes(images, behind, count, batch.own_noise)
        seen, back = self._seen(images, behind), behind
        with batch.mixed():
            glimpses = extract(torch.cat([seen, back], dim=1), which, boxes, self.parts.sizes.glimpse)
            mean, deviation = self.parts.glimpses.encode(glimpses[:, :6])
            what = mean + deviation * _noise(mean, batch)
            decoded = self.parts.glimpses.decode(what)
        sigma = self.settings.sigma
        glimpses = glimpses.float()
        unlike = mixture(log_normal(glimpses[:, :3], glimpses[:, 6:], sigma),
                         log_normal(glimpses[:, :3], decoded[:, :3], sigma), decoded[:, 3:4])
        nats = normal_divergence(mean, deviation, torch.zeros_like(mean), torch.ones_like(deviation))
        cost = 0.02 * decoded[:, 3].flatten(1).sum(1)
        loss = (unlike + self.settings.beta_what * nats + cost).sum() / len(images)
        return {"loss": loss, "reconstruction": unlike.mean(), "divergence": nats.mean()}

    def joint_losses(self, batch: TrainingBatch) -> dict[str, Tensor]:
        """Stage 3: everything together (5.1, 5.4, 5.5, 5.5.2)."""
        found = self.find(batch.images, batch, joint=batch.step - self._second)
        images, sigma = batch.images, self.settings.sigma
        unlike = mixture(background_log(images, found.pictures, found.masks, sigma),
                         log_normal(images, found.colour, sigma), found.alpha).mean()
        terms = {name: value.mean() for name, value in found.terms.items()}
        loss = unlike + sum(self._weights(batch.step - self._second)[name] * value for name, value in terms.items()
                            if name != "boxes")
        return {"loss": loss, "reconstruction": unlike, **terms}

    def _weights(self, joint: int) -> dict[str, float]:
        late = min(1.0, max(0.0, (joint - 0.5 * self.settings.late) / max(1.0, 0.5 * self.settings.late)))
        early, later = min(1.0, joint / 1200.0), min(1.0, max(0.0, (joint - 3000.0) / 3000.0))
        penalty = self.settings.penalty + later * (self.settings.penalty_late - self.settings.penalty)
        beta_box = 1.0 + late * (self.settings.beta_box - 1.0)
        return {
            "background": self.settings.beta_background, "box": beta_box, "what": self.settings.beta_what,
            "presence": self.settings.beta_presence, "penalty": early * penalty,
            "object_prior": self.settings.object_prior * (1.0 / 6.0 + 5.0 / 6.0 * late),
            "rotation": self.settings.rotation * late, "boundary": self.settings.boundary,
        }

    def find(self, images: Tensor, batch: TrainingBatch, *, joint: int) -> Found:
        """Decompose pictures with noise, as in training; ``joint`` counts the steps of the last stage."""
        sizes = self.parts.sizes
        pictures, masks, back, nats = self._background(images, batch)
        behind = (pictures * masks).sum(1)
        seen = self._seen(images, behind)
        with batch.mixed():
            cells = self.parts.structure(seen)
        told = self.parts.proposer(cells.float())
        z_box = told.mean + told.deviation * _noise(told.mean, batch)
        boxes, depth = self.parts.places(z_box)
        presence = _relaxed(told.logit, batch, temperature=1.0 - 0.5 * min(1.0, joint / 1500.0))
        which, slot = self._chosen(presence.detach(), batch, most=self.settings.most + (8 if joint < 500 else 0))
        place, near, there = boxes[which, slot], depth[which, slot], presence[which, slot]
        with batch.mixed():
            glimpses = extract(seen, which, place, sizes.glimpse)
            mean, deviation = self.parts.glimpses.encode(glimpses)
            what = mean + deviation * _noise(mean, batch)
            decoded = self.parts.glimpses.decode(what)
        colour, alpha = lay(decoded, place, near, there, which, count=len(images), side=sizes.side)
        z_what = torch.zeros(*presence.shape, sizes.what_size, device=what.device).index_put((which, slot), what)
        laws = self._laws(back, z_box, z_what, presence)
        size, count = sizes.box_size, len(images)
        what_nats = there * normal_divergence(mean, deviation, laws[0][which, slot, size:], laws[1][which, slot, size:])
        box_nats = presence * normal_divergence(told.mean, told.deviation, laws[0][..., :size], laws[1][..., :size])
        held = there.detach()
        terms = {
            "background": nats, "box": box_nats.sum(1), "what": _per_picture(what_nats, which, count),
            "presence": presence_divergence(told.logit, laws[2]).sum(1),
            "penalty": torch.sigmoid(told.logit).sum(1),
            "object_prior": _per_picture(held * object_prior(place, decoded[:, 3:4],
                                                             sigma=self.settings.object_sigma), which, count),
            "boxes": (told.logit > 0).float().sum(1),
        }
        if sizes.rotates and self.settings.rotation:
            terms["rotation"] = _per_picture(held * rotation(place, decoded[:, 3:4]), which, count)
        if self.settings.boundary:
            terms["boundary"] = _per_picture(there * boundary(decoded[:, 3:4]), which, count)
        return Found(pictures, masks, back, boxes, depth, presence, which, slot, decoded, colour, alpha, terms)

    def _laws(self, back: Tensor, z_box: Tensor, z_what: Tensor, presence: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The prior's means and deviations (B, S, box + what) and presence logits (B, S) of what was drawn."""
        sizes = self.parts.sizes
        batch, capacity = presence.shape
        if not sizes.learned_prior:
            shape = (batch, capacity, sizes.box_size + sizes.what_size)
            rare = torch.logit(torch.tensor(self.settings.space_presence))
            zeros = torch.zeros(shape, device=presence.device)
            return zeros, torch.ones_like(zeros), rare.to(presence.device).expand(batch, capacity)
        given, state = self.parts.prior.start(back)
        here = presence.reshape(-1, sizes.slots)
        drawn = torch.cat([z_box, z_what], dim=2).reshape(len(given), sizes.slots, -1)
        before = torch.zeros(len(given), drawn.shape[2] + 1, device=presence.device)
        means, deviations, logits = [], [], []
        for k in range(sizes.slots):
            mean, deviation, logit, state = self.parts.prior.step(given, before, state)
            means.append(mean)
            deviations.append(deviation)
            logits.append(logit)
            before = torch.cat([drawn[:, k] * here[:, k, None], here[:, k, None]], dim=1)
        shape = (batch, capacity, -1)
        return (torch.stack(means, 1).reshape(shape), torch.stack(deviations, 1).reshape(shape),
                torch.stack(logits, 1).reshape(batch, capacity))

    def _chosen(self, presence: Tensor, batch: TrainingBatch, *, most: int) -> tuple[Tensor, Tensor]:
        """Pictures and slots (N,) that are processed: those that are present, now and then one that may become so."""
        luck = torch.rand(presence.shape, generator=batch.own_noise).to(presence.device)
        score = presence + 0.5 * (luck < 3.0 / 32.0)
        best, slot = score.topk(min(most, presence.shape[1]), dim=1)
        used = best >= self.settings.skip
        used[:, 0] = True
        which = torch.arange(len(presence), device=presence.device)[:, None].expand_as(slot)
        return which[used], slot[used]

    def _background(self, images: Tensor, batch: TrainingBatch) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        with batch.mixed():
            mean, deviation = self.parts.background.encode(images)
        back = mean + deviation * _noise(mean, batch)
        pictures, masks = self.parts.background.draw(back)
        nats = normal_divergence(mean, deviation, torch.zeros_like(mean), torch.ones_like(deviation)).sum(1)
        return pictures, masks, back, nats

    def _behind(self, images: Tensor) -> Tensor:
        pictures, masks = self.parts.background.draw(self.parts.background.encode(images)[0])
        behind: Tensor = (pictures * masks).sum(1)
        return behind

    @staticmethod
    def _seen(images: Tensor, behind: Tensor) -> Tensor:
        """What encoders see: the picture, and what the background leaves unexplained (no gradient to it)."""
        return torch.cat([images, RESIDUAL * (images - behind).detach()], dim=1)

    def _random_boxes(
        self, images: Tensor, behind: Tensor, count: int, noise: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        side, low, high = images.shape[-1], self.settings.glimpse_from, self.settings.glimpse_to
        weight = (images - behind).square().sum(1).flatten(1).cpu() + 1e-4
        pixel = torch.multinomial(weight, count, replacement=True, generator=noise).flatten()
        total = len(pixel)
        x, y = (pixel % side).float(), torch.div(pixel, side, rounding_mode="floor").float()
        centre = (torch.stack([x, y], dim=1) * 2.0 + 1.0) / side - 1.0
        centre = centre + 0.12 * (low / 0.13) * torch.randn(total, 2, generator=noise)
        half = low * (high / low) ** torch.rand(total, 1, generator=noise)
        half = half * torch.exp(0.25 * torch.randn(total, 2, generator=noise))
        turned = 2.0 * torch.pi * (torch.rand(total, 1, generator=noise) - 0.5)
        angle = turned if self.parts.sizes.rotates else torch.zeros(total, 1)
        half = half.clamp(self.parts.sizes.smallest, self.parts.sizes.largest)
        boxes = torch.cat([centre, half, angle], dim=1).to(images.device)
        return torch.arange(len(images), device=images.device).repeat_interleave(count), boxes

    @torch.no_grad()
    def preview(self) -> NDArray[np.uint8] | None:
        """Rows of pictures: originals, reconstructions, backgrounds, and scenes of the prior."""
        images = self._shown.to(next(self.network.parameters()).device)
        noise = torch.Generator().manual_seed(7)
        batch = TrainingBatch(1, images, noise)
        found = self.find(images, batch, joint=100_000)
        behind = (found.pictures * found.masks).sum(1)
        drawn = torch.randn(len(images), self.parts.sizes.latent_size, generator=noise).to(images.device)
        rows = [images, over(behind, found.colour, found.alpha), behind, self.parts.draw(*self.parts.unfold(drawn))]
        return pixels.grid(pixels.to_bytes(torch.cat(rows).clamp(0, 1).float().cpu().numpy()), columns=len(images))


def _fall(step: int, steps: int) -> float:
    """1 over the first half of a stage, then down to a twentieth."""
    return 0.05 + 0.95 * min(1.0, 2.0 * (steps - step) / max(1, steps))


def _noise(like: Tensor, batch: TrainingBatch) -> Tensor:
    return torch.randn(like.shape, generator=batch.own_noise).to(like.device)


def _relaxed(logit: Tensor, batch: TrainingBatch, *, temperature: float) -> Tensor:
    """A draw of the concrete law (relaxed Bernoulli) in [0, 1]."""
    uniform = torch.rand(logit.shape, generator=batch.own_noise).clamp(1e-6, 1.0 - 1e-6).to(logit.device)
    return torch.sigmoid((logit + uniform.log() - (-uniform).log1p()) / temperature)


def _per_picture(values: Tensor, which: Tensor, count: int) -> Tensor:
    return torch.zeros(count, device=values.device, dtype=values.dtype).index_add(0, which, values)
