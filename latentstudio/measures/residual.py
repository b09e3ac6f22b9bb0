"""How well a transformation explains what an edit did to a picture: what is left after it was taken into account."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from latentstudio.loss_names import SIGMA
from latentstudio.losses import blurred_error
from latentstudio.transformations import Transformation

GRID = 32
LEAST_SHARE = 0.1


class Residual:
    """Compares T_t(before) with what an edit that should be T_t really made, on copies of at most 32 x 32 pixels.

    The residual is the blurred error (equation 3 of Plumerault et al. 2020) over the pixels where T_t is defined.

    Args:
        before: (N, 3, H, W) in [0, 1].
        transformation: the family of T_t.
    """

    def __init__(self, before: Tensor, transformation: Transformation) -> None:
        self._transformation = transformation
        self._factor = max(1, before.shape[-1] // GRID)
        self._before = functional.avg_pool2d(before, self._factor)

    def measure(self, after: Tensor, t: Tensor) -> Tensor:
        """Residual (N,) of pictures (N, 3, H, W) after an edit of which t (N,) was measured.

        NaN where t is none, or T_t leaves less than ``LEAST_SHARE`` of the picture.
        """
        known = torch.isfinite(t)
        unit = self._factor if self._transformation.is_relative else 1
        moved, mask = self._transformation.trial(self._before, torch.where(known, t, torch.zeros_like(t)) / unit)
        found = blurred_error(moved, functional.avg_pool2d(after, self._factor), mask, sigma=SIGMA)
        told = known & (mask.mean(dim=(1, 2, 3)) >= LEAST_SHARE)
        return torch.where(told, found, torch.full_like(found, float("nan")))

    def unrelated(self) -> Tensor:
        """Residual (N,) against another sample's picture as it is; nothing (0,) where there is only one."""
        if len(self._before) < 2:
            return self._before.new_zeros(0)
        everywhere = torch.ones_like(self._before[:, :1])
        return blurred_error(self._before, self._before.roll(1, dims=0), everywhere, sigma=SIGMA)
