"""Scenes with known truth: objects on a background, drawn one over the other, seeded."""

from __future__ import annotations

import colorsys
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentstudio.errors import UnknownNameError, UsageError
from latentstudio.scenes.shaded import cast_shadow, draw_shaded
from latentstudio.scenes.shapes import SHAPES, coverage

VISIBLE = 0.6  # every object keeps this share of itself
APART = 0.6  # least sum of differences of an object's colour from what lies under it
TRIES = 20
FloatPicture = NDArray[np.float32]


@dataclass(frozen=True)
class Kind:
    """What scenes of one kind hold.

    Attributes:
        side: of the pictures, in pixels.
        counts: fewest and most objects.
        halves: smallest and largest half-size in pixels; sizes are uniform on a logarithmic scale.
        shapes: names of ``SHAPES``.
        background: ``gradient``, ``texture`` or ``floor``.
        visible: share of every object that stays to be seen.
    """

    side: int
    counts: tuple[int, int]
    halves: tuple[float, float]
    shapes: tuple[str, ...]
    background: str = "gradient"
    visible: float = VISIBLE


FLAT = ("square", "rectangle", "ellipse", "triangle", "heart")
KINDS: Mapping[str, Kind] = {
    "flat": Kind(64, (1, 6), (5.0, 12.5), FLAT),
    "varied": Kind(64, (1, 6), (4.0, 15.0), FLAT, visible=0.3),
    "textured": Kind(64, (1, 6), (5.0, 12.5), FLAT, background="texture"),
    "many": Kind(128, (10, 24), (4.0, 9.0), FLAT),
    "crowd": Kind(128, (18, 24), (4.0, 9.0), FLAT),
    "shaded": Kind(64, (1, 5), (5.0, 11.0), ("sphere", "cube", "cylinder"), background="floor"),
}


@dataclass(frozen=True)
class TruthObject:
    """One object of a scene, as it was drawn.

    Attributes:
        box: x, y, width, height in pixels: the upper left corner and the size of the box around what is seen of it.
        mask: bool (H, W), what is seen of it.
        shape, colour: its kind and its RGB in [0, 1].
        angle_deg: its turn, counter-clockwise; ``order`` equal turns look the same (0: all do).
        depth: 0 for the front-most object, growing to the back.
    """

    box: tuple[float, float, float, float]
    mask: NDArray[np.bool_]
    shape: str
    colour: tuple[float, float, float]
    angle_deg: float
    order: int
    depth: int


@dataclass(frozen=True)
class MadeScene:
    """A picture uint8 (H, W, 3), its background alone, and its objects from the back to the front."""

    picture: NDArray[np.uint8]
    background: NDArray[np.uint8]
    objects: tuple[TruthObject, ...]


@dataclass
class _Drawn:
    mask: NDArray[np.bool_]
    area: int
    shape: str
    colour: NDArray[np.float64]
    angle: float


def make_scene(kind: str, seed: int, *, side: int | None = None) -> MadeScene:
    """The scene of a kind and a seed; equal arguments give equal scenes.

    Args:
        kind: one of ``KINDS``.
        seed: 0 or more.
        side: another size of the picture; the objects grow with it.

    Raises:
        UnknownNameError: no such kind.
        UsageError: a size or seed out of range.
    """
    chosen = kind_named(kind)
    size = chosen.side if side is None else side
    if not 16 <= size <= 1024 or seed < 0:
        raise UsageError(f"a scene of {size} pixels with seed {seed}", expected="16 to 1024 pixels, a seed of 0 on")
    source = np.random.Generator(np.random.PCG64((seed, len(kind), sum(kind.encode()))))
    grown = size / chosen.side
    wanted = int(source.integers(chosen.counts[0], chosen.counts[1] + 1))
    background = _background(chosen.background, size, source)
    canvas = background.copy()
    drawn: list[_Drawn] = []
    for _ in range(wanted):
        for _ in range(TRIES):
            if _place(canvas, drawn, chosen, grown, source):
                break
    objects = tuple(_truth(one, index, len(drawn)) for index, one in enumerate(drawn))
    return MadeScene(_bytes(canvas), _bytes(background), objects)


def kind_named(name: str) -> Kind:
    """The kind of this name.

    Raises:
        UnknownNameError: there is none.
    """
    if name not in KINDS:
        raise UnknownNameError(f"there are no scenes of the kind '{name}'", expected=f"one of: {', '.join(KINDS)}")
    return KINDS[name]


