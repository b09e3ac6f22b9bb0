"""Sprites made to the dSprites protocol (Matthey et al. 2017): white shapes on black, 64 x 64, every factor known.

Square, ellipse and heart; 6 scales from 0.5 to 1; 40 orientations; 32 x 32 positions, one pixel apart, from -15.5 to
+15.5 px about the picture's centre: 737,280 pictures. A pixel is white when its centre lies inside the shape (binary
pictures, as in dSprites).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from latentstudio.errors import UnknownNameError
from latentstudio.training.loop import TrainingStep
from latentstudio.training.method import Batches
from latentstudio.training.recipe import Recipe, stream_seed

SHAPES = ("square", "ellipse", "heart")
SCALES = 6
ORIENTATIONS = 40
POSITIONS = 32
SIDE = 64
COUNT = len(SHAPES) * SCALES * ORIENTATIONS * POSITIONS**2
_FIRST = 16  # pixel index of the first position; the last is 47, so the mean is the picture's centre, 31.5
_MIDDLE = 47


@dataclass(frozen=True)
class Sprites:
    """Factors of N sprites: shape index, scale in [0.5, 1], angle in radians (counter-clockwise), centre offset in px
    from the picture's centre (x to the right, y downwards). All tensors (N,)."""

    shape: Tensor
    scale: Tensor
    angle: Tensor
    x: Tensor
    y: Tensor


def render(sprites: Sprites, *, side: int = SIDE) -> Tensor:
    """Binary pictures float32 (N, 1, side, side), 1 inside the shape; positions need not be whole pixels."""
    axis = torch.arange(side, dtype=torch.float32) - (side - 1) / 2
    dx = axis[None, None, :] - sprites.x[:, None, None]
    dy = axis[None, :, None] - sprites.y[:, None, None]
    cosine, sine = sprites.angle.cos()[:, None, None], sprites.angle.sin()[:, None, None]
    scale = sprites.scale[:, None, None]
    right = (cosine * dx - sine * dy) / scale
    up = -(sine * dx + cosine * dy) / scale
    shape = sprites.shape[:, None, None]
    square = (right.abs() <= 10.0) & (up.abs() <= 10.0)
    ellipse = (right / 13.5) ** 2 + (up / 7.5) ** 2 <= 1.0
    across, along = right / 10.5, (up + 1.5) / 10.5
    heart = (across**2 + along**2 - 1.0) ** 3 - across**2 * along**3 <= 0.0
    inside = torch.where(shape == 0, square, torch.where(shape == 1, ellipse, heart))
    return inside.float()[:, None]


def sheet_pieces() -> Iterator[Tensor]:
    """The sheet uint8 (720, S, S) in pieces of a few milliseconds, one a shape and size."""
    kinds = torch.cartesian_prod(torch.arange(len(SHAPES)), torch.arange(SCALES), torch.arange(ORIENTATIONS))
    for piece in kinds.split(ORIENTATIONS):
        nothing = torch.zeros(len(piece))
        sprites = Sprites(
            shape=piece[:, 0], scale=0.5 + 0.5 * piece[:, 1].float() / (SCALES - 1),
            angle=2 * math.pi * piece[:, 2].float() / ORIENTATIONS, x=nothing, y=nothing,
        )
        yield render(sprites, side=2 * _MIDDLE + 1)[:, 0].to(torch.uint8)


class SpriteSheet:
    """All 720 shapes, sizes and turns rendered once; a batch is cut out of it at the drawn positions.

    Args:
        pieces: what ``sheet_pieces`` yields, where somebody went through it already.
    """

    def __init__(self, pieces: Iterable[Tensor] | None = None) -> None:
        self._sheet = torch.cat(list(sheet_pieces() if pieces is None else pieces))

    def draw(self, count: int, source: torch.Generator) -> Tensor:
        """``count`` of the protocol's pictures drawn uniformly: float32 (count, 1, 64, 64), 0 or 1."""
        kind = torch.randint(len(self._sheet), (count,), generator=source)
        row, column = (torch.randint(POSITIONS, (count, 1), generator=source) + _FIRST for _ in range(2))
        window = torch.arange(SIDE)
        rows, columns = _MIDDLE - row + window, _MIDDLE - column + window
        return self._sheet[kind[:, None, None], rows[:, :, None], columns[:, None, :]].float()[:, None]

    def batch(self, count: int, *, seed: int, step: int) -> Tensor:
        """The batch of a training step; it depends on ``seed`` and ``step`` only (see ``recipe.stream_seed``)."""
        return self.draw(count, torch.Generator().manual_seed(stream_seed(seed, step)))


class SpritePictures:
    """All of the protocol's pictures as training takes them: drawn anew in every step, so there is nothing to tell."""

    notes: tuple[str, ...] = ()
    fingerprint = ""

    def __init__(self, sheet: SpriteSheet) -> None:
        self._sheet = sheet

    def batch(self, count: int, *, data_seed: int) -> Batches:
        """Batches float32 (count, 1, 64, 64), 0 or 1; that of a step depends on ``data_seed`` and the step only."""
        return lambda step: self._sheet.batch(count, seed=data_seed, step=step)

    def shown(self, count: int) -> Tensor:
        """The first batch of the stream 0."""
        return self._sheet.batch(count, seed=0, step=0)


def read_sprites(recipe: Recipe) -> Iterator[TrainingStep | SpritePictures]:
    """Steps of drawing the shapes, then the pictures of a recipe that is trained on sprites.

    Raises:
        UnknownNameError: it names others.
    """
    if recipe.data != "sprites":
        raise UnknownNameError(f"the recipe names the data '{recipe.data}'", expected="sprites")
    pieces: list[Tensor] = []
    for piece in sheet_pieces():
        pieces.append(piece)
        yield TrainingStep(0.0, "drawing the sprites")
    yield SpritePictures(SpriteSheet(pieces))
