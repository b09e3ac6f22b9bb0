"""Split-VAE (Asperti and Tonelli 2022, Appendix A.3): m * a + (1 - m) * b of two images and a learned map m.

Encoder and decoder alternate scale blocks (residual blocks of batch norm, swish and convolution) with resampling.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .sizes import Sizes


class ScaleBlock(nn.Module):
    """One residual block: batch norm, swish, 3x3 convolution, twice, added to what came in."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.BatchNorm2d(width), nn.SiLU(), nn.Conv2d(width, width, 3, 1, 1, bias=False),
            nn.BatchNorm2d(width), nn.SiLU(), nn.Conv2d(width, width, 3, 1, 1),
        )

    def forward(self, images: Tensor) -> Tensor:
        """The same shape."""
        changed: Tensor = self.body(images)
        return images + changed


class SplitEncoder(nn.Module):
    """Scale blocks and convolutions of stride 2, global average pooling, dense layers; the variance depends on x."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        widths = sizes.widths
        layers: list[nn.Module] = [nn.Conv2d(sizes.channels, widths[0], 3, 1, 1)]
        for before, after in zip(widths, (*widths[1:], widths[-1]), strict=True):
            layers += [ScaleBlock(before), nn.Conv2d(before, after, 3, 2, 1)]
        self.trunk = nn.Sequential(*layers, ScaleBlock(widths[-1]), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        hidden = 2 * widths[-1]
        self.embedding = nn.Sequential(nn.Linear(widths[-1], hidden), nn.SiLU())
        self.mean = nn.Linear(hidden, sizes.latent_size)
        self.log_variance = nn.Linear(hidden, sizes.latent_size)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance (N, d)."""
        hidden = self.embedding(self.trunk(images * 2.0 - 1.0))
        return self.mean(hidden).float(), torch.exp(self.log_variance(hidden).float().clamp(-20.0, 20.0))


class SplitDecoder(nn.Module):
    """The encoder mirrored; 2 C + 1 channels at the end: the map and two images."""

    def __init__(self, sizes: Sizes, size: int) -> None:
        super().__init__()
        widths = sizes.widths[::-1]
        self.channels = sizes.channels
        self.first = nn.Linear(size, widths[0] * 16)
        layers: list[nn.Module] = []
        for before, after in zip(widths, (*widths[1:], widths[-1]), strict=True):
            layers += [ScaleBlock(before), nn.ConvTranspose2d(before, after, 4, 2, 1)]
        self.blocks = nn.Sequential(
            *layers, ScaleBlock(widths[-1]), nn.Conv2d(widths[-1], 2 * sizes.channels + 1, 3, 1, 1), nn.Sigmoid()
        )

    def forward(self, latent: Tensor) -> Tensor:
        """Pictures (N, C, side, side) in [0, 1]."""
        first = self.first(latent)
        made = self.blocks(first.unflatten(1, (-1, 4, 4)))
        chosen, one, other = made.split((1, self.channels, self.channels), dim=1)
        pictures: Tensor = chosen * one + (1.0 - chosen) * other
        return pictures
