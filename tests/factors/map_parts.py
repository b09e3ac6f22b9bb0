"""A model whose pictures are known in closed form, and a factor that keeps trajectories."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from latentstudio.factors import Evidence, Factor, MeasuredCalibration, MonotoneCurve
from latentstudio.generators.card import ModelCard
from latentstudio.generators.conditions import NONE, Conditions
from latentstudio.latents import LatentSpace
from latentstudio.units import PIXELS

SIZE = 4
SIDE = 8


@dataclass
class LinearModel:
    """The left half is grey by coordinate 0, the right half by coordinate 1 (half as strongly); 2 and 3 do nothing."""

    card: ModelCard = field(default_factory=lambda: ModelCard(
        name="linear", backend="none", image_size=(SIDE, SIDE), spaces=(LatentSpace("z", (SIZE,)),),
        weights_sha256="1234" * 16,
    ))
    drawn: int = 0

    def pictures(self, latents: np.ndarray, *, space: str | None = None, conditions: Conditions = NONE) -> np.ndarray:
        self.drawn += len(latents)
        pictures = np.empty((len(latents), 3, SIDE, SIDE), np.float32)
        pictures[..., : SIDE // 2] = 0.5 + latents[:, 0, None, None, None] / 10
        pictures[..., SIDE // 2 :] = 0.5 + latents[:, 1, None, None, None] / 20
        return np.clip(pictures, 0, 1)


def line_factor(axis: int, *, name: str = "x", evidence: bool = True) -> Factor:
    """Moves 2 px a unit along one coordinate; its two trajectories are straight, the second lost its last record."""
    p = np.linspace(-2.0, 2.0, 9)
    values = np.array([-2.0, -1.0, 1.0, 2.0])
    origins = np.array([[0.0, 0.0, 0.0, 0.0], [1.0, -1.0, 0.5, 0.0]], np.float32)
    unit = np.eye(SIZE, dtype=np.float32)[axis]
    ends = origins[:, None] + 0.5 * values[None, :, None].astype(np.float32) * unit
    ends[1, 3] = np.nan
    nothing = np.zeros(0, np.float32)
    return Factor(
        name, name, PIXELS, unit, MonotoneCurve(p, 2 * p), MeasuredCalibration(p, 2 * p, np.full(9, 0.1), (-2.0, 2.0)),
        "linear", "1234" * 16,
        evidence=Evidence(origins, values, ends, nothing, nothing, nothing, 1.0) if evidence else None,
    )
