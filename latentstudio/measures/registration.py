"""How far a picture moved or grew, by registering it on the original."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from latentstudio.losses import gaussian_kernel
from latentstudio.transformations import Transformation

LEAST_OVERLAP = 0.4
GRID = 32
CORRELATION, SQUARES = "correlation", "squares"


class Registration:
    """Pictures to register others on: T_t of them is prepared for every candidate t once.

    A picture is compared with T_t(before), channels together, on a low-passed copy of at most 32 x 32 pixels, and
    undefined pixels are ignored: by their correlation coefficient, which a change of brightness or contrast does not
    disturb, or by their mean square, which sees changes of light and colour. A parabola through the best candidate and
    its neighbours gives the fraction between them.

    Args:
        before: (N, 3, H, W) in [0, 1].
        transformation: the one-parameter family to search.
        candidates: (K,), evenly spaced and increasing, in t's own parameter; those that leave less than
            ``LEAST_OVERLAP`` of the picture are not tried.
        sigma: low-pass as a fraction of the side.
        by: ``correlation`` or ``squares``.
    """

    def __init__(
        self,
        before: Tensor,
        transformation: Transformation,
        candidates: Tensor,
        *,
        sigma: float = 0.03,
        by: str = CORRELATION,
    ) -> None:
        self._sigma, self._by = sigma, by
        self._factor = max(1, before.shape[-1] // GRID)
        small = self._reduced(before)
        unit = self._factor if transformation.is_relative else 1
        tried = candidates.to(before) / unit
        _, overlap = transformation.trial(small[:1].expand(len(tried), -1, -1, -1), tried)
        share = overlap.mean(dim=(1, 2, 3))
        # a mask may leave out much of every picture
        self._candidates = candidates.to(before)[share >= min(LEAST_OVERLAP, 0.5 * float(share.max()))]
        count = len(self._candidates)
        moved, mask = transformation.trial(
            small.repeat_interleave(count, dim=0), (self._candidates / unit).repeat(len(before))
        )
        moved = moved.unflatten(0, (-1, count)).flatten(2)
        self._masks = mask.expand(-1, before.shape[1], -1, -1).unflatten(0, (-1, count)).flatten(2)
        self._pictures = moved * self._masks
        self._count = self._masks.sum(dim=2).clamp_min(1.0)
        self._mean = self._pictures.sum(dim=2) / self._count
        square = (moved * self._pictures).sum(dim=2) / self._count
        self._square, self._deviation = square, (square - self._mean**2).clamp_min(1e-8).sqrt()

    def _reduced(self, images: Tensor) -> Tensor:
        width = self._sigma * images.shape[-1]
        kernel = gaussian_kernel(width).to(images)
        radius, channels = len(kernel) // 2, images.shape[1]
        padded = functional.pad(images, (radius,) * 4, mode="replicate")
        rows = kernel[None, None, :, None].expand(channels, 1, -1, 1)
        columns = kernel[None, None, None, :].expand(channels, 1, 1, -1)
        smooth = functional.conv2d(functional.conv2d(padded, rows, groups=channels), columns, groups=channels)
        return functional.avg_pool2d(smooth, self._factor)

    def measure(self, after: Tensor) -> tuple[Tensor, Tensor]:
        """t (N,) for which T_t(before) resembles ``after`` (N, 3, H, W) best, and the likeness (N,) reached.

        The likeness is the correlation, or minus the mean square of the difference.
        """
        likeness = self._likeness(self._reduced(after).flatten(1))
        best = likeness.argmax(dim=1)
        gap = float(self._candidates[1] - self._candidates[0])
        return self._candidates[best] + gap * _between(-likeness, best), likeness.amax(dim=1)

    def _likeness(self, seen: Tensor) -> Tensor:
        """(N, K) of reduced pictures (N, P)."""
        second = torch.einsum("nkp,np->nk", self._masks, seen**2) / self._count
        product = torch.einsum("nkp,np->nk", self._pictures, seen) / self._count
        if self._by == SQUARES:
            squares: Tensor = 2.0 * product - second - self._square
            return squares
        first = torch.einsum("nkp,np->nk", self._masks, seen) / self._count
        deviation = (second - first**2).clamp_min(1e-8).sqrt()
        found: Tensor = (product - first * self._mean) / (deviation * self._deviation)
        return found


def _between(errors: Tensor, best: Tensor) -> Tensor:
    """Offset in [-0.5, 0.5] steps of the parabola's lowest point along dimension 1; 0 at the ends."""
    inner = best.clamp(1, errors.shape[1] - 2)
    row = torch.arange(len(errors), device=errors.device)
    left, middle, right = (errors[row, inner + step] for step in (-1, 0, 1))
    bend = left - 2 * middle + right
    usable = (best == inner) & (bend > 0)
    offset = 0.5 * (left - right) / torch.where(usable, bend, torch.ones_like(bend))
    return torch.where(usable, offset.clamp(-0.5, 0.5), torch.zeros_like(offset))
