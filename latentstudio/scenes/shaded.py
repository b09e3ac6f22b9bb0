"""A small renderer of lit solids on a floor, seen from above: spheres, cubes and cylinders, each with its shadow.

Every solid stands on the floor; its lit faces are shaded by Lambert's cosine for one light at the upper left.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

FINE = 3
AMBIENT = 0.45
LIGHT = np.array([-0.45, 0.75, 0.48])  # to the right, up, towards the eye
TILT = 0.5  # height of a circle on the floor as a share of its width
Array = NDArray[np.float64]


def draw_shaded(
    name: str, *, x: float, y: float, half: float, angle: float, colour: NDArray[np.float64], side: int
) -> tuple[NDArray[np.float32], NDArray[np.float64], tuple[slice, slice]]:
    """Coverage float32 (h, w), colours (h, w, 3) and the window of the picture that they belong to.

    Args:
        name: ``sphere``, ``cube`` or ``cylinder``.
        x, y: the solid's middle in pixels, to the right and downwards.
        half: half its width in pixels.
        angle: a cube's turn about the vertical, in degrees.
        colour: RGB (3,) in [0, 1].
        side: of the picture, in pixels.
    """
    reach = 1.6 * half + 1.0
    left, right = max(0, math.floor(x - reach)), min(side, math.ceil(x + reach) + 1)
    top, bottom = max(0, math.floor(y - reach)), min(side, math.ceil(y + reach) + 1)
    window = (slice(top, max(top, bottom)), slice(left, max(left, right)))
    offsets = (np.arange(FINE) + 0.5) / FINE - 0.5
    across = ((np.arange(left, max(left, right))[:, None] + offsets).reshape(1, -1) - x) / half
    up = -((np.arange(top, max(top, bottom))[:, None] + offsets).reshape(-1, 1) - y) / half
    across, up = np.broadcast_arrays(across, up)
    inside, light = _SOLIDS[name](np.asarray(across), np.asarray(up), angle)
    high, wide = inside.shape[0] // FINE, inside.shape[1] // FINE
    cover = inside.astype(np.float32).reshape(high, FINE, wide, FINE).mean(axis=(1, 3))
    weight = np.maximum(cover, 1e-6)
    lit = (light * inside).reshape(high, FINE, wide, FINE).mean(axis=(1, 3)) / weight
    return cover, np.clip(lit[:, :, None] * colour, 0.0, 1.0), window


def cast_shadow(canvas: NDArray[np.float32], *, x: float, y: float, half: float) -> None:
    """Darken the picture (H, W, 3) where a solid at (x, y) pixels keeps the light off: soft, to its lower right."""
    side = len(canvas)
    rows, columns = np.meshgrid(np.arange(side) - (y + 0.75 * half), np.arange(side) - (x + 0.5 * half), indexing="ij")
    far = (columns / (1.35 * half)) ** 2 + (rows / (0.55 * half)) ** 2
    canvas *= (1.0 - 0.45 * np.clip(1.25 - far, 0.0, 1.0))[:, :, None].astype(np.float32)


def _shade(normal: Array) -> Array:
    """Brightness (...,) of faces with these normals (..., 3)."""
    light = LIGHT / np.linalg.norm(LIGHT)
    return np.asarray(AMBIENT + (1.15 - AMBIENT) * np.clip(normal @ light, 0.0, None))


def _sphere(x: Array, y: Array, angle: float) -> tuple[NDArray[np.bool_], Array]:
    inside = x**2 + y**2 <= 1.0
    depth = np.sqrt(np.clip(1.0 - x**2 - y**2, 0.0, None))
    return inside, _shade(np.stack([x, y, depth], axis=-1))


def _cylinder(x: Array, y: Array, angle: float) -> tuple[NDArray[np.bool_], Array]:
    radius, height = 0.85, 0.7
    lid = (x / radius) ** 2 + ((y - height) / (TILT * radius)) ** 2 <= 1.0
    floor = (x / radius) ** 2 + ((y + height) / (TILT * radius)) ** 2 <= 1.0
    body = (np.abs(x) <= radius) & (np.abs(y) <= height)
    turned = np.clip(x / radius, -1.0, 1.0)
    around = _shade(np.stack([turned, np.zeros_like(x), np.sqrt(1.0 - turned**2)], axis=-1))
    return lid | floor | body, np.where(lid, _shade(np.array([0.0, 1.0, 0.0])), around)


def _cube(x: Array, y: Array, angle: float) -> tuple[NDArray[np.bool_], Array]:
    """The lid is a turned square squeezed by the tilt; two sides hang from its front edges."""
    height, reach = 0.75, 0.95
    turn = math.radians(angle % 90.0 - 45.0)
    corners = np.array([(math.cos(turn + k * math.pi / 2), math.sin(turn + k * math.pi / 2)) for k in range(4)])
    lid = _in_square(x / reach, (y - height * 0.6) / (TILT * reach), turn)
    inside, light = lid.copy(), np.where(lid, _shade(np.array([0.0, 1.0, 0.0])), 0.0)
    for first, second in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        outward = first + second
        if outward[1] >= 0.0:
            continue  # it looks away from the eye
        low, high = sorted((float(first[0]), float(second[0])))
        share = np.clip((x / reach - first[0]) / (second[0] - first[0] + 1e-9), 0.0, 1.0)
        edge = height * 0.6 + TILT * reach * (first[1] + share * (second[1] - first[1]))
        face = (x / reach >= low) & (x / reach <= high) & (y <= edge) & (y >= edge - 1.25 * height) & ~lid
        normal = np.array([outward[0], 0.0, -outward[1]]) / np.linalg.norm(outward)
        light = np.where(face & ~inside, _shade(normal), light)
        inside |= face
    return inside, light


def _in_square(x: Array, y: Array, turn: float) -> NDArray[np.bool_]:
    """Whether points lie in the square whose corners stand at ``turn`` and every quarter turn after it."""
    cosine, sine = math.cos(turn), math.sin(turn)
    inside: NDArray[np.bool_] = np.abs(cosine * x + sine * y) + np.abs(cosine * y - sine * x) <= 1.0
    return inside


_SOLIDS = {"sphere": _sphere, "cube": _cube, "cylinder": _cylinder}
