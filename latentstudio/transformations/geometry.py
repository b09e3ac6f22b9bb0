"""Where things are and how they lie: translations, scale, rotation, and the turn about the vertical axis."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from latentstudio.transformations.warping import places, resample, warp


def translate_x(images: Tensor, t: Tensor, *, fill: float, interpolation: str) -> tuple[Tensor, Tensor]:
    """Move by t (N,) px to the right."""
    nothing = torch.zeros_like(t)
    return warp(images, shift_x=t, shift_y=nothing, log2_scale=nothing, fill=fill, interpolation=interpolation)


def translate_y(images: Tensor, t: Tensor, *, fill: float, interpolation: str) -> tuple[Tensor, Tensor]:
    """Move by t (N,) px downwards."""
    nothing = torch.zeros_like(t)
    return warp(images, shift_x=nothing, shift_y=t, log2_scale=nothing, fill=fill, interpolation=interpolation)


def scale(images: Tensor, t: Tensor, *, fill: float, interpolation: str) -> tuple[Tensor, Tensor]:
    """Magnify by 2**t about the centre, t (N,)."""
    nothing = torch.zeros_like(t)
    return warp(images, shift_x=nothing, shift_y=nothing, log2_scale=t, fill=fill, interpolation=interpolation)


def rotate(images: Tensor, t: Tensor, *, fill: float, interpolation: str) -> tuple[Tensor, Tensor]:
    """Rotate by t (N,) degrees about the centre, counter-clockwise as seen on the screen."""
    nothing = torch.zeros_like(t)
    return warp(images, shift_x=nothing, shift_y=nothing, log2_scale=nothing, degrees=t,
                fill=fill, interpolation=interpolation)


def turn(images: Tensor, t: Tensor, *, fill: float, interpolation: str) -> tuple[Tensor, Tensor]:
    """Turn the picture's plane by t (N,) degrees about its vertical axis and look at it in perspective.

    The eye stands one image diagonal in front of the centre, which is also the focal length, so that 0 changes nothing
    (the planar rotation of Jahanian et al. 2020, "rotate 3D"). Above 0 the right side goes away.
    """
    x, y = places(images)
    focal = math.hypot(*images.shape[-2:])
    angle = t[:, None, None] * (math.pi / 180.0)
    # the ray through (x, y) meets the plane where X (f cos t - x sin t) = x f; behind the eye or edge-on it does not
    along = focal * torch.cos(angle) - x * torch.sin(angle)
    met = (along > 1e-3 * focal) & (torch.cos(angle) > 0)
    across = torch.where(met, x * focal / torch.where(met, along, torch.ones_like(along)), 2.0 * focal)
    down = y * (1.0 + across * torch.sin(angle) / focal)
    return resample(images, across, down, fill=fill, interpolation=interpolation)