def _place(canvas: FloatPicture, drawn: list[_Drawn], kind: Kind, grown: float, source: np.random.Generator) -> bool:
    """Try to draw one more object in front of the others; False where it would hide too much or not be seen."""
    side = len(canvas)
    low, high = np.log(kind.halves[0] * grown), np.log(kind.halves[1] * grown)
    half = float(np.exp(source.uniform(low, high)))
    margin = 0.7 * half
    x, y = (float(source.uniform(margin, side - 1 - margin)) for _ in range(2))
    name = kind.shapes[int(source.integers(len(kind.shapes)))]
    colour, angle = _colour(source), float(source.uniform(-180.0, 180.0))
    if kind.background == "floor":
        y = float(source.uniform(0.42 * side, side - 1 - margin))
        half *= 0.6 + 0.55 * y / side  # what stands further back is smaller
        cover, paint, window = draw_shaded(name, x=x, y=y, half=half, angle=angle, colour=colour, side=side)
    else:
        cover, window = coverage(name, x=x, y=y, half=half, angle=angle, side=side)
        paint = np.broadcast_to(colour, (*cover.shape, 3))
    mask = np.zeros((side, side), dtype=bool)
    mask[window] = cover > 0.5
    area = int(mask.sum())
    if area < 8 or any((one.mask & ~mask).sum() < kind.visible * one.area for one in drawn):
        return False
    under = canvas[mask].reshape(-1, 3).mean(axis=0)
    if np.abs(under - paint[cover > 0.5].mean(axis=0)).sum() < APART:
        return False
    for one in drawn:
        one.mask &= ~mask
    if kind.background == "floor":
        cast_shadow(canvas, x=x, y=y, half=half)
    canvas[window] += cover[:, :, None] * (paint.astype(np.float32) - canvas[window])
    drawn.append(_Drawn(mask, area, name, colour, angle))
    return True


def _truth(one: _Drawn, index: int, count: int) -> TruthObject:
    rows, columns = np.flatnonzero(one.mask.any(axis=1)), np.flatnonzero(one.mask.any(axis=0))
    box = (float(columns[0]), float(rows[0]), float(columns[-1] - columns[0] + 1), float(rows[-1] - rows[0] + 1))
    order = SHAPES[one.shape].order if one.shape in SHAPES else 0
    red, green, blue = (float(value) for value in one.colour)
    return TruthObject(box, one.mask, one.shape, (red, green, blue), one.angle, order, count - 1 - index)


def _colour(source: np.random.Generator) -> NDArray[np.float64]:
    return np.array(colorsys.hsv_to_rgb(source.uniform(), source.uniform(0.45, 1.0), source.uniform(0.45, 1.0)))


def _background(kind: str, side: int, source: np.random.Generator) -> FloatPicture:
    rows, columns = np.meshgrid(np.linspace(-1, 1, side), np.linspace(-1, 1, side), indexing="ij")
    first, second = (0.15 + 0.7 * source.uniform(size=3) for _ in range(2))
    if kind == "floor":
        floor, wall = (0.35 + 0.4 * source.uniform(size=3) for _ in range(2))
        edge = -0.35 + 0.1 * source.uniform()
        share = np.clip((rows - edge) * side / 4.0 + 0.5, 0.0, 1.0)[:, :, None]
        light = (0.85 + 0.15 * rows)[:, :, None]
        return (light * ((1.0 - share) * wall + share * floor)).astype(np.float32)
    angle = source.uniform(0.0, 2.0 * np.pi)
    share = 0.5 + 0.5 * (np.cos(angle) * columns + np.sin(angle) * rows) / 1.42
    picture = (1.0 - share[:, :, None]) * first + share[:, :, None] * second
    if kind == "texture":
        picture = picture + _texture(rows, columns, source)[:, :, None] * (0.2 * source.uniform(-1, 1, size=3) + 0.12)
    found: NDArray[np.float32] = np.clip(picture, 0.0, 1.0).astype(np.float32)
    return found


def _texture(
    rows: NDArray[np.float64], columns: NDArray[np.float64], source: np.random.Generator
) -> NDArray[np.float64]:
    """Stripes, checks or smooth noise in [-1, 1]."""
    kind, pitch, angle = int(source.integers(3)), source.uniform(4.0, 10.0), source.uniform(0.0, np.pi)
    across = np.cos(angle) * columns + np.sin(angle) * rows
    along = np.cos(angle) * rows - np.sin(angle) * columns
    if kind == 0:
        return np.asarray(np.sin(np.pi * pitch * across))
    if kind == 1:
        return np.asarray(np.sign(np.sin(np.pi * pitch * across) * np.sin(np.pi * pitch * along)))
    phases = source.uniform(0.0, 2.0 * np.pi, size=6)
    pitches = source.uniform(2.0, 7.0, size=(6, 2))
    waves = [np.sin(np.pi * (a * columns + b * rows) + c) for (a, b), c in zip(pitches, phases, strict=True)]
    return np.asarray(np.mean(waves, axis=0) * 1.6)


def _bytes(picture: FloatPicture) -> NDArray[np.uint8]:
    return (np.clip(picture, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)
