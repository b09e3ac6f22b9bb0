"""x, y, scale and rotation between two pictures, found together."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from latentstudio.measures.registration import GRID, LEAST_OVERLAP, Registration
from latentstudio.transformations import places, transformation_named, warp
from latentstudio.transformations.light import luma
from latentstudio.transformations.sharpness import soften

MOVES = ("x", "y", "scale", "rotation")
COARSE, FINE = 0.06, 0.025
CANDIDATES, STARTS = 25, 3
ROUNDS = {COARSE: 6, FINE: 8}
WIDEST = 1.25
FURTHEST = (0.35, 0.35, 1.0, 60.0)  # shares of the side, log2, degrees; what lies beyond is another picture
FAINT = 0.02
_NATURAL = (2.0, 2.0, 0.15, 8.0)  # px on the reduced picture, log2, degrees


@dataclass(frozen=True)
class Alignment:
    """How one picture lies against another.

    Attributes:
        t: x and y in px, scale as log2, rotation in degrees (N, 4); applied as ``warp`` does: scale and rotate about
            the picture's centre, then move. NaN where changing a parameter would not change the picture.
        aligned: the first pictures so moved (N, 3, H, W), and ``mask`` (N, 1, H, W) where they are defined.
        likeness: masked correlation of the luma (N,), low-passed.
    """

    t: Tensor
    aligned: Tensor
    mask: Tensor
    likeness: Tensor


def align(before: Tensor, after: Tensor) -> Alignment:
    """Register x, y, scale and rotation of ``after`` on ``before``, both (N, 3, H, W), jointly.

    The luma is low-passed and reduced to at most 32 x 32 pixels. The starts are the best few of standing still and of
    each parameter registered alone; damped Gauss-Newton steps raise the masked correlation from there, on a wide
    low-pass, and from the best of their ends on a narrow one. Each step also fits an offset and a factor of the light,
    so that a change of brightness or contrast is not taken for a motion.
    """
    shrink = max(1, before.shape[-1] // GRID)
    first, second = (_reduced(images, COARSE, shrink) for images in (before, after))
    starts = _starts(first, second)
    climbed = [_climb(first, second, start, ROUNDS[COARSE]) for start in starts]
    best = torch.stack([likeness for _, likeness in climbed]).argmax(dim=0)
    t = torch.stack([found for found, _ in climbed])[best, torch.arange(len(best), device=best.device)]
    first, second = (_reduced(images, FINE, shrink) for images in (before, after))
    t, likeness = _climb(first, second, t, ROUNDS[FINE])
    seen = _seen(first, t)
    pixels = torch.tensor([shrink, shrink, 1.0, 1.0]).to(t)
    full = t * pixels
    aligned, mask = _moved(before, full)
    return Alignment(torch.where(seen, full, torch.full_like(full, math.nan)), aligned, mask, likeness)


def _reduced(images: Tensor, sigma: float, shrink: int) -> Tensor:
    width = torch.full_like(images[:, 0, 0, 0], sigma * images.shape[-1])
    return functional.avg_pool2d(soften(luma(images), width), shrink)


def _moved(images: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    return warp(images, shift_x=t[:, 0], shift_y=t[:, 1], log2_scale=t[:, 2], degrees=t[:, 3])


def _starts(first: Tensor, second: Tensor) -> Tensor:
    """The likeliest few (S, N, 4) of standing still and of each parameter moved alone."""
    found = [torch.zeros(len(first), len(MOVES)).to(first)]
    for index, name in enumerate(MOVES):
        transformation = transformation_named(name)
        furthest = WIDEST * transformation.largest(int(first.shape[-1]))
        candidates = torch.linspace(-furthest, furthest, CANDIDATES)
        alone = torch.zeros_like(found[0])
        alone[:, index] = Registration(first, transformation, candidates, sigma=0.01).measure(second)[0]
        found.append(alone)
    scores = torch.stack([_likeness(first, second, start) for start in found])
    best = scores.topk(STARTS, dim=0).indices
    return torch.stack(found)[best, torch.arange(len(first), device=first.device)]


def _likeness(first: Tensor, second: Tensor, t: Tensor) -> Tensor:
    """Masked correlation (N,) of ``second`` with ``first`` moved by t (N, 4); minus infinity if too little is left."""
    moved, mask = _moved(first, t)
    count = mask.sum(dim=(1, 2, 3))
    one, other = (_centred(images, mask) for images in (moved, second))
    product = (one * other).sum(dim=(1, 2, 3))
    power = (one.square().sum(dim=(1, 2, 3)) * other.square().sum(dim=(1, 2, 3))).sqrt()
    enough = count >= LEAST_OVERLAP * mask[0].numel()
    return torch.where(enough, product / power.clamp_min(1e-9), torch.full_like(product, -math.inf))


def _centred(images: Tensor, mask: Tensor) -> Tensor:
    mean = (images * mask).sum(dim=(2, 3), keepdim=True) / mask.sum(dim=(2, 3), keepdim=True).clamp_min(1.0)
    return (images - mean) * mask


def _climb(first: Tensor, second: Tensor, t: Tensor, rounds: int) -> tuple[Tensor, Tensor]:
    """Raise the likeness from t (N, 4) by steps that are taken only where they help."""
    likeness = _likeness(first, second, t)
    damping = torch.full_like(likeness, 1e-2)
    side = first.shape[-1]
    bounds = torch.tensor([FURTHEST[0] * side, FURTHEST[1] * side, *FURTHEST[2:]]).to(t)
    for _ in range(rounds):
        tried = t + _step(first, second, t, damping)
        reached = _likeness(first, second, tried)
        better = (reached > likeness) & (tried.abs() <= bounds).all(dim=1)
        t = torch.where(better[:, None], tried, t)
        likeness = torch.where(better, reached, likeness)
        damping = torch.where(better, damping * 0.3, damping * 5.0)
    return t, likeness


def _slopes(moved: Tensor, t: Tensor) -> Tensor:
    """Change of pictures (N, 1, H, W) that were moved by t (N, 4), a natural step of each parameter (N, 4, H, W)."""
    wide = functional.pad(moved, (1, 1, 1, 1), mode="replicate")
    right = (wide[:, :, 1:-1, 2:] - wide[:, :, 1:-1, :-2]) / 2
    down = (wide[:, :, 2:, 1:-1] - wide[:, :, :-2, 1:-1]) / 2
    x, y = places(moved)
    across, below = (x - t[:, 0, None, None])[:, None], (y - t[:, 1, None, None])[:, None]
    grow = math.log(2.0) * (across * right + below * down)
    turn = math.pi / 180.0 * (below * right - across * down)
    return -torch.cat([slope * step for slope, step in zip((right, down, grow, turn), _NATURAL, strict=True)], dim=1)


def _step(first: Tensor, second: Tensor, t: Tensor, damping: Tensor) -> Tensor:
    moved, mask = _moved(first, t)
    inner = functional.max_pool2d(1.0 - mask, 3, 1, 1) < 0.5  # at the mask's rim the slopes meet the fill
    columns = torch.cat((_slopes(moved, t), moved, torch.ones_like(moved)), dim=1) * inner
    design = columns.flatten(2)
    wanted = ((second - moved) * inner).flatten(2)
    normal = design @ design.transpose(1, 2)
    right = (design @ wanted.transpose(1, 2))[:, :, 0]
    scale = normal.diagonal(dim1=1, dim2=2).mean(dim=1).clamp_min(1e-9)
    normal = normal + torch.diag_embed((damping * scale)[:, None] * torch.ones_like(right))
    # the light's offset and factor are fitted with the motion, and forgotten
    found: Tensor = torch.linalg.solve(normal, right)[:, : len(MOVES)] * torch.tensor(_NATURAL).to(t)
    return found


def _seen(first: Tensor, t: Tensor) -> Tensor:
    """Whether a natural step of each parameter (N, 4) changes the picture by a share of its deviation at all."""
    spread = first.std(dim=(1, 2, 3), correction=0)[:, None]
    change = _slopes(first, torch.zeros_like(t)).square().mean(dim=(2, 3)).sqrt()
    return (change > FAINT * spread) & (spread > 1e-3)
