"""Moving along an axis on new samples and measuring what that did."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from latentstudio.factors.calibration import MeasuredCalibration, known_range
from latentstudio.generators.contract import Generator
from latentstudio.measures.effects import Effect
from latentstudio.steps import Step

CHUNK = 8


@dataclass(frozen=True)
class MeasureStep(Step):
    """Progress of measuring; the last one carries the effects (samples, coordinates), NaN where nothing was seen."""

    effects: np.ndarray | None = None


def measure_effects(
    generator: Generator, direction: Tensor, effect: Effect, *, latents: Tensor, coordinates: Tensor
) -> Iterator[MeasureStep]:
    """Set the coordinate along ``direction`` (d,) of every sample to each of ``coordinates`` (K,) and measure.

    The rest of the latent stays: z - <z, u> u + p u (section 3.1 of Plumerault et al. 2020). The reference is the
    sample's own picture at coordinate 0.
    """
    rows: list[Tensor] = []
    chunks = latents.split(CHUNK)
    total = len(chunks) * len(coordinates)
    for chunk in chunks:
        rest = chunk - (chunk @ direction)[:, None] * direction
        with torch.no_grad():
            measured = effect(generator.generate(rest))
        columns = []
        for p in coordinates:
            with torch.no_grad():
                columns.append(measured(generator.generate(rest + p * direction)))
            yield MeasureStep((len(rows) * len(coordinates) + len(columns)) / total, "measuring on new samples")
        rows.append(torch.stack(columns, dim=1))
    yield MeasureStep(1.0, "measured", effects=torch.cat(rows).cpu().numpy().astype(np.float64))


def calibrate(effects: np.ndarray, coordinates: np.ndarray) -> MeasuredCalibration:
    """Median, robust deviation and known range of effects (samples, coordinates)."""
    median = np.nanmedian(effects, axis=0)
    low, high = np.nanpercentile(effects, [15.87, 84.13], axis=0)
    deviation = (high - low) / 2
    median = median - np.interp(0.0, coordinates, median)
    return MeasuredCalibration(coordinates, median, deviation, known_range(coordinates, median, deviation))
