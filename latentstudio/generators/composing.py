"""From decoded glimpses to a picture: every object laid at its box, the nearer over the farther (section 5.5)."""

from __future__ import annotations

import torch
from torch import Tensor

from latentstudio.generators.glimpses import project

_LITTLE = 1e-5


def lay(
    decoded: Tensor, boxes: Tensor, depth: Tensor, presence: Tensor, which: Tensor, *, count: int, side: int
) -> tuple[Tensor, Tensor]:
    """Colours (B, 3, H, W) and coverage (B, 1, H, W) of the foreground of ``count`` = B pictures.

    Args:
        decoded: colours and masks (N, 4, h, h) of glimpses, in [0, 1].
        boxes: (N, 5), see ``glimpses``.
        depth: (N,); a greater value lies in front. Pixels are shared in the ratio of exp(depth).
        presence: (N,) in [0, 1].
        which: (N,), the picture that each belongs to.
        count: B.
        side: of the pictures, in pixels.
    """
    laid = weighted(decoded, boxes, depth, presence, side=side)
    return shared(torch.zeros(count, 5, side, side, dtype=laid.dtype, device=laid.device).index_add(0, which, laid))


def weighted(decoded: Tensor, boxes: Tensor, depth: Tensor, presence: Tensor, *, side: int) -> Tensor:
    """Every object alone, (N, 5, side, side): weighted colours, weights, and weighted coverage. Sums of these go to
    ``shared``; the arguments are those of ``lay``."""
    alpha = decoded[:, 3:4] * presence.view(-1, 1, 1, 1)
    weight = alpha * depth.exp().view(-1, 1, 1, 1)
    return project(torch.cat([weight * decoded[:, :3], weight, weight * alpha], dim=1), boxes, side)


def shared(total: Tensor) -> tuple[Tensor, Tensor]:
    """Colours (B, 3, H, W) and coverage (B, 1, H, W) of sums (B, 5, H, W) over objects."""
    weights = total[:, 3:4] + _LITTLE
    return total[:, :3] / weights, (total[:, 4:5] / weights).clamp(0.0, 1.0)


def over(background: Tensor, colour: Tensor, alpha: Tensor) -> Tensor:
    """The picture (B, 3, H, W): the foreground over the background."""
    return background * (1.0 - alpha) + colour * alpha
