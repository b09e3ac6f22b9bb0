"""A generator with its label and truncation settled, for code that measures whatever it is given."""

from __future__ import annotations

import torch
from torch import Tensor

from latentstudio.generators.contract import Generator


class Conditioned:
    """Draws every picture of ``generator`` for one label and truncation; what the caller says of them is ignored.

    Args:
        generator: draws the pictures.
        label: class of a conditional model, or None.
        truncation: factor on the prior.
        precise: compute in float32 even where the caller chose mixed precision: the window's pictures are float32, and
            what is measured on one picture must not depend on the rounding.
    """

    def __init__(
        self, generator: Generator, *, label: int | None = None, truncation: float = 1.0, precise: bool = False
    ) -> None:
        self.card = generator.card
        self.network = generator.network
        self._generator = generator
        self._label = label
        self._truncation = truncation
        self._precise = precise

    def generate(
        self,
        latent: Tensor,
        *,
        space: str = "z",
        label: int | None = None,
        truncation: float = 1.0,
        noise_seed: int | None = None,
    ) -> Tensor:
        """Pictures float32 (N, 3, H, W) of latents (N, *shape), of the settled label and truncation."""
        kind = latent.device.type
        with torch.autocast(kind, enabled=torch.is_autocast_enabled(kind) and not self._precise):
            return self._generator.generate(
                latent, space=space, label=self._label, truncation=self._truncation, noise_seed=noise_seed
            )
