"""Reconstruction errors between pictures; every one is masked, batched and differentiable, with one value a picture."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


def gaussian_kernel(sigma: float) -> Tensor:
    """A normalised one-dimensional Gaussian (2 ceil(3 sigma) + 1,), standard deviation ``sigma`` in pixels."""
    radius = max(1, math.ceil(3 * sigma))
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float32)
    weights = torch.exp(-0.5 * (offsets / sigma) ** 2)
    return weights / weights.sum()


def blur(images: Tensor, sigma: float) -> Tensor:
    """Convolve (N, C, H, W) with a normalised Gaussian of ``sigma`` pixels; beyond the border lies zero."""
    if sigma <= 0:
        return images
    kernel = gaussian_kernel(sigma).to(images)
    channels, radius = images.shape[1], len(kernel) // 2
    vertical = kernel[None, None, :, None].expand(channels, 1, -1, 1)
    horizontal = kernel[None, None, None, :].expand(channels, 1, 1, -1)
    smoothed = functional.conv2d(images, vertical, padding=(radius, 0), groups=channels)
    return functional.conv2d(smoothed, horizontal, padding=(0, radius), groups=channels)


def blurred_error(images: Tensor, targets: Tensor, mask: Tensor, *, sigma: float) -> Tensor:
    """Mean squared error of low-passed pictures (equation 3 of Plumerault et al. 2020), undefined pixels ignored.

    The difference is masked before it is blurred, so that nothing leaks from the undefined region into the defined one.

    Args:
        images, targets: (N, C, H, W) in [0, 1].
        mask: (N, 1, H, W), 1 where the target is defined.
        sigma: standard deviation of the Gaussian as a fraction of the picture's height; 0 gives the plain masked MSE.

    Returns:
        (N,), the mean over channels and defined pixels.
    """
    difference = blur((images - targets) * mask, sigma * images.shape[-2])
    defined = mask.mean(dim=(1, 2, 3)).clamp_min(1e-6)
    return difference.square().mean(dim=(1, 2, 3)) / defined
