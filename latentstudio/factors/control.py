"""Setting factors on a sample: positions in true units in, one latent out. numpy only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentstudio.errors import UsageError
from latentstudio.factors.factor import FactorSet

FloatArray = NDArray[np.float32]
_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Applied:
    """The moved latent (d,), what every factor was set to, and the names that had to stay within their known range."""

    latent: FloatArray
    reached: Mapping[str, float]
    clamped: tuple[str, ...] = ()


def apply_factors(latent: FloatArray, positions: Mapping[str, float], factors: FactorSet) -> Applied:
    """Move one latent so that every named factor changes by its t; the order of the names does not matter.

    Each factor wants its own coordinate at p' = g_inverse(g(p) + t). The axes need not be orthogonal: the smallest
    move that brings all wanted coordinates about is z + U' (U U')^-1 (p' - p).

    Args:
        latent: one latent of the model's first space, any shape of d values; the result has the same shape.
        positions: t per factor name, in the unit's own parameter.
        factors: the model's factors.

    Raises:
        UnknownNameError: a name without a factor.
        UsageError: a value that is not finite, or a latent of another size.
    """
    start = np.asarray(latent, dtype=np.float32)
    flat = start.reshape(-1)
    rows, moves = [], []
    reached: dict[str, float] = {}
    clamped = []
    for name in sorted(positions):
        factor, t = factors.get(name), float(positions[name])
        if not np.isfinite(t):
            raise UsageError(f"{name} is {t}", expected=f"a number in {factor.unit.symbol}")
        if flat.size != factor.axis.size:
            raise UsageError(f"a latent of {flat.size} values", expected=f"{factor.axis.size} for this model")
        wanted, value = factor.target(flat, t)
        reached[name] = value
        if abs(value - t) > _TOLERANCE * max(1.0, abs(t)):
            clamped.append(name)
        if t != 0.0:
            rows.append(factor.axis.astype(np.float64))
            moves.append(wanted - factor.coordinate(flat))
    if not rows:
        return Applied(start.copy(), reached, tuple(clamped))
    axes = np.stack(rows)
    if len(rows) == 1:  # the usual drag; the general way costs as much as a small model's picture
        shares = np.asarray(moves) / (axes @ axes.T)[0]
    else:
        shares = np.linalg.lstsq(axes @ axes.T, np.asarray(moves), rcond=1e-8)[0]
    moved = flat.astype(np.float64) + shares @ axes
    return Applied(moved.astype(np.float32).reshape(start.shape), reached, tuple(clamped))


def parse_settings(texts: Sequence[str], factors: FactorSet) -> dict[str, float]:
    """``["x=8px", "scale=1.2x"]`` as t per factor; a name given twice counts the last time.

    Raises:
        UsageError: not of the form NAME=VALUE, or not a value in the factor's unit.
        UnknownNameError: a name without a factor.
    """
    positions: dict[str, float] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"'{text}' is not a setting", expected="NAME=VALUE, for example x=8px")
        factor = factors.get(name.strip())
        positions[factor.name] = factor.unit.parse(value)
    return positions
