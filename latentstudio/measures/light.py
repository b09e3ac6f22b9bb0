"""Contrast, colour and sharpness of pictures float32 (N, 3, H, W) in [0, 1], one number (N,) each.

Where a picture is too flat or too grey for a number to mean anything it is NaN.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from latentstudio.transformations import Transformation
from latentstudio.transformations.colour import chroma_plane
from latentstudio.transformations.light import luma

FLAT = 0.004
GREY = 0.004
SCATTERED = 0.1
STEPS = 12


def log2_deviation(images: Tensor) -> Tensor:
    """Binary logarithm of the standard deviation of the luma."""
    return _log2(luma(images).std(dim=(1, 2, 3), correction=0), FLAT)


def log2_chroma(images: Tensor) -> Tensor:
    """Binary logarithm of the mean chroma, the length in the plane of hues."""
    return _log2(torch.hypot(*chroma_plane(images)).mean(dim=(1, 2)), GREY)


def channel_means(images: Tensor) -> Tensor:
    """Mean of every channel (N, 3)."""
    return images.mean(dim=(2, 3))


def hue_between(before: Tensor, after: Tensor) -> Tensor:
    """Degrees (N,) from red towards green by which hues changed.

    The circular mean over pixels, weighted by both chromas. NaN also where the pixels' changes point everywhere.
    """
    x, y = chroma_plane(before)
    other_x, other_y = chroma_plane(after)
    along = (x * other_x + y * other_y).mean(dim=(1, 2))
    across = (x * other_y - y * other_x).mean(dim=(1, 2))
    weight = (torch.hypot(x, y) * torch.hypot(other_x, other_y)).mean(dim=(1, 2))
    degrees = torch.atan2(across, along) * (180.0 / math.pi)
    clear = (weight > GREY**2) & (torch.hypot(along, across) > SCATTERED * weight)
    return torch.where(clear, degrees, torch.full_like(degrees, math.nan))


def log2_roughness(images: Tensor) -> Tensor:
    """Binary logarithm of the mean squared luma gradient as a share of the luma's variance; blurring lowers it."""
    light = luma(images) if images.shape[1] == 3 else images
    steep = light.diff(dim=2).square().mean(dim=(1, 2, 3)) + light.diff(dim=3).square().mean(dim=(1, 2, 3))
    variance = light.var(dim=(1, 2, 3), correction=0)
    return _log2(steep / torch.where(variance < FLAT**2, torch.full_like(variance, math.nan), variance), 0.0)


class Sharpness:
    """Pictures whose blurred and sharpened selves are known, to say how much sharper or softer others are.

    Args:
        before: (N, 3, H, W) in [0, 1].
        blur: the transformation whose t is asked for.
        furthest: the largest |t| told apart, in px.
    """

    def __init__(self, before: Tensor, blur: Transformation, furthest: float) -> None:
        t = torch.linspace(-furthest, furthest, 2 * STEPS + 1, dtype=before.dtype, device=before.device)
        light = luma(before).repeat_interleave(len(t), dim=0)
        rough = log2_roughness(blur.trial(light, t.repeat(len(before)))[0]).view(len(before), len(t))
        # sharpening ends where everything is clipped; from there on it makes no picture rougher
        sharper = rough[:, : STEPS + 1].flip(1).cummax(dim=1).values.flip(1)
        self._roughness = torch.cat((sharper, rough[:, STEPS:].cummin(dim=1).values[:, 1:]), dim=1)
        # roughness falls about evenly with the variance, so that is what lies evenly between two steps
        self._variance = t * t.abs()

    def measure(self, after: Tensor) -> Tensor:
        """t (N,) px for which T_t(before) is as rough as ``after``; the ends of the range stand for what lies beyond.

        NaN where a picture is flat, or so rough or so smooth that blurring and sharpening make no difference.
        """
        known = self._roughness
        rough = torch.minimum(log2_roughness(after)[:, None], known[:, :1])
        index = (known >= rough).sum(dim=1, keepdim=True).clamp(1, known.shape[1] - 1)
        upper, lower = known.gather(1, index - 1), known.gather(1, index)
        share = ((upper - rough) / (upper - lower).clamp_min(1e-9)).clamp(0.0, 1.0)
        variance = self._variance[index - 1] + share * (self._variance[index] - self._variance[index - 1])
        t = (variance.sign() * variance.abs().sqrt())[:, 0]
        clear = (known[:, 0] - known[:, -1] > 0.05) & rough[:, 0].isfinite()
        return torch.where(clear, t, torch.full_like(t, math.nan))


def _log2(values: Tensor, least: float) -> Tensor:
    return torch.log2(torch.where(values > least, values, torch.full_like(values, math.nan)))
