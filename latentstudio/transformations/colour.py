"""Single channels, saturation and hue.

Hue is the angle in the plane of colours of equal grey, with red at 0, green at 120 and blue at 240 degrees.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from latentstudio.transformations.light import everywhere, luma


def channel(index: int) -> Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """The transformation that adds t (N,) to channel ``index`` (0 red, 1 green, 2 blue) and clips."""

    def add(images: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        share = torch.zeros(3, dtype=images.dtype, device=images.device)
        share[index] = 1.0
        return (images + t[:, None, None, None] * share[:, None, None]).clamp(0.0, 1.0), everywhere(images)

    return add


def saturate(images: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """Multiply every pixel's distance from grey of its own luminance by 2**t, t (N,), and clip."""
    light = luma(images)
    return (light + torch.exp2(t)[:, None, None, None] * (images - light)).clamp(0.0, 1.0), everywhere(images)


def chroma_plane(images: Tensor) -> tuple[Tensor, Tensor]:
    """The two coordinates (N, H, W) of every pixel in the plane of hues; their length is the chroma, grey is (0, 0)."""
    red, green, blue = images.unbind(dim=1)
    return red - 0.5 * (green + blue), math.sqrt(0.75) * (green - blue)


def rotate_hue(images: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """Rotate every pixel's hue by t (N,) degrees from red towards green, luminance and chroma as they are, and clip."""
    across, up = chroma_plane(images)
    angle = t[:, None, None] * (math.pi / 180.0)
    turned = torch.cos(angle) * across - torch.sin(angle) * up
    raised = torch.sin(angle) * across + torch.cos(angle) * up
    green = -turned / 3.0 + raised / math.sqrt(3.0)
    blue = -turned / 3.0 - raised / math.sqrt(3.0)
    colours = torch.stack((turned * (2.0 / 3.0), green, blue), dim=1)
    return (colours + luma(images) - luma(colours)).clamp(0.0, 1.0), everywhere(images)
