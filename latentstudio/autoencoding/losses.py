"""The losses of thesis chapter 3 and of the methods beside it. Pictures are (N, C, H, W) in [0, 1].

The thesis' likelihood is over pictures in [-1, 1] with deviation 1; the factor 4 in squared errors is that unit.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional


def divergence(mean: Tensor, variance: Tensor) -> Tensor:
    """KL(N(mean, variance) || N(0, 1)) in nats, summed over coordinates, the mean over pictures (equation 3.3)."""
    return 0.5 * (variance + mean.square() - 1.0 - torch.log(variance)).sum(1).mean()


def reconstruction(made: Tensor, images: Tensor) -> Tensor:
    """Half the squared distance of pictures in [-1, 1], the mean over pictures (equation 3.4 without its constant)."""
    return 2.0 * (made.float() - images).square().flatten(1).sum(1).mean()


def latent_loss(mean: Tensor, target: Tensor, variance: Tensor) -> Tensor:
    """L_Z: half the squared distance of the encoder's mean from its target in units of sigma (equations 3.8, 3.12).

    The target is z for L_Z^a and sqrt(1 - sigma^2) z for L_Z^b. All three (N, d); the variance gets no gradient.
    """
    return 0.5 * ((mean - target).square() / variance.detach()).sum(1).mean()


def critic_loss(real: Tensor, made: Tensor) -> Tensor:
    """Cross-entropy of logits (N,) that are higher for real pictures (equation 3.9; DCGAN)."""
    return functional.softplus(-real.float()).mean() + functional.softplus(made.float()).mean()


def saturating(made: Tensor) -> Tensor:
    """L_M = logit C of equation 3.11: minus the logit for "real"; an estimate of log p_g(x) / p(x)."""
    return -made.float().mean()


def non_saturating(made: Tensor) -> Tensor:
    """The generator's loss of DCGAN: cross-entropy of its pictures with the answer "real"."""
    return functional.softplus(-made.float()).mean()


def gradient_penalty(critic: Callable[[Tensor], Tensor], real: Tensor, made: Tensor, mix: Tensor) -> Tensor:
    """Mean squared deviation from 1 of the critic's gradient between real and made pictures (Gulrajani et al. 2017).

    ``mix`` (N,) in [0, 1] says where between.
    """
    between = torch.lerp(made.float(), real.float(), mix.view(-1, 1, 1, 1)).requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    found: Tensor = (gradient.flatten(1).norm(dim=1) - 1.0).square().mean()
    return found


def gradient_size(critic: Callable[[Tensor], Tensor], real: Tensor) -> Tensor:
    """Half the mean squared gradient of the critic at real pictures (R1 of Mescheder et al. 2018)."""
    pictures = real.detach().float().requires_grad_(True)
    (gradient,) = torch.autograd.grad(critic(pictures).sum(), pictures, create_graph=True)
    return 0.5 * gradient.square().flatten(1).sum(1).mean()


def blurred(images: Tensor) -> Tensor:
    """Pictures behind a 5x5 binomial filter, edges repeated: an encoder that sees them is not fooled by pixel noise."""
    taps = torch.tensor((1.0, 4.0, 6.0, 4.0, 1.0), dtype=images.dtype, device=images.device) / 16.0
    channels = images.shape[1]
    padded = functional.pad(images, (2, 2, 2, 2), mode="replicate")
    rows = functional.conv2d(padded, taps.view(1, 1, 5, 1).expand(channels, 1, 5, 1), groups=channels)
    return functional.conv2d(rows, taps.view(1, 1, 1, 5).expand(channels, 1, 1, 5), groups=channels)
