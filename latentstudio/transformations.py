"""Image transformations T_t with their validity masks (Plumerault et al. 2020, section 2.1.2).

Every transformation takes pictures float32 (N, 3, H, W) in [0, 1] and one parameter t a picture (N,), and returns the
transformed pictures and a mask (N, 1, H, W) that is 1 where the result is defined by the source and 0 where it is not
(the strip that a translation reveals). Interpolation is bilinear at sub-pixel positions; undefined pixels are mid grey.
Signs: x to the right, y downwards, scale t = log2 of the magnification (above 0 is larger), brightness t is added to
every channel (a fraction of the full range).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from latentstudio.errors import UnknownNameError
from latentstudio.units import PERCENT, PIXELS, TIMES, Unit

FILL = 0.5
Apply = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Transformation:
    """A transformation T_t.

    Attributes:
        name: the factor's name on sliders and on the command line.
        title: what it does, a few words with the sign.
        unit: unit of t, see ``units``.
        apply: (pictures (N, 3, H, W), t (N,)) -> (pictures, mask (N, 1, H, W)).
        reach: the largest |t| that trajectories are asked for, as a share of the picture's side for ``px`` and in t's
            own parameter otherwise.
        is_relative: t scales with the picture's side (translations).
    """

    name: str
    title: str
    unit: Unit
    apply: Apply
    reach: float
    is_relative: bool = False

    def largest(self, side: int) -> float:
        """The largest |t| asked for on pictures of this side, in t's own parameter."""
        return self.reach * side if self.is_relative else self.reach


def warp(images: Tensor, *, shift_x: Tensor, shift_y: Tensor, log2_scale: Tensor) -> tuple[Tensor, Tensor]:
    """Magnify by 2**log2_scale about the centre, then move by (shift_x, shift_y) pixels; all parameters (N,)."""
    count, _, height, width = images.shape
    rows = torch.arange(height, dtype=images.dtype, device=images.device) - (height - 1) / 2
    columns = torch.arange(width, dtype=images.dtype, device=images.device) - (width - 1) / 2
    shrink = torch.exp2(-log2_scale)[:, None]
    source_x = (columns[None] - shift_x[:, None]) * shrink
    source_y = (rows[None] - shift_y[:, None]) * shrink
    grid_x = (source_x * 2 / width)[:, None, :].expand(count, height, width)
    grid_y = (source_y * 2 / height)[:, :, None].expand(count, height, width)
    grid = torch.stack((grid_x, grid_y), dim=-1)
    moved = functional.grid_sample(images - FILL, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
    slack = 1e-4
    inside_x = (source_x.abs() <= (width - 1) / 2 + slack)[:, None, None, :]
    inside_y = (source_y.abs() <= (height - 1) / 2 + slack)[:, None, :, None]
    mask = (inside_x & inside_y).to(images.dtype)
    return moved * mask + FILL, mask


def _translate_x(images: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    nothing = torch.zeros_like(t)
    return warp(images, shift_x=t, shift_y=nothing, log2_scale=nothing)


def _translate_y(images: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    nothing = torch.zeros_like(t)
    return warp(images, shift_x=nothing, shift_y=t, log2_scale=nothing)


def _scale(images: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    nothing = torch.zeros_like(t)
    return warp(images, shift_x=nothing, shift_y=nothing, log2_scale=t)


def _brighten(images: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    brightened = (images + t[:, None, None, None]).clamp(0.0, 1.0)
    return brightened, torch.ones_like(images[:, :1])


TRANSFORMATIONS = (
    Transformation("x", "to the right (+) or left (−)", PIXELS, _translate_x, 0.2, is_relative=True),
    Transformation("y", "down (+) or up (−)", PIXELS, _translate_y, 0.2, is_relative=True),
    Transformation("scale", "larger (above 1) or smaller", TIMES, _scale, 0.5),
    Transformation("brightness", "brighter (+) or darker (−)", PERCENT, _brighten, 0.4),
)


def transformation_named(name: str) -> Transformation:
    """The built-in transformation of this name.

    Raises:
        UnknownNameError: there is none.
    """
    for transformation in TRANSFORMATIONS:
        if transformation.name == name:
            return transformation
    names = ", ".join(transformation.name for transformation in TRANSFORMATIONS)
    raise UnknownNameError(f"there is no transformation '{name}'", expected=f"one of: {names}")
