"""A generator whose every factor is known in closed form: a white Gaussian blob on black."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from latentstudio.generators.card import ModelCard
from latentstudio.generators.conditions import NONE, Conditions
from latentstudio.latents import LatentSpace

PIXELS_A_UNIT = 6.0
SIDE = 32


class BlobGenerator:
    """Latent (6,): x, y (6 px a unit), log2 size (0.25 a unit), brightness, two coordinates without effect."""

    def __init__(self, *, measure: str = "barycentre") -> None:
        self.network = nn.Linear(1, 1).requires_grad_(False)
        self.card = ModelCard(
            name="blob", backend="none", image_size=(SIDE, SIDE), spaces=(LatentSpace("z", (6,)),), measure=measure,
            weights_sha256="b10b" * 16,
        )

    def generate(self, latent: Tensor, *, space: str = "z", conditions: Conditions = NONE) -> Tensor:
        axis = torch.arange(SIDE, dtype=latent.dtype) - (SIDE - 1) / 2
        x = (axis[None, None, :] - PIXELS_A_UNIT * latent[:, 0, None, None]) / 3.0
        y = (axis[None, :, None] - PIXELS_A_UNIT * latent[:, 1, None, None]) / 3.0
        size = torch.exp2(0.25 * latent[:, 2])[:, None, None]
        blob = torch.exp(-0.5 * (x**2 + y**2) / size**2)
        shine = 0.5 + 0.1 * latent[:, 3, None, None]
        return (blob * shine).clamp(0.0, 1.0)[:, None].expand(-1, 3, -1, -1)
