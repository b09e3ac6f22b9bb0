"""The beta-VAE of Plumerault's thesis, Table 4.2 (Appendix B of Plumerault et al. 2020)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

IMAGE_SIDE = 64
FILTERS = 32
HIDDEN = 256


class BetaVae(nn.Module):
    """Encoder and decoder: four 4x4 convolutions of stride 2 and two dense layers of 256 each way, ReLU between.

    ``SAME`` padding of a 4x4 kernel with stride 2 is one pixel on each side. The posterior's standard deviation is the
    exponential of a dense layer, as in the table.
    """

    def __init__(self, latent_size: int = 10) -> None:
        super().__init__()
        self.latent_size = latent_size
        self.encoder = nn.Sequential(
            nn.Conv2d(1, FILTERS, 4, 2, 1), nn.ReLU(),
            nn.Conv2d(FILTERS, FILTERS, 4, 2, 1), nn.ReLU(),
            nn.Conv2d(FILTERS, FILTERS, 4, 2, 1), nn.ReLU(),
            nn.Conv2d(FILTERS, FILTERS, 4, 2, 1), nn.ReLU(),
            nn.Flatten(),
            nn.Linear(FILTERS * 16, HIDDEN), nn.ReLU(),
            nn.Linear(HIDDEN, HIDDEN), nn.ReLU(),
        )
        self.mean = nn.Linear(HIDDEN, latent_size)
        self.log_deviation = nn.Linear(HIDDEN, latent_size)
        self.decoder = nn.Sequential(
            nn.Linear(latent_size, HIDDEN), nn.ReLU(),
            nn.Linear(HIDDEN, HIDDEN), nn.ReLU(),
            nn.Linear(HIDDEN, FILTERS * 16), nn.ReLU(),
            nn.Unflatten(1, (FILTERS, 4, 4)),
            nn.ConvTranspose2d(FILTERS, FILTERS, 4, 2, 1), nn.ReLU(),
            nn.ConvTranspose2d(FILTERS, FILTERS, 4, 2, 1), nn.ReLU(),
            nn.ConvTranspose2d(FILTERS, FILTERS, 4, 2, 1), nn.ReLU(),
            nn.ConvTranspose2d(FILTERS, 1, 4, 2, 1),
        )

    def posterior(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log standard deviation (N, latent_size) of q(z|x) for images (N, 1, 64, 64) in [0, 1]."""
        hidden = self.encoder(images)
        return self.mean(hidden), self.log_deviation(hidden)

    def logits(self, latent: Tensor) -> Tensor:
        """Bernoulli logits (N, 1, 64, 64) of latents (N, latent_size)."""
        decoded: Tensor = self.decoder(latent)
        return decoded

    def forward(self, latent: Tensor) -> Tensor:
        """Pictures (N, 1, 64, 64) in [0, 1] of latents (N, latent_size)."""
        return torch.sigmoid(self.logits(latent))
