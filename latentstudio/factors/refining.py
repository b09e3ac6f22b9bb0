"""Direct refinement of an axis: a few end-to-end steps that make moving along it do what the transformation does."""

from __future__ import annotations

from collections.abc import Generator as Steps

import torch
from torch import Tensor
from torch.nn import functional

from latentstudio.factors.axes import Axis
from latentstudio.factors.searches import fast
from latentstudio.factors.settings import LearnSettings
from latentstudio.generators.conditions import Conditions, label_in_turn
from latentstudio.generators.contract import Generator
from latentstudio.latents import sample_prior
from latentstudio.losses import blurred_error
from latentstudio.transformations import Transformation

REFINE_BATCH = 24
REFINE_RATE = 0.03
_SEED = 3_000_017


def refined_axis(
    generator: Generator, transformation: Transformation, axis: Axis, settings: LearnSettings, *, length: float
) -> Steps[float, None, Axis]:
    """From ``axis``, minimise the error of G(z + t w) against T_t G(z) over w (as Jahanian et al. 2020).

    ``length`` is how far along the axis the largest |t| lies at first, in latent units; t is drawn uniformly, one a
    picture. Yields the share done after every step and returns the axis w / ||w||.
    """
    space = generator.card.spaces[0]
    device = axis.direction.device
    largest = transformation.largest(generator.card.image_size[0]) * settings.reach
    walk = (axis.direction * length).clone().requires_grad_(True)
    optimiser = torch.optim.Adam([walk], lr=REFINE_RATE)
    source = torch.Generator().manual_seed(settings.seed + _SEED)
    for step in range(settings.refined):
        seed = settings.seed + _SEED + step
        latent = torch.from_numpy(sample_prior(space, count=REFINE_BATCH, seed=seed)).to(device)
        share = (2.0 * torch.rand(REFINE_BATCH, generator=source) - 1.0).to(device)
        conditions = label_in_turn(settings.labels, step)
        error = _error(generator, transformation, latent, share, walk, largest=largest, conditions=conditions,
                       settings=settings)
        (walk.grad,) = torch.autograd.grad(error, walk)
        optimiser.step()
        yield (step + 1) / settings.refined
    return Axis("refined", functional.normalize(walk.detach(), dim=0))


def _error(
    generator: Generator, transformation: Transformation, latent: Tensor, share: Tensor, walk: Tensor, *,
    largest: float, conditions: Conditions, settings: LearnSettings,
) -> Tensor:
    with torch.no_grad():
        target, mask = transformation.apply(generator.generate(latent, conditions=conditions), share * largest)
    with torch.autocast(latent.device.type, torch.bfloat16, enabled=fast(latent, settings)):
        images = generator.generate(latent + share[:, None] * walk, conditions=conditions)
    return blurred_error(images.float(), target, mask, sigma=settings.sigma).mean()
