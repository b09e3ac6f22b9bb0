"""Pivotal tuning (Roich et al. 2021): a copy of the generator learns one picture around its inverted latent."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from latentstudio.errors import CapabilityError, UsageError
from latentstudio.generators.conditions import NONE, Conditions
from latentstudio.generators.contract import Generator
from latentstudio.generators.tunings import Tuning, make_tuning, tuned_generator
from latentstudio.inversion.inverting import as_bytes
from latentstudio.inversion.results import TuningResult, TuningStep
from latentstudio.inversion.settings import InversionSettings, TuningSettings
from latentstudio.inversion.task import Task, make_task
from latentstudio.losses import squared_error, structural_dissimilarity

SHOW_EVERY = 10
WARM_UP = 10
ANCHORS = 2
_AT_ONCE = 2
_DRAWN = 64


@dataclass(frozen=True)
class Anchors:
    """Further pictures to learn: what the photo should look like when a slider is moved.

    Attributes:
        latents: float32 (K, d), the pivot moved along a factor.
        targets: (K, 3, H, W), the photo under the factor's transformation; ``masks`` (K, 1, H, W) where it is defined.
    """

    latents: Tensor
    targets: Tensor
    masks: Tensor


def tune(
    generator: Generator, target: Tensor, latent: Tensor, settings: TuningSettings | None = None, *,
    mask: Tensor | None = None, conditions: Conditions = NONE, anchors: Anchors | None = None,
) -> Iterator[TuningStep]:
    """Tune a copy of ``generator`` so that ``latent`` draws ``target``; the last step has the ``result``.

    The generator itself is not changed. Closing the iterator stops; the last step with a ``tuning`` is the best so far.
    A loss that is not finite ends it, and the result is what stood before.

    Args:
        target: (3, H, W) in [0, 1], resized to the model's size.
        latent: the pivot, in the shape of the model's first space.
        mask: (H, W), 1 where the target counts.
        anchors: the photo as it should look at other latents. Without them an edit leads back to the model's own faces.

    Raises:
        CapabilityError: the generator's pictures have no gradients for its weights.
        UsageError: a target or latent that does not fit.
    """
    chosen = settings or TuningSettings()
    task = make_task(generator, target, InversionSettings(loss=chosen.loss, space=chosen.space, mixed_precision=False),
                     mask=mask, conditions=conditions)
    space = task.space
    if latent.numel() != space.size or not bool(torch.isfinite(latent).all()):
        raise UsageError("a latent that does not fit this model", expected=f"{space.size} finite numbers")
    pivot = latent.reshape(1, -1).float().to(task.target.device)
    return _Run(task, chosen, pivot, anchors).steps()


class _Run:
    """One tuning under way."""

    def __init__(self, task: Task, settings: TuningSettings, pivot: Tensor, anchors: Anchors | None) -> None:
        self._task, self._settings, self._pivot = task, settings, pivot
        self._anchors = anchors if settings.anchors > 0.0 else None
        self._began = time.perf_counter()
        self._copy = copy.deepcopy(task.generator)
        self._tuned = replace(task, generator=self._copy)
        self._weights = chosen_weights(self._tuned, pivot, settings.share)
        self._before = {name: weight.detach().clone() for name, weight in self._weights.items()}
        self._near = self._neighbours()
        self._done, self._loss, self._mse, self._drift = 0, float("nan"), float("nan"), 0.0
        self._kept: tuple[Tuning, int] | None = None

    def steps(self) -> Iterator[TuningStep]:
        """From the untuned generator to the result."""
        settings = self._settings
        optimiser = torch.optim.Adam(self._weights.values(), lr=settings.learning_rate)
        ended, notes = "all steps made", []
        yield self._step("starting")
        for step in range(1, settings.steps + 1):
            for group in optimiser.param_groups:
                group["lr"] = settings.learning_rate * _rate(step - 1, settings.steps)
            optimiser.zero_grad(set_to_none=True)
            for _ in self._gradients(next(self._near)):
                yield self._step(f"step {step} of {settings.steps}")
            if not self._sound():
                notes.append(f"the loss was not finite at step {step}; the weights before it were kept")
                ended = "the loss was not finite"
                break
            optimiser.step()
            self._done = step
            if step % SHOW_EVERY == 0 or step == settings.steps:
                yield self._step(f"step {step} of {settings.steps}", shown=True)
            if settings.seconds is not None and time.perf_counter() - self._began > settings.seconds:
                ended = "the time was up"
                break
        yield self._finished(ended, tuple(notes))

    def _gradients(self, near: Tensor) -> Iterator[None]:
        """Add up the gradients of the pivot's loss and of the neighbours, a few pictures at a time."""
        task, settings = self._tuned, self._settings
        picture = task.draw(self._pivot)
        loss = task.loss(picture, task.target, task.mask)[0]
        loss.backward()
        self._loss = float(loss.detach())
        self._mse = float(squared_error(picture.detach(), task.target, task.mask))
        yield
        if self._anchors is not None:
            self._gradients_of_anchors(self._anchors)
            yield
        drift = 0.0
        for piece in near.split(_AT_ONCE):
            with torch.no_grad():
                wanted = self._task.draw(piece)
            apart = (task.draw(piece) - wanted).square().mean() * (len(piece) / len(near))
            (settings.locality * apart).backward()
            drift += float(apart.detach())
            yield
        self._drift = 0.9 * self._drift + 0.1 * drift if self._done else drift

    def _gradients_of_anchors(self, anchors: Anchors) -> None:
        task, settings = self._tuned, self._settings
        source = np.random.Generator(np.random.PCG64([settings.seed, self._done]))
        rows = torch.from_numpy(source.choice(len(anchors.latents), min(ANCHORS, len(anchors.latents)), replace=False))
        latents, targets, masks = (
            part[rows].to(self._pivot) for part in (anchors.latents, anchors.targets, anchors.masks)
        )
        (settings.anchors * task.loss(task.draw(latents), targets, masks).mean()).backward()

    def _sound(self) -> bool:
        gradients = [weight.grad for weight in self._weights.values() if weight.grad is not None]
        return math.isfinite(self._loss) and all(bool(torch.isfinite(part).all()) for part in gradients)

    def _neighbours(self) -> Iterator[Tensor]:
        """Latents (neighbours, d): on the way from the pivot to random ones, nowhere further than ``reach``."""
        settings = self._settings
        reach = settings.reach or self._task.space.radius
        for number in range(10**9):
            drawn = self._task.sample(max(_DRAWN, settings.neighbours), settings.seed + number)
            away = drawn - self._pivot
            source = np.random.Generator(np.random.PCG64(settings.seed + number))
            far = torch.from_numpy(source.random((len(drawn), 1), dtype=np.float32)).to(self._pivot) * reach
            near = self._pivot + away / away.norm(dim=1, keepdim=True).clamp_min(1e-6) * far
            pieces = near.split(settings.neighbours)
            yield from (piece for piece in pieces if len(piece) == settings.neighbours)

    def _step(self, message: str, *, shown: bool = False) -> TuningStep:
        preview = tuning = None
        if shown and self._finite():
            with torch.no_grad():
                preview = as_bytes(self._tuned.draw(self._pivot)[0])
            tuning = self._difference()
            self._kept = (tuning, self._done)
        return TuningStep(
            self._done / self._settings.steps, message, preview=preview,
            metrics={"loss": self._loss, "drift": self._drift}, loss=self._loss, mse=self._mse, step=self._done,
            seconds=time.perf_counter() - self._began, tuning=tuning,
        )

    def _finite(self) -> bool:
        return all(bool(torch.isfinite(weight).all()) for weight in self._weights.values())

    def _difference(self) -> Tuning:
        shape = self._task.space.shape
        differences = {name: weight.detach() - self._before[name] for name, weight in self._weights.items()}
        figures = {"mse": self._mse, "steps": self._done, "drift": self._drift}
        return make_tuning(self._task.generator.card, self._pivot.cpu().numpy().reshape(shape), differences, figures)

    def _finished(self, ended: str, notes: tuple[str, ...]) -> TuningStep:
        if self._finite():
            self._kept = (self._difference(), self._done)
        if self._kept is None:
            raise CapabilityError(f"{self._task.generator.card.name} could not be tuned: its weights went astray at "
                                  "once", action="try a smaller learning rate")
        tuning, done = self._kept
        result = measured(self._task, tuning, self._pivot)
        result = replace(result, drift=self._drift, steps=done, seconds=time.perf_counter() - self._began, ended=ended,
                         notes=notes)
        return TuningStep(1.0, ended, preview=as_bytes(torch.from_numpy(result.picture)), loss=self._loss,
                          mse=result.mse, step=done, seconds=result.seconds, tuning=tuning, result=result)


