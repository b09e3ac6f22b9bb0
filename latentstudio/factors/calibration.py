"""Calibration curves of an axis: the paper's g, and what moving along the axis was measured to do. numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentstudio.errors import FactorFileError

Curve = NDArray[np.float64]
_LEAST_SLOPE = 1e-9
AHEAD = 1.0
LEAST_SLOPE, MOST_SPREAD, MOST_RESIDUAL = 0.2, 1.25, 2 / 3


def check_rows(*rows: NDArray[np.generic]) -> None:
    """See that these are rows of the same number of values.

    Raises:
        FactorFileError: they are not.
    """
    shapes = [row.shape for row in rows]
    if any(len(shape) != 1 or shape != shapes[0] for shape in shapes):
        raise FactorFileError(f"values of shapes {' and '.join(map(str, shapes))}", expected="equal rows")


@dataclass(frozen=True)
class MonotoneCurve:
    """An increasing piecewise linear function with value 0 at coordinate 0; constant beyond its ends.

    Attributes:
        coordinates: (K,) increasing, coordinates p = <z, u>.
        values: (K,) increasing, t in the factor's own parameter.
    """

    coordinates: Curve
    values: Curve

    def __post_init__(self) -> None:
        coordinates, values = self.coordinates, self.values
        check_rows(coordinates, values)
        if len(coordinates) < 2:
            raise FactorFileError(f"a curve of {len(coordinates)} points", expected="2 or more")
        if not (np.isfinite(coordinates).all() and np.isfinite(values).all()):
            raise FactorFileError("a curve with values that are not finite", expected="ordinary numbers")
        if (np.diff(coordinates) <= 0).any() or (np.diff(values) < 0).any():
            raise FactorFileError("a curve that does not increase", expected="a monotone calibration")

    def __call__(self, coordinate: float | Curve) -> Curve:
        """t at a coordinate, or at many."""
        return np.asarray(np.interp(coordinate, self.coordinates, self.values))

    def inverse(self, value: float | Curve) -> Curve:
        """The coordinate at which t is reached; the end's coordinate beyond the ends."""
        ramp = np.arange(len(self.values)) * _LEAST_SLOPE * max(1.0, float(np.ptp(self.values)))
        return np.asarray(np.interp(value, self.values + ramp, self.coordinates))


@dataclass(frozen=True)
class MeasuredCalibration:
    """What moving along the axis did to new samples.

    Attributes:
        coordinates: (K,) positions along the axis, 0 among them.
        median: (K,) curve of the median measured effect, 0 at coordinate 0, in t's own parameter.
        deviation: (K,) standard deviation of the effect over the samples (robust: half the 16-84 % interval).
        known: lowest and highest coordinate between which the curve is trusted.
        stops: what ended the known range below and above (``median``, ``spread``, ``residual``, or ``end`` of what was
            measured); empty in files that do not tell it.
    """

    coordinates: Curve
    median: Curve
    deviation: Curve
    known: tuple[float, float]
    stops: tuple[str, str] = ("", "")

    def __post_init__(self) -> None:
        check_rows(self.coordinates, self.median, self.deviation)

    def curve(self) -> MonotoneCurve:
        """The monotone curve of the medians inside the known range, passing through 0 at 0."""
        low, high = self.known
        inside = (self.coordinates >= low - 1e-9) & (self.coordinates <= high + 1e-9)
        values = increasing(self.median[inside])
        coordinates = self.coordinates[inside]
        return MonotoneCurve(coordinates, values - np.interp(0.0, coordinates, values))

    @property
    def spread(self) -> float:
        """Mean deviation inside the known range."""
        low, high = self.known
        inside = (self.coordinates >= low) & (self.coordinates <= high)
        return float(self.deviation[inside].mean())


def increasing(values: Curve) -> Curve:
    """The closest increasing sequence in the sense of least squares (pool adjacent violators)."""
    sums: list[float] = []
    counts: list[int] = []
    for value in values:
        sums.append(float(value))
        counts.append(1)
        while len(sums) > 1 and sums[-2] / counts[-2] > sums[-1] / counts[-1]:
            last_sum, last_count = sums.pop(), counts.pop()
            sums[-1] += last_sum
            counts[-1] += last_count
    return np.concatenate([np.full(count, total / count) for total, count in zip(sums, counts, strict=True)])


def known_range(
    coordinates: Curve, median: Curve, deviation: Curve, *, residual: Curve | None = None
) -> tuple[float, float]:
    """The range in which the curve follows; see ``known_range_with_stops``."""
    return known_range_with_stops(coordinates, median, deviation, residual=residual)[0]


def known_range_with_stops(
    coordinates: Curve, median: Curve, deviation: Curve, *, residual: Curve | None = None
) -> tuple[tuple[float, float], tuple[str, str]]:
    """The range in which the curve follows, by a rule, outward from 0; and what ended it below and above.

    A side ends at the first of these:

    * ``median``: the slope of the next ``AHEAD`` units falls below ``LEAST_SLOPE`` of the usual slope near 0 (the
      median slope of the six central steps);
    * ``spread``: the deviation exceeds ``MOST_SPREAD`` times the distance reached plus twice the deviation of the first
      step (beyond it, one cannot tell where a new sample will go);
    * ``residual``: what is left after T_t was taken into account exceeds ``MOST_RESIDUAL`` of what two unrelated
      samples differ by (beyond it, it is another picture that moved);
    * ``end``: nothing was measured further out.

    Args:
        coordinates, median, deviation: (K,), as in ``MeasuredCalibration``.
        residual: (K,) median residual of moves by these coordinates, as a share of what unrelated samples differ by.
    """
    middle = int(np.abs(coordinates).argmin())
    slopes = np.diff(median) / np.diff(coordinates)
    central = slopes[max(0, middle - 3) : middle + 3]
    usual = float(np.median(central))
    if usual <= 0:
        return (float(coordinates[middle]), float(coordinates[middle])), ("median", "median")
    first = float(np.nan_to_num(np.median(deviation[max(0, middle - 1) : middle + 2])))
    ends, stops = [], []
    for step in (-1, 1):
        index, stop = middle, "end"
        while 0 <= index + step < len(coordinates):
            reached = abs(median[index + step] - median[middle])
            if _slope_ahead(coordinates, median, index, step) < LEAST_SLOPE * usual:
                stop = "median"
            elif not deviation[index + step] <= MOST_SPREAD * reached + 2.0 * first:  # also where it is no number
                stop = "spread"
            elif residual is not None and residual[index + step] > MOST_RESIDUAL:
                stop = "residual"
            if stop != "end":
                break
            index += step
        ends.append(float(coordinates[index]))
        stops.append(stop)
    return (ends[0], ends[1]), (stops[0], stops[1])


def _slope_ahead(coordinates: Curve, median: Curve, index: int, step: int) -> float:
    """Mean slope from ``index`` outwards over ``AHEAD`` units, or to the end where that is nearer."""
    last = index + step
    while 0 <= last + step < len(coordinates) and abs(coordinates[last] - coordinates[index]) < AHEAD - 1e-9:
        last += step
    return float((median[last] - median[index]) / (coordinates[last] - coordinates[index]))
