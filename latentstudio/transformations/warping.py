"""Moving pixels: every geometric transformation says where its pixels come from, and is sampled here.

Positions are in px from the picture's centre, x to the right and y downwards.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from latentstudio.transformations.facts import BILINEAR, GREY

FILL = GREY
_SLACK = 1e-4  # rounding must not make the outermost pixels undefined


def places(images: Tensor) -> tuple[Tensor, Tensor]:
    """x (1, 1, W) and y (1, H, 1) of every pixel's centre, of the pictures' dtype and device."""
    height, width = images.shape[-2:]
    rows = torch.arange(height, dtype=images.dtype, device=images.device) - (height - 1) / 2
    columns = torch.arange(width, dtype=images.dtype, device=images.device) - (width - 1) / 2
    return columns[None, None, :], rows[None, :, None]


def resample(
    images: Tensor, source_x: Tensor, source_y: Tensor, *, fill: float = FILL, interpolation: str = BILINEAR
) -> tuple[Tensor, Tensor]:
    """Take every pixel from (source_x, source_y), which broadcast to (N, H, W); differentiable.

    Args:
        images: (N, C, H, W) in [0, 1].
        fill: value of pixels whose source lies outside the picture.
        interpolation: ``bilinear``, ``nearest`` or ``bicubic`` (clipped to [0, 1]).

    Returns:
        The pictures (N, C, H, W) and the mask (N, 1, H, W), 1 where the source lies inside.
    """
    count, _, height, width = images.shape
    shape = (count, height, width)
    inside = (source_x.abs() <= (width - 1) / 2 + _SLACK) & (source_y.abs() <= (height - 1) / 2 + _SLACK)
    mask = inside.expand(shape)[:, None].to(images.dtype)
    grid = torch.stack(((source_x * (2 / width)).expand(shape), (source_y * (2 / height)).expand(shape)), dim=-1)
    moved = functional.grid_sample(
        images - fill, grid, mode=interpolation, padding_mode="border", align_corners=False
    )
    moved = moved * mask + fill
    return (moved.clamp(0.0, 1.0) if interpolation == "bicubic" else moved), mask


def warp(
    images: Tensor,
    *,
    shift_x: Tensor,
    shift_y: Tensor,
    log2_scale: Tensor,
    degrees: Tensor | None = None,
    fill: float = FILL,
    interpolation: str = BILINEAR,
) -> tuple[Tensor, Tensor]:
    """Magnify by 2**log2_scale and turn by ``degrees`` counter-clockwise about the centre, then move by pixels.

    All parameters (N,). Returns what ``resample`` does.
    """
    x, y = places(images)
    across, down = x - shift_x[:, None, None], y - shift_y[:, None, None]
    shrink = torch.exp2(-log2_scale)[:, None, None]
    if degrees is None:
        return resample(images, across * shrink, down * shrink, fill=fill, interpolation=interpolation)
    angle = degrees[:, None, None] * (math.pi / 180.0)
    cosine, sine = torch.cos(angle) * shrink, torch.sin(angle) * shrink
    return resample(images, cosine * across - sine * down, sine * across + cosine * down,
                    fill=fill, interpolation=interpolation)
