"""The vanilla VAE and GAN of Asperti and Tonelli 2022, Appendix A.1 and A.2: 4x4 filters, no batch norm, dropout.

Their activations are ReLU and then leaky ReLU; the second changes nothing and is left out.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .sizes import Sizes

SCALES = 3
DROPOUT = 0.2
FIRST_CHANNELS = 16


class VanillaCritic(nn.Module):
    """Three convolutions of stride 2, dropout, one dense layer: critic (1 answer) and encoder (2 d answers)."""

    def __init__(self, sizes: Sizes, answers: int) -> None:
        super().__init__()
        self.answers = answers
        layers: list[nn.Module] = []
        before = sizes.channels
        for level in range(SCALES):
            layers += [nn.Conv2d(before, sizes.width << level, 4, 2, 1), nn.ReLU()]
            before = sizes.width << level
        self.trunk = nn.Sequential(*layers, nn.Flatten(), nn.Dropout(DROPOUT))
        self.head = nn.Linear(before * (sizes.side >> SCALES) ** 2, answers)

    def forward(self, images: Tensor, latent: Tensor | None = None) -> Tensor | tuple[Tensor, Tensor]:
        """Logits (N,) of a critic; mean and variance (N, d) of an encoder."""
        told: Tensor = self.head(self.trunk(images * 2.0 - 1.0))
        if self.answers == 1:
            return told[:, 0]
        mean, log_variance = told.float().chunk(2, dim=1)
        return mean, torch.exp(log_variance.clamp(-20.0, 20.0))


class VanillaDecoder(nn.Module):
    """A dense layer to 16 channels, three transposed convolutions that grow wider, a 5x5 convolution, sigmoid."""

    def __init__(self, sizes: Sizes, size: int) -> None:
        super().__init__()
        self.side = sizes.side >> SCALES
        self.first = nn.Linear(size, FIRST_CHANNELS * self.side**2)
        layers: list[nn.Module] = []
        before = FIRST_CHANNELS
        for level in range(SCALES):
            layers += [nn.ConvTranspose2d(before, sizes.width << level, 4, 2, 1), nn.ReLU()]
            before = sizes.width << level
        self.blocks = nn.Sequential(*layers, nn.Conv2d(before, sizes.channels, 5, 1, 2), nn.Sigmoid())

    def forward(self, latent: Tensor) -> Tensor:
        """Pictures (N, C, side, side) in [0, 1]."""
        first = self.first(latent)
        pictures: Tensor = self.blocks(first.unflatten(1, (-1, self.side, self.side)))
        return pictures
