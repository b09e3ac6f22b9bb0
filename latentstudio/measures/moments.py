"""Position and extent of a white shape on black, and luminance: measured on one picture, without a reference."""

from __future__ import annotations

import torch
from torch import Tensor

FOUND = 0.002


def luminance_mean(images: Tensor) -> Tensor:
    """Mean Rec. 709 luma (N,) of pictures (N, 3, H, W), in [0, 1]."""
    weights = torch.tensor([0.2126, 0.7152, 0.0722], dtype=images.dtype, device=images.device)
    return torch.einsum("nchw,c->n", images, weights) / (images.shape[-1] * images.shape[-2])


def barycentre(images: Tensor) -> tuple[Tensor, Tensor]:
    """Barycentre of white pixels, in px from the picture's centre (x right, y down), each (N,).

    The paper's position measure for dSprites (section 3.1). Pictures without a shape give NaN.
    """
    white = images.mean(dim=1)
    height, width = white.shape[-2:]
    rows = torch.arange(height, dtype=images.dtype, device=images.device) - (height - 1) / 2
    columns = torch.arange(width, dtype=images.dtype, device=images.device) - (width - 1) / 2
    mass = white.sum(dim=(1, 2))
    mass = torch.where(mass < FOUND * height * width, torch.full_like(mass, float("nan")), mass)
    return (white * columns).sum(dim=(1, 2)) / mass, (white * rows[:, None]).sum(dim=(1, 2)) / mass


def extent(images: Tensor) -> Tensor:
    """Binary logarithm of the square root of the white area (N,): a shape twice as large gives 1 more; NaN if empty."""
    white = images.mean(dim=1)
    share = white.mean(dim=(1, 2))
    return 0.5 * torch.log2(torch.where(share < FOUND, torch.full_like(share, float("nan")), share))
