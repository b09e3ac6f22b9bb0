"""The principal components of a model's pictures, as directions of its latent space."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from latentstudio.generators.opening import Model
from latentstudio.latents import PrincipalComponents, sample_prior
from latentstudio.latents.components import picture_directions
from latentstudio.steps import Step

COUNT = 12
SAMPLES = 512
BATCH = 16


@dataclass(frozen=True)
class ComponentsStep(Step):
    """A step of computing principal components; the last one carries them."""

    components: PrincipalComponents | None = None


def component_steps(model: Model) -> Iterator[ComponentsStep]:
    """Draw ``SAMPLES`` pictures in small batches, then their principal components as latent directions."""
    latents = sample_prior(model.card.spaces[0], count=SAMPLES, seed=0)
    pictures = []
    for first in range(0, SAMPLES, BATCH):
        drawn = model.pictures(latents[first : first + BATCH])
        pictures.append(drawn[:, :, ::4, ::4])
        yield ComponentsStep(0.95 * (first + BATCH) / SAMPLES, f"drawing {first + BATCH} of {SAMPLES} pictures")
    flat = latents.reshape(SAMPLES, -1)
    found = picture_directions(flat, np.concatenate(pictures), count=min(COUNT, flat.shape[1]))
    yield ComponentsStep(1.0, "done", components=found)
