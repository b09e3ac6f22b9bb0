"""Between pictures and boxes: where a box lies, what is cut out of it, and how that is put back. Differentiable.

Boxes are tensors (N, 5): centre x, y in [-1, 1] to the right and downwards (the picture's edges are at -1 and 1), half
width and half height in the same unit, and the angle in radians, counter-clockwise as seen.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def axes_of(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """The unit vectors (N, 2) along a box's width and down its height."""
    cosine, sine = boxes[:, 4].cos(), boxes[:, 4].sin()
    return torch.stack([cosine, -sine], dim=1), torch.stack([sine, cosine], dim=1)


def extract(images: Tensor, which: Tensor, boxes: Tensor, side: int) -> Tensor:
    """What boxes (N, 5) of the pictures ``which`` (N,) show: (N, C, side, side) of images (B, C, H, W)."""
    across, down = axes_of(boxes)
    forward = torch.stack([across * boxes[:, 2:3], down * boxes[:, 3:4], boxes[:, :2]], dim=2)
    grid = _points(forward, side)
    cut: Tensor = functional.grid_sample(images[which], grid, padding_mode="border", align_corners=False)
    return cut


def project(glimpses: Tensor, boxes: Tensor, side: int) -> Tensor:
    """Glimpses (N, C, h, h) laid into empty pictures (N, C, side, side) at their boxes (N, 5)."""
    across, down = axes_of(boxes)
    rows = [
        torch.cat([axis, -(axis * boxes[:, :2]).sum(1, keepdim=True)], dim=1) / boxes[:, 2 + k : 3 + k]
        for k, axis in enumerate((across, down))
    ]
    laid: Tensor = functional.grid_sample(glimpses, _points(torch.stack(rows, dim=1), side), align_corners=False)
    return laid


def _points(maps: Tensor, side: int) -> Tensor:
    """Where affine maps (N, 2, 3) take a square's pixels: (N, side, side, 2). ``affine_grid`` cannot be exported."""
    places = (torch.arange(side, device=maps.device, dtype=maps.dtype) * 2.0 + 1.0) / side - 1.0
    shaped = maps.view(-1, 1, 1, 2, 3)
    return shaped[..., 0] * places.view(1, 1, side, 1) + shaped[..., 1] * places.view(1, side, 1, 1) + shaped[..., 2]


def wrapped(boxes: Tensor, alpha: Tensor, *, turns: bool, sigma: float = 0.4) -> Tensor:
    """Boxes (N, 5) laid around their masks (N, 1, h, h): centred on the barycentre, so large that the mask's deviations
    are ``sigma`` of a half-size (equation 5.6), and, where they may turn, with the width along the main axis.

    Nearly empty masks leave their boxes as they are.
    """
    side = alpha.shape[-1]
    places = (torch.arange(side, device=alpha.device, dtype=alpha.dtype) * 2.0 + 1.0) / side - 1.0
    flat = alpha[:, 0].clamp_min(0.0) * (alpha[:, 0] > 0.2)
    mass = flat.sum((1, 2)).clamp_min(1e-6)[:, None, None]
    across, down = (places * boxes[:, k, None] for k in (2, 3))  # in the picture's unit, along the box's own axes
    across, down = across[:, None, :].expand_as(flat), down[:, :, None].expand_as(flat)
    mean_x, mean_y = ((flat * part).sum((1, 2), keepdim=True) / mass for part in (across, down))
    from_x, from_y = across - mean_x, down - mean_y
    xx, yy, xy = ((flat * part).sum((1, 2)) / mass[:, 0, 0] for part in (from_x**2, from_y**2, from_x * from_y))
    turn = 0.5 * torch.atan2(-2.0 * xy, xx - yy) if turns else torch.zeros_like(xx)
    cosine, sine = turn.cos(), turn.sin()
    wide = (xx * cosine**2 + yy * sine**2 - 2.0 * xy * cosine * sine).clamp_min(1e-8).sqrt()
    high = (xx * sine**2 + yy * cosine**2 + 2.0 * xy * cosine * sine).clamp_min(1e-8).sqrt()
    right, below = axes_of(boxes)
    centre = boxes[:, :2] + right * mean_x[:, 0] + below * mean_y[:, 0]
    size = (torch.stack([wide, high], dim=1) / sigma).clamp(0.03, 1.0)
    angle = boxes[:, 4] + turn
    angle = torch.atan2((2.0 * angle).sin(), (2.0 * angle).cos()) / 2.0 if turns else angle
    new = torch.cat([centre, size, angle[:, None]], dim=1)
    return torch.where((mass[:, 0, 0] > 2.0)[:, None], new, boxes)


def moments(alpha: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mass (N,), barycentre (N, 2) and standard deviation (N, 2) of masks (N, 1, h, h), in glimpse units of [-1, 1]."""
    side = alpha.shape[-1]
    places = (torch.arange(side, device=alpha.device, dtype=alpha.dtype) * 2.0 + 1.0) / side - 1.0
    flat = alpha[:, 0]
    mass = flat.sum((1, 2)).clamp_min(1e-6)
    means, spreads = [], []
    for dimension in (1, 2):  # along x: sum over rows
        profile = flat.sum(dimension) / mass[:, None]
        mean = (profile * places).sum(1)
        means.append(mean)
        spreads.append(((profile * (places - mean[:, None]).square()).sum(1)).clamp_min(1e-6).sqrt())
    return mass / side**2, torch.stack(means, dim=1), torch.stack(spreads, dim=1)
