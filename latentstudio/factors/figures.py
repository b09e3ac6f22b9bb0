"""Figures of the paper's evaluation as SVG: the measured distribution at each alpha, and its standard deviation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentstudio.factors.factor import Factor
from latentstudio.factors.protocol import Protocol
from latentstudio.svg import Drawing, Point

DoubleArray = NDArray[np.float64]

WIDTH, HEIGHT = 300.0, 240.0
LEFT, RIGHT, TOP, BOTTOM = 46.0, 44.0, 40.0, 40.0
INK, DIM, LINE, BLUE, RED = "#1c2027", "#69717f", "#d8dce3", "#5b7fb8", "#c24a4a"
BINS = 32
_VIOLIN = 0.45


@dataclass(frozen=True)
class _Scale:
    """From numbers to pixels along one side: ``first`` lies at ``start``, ``last`` at ``end``."""

    first: float
    last: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        return self.start + (value - self.first) / (self.last - self.first) * (self.end - self.start)

    def ticks(self) -> list[float]:
        """Three to seven round numbers inside."""
        rough = (self.last - self.first) / 6
        step = 10.0 ** np.floor(np.log10(rough))
        step *= next(factor for factor in (1, 2, 5, 10) if factor * step >= rough)
        lowest = np.ceil(self.first / step - 1e-9) * step
        return [round(float(value), 12) + 0.0 for value in np.arange(lowest, self.last + 1e-9 * step, step)]


def protocol_figure(factor: Factor, measured: Sequence[tuple[str, Protocol]]) -> Drawing:
    """One panel a model, side by side on the same scales, as Figure 5 of Plumerault et al. 2020.

    In blue the distribution of what was measured at each alpha (the widths of a violin, and the median), in red its
    standard deviation on the scale at the right; both in the factor's own parameter.
    """
    drawing = Drawing(WIDTH * len(measured), HEIGHT)
    seen = np.concatenate([protocol.values[np.isfinite(protocol.values)] for _, protocol in measured])
    low, high = np.percentile(seen, [0.2, 99.8])
    spare = 0.06 * max(high - low, 1e-9)
    most = max(float(np.nanmax(protocol.std)) for _, protocol in measured)
    for index, (title, protocol) in enumerate(measured):
        left = WIDTH * index
        step = float(np.diff(protocol.alphas).min()) if len(protocol.alphas) > 1 else 1.0
        panel = _Panel(
            drawing,
            _Scale(protocol.alphas[0] - step, protocol.alphas[-1] + step, left + LEFT, left + WIDTH - RIGHT),
            _Scale(low - spare, high + spare, HEIGHT - BOTTOM, TOP),
            _Scale(0.0, 1.15 * max(most, 1e-9), HEIGHT - BOTTOM, TOP),
        )
        panel.frame(title, factor, protocol)
        for alpha, values in zip(protocol.alphas, protocol.values.T, strict=True):
            panel.violin(float(alpha), values[np.isfinite(values)], _VIOLIN * step)
        panel.row(protocol.alphas, protocol.median, panel.across, BLUE)
        panel.row(protocol.alphas, protocol.std, panel.spread, RED)
    return drawing


@dataclass(frozen=True)
class _Panel:
    """One model's panel: alpha along the bottom, what was measured at the left, its spread at the right."""

    drawing: Drawing
    along: _Scale
    across: _Scale
    spread: _Scale

    def frame(self, title: str, factor: Factor, protocol: Protocol) -> None:
        """Title, grid and the numbers on three sides."""
        drawing, along = self.drawing, self.along
        what = factor.name if protocol.is_absolute else f"{factor.name} against alpha 0"
        symbol = {"x": "log2", "%": "of 1"}.get(factor.unit.symbol, factor.unit.symbol)
        drawing.words(title, (along.start, TOP - 20.0), colour=INK, size=13.0, bold=True)
        drawing.words(f"{what}, {symbol}", (along.start, TOP - 6.0), colour=BLUE)
        drawing.words("std", (along.end, TOP - 6.0), colour=RED, anchor="end")
        for value in self.across.ticks():
            y = self.across(value)
            drawing.line(((along.start, y), (along.end, y)), colour=LINE, width=1.0)
            drawing.words(f"{value:g}", (along.start - 6.0, y + 4.0), colour=DIM, anchor="end")
        for value in self.spread.ticks():
            drawing.words(f"{value:g}", (along.end + 6.0, self.spread(value) + 4.0), colour=RED)
        for value in along.ticks():
            drawing.words(f"{value:g}", (along(value), HEIGHT - BOTTOM + 16.0), colour=DIM, anchor="middle")
        middle = (along.start + along.end) / 2
        drawing.words(f"alpha, {int(protocol.samples.max())} samples", (middle, HEIGHT - 8.0), colour=DIM,
                      anchor="middle")

    def violin(self, alpha: float, values: DoubleArray, half: float) -> None:
        """The distribution at one alpha as a shape that is as wide as values are frequent, and a dot at the median."""
        if len(values) < 2:
            return
        edges = np.linspace(values.min(), values.max() + 1e-9, BINS + 1)
        counts, _ = np.histogram(values, edges)
        smooth = np.convolve(counts, [0.25, 0.5, 0.25], mode="same")
        widths = half * smooth / smooth.max()
        heights = (edges[:-1] + edges[1:]) / 2
        right: list[Point] = [self._at(alpha + w, v) for w, v in zip(widths, heights, strict=True)]
        left: list[Point] = [self._at(alpha - w, v) for w, v in zip(widths, heights, strict=True)]
        self.drawing.area([*right, *reversed(left)], fill=BLUE, opacity=0.45)
        self.drawing.dot(self._at(alpha, float(np.median(values))), 2.0, fill=BLUE)

    def row(self, alphas: DoubleArray, values: DoubleArray, scale: _Scale, colour: str) -> None:
        """A line over the alphas where there are values."""
        self.drawing.line(
            [(self.along(a), scale(v)) for a, v in zip(alphas, values, strict=True) if np.isfinite(v)], colour=colour
        )

    def _at(self, alpha: float, value: float) -> Point:
        return self.along(alpha), min(max(self.across(value), TOP), HEIGHT - BOTTOM)
