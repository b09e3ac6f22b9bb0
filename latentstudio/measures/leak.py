"""What else moved: a fixed set of properties measured between pictures before and after an edit."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from latentstudio.measures.alignment import MOVES, align
from latentstudio.measures.moments import barycentre, extent
from latentstudio.measures.orientation import rotation_between
from latentstudio.transformations import FACTS, warp
from latentstudio.transformations.colour import chroma_plane
from latentstudio.transformations.light import luma
from latentstudio.transformations.sharpness import soften

LEAKS = (*MOVES, "brightness", "contrast", "saturation")
UNITS = {facts.name: facts.unit for facts in FACTS if facts.name in LEAKS}
LEAST_LIKENESS = 0.7
SOFT = 0.02
FLAT = 0.004


def leak(before: Tensor, after: Tensor, *, measure: str = "registration") -> dict[str, Tensor]:
    """How much of each of ``LEAKS`` changed from ``before`` to ``after``, both (N, 3, H, W) in [0, 1].

    x, y, scale and rotation are registered jointly, see ``align``; where ``measure`` is ``barycentre`` they are those
    of the white shape. Light and colour are then compared on the same content: on the first pictures moved like that,
    where they are defined, both slightly low-passed so that resampling does not count. So a face that moves out of the
    picture does not darken it.

    Returns:
        name -> (N,), in the parameter of ``UNITS``. NaN where nothing can be said: motions of pictures that do not
        resemble each other (correlation below ``LEAST_LIKENESS``; their light is compared as they lie), the rotation of
        something round, contrast of a flat and saturation of a grey picture.
    """
    motions, aligned, mask = (_shapes if measure == "barycentre" else _registered)(before, after)
    sigma = torch.full_like(motions[:, 0], SOFT * before.shape[-1])
    first, second = soften(aligned, sigma), soften(after, sigma)
    found = dict(zip(MOVES, motions.unbind(dim=1), strict=True))
    lights, others = luma(first), luma(second)
    found["brightness"] = _mean(others, mask) - _mean(lights, mask)
    found["contrast"] = _ratio(_deviation(lights, mask), _deviation(others, mask))
    found["saturation"] = _ratio(_chroma(first, mask), _chroma(second, mask))
    return found


def _registered(before: Tensor, after: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    found = align(before, after)
    alike = (found.likeness >= LEAST_LIKENESS)[:, None]
    motions = torch.where(alike, found.t, torch.full_like(found.t, math.nan))
    everywhere = torch.ones_like(found.mask)
    whole = alike[:, :, None, None]
    return motions, torch.where(whole, found.aligned, before), torch.where(whole, found.mask, everywhere)


def _shapes(before: Tensor, after: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    (x, y), (other_x, other_y) = barycentre(before), barycentre(after)
    grown, turned = extent(after) - extent(before), rotation_between(before, after)
    motions = torch.stack((other_x - x, other_y - y, grown, turned), dim=1)
    still = motions.nan_to_num()
    angle, times = still[:, 3] * (math.pi / 180.0), torch.exp2(still[:, 2])
    # the shape moves and turns about its own centre, warp about the picture's
    centre_x, centre_y = x.nan_to_num(), y.nan_to_num()
    carried_x = times * (torch.cos(angle) * centre_x + torch.sin(angle) * centre_y)
    carried_y = times * (torch.cos(angle) * centre_y - torch.sin(angle) * centre_x)
    moved, mask = warp(before, shift_x=centre_x + still[:, 0] - carried_x, shift_y=centre_y + still[:, 1] - carried_y,
                       log2_scale=still[:, 2], degrees=still[:, 3])
    return motions, moved, mask


def _mean(values: Tensor, mask: Tensor) -> Tensor:
    return (values * mask).sum(dim=(1, 2, 3)) / mask.sum(dim=(1, 2, 3)).clamp_min(1.0)


def _deviation(light: Tensor, mask: Tensor) -> Tensor:
    mean = _mean(light, mask)[:, None, None, None]
    return _mean((light - mean).square(), mask).sqrt()


def _chroma(images: Tensor, mask: Tensor) -> Tensor:
    return _mean(torch.hypot(*chroma_plane(images))[:, None], mask)


def _ratio(first: Tensor, second: Tensor) -> Tensor:
    """Binary logarithm of second / first (N,), NaN where either is too small to mean anything."""
    enough = (first > FLAT) & (second > FLAT)
    return torch.where(enough, torch.log2(second / first.clamp_min(1e-9)), torch.full_like(first, math.nan))
