"""How different samples are from one another, how sharp, and which classes they cover."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

_NONE = 1e-6  # less than one level in a few pixels
_LAPLACIAN = ((0.0, 1.0, 0.0), (1.0, -4.0, 1.0), (0.0, 1.0, 0.0))


def nearest_distance(pictures: Tensor) -> float:
    """Mean over pictures (N, C, H, W) of the root mean squared difference from the nearest other one."""
    flat = pictures.flatten(1).double()
    distances = torch.cdist(flat, flat)
    distances.fill_diagonal_(float("inf"))
    return float(distances.min(dim=1).values.mean()) / math.sqrt(flat.shape[1])


def high_frequency_energy(pictures: Tensor) -> Tensor:
    """Mean squared Laplacian (N,) of pictures (N, C, H, W), without their border."""
    channels = pictures.shape[1]
    kernel = torch.tensor(_LAPLACIAN, dtype=pictures.dtype, device=pictures.device).expand(channels, 1, 3, 3)
    return functional.conv2d(pictures, kernel, groups=channels).square().mean(dim=(1, 2, 3))


def sharpness(made: Tensor, originals: Tensor) -> float:
    """High-frequency energy of made pictures as a ratio of their originals': 1 is as sharp, below it blurred; nan
    where the originals have none, as plain pictures."""
    energy = float(high_frequency_energy(originals).mean())
    return float(high_frequency_energy(made).mean()) / energy if energy > _NONE else float("nan")


def mode_coverage(classes: Tensor, count: int) -> dict[str, float]:
    """How samples with these class indices (N,) cover ``count`` classes that the data has equally often.

    ``covered`` counts classes with at least a tenth of their share, ``effective`` is exp of the entropy of the shares.
    """
    shares = torch.bincount(classes, minlength=count).double() / max(1, len(classes))
    entropy = -(shares[shares > 0] * shares[shares > 0].log()).sum()
    return {
        "covered": float((shares >= 0.1 / count).sum()), "effective": float(entropy.exp()),
        "rarest_share": float(shares.min()), "commonest_share": float(shares.max()),
    }
