"""Absolute places along an axis: the coordinate itself is set, wherever the sample stood. numpy only."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from latentstudio.errors import UsageError
from latentstudio.factors.factor import FactorSet
from latentstudio.factors.solving import smallest_move

FloatArray = NDArray[np.float32]

ALPHAS = np.linspace(-5.0, 5.0, 11)
MOST = 1_000
_RANGE = re.compile(r"(?P<first>.+)\.\.(?P<last>[^/]+)/(?P<count>\d+)")


def set_coordinate(latents: FloatArray, axis: FloatArray, alpha: float | NDArray[np.float64]) -> FloatArray:
    """z - <z, u> u + alpha u of latents (..., d): the coordinate along u (d,) becomes ``alpha``, the rest stays.

    Section 3.1 of Plumerault et al. 2020, step 3. ``alpha`` is one number, or one for each latent (...).
    """
    unit = axis.astype(np.float64) / np.linalg.norm(axis.astype(np.float64))
    start = np.asarray(latents, dtype=np.float64)
    move = np.asarray(alpha, dtype=np.float64) - start @ unit
    return (start + move[..., None] * unit).astype(np.float32)


def traverse(latents: FloatArray, axis: FloatArray, alphas: NDArray[np.float64] = ALPHAS) -> FloatArray:
    """Each latent (..., d) at each of ``alphas`` (A,) along the axis: float32 (..., A, d)."""
    places = np.asarray(alphas, dtype=np.float64)
    return set_coordinate(np.repeat(np.asarray(latents)[..., None, :], len(places), axis=-2), axis, places)


def place_at(latent: FloatArray, coordinates: Mapping[str, float], factors: FactorSet) -> FloatArray:
    """One latent (d,) with the coordinates of several factors put where they are wanted, by the smallest move.

    Raises:
        UnknownNameError: a name without a factor.
        UsageError: a coordinate that is not finite.
    """
    chosen = [factors.get(name) for name in sorted(coordinates)]
    wanted = np.array([float(coordinates[factor.name]) for factor in chosen])
    if not np.isfinite(wanted).all():
        raise UsageError(f"the coordinates {dict(coordinates)}", expected="ordinary numbers, in latent units")
    if not chosen:
        return np.asarray(latent, dtype=np.float32).copy()
    here = np.array([factor.coordinate(latent) for factor in chosen])
    axes = np.stack([factor.axis for factor in chosen]).astype(np.float64)
    return (latent + smallest_move(axes, wanted - here)).astype(np.float32)


def parse_alphas(text: str) -> NDArray[np.float64]:
    """``-5..5/11`` (eleven from -5 to 5) or ``-2,0,2`` as coordinates, in latent units.

    Raises:
        UsageError: not of either form, not finite, or more than ``MOST``.
    """
    expected = "FIRST..LAST/COUNT or numbers with commas, for example -5..5/11 or -2,0,2"
    found = _RANGE.fullmatch(text.strip())
    try:
        numbers = [float(piece) for piece in ((found["first"], found["last"]) if found else text.split(","))]
    except ValueError:
        raise UsageError(f"'{text}' is no row of coordinates", expected=expected) from None
    count = int(found["count"]) if found else len(numbers)
    if not 1 <= count <= MOST or not np.isfinite(numbers).all():
        raise UsageError(f"'{text}' is no row of coordinates", expected=f"{expected}; 1 to {MOST:,} ordinary numbers")
    return np.linspace(numbers[0], numbers[1], count) if found else np.array(numbers)
