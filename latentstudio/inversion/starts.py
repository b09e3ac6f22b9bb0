"""Where an inversion starts: a given latent, the best of many samples, or the encoder's answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from latentstudio.errors import CapabilityError, UsageError
from latentstudio.generators.capabilities import Encodes
from latentstudio.inversion.settings import AUTO
from latentstudio.inversion.task import Task

_PIECE = 4


@dataclass(frozen=True)
class Start:
    """Flat latents (N, d) to start from, best first where they were compared; ``name`` says which kind they are."""

    name: str
    latents: Tensor


def starts(task: Task, given: Tensor | None = None) -> Iterator[Start | None]:
    """The settings' start as the last thing yielded; None while still looking.

    Raises:
        CapabilityError: an encoder was asked for and the model has none.
        UsageError: ``given`` without a latent, one that does not fit, or a prior that cannot be sampled.
    """
    settings, space = task.settings, task.space
    name = settings.start
    if name == AUTO:
        name = "given" if given is not None else "encoder" if isinstance(task.generator, Encodes) else "random"
    found: list[Tensor] = []
    if name == "given":
        if given is None or given.numel() % space.size or not bool(torch.isfinite(given).all()):
            raise UsageError("a start that is no latent of this model", expected=f"{space.size} finite numbers")
        found.append(given.reshape(-1, space.size).float().to(task.target.device))
    elif name == "encoder":
        found.append(_encoded(task))
    missing = settings.restarts - sum(len(part) for part in found)
    if missing > 0 and (name == "random" or settings.restarts > 1):
        best: list[Tensor] = []
        for so_far in _best_samples(task, missing):
            best = [so_far]
            yield None
        found += best
    yield Start(name, task.project(torch.cat(found)))


def _encoded(task: Task) -> Tensor:
    generator = task.generator
    if not isinstance(generator, Encodes):
        raise CapabilityError(
            f"the model '{generator.card.name}' has no encoder",
            action=f"start at random, or train one with `latentstudio train recoder --model {generator.card.name}`",
        )
    with torch.no_grad():
        middle = task.target * task.mask + 0.5 * (1.0 - task.mask)  # an encoder needs something everywhere
        return task.map_in(generator.encode(middle).float()).reshape(1, -1)


def _best_samples(task: Task, count: int) -> Iterator[Tensor]:
    """The best of the settings' candidates (count, d) by loss, better after each piece.

    In a space that the prior is mapped into, their mean is one of them: w's mean picture is a good start for anything.
    """
    settings = task.settings
    drawn = task.sample(max(settings.candidates, count), settings.seed)
    latents = task.project(torch.cat([drawn.mean(dim=0, keepdim=True), drawn]) if task.mapped else drawn)
    errors: list[Tensor] = []
    for piece in latents.split(_PIECE):
        with torch.no_grad():
            errors.append(task.losses(piece))
        known = torch.cat(errors)
        order = torch.nan_to_num(known, nan=float("inf")).argsort()[:count]
        yield latents[order] if len(order) == count else latents[:count]
