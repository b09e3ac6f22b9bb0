"""A factor's calibration as plain arrays for the plot, in the unit that people read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentstudio.factors import Factor
from latentstudio.studio.widgets.curve_plot import Curves

_SYMBOLS = {"x": "×", "deg": "°"}


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
