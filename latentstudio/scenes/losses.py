"""The losses of thesis chapter 5. Pictures (B, 3, H, W) in [0, 1]; all sums are over pixels, means over pictures."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from latentstudio.generators.glimpses import moments

BINS = 32
HARMONICS = (2, 4)


def log_normal(images: Tensor, means: Tensor, sigma: float) -> Tensor:
    """log N(x; mean, sigma^2) of every pixel, summed over its channels (the second last but two dimension)."""
    squares = (images - means).square().sum(-3)
    return -squares / (2.0 * sigma**2) - 1.5 * math.log(2.0 * math.pi * sigma**2)


def background_log(images: Tensor, pictures: Tensor, masks: Tensor, sigma: float) -> Tensor:
    """log L^bg (B, H, W) of equation 5.2: a mixture of components (B, K, 3, H, W) by their masks (B, K, 1, H, W)."""
    each = log_normal(images[:, None], pictures, sigma) + masks[:, :, 0].clamp_min(1e-6).log()
    return torch.logsumexp(each, dim=1)


def mixture(of_background: Tensor, of_foreground: Tensor, alpha: Tensor) -> Tensor:
    """-log of equation 5.1's mixture, summed over pixels: (B,). ``alpha`` (B, 1, H, W) is the foreground's share."""
    share = alpha[:, 0].clamp(1e-5, 1.0 - 1e-5)
    both = torch.logaddexp(of_background + (1.0 - share).log(), of_foreground + share.log())
    return -both.flatten(1).sum(1)


def robust(of_background: Tensor, *, share: float = 0.8, density: float = 1.0) -> Tensor:
    """-log of the background where a part of the pixels may be anything: objects do not pull it: (B,)."""
    outlier = math.log((1.0 - share) * density)
    mixed = torch.logaddexp(of_background + math.log(share), torch.full_like(of_background, outlier))
    return -mixed.flatten(1).sum(1)


def normal_divergence(mean: Tensor, deviation: Tensor, prior_mean: Tensor, prior_deviation: Tensor) -> Tensor:
    """KL of diagonal normal laws, summed over the last dimension, in nats."""
    ratio = deviation / prior_deviation
    away = (mean - prior_mean) / prior_deviation
    return 0.5 * (ratio.square() + away.square() - 1.0 - 2.0 * ratio.log()).sum(-1)


def presence_divergence(logit: Tensor, prior_logit: Tensor) -> Tensor:
    """KL of Bernoulli laws given by their logits, in nats."""
    probability = torch.sigmoid(logit)
    there = probability * (functional.logsigmoid(logit) - functional.logsigmoid(prior_logit))
    return there + (1.0 - probability) * (functional.logsigmoid(-logit) - functional.logsigmoid(-prior_logit))


def object_prior(boxes: Tensor, alpha: Tensor, *, sigma: float) -> Tensor:
    """How far boxes (N, 5) are from wrapping their masks (N, 1, h, h): the KL of section 5.5.2, (N,).

    The wanted box is centred on the mask's barycentre, and so large that its deviation is ``sigma`` of the glimpse
    (equation 5.6); no gradient flows through it, nor through the mask. Empty masks say nothing about boxes: they count
    by their mass.
    """
    with torch.no_grad():
        mass, shift, spread = moments(alpha)
        wanted = boxes[:, 2:4] * (spread / sigma).clamp(0.3, 2.5)
        cosine, sine = boxes[:, 4].cos(), boxes[:, 4].sin()
        across, down = shift[:, 0] * boxes[:, 2], shift[:, 1] * boxes[:, 3]
        centre = boxes[:, :2] + torch.stack([across * cosine + down * sine, down * cosine - across * sine], dim=1)
        full = (mass / 0.08).clamp(max=1.0)
    away = centre - boxes[:, :2]
    cosine, sine = cosine.detach(), sine.detach()
    local = torch.stack([away[:, 0] * cosine - away[:, 1] * sine, away[:, 0] * sine + away[:, 1] * cosine], dim=1)
    ratio = boxes[:, 2:4] / wanted
    return full * (0.5 * (ratio.square() + (local / wanted).square() - 1.0) - ratio.log()).sum(1)


def rotation(boxes: Tensor, alpha: Tensor) -> Tensor:
    """How far a box's axes are from the main axes of its mask, (N,): the cosine transform of the angular histogram.

    The histogram counts the mask's pixels by their direction from the barycentre; its even harmonics, read at the box's
    angle, fall where the box lies along it. Only the angle gets a gradient.
    """
    with torch.no_grad():
        side = alpha.shape[-1]
        places = (torch.arange(side, device=alpha.device, dtype=alpha.dtype) * 2.0 + 1.0) / side - 1.0
        mass, shift, _ = moments(alpha)
        across = (places[None, None, :] - shift[:, 0, None, None]) * boxes[:, 2, None, None]
        down = (places[None, :, None] - shift[:, 1, None, None]) * boxes[:, 3, None, None]
        across, down = torch.broadcast_tensors(across, down)
        direction = torch.atan2(-down, across) + boxes[:, 4, None, None]
        bins = ((direction / (2.0 * math.pi)) % 1.0 * BINS).long().clamp(0, BINS - 1).flatten(1)
        histogram = torch.zeros(len(alpha), BINS, device=alpha.device, dtype=alpha.dtype)
        histogram.scatter_add_(1, bins, alpha[:, 0].flatten(1))
        histogram /= histogram.sum(1, keepdim=True).clamp_min(1e-6)
        angles = (torch.arange(BINS, device=alpha.device, dtype=alpha.dtype) + 0.5) * (2.0 * math.pi / BINS)
        full = (mass / 0.08).clamp(max=1.0)
    agreement = torch.zeros(len(boxes), device=boxes.device)
    for harmonic in HARMONICS:
        waves = torch.cos(harmonic * (angles[None] - boxes[:, 4:5]))
        agreement = agreement + (histogram * waves).sum(1)
    return -full * agreement


def boundary(alpha: Tensor, *, width: int = 2) -> Tensor:
    """SPACE's boundary loss: mask that lies within ``width`` pixels of the glimpse's edge, (N,)."""
    inner = alpha[:, :, width:-width, width:-width].sum((1, 2, 3))
    return alpha.sum((1, 2, 3)) - inner
