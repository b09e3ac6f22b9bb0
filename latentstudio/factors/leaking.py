"""What else moves while a factor is moved over its known range, on new samples."""

from __future__ import annotations

from collections.abc import Generator as Steps

import numpy as np
import torch
from torch import Tensor

from latentstudio.factors.calibration import MeasuredCalibration
from latentstudio.generators.conditions import Conditions, label_in_turn
from latentstudio.generators.contract import Generator
from latentstudio.latents import sample_prior
from latentstudio.measures.leak import leak
from latentstudio.training.loop import mixed_precision_pays

SAMPLES = 32
CHUNK = 2  # registering a face jointly takes tens of milliseconds
_SEED = 5_000_011


def leak_of(
    generator: Generator, direction: Tensor, measured: MeasuredCalibration, *, name: str, seed: int,
    labels: tuple[int, ...] = (),
) -> Steps[float, None, dict[str, float]]:
    """Half the difference between the median changes at the two ends of the known range, for everything but ``name``.

    So much changes beside when the slider goes from the middle to its upper end; the opposite at the lower end. Every
    sample is moved from its own coordinate along ``direction`` u (d,). Yields the share done.

    Returns:
        name -> change, in the parameter of ``measures.leak.UNITS``; what cannot be measured on this model is left out.
    """
    card = generator.card
    latents = torch.from_numpy(sample_prior(card.spaces[0], count=SAMPLES, seed=seed + _SEED)).to(direction)
    ends: tuple[dict[str, list[float]], dict[str, list[float]]] = ({}, {})
    for index, chunk in enumerate(latents.split(CHUNK)):
        conditions = label_in_turn(labels, index)
        before = _draw(generator, chunk, conditions)
        own = (chunk @ direction)[:, None]
        for end, changes in zip(measured.known, ends, strict=True):
            after = _draw(generator, chunk + (end - own) * direction, conditions)
            for key, values in leak(before, after, measure=card.measure).items():
                changes.setdefault(key, []).extend(values.cpu().tolist())
            yield (index + 0.5) * CHUNK / SAMPLES
    low, high = ({key: median_of(values) for key, values in changes.items()} for changes in ends)
    found = {key: (high[key] - low[key]) / 2 for key in high if key != name}
    return {key: round(value, 4) for key, value in found.items() if np.isfinite(value)}


def _draw(generator: Generator, latent: Tensor, conditions: Conditions) -> Tensor:
    fast = latent.device.type == "cuda" or mixed_precision_pays()
    with torch.no_grad(), torch.autocast(latent.device.type, torch.bfloat16, enabled=fast):
        return generator.generate(latent, conditions=conditions).float()


def median_of(values: list[float]) -> float:
    """The median of those that are numbers, NaN where none is."""
    seen = np.asarray(values)[np.isfinite(values)]
    return float(np.median(seen)) if len(seen) else float("nan")
