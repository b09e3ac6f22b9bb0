"""The beta-VAE objective (Higgins et al. 2017) as the papers train it on sprites."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional


class _Posterior(Protocol):
    def posterior(self, images: Tensor) -> tuple[Tensor, Tensor]: ...
    def logits(self, latent: Tensor) -> Tensor: ...


def normal_divergence(mean: Tensor, log_deviation: Tensor) -> Tensor:
    """KL(N(mean, exp(log_deviation)^2) || N(0, 1)) per coordinate, in nats; same shape as ``mean``."""
    return 0.5 * (mean**2 + torch.exp(2 * log_deviation) - 1.0) - log_deviation


def beta_vae_loss(
    network: nn.Module, images: Tensor, noise: torch.Generator, *, beta: float
) -> Mapping[str, Tensor]:
    """Negative evidence bound with the divergence weighted by ``beta``; sums over pixels, means over the batch.

    Args:
        network: offers ``posterior(images)`` and ``logits(latent)``.
        images: (N, 1, H, W) in [0, 1].
        noise: source of the reparametrisation noise.
        beta: weight of the divergence (Higgins et al. 2017, equation 4).
    """
    model: _Posterior = network  # type: ignore[assignment]
    mean, log_deviation = (part.float() for part in model.posterior(images))
    drawn = torch.randn(mean.shape, generator=noise).to(mean.device)
    logits = model.logits(mean + torch.exp(log_deviation) * drawn).float()
    reconstruction = functional.binary_cross_entropy_with_logits(logits, images, reduction="sum") / len(images)
    divergence = normal_divergence(mean, log_deviation).sum() / len(images)
    return {"loss": reconstruction + beta * divergence, "reconstruction": reconstruction, "divergence": divergence}
