"""What the paper's evaluation (section 3.1 of Plumerault et al. 2020) measured, and its statistics. numpy only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

DoubleArray = NDArray[np.float64]
FEWEST = 2


@dataclass(frozen=True)
class Protocol:
    """What was measured at each alpha, in t's own parameter.

    Attributes:
        alphas: coordinates <z, u> at which every sample was put (A,), increasing.
        values: the measured value of every sample at each (N, A); NaN where nothing was seen. They increase with alpha:
            where the first median was above the last, the axis was turned round (``is_reversed``).
        is_absolute: ``values`` are positions in the picture (or log2 extent, or luminance); otherwise they are effects
            against the same sample at alpha 0, because nothing absolute can be measured on this model's pictures.
        is_reversed: the axis was turned round.
    """

    alphas: DoubleArray
    values: DoubleArray = field(repr=False)
    is_absolute: bool = True
    is_reversed: bool = False

    @property
    def samples(self) -> NDArray[np.int64]:
        """How many samples were measured at each alpha (A,)."""
        found: NDArray[np.int64] = np.isfinite(self.values).sum(axis=0)
        return found

    @property
    def mean(self) -> DoubleArray:
        """Mean at each alpha (A,); NaN where fewer than two samples were seen."""
        return self._over(np.nanmean)

    @property
    def median(self) -> DoubleArray:
        """Median at each alpha (A,)."""
        return self._over(np.nanmedian)

    @property
    def std(self) -> DoubleArray:
        """Standard deviation at each alpha (A,): the red line of Figures 2 and 5."""
        return self._over(np.nanstd)

    def quantile(self, share: float) -> DoubleArray:
        """The value that this share (0 to 1) of the samples does not exceed, at each alpha (A,)."""
        return self._over(lambda values, axis: np.nanquantile(values, share, axis=axis))

    @property
    def mean_std(self) -> float:
        """Mean of the standard deviation over the alphas: one number that tells how precise the control is."""
        return float(np.nanmean(self.std))

    def _over(self, statistic: Callable[..., DoubleArray]) -> DoubleArray:
        result = np.full(len(self.alphas), np.nan)
        enough = self.samples >= FEWEST
        result[enough] = statistic(self.values[:, enough], axis=0)
        return result


def oriented(alphas: DoubleArray, values: DoubleArray, is_absolute: bool) -> Protocol:
    """Turned so that the property grows with alpha, judged by the first and the last median as in the paper's code."""
    seen = np.flatnonzero(np.isfinite(values).any(axis=0))
    first, last = (float(np.nanmedian(values[:, column])) for column in (seen[0], seen[-1]))
    if first <= last:
        return Protocol(alphas, values, is_absolute)
    return Protocol(0.0 - alphas[::-1], values[:, ::-1], is_absolute, is_reversed=True)