def conclude_tuning(
    generator: Generator, target: Tensor, step: TuningStep, *, mask: Tensor | None = None, conditions: Conditions = NONE
) -> TuningResult:
    """The result of a tuning that was closed before its end; ``step`` is the last one that had a ``tuning``.

    Raises:
        UsageError: the step has none.
    """
    if step.tuning is None:
        raise UsageError("a tuning that was cancelled before it had begun", action="start it again")
    task = make_task(generator, target, InversionSettings(mixed_precision=False), mask=mask, conditions=conditions)
    pivot = torch.from_numpy(step.tuning.pivot()).reshape(1, -1).to(task.target.device)
    return replace(measured(task, step.tuning, pivot), steps=step.step, seconds=step.seconds, ended="cancelled",
                   notes=("cancelled: the weights so far were kept",))


def measured(task: Task, tuning: Tuning, pivot: Tensor) -> TuningResult:
    """Errors of the pivot's picture before and after, with the weights rounded as they are kept."""
    tuned = replace(task, generator=tuned_generator(task.generator, tuning))
    with torch.no_grad():
        before, after = task.draw(pivot), tuned.draw(pivot)
    one, other = ((picture, task.target, task.mask) for picture in (before, after))
    return TuningResult(
        tuning=tuning, picture=after[0].cpu().numpy().copy(), mse=float(squared_error(*other)),
        dssim=float(structural_dissimilarity(*other)), before_mse=float(squared_error(*one)),
        before_dssim=float(structural_dissimilarity(*one)), drift=float("nan"), steps=0, seconds=0.0, ended="",
    )


