"""By how much a white shape on black was rotated about itself."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from latentstudio.losses import blur
from latentstudio.measures.moments import barycentre, extent

ANGLES = 180
RINGS = 20
INNERMOST, OUTERMOST = 0.3, 2.2
LEAST_SHAPE = 0.005
SMOOTH = 0.0125
LEAST_LIKENESS = 0.5
EQUAL = 0.08
_STEP = 360.0 / ANGLES


def rotation_between(before: Tensor, after: Tensor) -> Tensor:
    """Degrees (N,) counter-clockwise by which the shape of ``after`` (N, C, H, W) is rotated against ``before``.

    Both shapes are looked at in rings about their own barycentre, in units of their own size, so that moving and
    growing do not count; the angle is where the rings resemble each other best. Of several that are nearly equal the
    smallest is taken, so that a shape that repeats itself (a square every 90 degrees, an ellipse every 180) is measured
    modulo its symmetry. NaN where a picture shows no shape, where a shape is round so that no angle means anything, or
    where the two are different shapes.
    """
    # the stairs of a hard edge are no shape
    before, after = (blur(images, SMOOTH * images.shape[-1]) for images in (before, after))
    first, second = _rings(before), _rings(after)
    product = torch.fft.rfft(second, dim=-1) * torch.fft.rfft(first, dim=-1).conj()
    likeness = torch.fft.irfft(product, n=ANGLES, dim=-1).sum(dim=1)
    likeness = likeness / (_energy(first) * _energy(second)).sqrt().clamp_min(1e-9)[:, None]
    likeness = torch.where(likeness.isfinite(), likeness, torch.zeros_like(likeness))
    best = _nearest_peak(likeness)
    degrees = (best + _offset(likeness, best)) * _STEP
    degrees = torch.where(degrees > 180.0, degrees - 360.0, degrees)
    clear = likeness.amax(dim=1) >= LEAST_LIKENESS
    for rings, images in ((first, before), (second, after)):
        clear &= _energy(rings) >= LEAST_SHAPE * _whole(images)
    return torch.where(clear, degrees, torch.full_like(degrees, math.nan))


def _rings(images: Tensor) -> Tensor:
    """White in rings about the barycentre (N, rings, angles), each ring's mean taken off and weighted by its length."""
    x, y = barycentre(images)
    height, width = images.shape[-2:]
    size = torch.exp2(extent(images)) * math.sqrt(height * width / math.pi)
    radii = torch.linspace(INNERMOST, OUTERMOST, RINGS, dtype=images.dtype, device=images.device)
    angles = torch.arange(ANGLES, dtype=images.dtype, device=images.device) * (2 * math.pi / ANGLES)
    reach = radii[None, :, None] * size[:, None, None]
    across = x[:, None, None] + reach * torch.cos(angles)
    down = y[:, None, None] - reach * torch.sin(angles)
    grid = torch.stack((across * 2 / width, down * 2 / height), dim=-1).nan_to_num()
    white = images.mean(dim=1, keepdim=True)
    sampled = functional.grid_sample(white, grid, mode="bilinear", padding_mode="zeros", align_corners=False)[:, 0]
    return (sampled - sampled.mean(dim=-1, keepdim=True)) * radii[:, None].sqrt()


def _energy(rings: Tensor) -> Tensor:
    return rings.square().sum(dim=(1, 2))


def _whole(images: Tensor) -> Tensor:
    """The energy (N,) of a disc of the shape's brightest white, in the rings' weights."""
    radii = torch.linspace(INNERMOST, OUTERMOST, RINGS, dtype=images.dtype, device=images.device)
    return images.mean(dim=1).amax(dim=(1, 2)).square() * ANGLES * radii[radii <= 1.0].sum()


def _nearest_peak(likeness: Tensor) -> Tensor:
    """Index (N,) of the peak nearest to angle 0 among those that are nearly as high as the highest."""
    higher = (likeness >= likeness.roll(1, dims=1)) & (likeness >= likeness.roll(-1, dims=1))
    high = higher & (likeness >= likeness.amax(dim=1, keepdim=True) - EQUAL)
    index = torch.arange(ANGLES, device=likeness.device)
    away = torch.minimum(index, ANGLES - index)[None].expand_as(likeness)
    return torch.where(high, away, torch.full_like(away, ANGLES)).argmin(dim=1)


def _offset(likeness: Tensor, best: Tensor) -> Tensor:
    """Where the parabola through a peak and its neighbours is highest, in steps from the peak."""
    row = torch.arange(len(likeness), device=likeness.device)
    left, middle, right = (likeness[row, (best + step) % ANGLES] for step in (-1, 0, 1))
    bend = 2 * middle - left - right
    offset = 0.5 * (right - left) / torch.where(bend > 0, bend, torch.ones_like(bend))
    return torch.where(bend > 0, offset.clamp(-0.5, 0.5), torch.zeros_like(offset))
