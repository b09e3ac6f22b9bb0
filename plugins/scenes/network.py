"""All parts of a scene model in one module, and the way from one flat latent to a picture."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from latentstudio.generators.composing import over, shared, weighted

from .background import Background
from .objects import BoxDecoder, BoxEncoder, GlimpseVae, Prior, StructureEncoder
from .sizes import SceneSizes

DRAWN = 0.01  # objects below this presence are not drawn
SHARP = 0.02  # temperature of presence when a scene is drawn from the prior: boxes and picture tell the same objects


class SceneNetwork(nn.Module):
    """Background, box proposals, boxes, glimpses and prior of thesis chapter 5."""

    def __init__(self, sizes: SceneSizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.background = Background(sizes)
        self.structure = StructureEncoder(sizes)
        self.proposer = BoxEncoder(sizes)
        self.places = BoxDecoder(sizes)
        self.glimpses = GlimpseVae(sizes)
        self.prior = Prior(sizes)

    def split(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """The background's part (B, K, d) and the slots' part (B, S, box + what + 1) of latents (B, latent_size)."""
        sizes = self.sizes
        first = sizes.components * sizes.background_size
        back = latent[:, :first].reshape(-1, sizes.components, sizes.background_size)
        return back, latent[:, first:].reshape(-1, sizes.capacity, sizes.box_size + sizes.what_size + 1)

    def unfold(self, latent: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """z_bg (B, K, d), z_box (B, S, .), z_what (B, S, .) and presence (B, S) of latents (B, latent_size) ~ N(0, 1).

        Slot after slot the prior's law is applied to the next numbers; presence is a logistic of them.
        """
        sizes = self.sizes
        back, slots = self.split(latent)
        size, each = sizes.box_size, sizes.box_size + sizes.what_size + 1
        by_cell = slots.reshape(-1, sizes.slots, each)
        if not sizes.learned_prior:
            boxes, what = slots[..., :size], slots[..., size:-1]
            return back, boxes, what, _presence(slots[..., -1], torch.full_like(slots[..., -1], -2.2))
        given, state = self.prior.start(back)
        before = torch.zeros_like(by_cell[:, 0])
        found = []
        for k in range(sizes.slots):
            mean, deviation, logit, state = self.prior.step(given, before, state)
            drawn = mean + deviation * by_cell[:, k, :-1]
            here = _presence(by_cell[:, k, -1], logit)
            before = torch.cat([drawn * here[:, None], here[:, None]], dim=1)
            found.append(torch.cat([drawn, here[:, None]], dim=1))
        told = torch.stack(found, dim=1).reshape(-1, sizes.capacity, each)
        return back, told[..., :size], told[..., size:-1], told[..., -1]

    def pictures(self, latent: Tensor) -> Tensor:
        """Pictures (B, 3, H, W) in [0, 1] of latents (B, latent_size)."""
        back, boxes, what, presence = self.unfold(latent)
        return self.draw(back, boxes, what, presence)

    def draw(self, back: Tensor, boxes: Tensor, what: Tensor, presence: Tensor) -> Tensor:
        """Pictures of z_bg (B, K, d), z_box (B, S, .), z_what (B, S, .) and presence (B, S): every slot is drawn."""
        count = self.sizes.capacity
        place, depth = self.places(boxes)
        decoded = self.glimpses.decode(what.reshape(-1, self.sizes.what_size))
        side = self.sizes.side
        laid = weighted(decoded, place.reshape(-1, 5), depth.reshape(-1), presence.reshape(-1), side=side)
        colour, alpha = shared(laid.reshape(-1, count, 5, side, side).sum(1))
        return over(Background.flat(*self.background.draw(back)), colour, alpha)


def _presence(normal: Tensor, logit: Tensor) -> Tensor:
    """Presence in [0, 1] by a relaxed draw: a normal number becomes a logistic one of about the same quantile."""
    return torch.sigmoid((logit + 1.702 * normal) / SHARP)
