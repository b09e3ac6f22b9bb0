"""Brightness and contrast."""

from __future__ import annotations

import torch
from torch import Tensor

_REC_709 = (0.2126, 0.7152, 0.0722)


def luma(images: Tensor) -> Tensor:
    """Rec. 709 luma (N, 1, H, W) of pictures (N, 3, H, W)."""
    red, green, blue = images.unbind(dim=1)
    return (_REC_709[0] * red + _REC_709[1] * green + _REC_709[2] * blue)[:, None]


def everywhere(images: Tensor) -> Tensor:
    """The mask (N, 1, H, W) of pictures that are defined everywhere."""
    return torch.ones_like(images[:, :1])


def brighten(images: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """Add t (N,) to every channel and clip."""
    return (images + t[:, None, None, None]).clamp(0.0, 1.0), everywhere(images)


def contrast(images: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """Multiply the luminance's distance from the picture's own mean by 2**t, t (N,), and clip.

    The mean luminance stays, so that this does not brighten; all channels of a pixel get the same, so that its colour
    differences stay and this does not saturate.
    """
    light = luma(images)
    distance = light - light.mean(dim=(2, 3), keepdim=True)
    return (images + (torch.exp2(t)[:, None, None, None] - 1.0) * distance).clamp(0.0, 1.0), everywhere(images)
