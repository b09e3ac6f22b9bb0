"""The background: K pictures that are too simple to draw an object, and masks that say where each is seen."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .sizes import SceneSizes

COARSE = 4


class Background(nn.Module):
    """z_comp of each component -> a picture of 4 x 4 pixels, enlarged; masks by stick-breaking from the same latents.

    Simpler than GENESIS (Engelcke et al. 2020): one latent a component holds both its mask and its picture, the encoder
    does not see what earlier components explain, and the prior is a normal law instead of an autoregressive one. With
    one component, as in every shipped model, there is no mask.
    """

    def __init__(self, sizes: SceneSizes) -> None:
        super().__init__()
        self.sizes = sizes
        size, count = sizes.background_size, sizes.components
        layers: list[nn.Module] = []
        before, side = 3, sizes.side
        for after in (16, 32, 32):
            layers += [nn.Conv2d(before, after, 4, 2, 1), nn.CELU()]
            before, side = after, side // 2
        self.trunk = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(4), nn.Flatten())
        self.recurrent = nn.GRUCell(512, 64)
        self.posterior = nn.Linear(64, 2 * size)
        self.decode = nn.Sequential(nn.Linear(size, 64), nn.CELU(), nn.Linear(64, 3 * COARSE**2))
        self.mask = nn.Sequential(nn.Linear(size, 64), nn.CELU(), nn.Linear(64, 64)) if count > 1 else None

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and deviation (B, components, background_size) of z_bg."""
        seen = self.trunk(images)
        state = torch.zeros(len(images), 64, device=images.device, dtype=seen.dtype)
        found = []
        for _ in range(self.sizes.components):
            state = self.recurrent(seen, state)
            found.append(self.posterior(state).float())
        told = torch.stack(found, dim=1)
        mean, raw = told.chunk(2, dim=2)
        return mean, functional.softplus(raw - 1.0) + 1e-3

    def draw(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Components (B, K, 3, H, W) in [0, 1] and their masks (B, K, 1, H, W), which sum to 1, of z_bg (B, K, d)."""
        count, side = self.sizes.components, self.sizes.side
        flat = latent.reshape(-1, self.sizes.background_size)
        small = torch.sigmoid(self.decode(flat).float()).reshape(-1, 3, COARSE, COARSE)
        pictures = functional.interpolate(small, (side, side), mode="bilinear", align_corners=True)
        pictures = pictures.reshape(-1, count, 3, side, side)
        if self.mask is None:
            return pictures, torch.ones_like(pictures[:, :, :1])
        logits = self.mask(flat).float().reshape(-1, count, 1, 8, 8)
        rest = torch.zeros_like(logits[:, 0])
        logs = []
        for k in range(count - 1):
            logs.append(rest + functional.logsigmoid(logits[:, k]))
            rest = rest + functional.logsigmoid(-logits[:, k])
        masks = torch.stack([*logs, rest], dim=1).exp().reshape(-1, 1, 8, 8)
        large = functional.interpolate(masks, (side, side), mode="bilinear", align_corners=True)
        return pictures, large.reshape(-1, count, 1, side, side)

    @staticmethod
    def flat(pictures: Tensor, masks: Tensor) -> Tensor:
        """The background as one picture (B, 3, H, W)."""
        return (pictures * masks).sum(1)
