"""The shapes that the scene maker draws, as coverage of pixels: outlines in units of the half-size, y upwards."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
FINE = 3  # samples a side of a pixel


@dataclass(frozen=True)
class Shape:
    """A shape: ``inside`` tells of points (x, y), ``order`` after which part of a full turn it looks the same."""

    inside: Callable[[Array, Array], NDArray[np.bool_]]
    order: int


def _triangle(x: Array, y: Array) -> NDArray[np.bool_]:
    root = math.sqrt(3.0)
    inside: NDArray[np.bool_] = (y >= -0.5) & (y <= 1.0 - root * np.abs(x))
    return inside


def _heart(x: Array, y: Array) -> NDArray[np.bool_]:
    across, along = 1.15 * x, 1.15 * (y + 0.1)
    inside: NDArray[np.bool_] = (across**2 + along**2 - 1.0) ** 3 - across**2 * along**3 <= 0.0
    return inside


SHAPES: Mapping[str, Shape] = {
    "square": Shape(lambda x, y: (np.abs(x) <= 0.82) & (np.abs(y) <= 0.82), 4),
    "rectangle": Shape(lambda x, y: (np.abs(x) <= 1.0) & (np.abs(y) <= 0.55), 2),
    "ellipse": Shape(lambda x, y: x**2 + (y / 0.55) ** 2 <= 1.0, 2),
    "triangle": Shape(_triangle, 3),
    "heart": Shape(_heart, 1),
    "disc": Shape(lambda x, y: x**2 + y**2 <= 0.81, 0),
}


def coverage(
    name: str, *, x: float, y: float, half: float, angle: float, side: int
) -> tuple[NDArray[np.float32], tuple[slice, slice]]:
    """The share of every pixel that a shape covers, float32 (h, w) in [0, 1], and the window of the picture it is.

    Args:
        name: one of ``SHAPES``.
        x, y: its centre in pixels, to the right and downwards; (0, 0) is the first pixel's centre.
        half: half its size in pixels.
        angle: its turn in degrees, counter-clockwise as seen.
        side: of the picture, in pixels.
    """
    reach = 1.3 * half + 1.0
    left, right = max(0, math.floor(x - reach)), min(side, math.ceil(x + reach) + 1)
    top, bottom = max(0, math.floor(y - reach)), min(side, math.ceil(y + reach) + 1)
    window = (slice(top, max(top, bottom)), slice(left, max(left, right)))
    offsets = (np.arange(FINE) + 0.5) / FINE - 0.5
    columns = (np.arange(left, max(left, right))[:, None] + offsets).reshape(1, -1) - x
    rows = (np.arange(top, max(top, bottom))[:, None] + offsets).reshape(-1, 1) - y
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    across = (cosine * columns - sine * rows) / half
    up = -(sine * columns + cosine * rows) / half
    covered = SHAPES[name].inside(across, up).astype(np.float32)
    high, wide = covered.shape[0] // FINE, covered.shape[1] // FINE
    return covered.reshape(high, FINE, wide, FINE).mean(axis=(1, 3)), window
