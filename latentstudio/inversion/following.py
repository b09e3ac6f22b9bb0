"""Moves a latent along a transformation of its picture: target after target (equation 5), or at one go (equation 4)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from latentstudio.generators.conditions import NONE, Conditions
from latentstudio.generators.contract import Generator
from latentstudio.inversion.inverting import invert
from latentstudio.inversion.results import Inversion, InversionStep
from latentstudio.inversion.settings import InversionSettings
from latentstudio.transformations import Transformation

TARGETS = 10


@dataclass(frozen=True)
class FollowingStep(InversionStep):
    """As ``InversionStep``; ``t`` is the amount that is being reached, ``target`` its number from 1.

    Every target's last step has its ``result``; the last of all is the answer.
    """

    t: float = 0.0
    target: int = 0


def follow(
    generator: Generator,
    latent: Tensor,
    transformation: Transformation,
    t: float,
    settings: InversionSettings | None = None,
    *,
    targets: int = TARGETS,
    conditions: Conditions = NONE,
) -> Iterator[FollowingStep]:
    """Move ``latent`` (*shape) so that its picture becomes the transformed one; ``targets`` = 1 is the naive way.

    Every target is the transformed starting picture; every search starts at the last one's result; what the
    transformation moved in from outside counts for nothing. ``settings.steps`` are those of one target.

    Raises:
        CapabilityError, UsageError: as ``invert``.
    """
    chosen = replace(settings or InversionSettings(), start="given")
    device = next(generator.network.parameters()).device
    start = latent.reshape(1, *generator.card.spaces[0].shape).to(device)
    with torch.no_grad():
        before = generator.generate(start, conditions=conditions)
    for number in range(1, targets + 1):
        amount = t * number / targets
        picture, mask = transformation.apply(before, torch.full((1,), amount, device=device))
        result: Inversion | None = None
        for step in invert(generator, picture, chosen, start=start, mask=mask, conditions=conditions):
            result = step.result
            yield FollowingStep(**{
                **vars(step), "fraction": (number - 1 + step.fraction) / targets,
                "message": f"target {number} of {targets}", "t": amount, "target": number,
            })
        assert result is not None
        start = torch.from_numpy(result.latent)[None].to(device)
