"""The paper's own evaluation (section 3.1 of Plumerault et al. 2020): samples are put along the axis and measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latentstudio.errors import LearningError
from latentstudio.factors.conditioned import Conditioned
from latentstudio.factors.factor import Factor
from latentstudio.factors.measuring import measure_effects
from latentstudio.factors.protocol import Protocol, oriented
from latentstudio.factors.settings import PROTOCOL_SEED
from latentstudio.factors.traversing import ALPHAS, set_coordinate, traverse
from latentstudio.generators.conditions import NONE, Conditions
from latentstudio.generators.contract import Generator
from latentstudio.latents import sample_prior
from latentstudio.measures.effects import effect_of
from latentstudio.measures.moments import barycentre, extent, luminance_mean
from latentstudio.steps import Step
from latentstudio.transformations import transformation_named

DoubleArray = NDArray[np.float64]
CHUNK = 64


@dataclass(frozen=True)
class ProtocolStep(Step):
    """Progress; the last one carries what was measured."""

    protocol: Protocol | None = None


def protocol_steps(
    generator: Generator,
    factor: Factor,
    *,
    alphas: DoubleArray = ALPHAS,
    count: int = 200,
    seed: int = PROTOCOL_SEED,
    conditions: Conditions = NONE,
) -> Iterator[ProtocolStep]:
    """Put ``count`` samples at each of ``alphas``: z - <z, u> u + alpha u, and measure the property itself.

    For white shapes on black the position is the barycentre in px from the picture's centre, the scale the binary
    logarithm of the extent; brightness is the mean luminance everywhere.

    Raises:
        LearningError: nothing could be measured.
        UnknownNameError: the factor's effect cannot be measured.
    """
    drawing = Conditioned(generator, conditions)
    latents = sample_prior(generator.card.spaces[0], count=count, seed=seed)
    places = np.sort(np.asarray(alphas, dtype=np.float64))
    statistic = _statistic(factor.name, generator.card.measure)
    values = np.full((count, len(places)), np.nan)
    if statistic is None:
        yield from _against_zero(drawing, factor, latents, values, places=places)
    else:
        yield from _absolute(drawing, statistic, factor.axis, latents, values, places=places)
    if not np.isfinite(values).any():
        raise LearningError(f"nothing could be measured on {count} samples", action="check the model")
    yield ProtocolStep(1.0, "measured", protocol=oriented(places, values, statistic is not None))


Statistic = Callable[[Tensor], Tensor]


def _absolute(
    generator: Generator, statistic: Statistic, axis: NDArray[np.float32], latents: NDArray[np.float32],
    values: DoubleArray, *, places: DoubleArray,
) -> Iterator[ProtocolStep]:
    device = next(generator.network.parameters()).device
    flat = latents.reshape(len(latents), -1)
    for first in range(0, len(latents), CHUNK):
        rows = traverse(flat[first : first + CHUNK], axis, places)
        for column in range(len(places)):
            put = torch.from_numpy(rows[:, column].reshape(len(rows), *latents.shape[1:])).to(device)
            with torch.no_grad():
                values[first : first + len(rows), column] = statistic(generator.generate(put)).cpu().numpy()
            yield ProtocolStep((first + len(rows) * column / len(places)) / len(latents), "measuring")


def _against_zero(
    generator: Generator, factor: Factor, latents: NDArray[np.float32], values: DoubleArray, *, places: DoubleArray
) -> Iterator[ProtocolStep]:
    device = next(generator.network.parameters()).device
    card = generator.card
    effect = effect_of(transformation_named(factor.name), measure=card.measure, side=card.image_size[0])
    middle = torch.from_numpy(set_coordinate(latents, factor.axis, 0.0)).to(device)
    direction = torch.from_numpy(factor.axis).to(device)
    offsets = torch.from_numpy(places).float().to(device)
    for step in measure_effects(generator, direction, effect, latents=middle, offsets=offsets):
        if step.effects is not None:
            values[:] = step.effects
        yield ProtocolStep(step.fraction * 0.99, step.message)


def _statistic(name: str, measure: str) -> Statistic | None:
    """How the property itself is read off a picture, or None where only changes can be measured."""
    if name == "brightness":
        return luminance_mean
    return _MOMENTS.get(name) if measure == "barycentre" else None


_MOMENTS: dict[str, Statistic] = {
    "x": lambda images: barycentre(images)[0], "y": lambda images: barycentre(images)[1], "scale": extent,
}
