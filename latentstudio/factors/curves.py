"""A factor's calibration as plain arrays for the plot, in the unit that people read, and its slider's track."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from latentstudio.factors import Factor

TRACK_SHARE = 0.75
_NOTHING: NDArray[np.float64] = np.zeros(0)
_SYMBOLS = {"x": "×", "deg": "°"}


@dataclass(frozen=True)
class Curves:
    """What is drawn: positions p along the axis and effects t in the unit shown.

    ``position`` (n,), ``median`` (n,), ``low`` and ``high`` (n,) the spread band; ``paper_position``, ``paper`` (m,)
    the learned g; ``known`` the range of positions in which the factor is known, or None.
    """

    position: ArrayLike
    median: ArrayLike
    low: ArrayLike
    high: ArrayLike
    paper_position: ArrayLike = field(default_factory=lambda: _NOTHING)
    paper: ArrayLike = field(default_factory=lambda: _NOTHING)
    known: tuple[float, float] | None = None
    unit: str = "px"
    title: str = ""


def curves_of(factor: Factor) -> Curves:
    """Measured median with one deviation to each side, the paper's g, and the known range of coordinates."""
    measured, paper = factor.measured, factor.paper

    def shown(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([factor.unit.to_display(float(value)) for value in values])

    return Curves(
        position=measured.coordinates,
        median=shown(measured.median),
        low=shown(measured.median - measured.deviation),
        high=shown(measured.median + measured.deviation),
        paper_position=paper.coordinates,
        paper=shown(paper.values),
        known=measured.known,
        unit=_SYMBOLS.get(factor.unit.symbol, factor.unit.symbol),
        title="measured median and spread, the paper's curve dashed, the known range shaded",
    )


def track_of(factor: Factor, low: float, high: float) -> tuple[float, float]:
    """Ends of a slider's track: zero in the middle, three quarters of the factor's span to each side.

    It is wider only for a sample so near one end of the known range that its own range (``low``, ``high``) asks for it.
    """
    lowest, highest = factor.reach
    side = max(TRACK_SHARE * (highest - lowest), -low, high, factor.unit.step)
    return -side, side
