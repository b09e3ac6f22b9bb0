"""Ways through the latent space: the path of an edit, the trajectories that a factor was learned from. numpy only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentstudio.errors import UsageError
from latentstudio.factors.control import apply_factors
from latentstudio.factors.factor import Factor, FactorSet
from latentstudio.units import Unit

FloatArray = NDArray[np.float32]
STATIONS = 13


@dataclass(frozen=True)
class EditPath:
    """The way from a sample to its edit: at ``shares`` (K,) of the way, 0 to 1, stand the ``latents`` (K, d)."""

    shares: NDArray[np.float64]
    latents: FloatArray


@dataclass(frozen=True)
class Trajectory:
    """One trajectory of Algorithm 1 (Plumerault et al. 2020): where the search stood for each t.

    Attributes:
        factor: name of the factor that was learned from it.
        unit: unit of t.
        start: which of the kept starting points it begins at.
        t: increasing (K,), 0 among them.
        latents: (K, d); the starting point at t = 0. Records that learning dropped are left out.
    """

    factor: str
    unit: Unit
    start: int
    t: NDArray[np.float64]
    latents: FloatArray


def edit_path(
    latent: FloatArray, positions: Mapping[str, float], factors: FactorSet, *, count: int = STATIONS
) -> EditPath:
    """All factors moved from 0 to their positions together, in ``count`` even steps of t.

    The first latent is the sample itself, the last one what ``apply_factors`` gives for the positions.

    Args:
        latent: the sample, d values of any shape.
        positions: t per factor name.

    Raises:
        UnknownNameError: a name without a factor.
        UsageError: fewer than two stations, a value that is not finite, or a latent of another size.
    """
    if count < 2:
        raise UsageError(f"a path of {count} stations", expected="2 or more")
    flat = np.asarray(latent, dtype=np.float32).reshape(-1)
    shares = np.linspace(0.0, 1.0, count)
    stations = [
        apply_factors(flat, {name: float(share * t) for name, t in positions.items()}, factors).latent
        for share in shares[1:]
    ]
    return EditPath(shares, np.stack([flat, *stations]))


def trajectories_of(factor: Factor) -> tuple[Trajectory, ...]:
    """The kept trajectories, one a starting point; empty where the factor's file keeps none.

    A starting point of which every record was dropped has no trajectory.
    """
    evidence = factor.evidence
    if evidence is None:
        return ()
    found = []
    for start, (origin, ends) in enumerate(zip(evidence.origins, evidence.ends, strict=True)):
        kept = np.isfinite(ends).all(axis=1) & (evidence.values != 0.0)
        if not kept.any():
            continue
        t = np.concatenate([[0.0], evidence.values[kept]])
        latents = np.concatenate([origin[None], ends[kept]])
        order = np.argsort(t)
        found.append(Trajectory(factor.name, factor.unit, start, t[order], latents[order].astype(np.float32)))
    return tuple(found)