def chosen_weights(task: Task, pivot: Tensor, share: float) -> dict[str, nn.Parameter]:
    """The last weights that the picture depends on, up to ``share`` of all of those; their gradients are switched on.

    Raises:
        CapabilityError: the picture depends on no weight in a way that torch can follow.
    """
    network = task.generator.network
    named = dict(network.named_parameters())
    network.requires_grad_(True)
    picture = task.draw(pivot)
    found: tuple[Tensor | None, ...] = ()
    if picture.requires_grad:
        found = torch.autograd.grad(picture.mean(), tuple(named.values()), allow_unused=True)
    network.requires_grad_(False)
    used = [name for (name, _), gradient in zip(named.items(), found, strict=False) if gradient is not None]
    if not used:
        raise CapabilityError(f"the pictures of {task.generator.card.name} have no gradients for its weights",
                              action="tune a model that torch draws")
    most = share * sum(named[name].numel() for name in used)
    taken: dict[str, nn.Parameter] = {}
    count = 0
    for name in reversed(used):
        count += named[name].numel()
        if count > most and taken:
            break
        taken[name] = named[name]
    for weight in taken.values():
        weight.requires_grad_(True)
    return taken


def _rate(step: int, steps: int) -> float:
    return min(1.0, (step + 1) / WARM_UP) * 0.5 * (1.0 + math.cos(math.pi * step / steps))
