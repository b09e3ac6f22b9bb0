"""A generator with conditions settled, for code that measures whatever it is given."""

from __future__ import annotations

import torch
from torch import Tensor

from latentstudio.generators.conditions import NONE, Conditions
from latentstudio.generators.contract import Generator


class Conditioned:
    """Draws every picture of ``generator`` under these conditions; what the caller sets of others holds beside them.

    Args:
        generator: draws the pictures.
        conditions: a label, a truncation ...
        precise: compute in float32 even where the caller chose mixed precision: the window's pictures are float32, and
            what is measured on one picture must not depend on the rounding.
    """

    def __init__(self, generator: Generator, conditions: Conditions = NONE, *, precise: bool = False) -> None:
        self.card = generator.card
        self.network = generator.network
        self._generator = generator
        self._conditions = conditions
        self._precise = precise

    def generate(self, latent: Tensor, *, space: str = "z", conditions: Conditions = NONE) -> Tensor:
        """Pictures float32 (N, 3, H, W) of latents (N, *shape), under the settled conditions."""
        kind = latent.device.type
        with torch.autocast(kind, enabled=torch.is_autocast_enabled(kind) and not self._precise):
            return self._generator.generate(latent, space=space, conditions=self._conditions.over(conditions))
