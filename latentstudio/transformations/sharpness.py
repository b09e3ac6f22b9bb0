"""Softer and sharper."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from latentstudio.transformations.light import everywhere


def kernels(sigma: Tensor) -> Tensor:
    """Discrete Gaussians (N, L) of standard deviation ``sigma`` (N,) px, normalised.

    They are made from their transform exp(sigma^2 (cos w - 1)) (Lindeberg 1990), so that the standard deviation is true
    below a pixel as well, 0 is the identity, and two after each other have exactly the sum of their variances.
    """
    radius = math.ceil(4.0 * float(sigma.detach().abs().max())) + 2
    length = 2 * radius + 1
    waves = 2.0 * math.pi / length * torch.arange(radius + 1, dtype=sigma.dtype, device=sigma.device)
    response = torch.exp(sigma[:, None] ** 2 * (torch.cos(waves) - 1.0))
    found: Tensor = torch.fft.fftshift(torch.fft.irfft(response, n=length, dim=1), dim=1)
    return found


def soften(images: Tensor, sigma: Tensor) -> Tensor:
    """Low-pass every picture (N, C, H, W) by its own ``sigma`` (N,) px; beyond the border its pixels repeat."""
    count, channels, height, width = images.shape
    taps = kernels(sigma).repeat_interleave(channels, dim=0)[:, None]
    radius = taps.shape[-1] // 2
    every = images.reshape(1, count * channels, height, width)
    padded = functional.pad(every, (radius,) * 4, mode="replicate")
    rows = functional.conv2d(padded, taps[..., None], groups=count * channels)
    return functional.conv2d(rows, taps[..., None, :], groups=count * channels).view_as(images)


def blur(images: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """Soften by a Gaussian of t (N,) px; below 0 sharpen by an unsharp mask of -t px, which adds what blurring takes.

    That is the first order of running the blur backwards: what a blur of several pixels destroyed does not come back.
    """
    soft = soften(images, t)
    sharp = (2.0 * images - soft).clamp(0.0, 1.0)
    return torch.where(t[:, None, None, None] < 0, sharp, soft.clamp(0.0, 1.0)), everywhere(images)
