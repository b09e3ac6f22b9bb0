"""The way of a transformation through the space of pictures, beside the straight line (Plumerault et al. 2020, app. D).

Figure 8 of the paper: a translation or a rotation leads a picture along a curve, a change of brightness along a line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from latentstudio import pixels
from latentstudio.errors import UsageError
from latentstudio.latents import principal_components
from latentstudio.transformations import Transformation
from latentstudio.units import PIXELS, Unit

FloatArray = NDArray[np.float32]
STATIONS = 41
BLENDS = 9
LEAST_SEEN = 0.1
LEAST_WHOLE = 9


@dataclass(frozen=True)
class PixelPath:
    """A picture on its way under a transformation, in the two principal components of that way.

    Attributes:
        name, unit: of the transformation; ``t`` (K,) increasing, in the unit's own parameter.
        curve: (K, 2) where T_t of the picture stands; distances are root mean square differences of the pixels.
        pictures: uint8 (K, H, W, 3), T_t of the picture; undefined pixels have the mean colour of its edge.
        shares: (M,) from 0 to 1; ``line`` (M, 2) and ``blends`` uint8 (M, H, W, 3) are the interpolation of pixels
            between the two extremes.
        explained: shares of variance of the two components.
        ratio: length of the curve through all pixels over the length of the straight line; 1 where it is straight.
        seen: share of the pixels that are defined at every t; only these count.
    """

    name: str
    unit: Unit
    t: NDArray[np.float64]
    curve: FloatArray
    pictures: pixels.BytePictures
    shares: NDArray[np.float64]
    line: FloatArray
    blends: pixels.BytePictures
    explained: tuple[float, float]
    ratio: float
    seen: float


def pixel_path(
    picture: pixels.FloatPictures,
    transformation: Transformation,
    *,
    low: float | None = None,
    high: float | None = None,
    count: int = STATIONS,
) -> PixelPath:
    """Follow one picture (3, H, W) from T_low to T_high, and go there straight through the pixels.

    Pixels that the transformation leaves undefined at any t (what moved in from outside) are not looked at.
    Translations stand at whole pixels: between them interpolation blurs, and that would add a way of its own.

    Args:
        low, high: ends of the range of t; the transformation's own reach to both sides when None.

    Raises:
        UsageError: an empty range, too few stations, or a range that leaves hardly any pixel defined throughout.
    """
    furthest = transformation.largest(picture.shape[-1])
    start, end = -furthest if low is None else low, furthest if high is None else high
    if not start < end or count < 3:
        raise UsageError(f"a path from {start:g} to {end:g} in {count} stations", expected="a rising range, 3 or more")
    t = _stations(start, end, count, transformation.unit)
    count = len(t)
    with torch.inference_mode():
        source = torch.from_numpy(np.ascontiguousarray(picture, np.float32))[None].expand(count, -1, -1, -1)
        drawn, mask = transformation.trial(source, torch.from_numpy(t.astype(np.float32)))
    masks: FloatArray = mask.numpy()
    defined = masks[:, 0].min(axis=0) > 0.99
    moved = np.asarray(drawn.clamp(0.0, 1.0).numpy() * masks + _edge_colour(picture) * (1.0 - masks), np.float32)
    seen = float(defined.mean())
    if seen < LEAST_SEEN:
        raise UsageError(
            f"only {seen:.0%} of the picture stay defined from {transformation.unit.format(start)} to "
            f"{transformation.unit.format(end)}", action="choose a smaller range",
        )
    shares = np.linspace(0.0, 1.0, BLENDS)
    mixed = _blend(moved, shares)
    rows, line_rows = _rows(moved, defined), _rows(mixed, defined)
    found = principal_components(rows, count=2)
    return PixelPath(
        transformation.name, transformation.unit, t, found.coordinates(rows), pixels.to_bytes(moved), shares,
        found.coordinates(line_rows), pixels.to_bytes(mixed),
        (float(found.explained[0]), float(found.explained[1])), length_ratio(rows), seen,
    )


def _edge_colour(picture: pixels.FloatPictures) -> FloatArray:
    """The mean colour (3, 1, 1) of the outermost pixels, with which what is undefined disturbs the eye least."""
    edge = np.concatenate([picture[:, 0], picture[:, -1], picture[:, :, 0], picture[:, :, -1]], axis=1)
    return np.asarray(edge.mean(axis=1)[:, None, None], np.float32)


def _stations(start: float, end: float, count: int, unit: Unit) -> NDArray[np.float64]:
    even = np.linspace(start, end, count)
    whole = np.unique(np.round(even))
    return whole if unit == PIXELS and len(whole) >= LEAST_WHOLE else even


def _rows(pictures: FloatArray, defined: NDArray[np.bool_]) -> FloatArray:
    """Rows (N, P) of the defined pixels, as far apart as the root mean square difference of the pictures."""
    rows = pictures[:, :, defined].reshape(len(pictures), -1)
    return np.asarray(rows / np.sqrt(rows.shape[1]), np.float32)


def length_ratio(rows: FloatArray) -> float:
    """Length of the broken line through rows (K, P) over the distance of its ends; infinite where it returns."""
    steps = float(np.linalg.norm(np.diff(rows.astype(np.float64), axis=0), axis=1).sum())
    straight = float(np.linalg.norm(rows[-1].astype(np.float64) - rows[0]))
    return steps / straight if straight > 1e-12 else float("inf") if steps > 1e-12 else 1.0


def _blend(moved: FloatArray, shares: NDArray[np.float64]) -> FloatArray:
    weights = shares.astype(np.float32)[:, None, None, None]
    return np.asarray((1 - weights) * moved[0] + weights * moved[-1], np.float32)
