"""Plots of scenes as SVG: proposed layouts beside the data's, and the load of cells beside the Poisson law."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentstudio.figures import write_figure
from latentstudio.scenes.layout import NAMES, Layout, Load
from latentstudio.svg import Drawing

DATA, FOUND, QUIET, INK, LINE = "#3b6fb6", "#c4572e", "#8a8f98", "#2b2f36", "#d5d8dd"
COLOURS = (DATA, FOUND, "#4c8f5b", "#8a5aa8")
SIZE = 12.0
BINS = 12
_WIDE, _HIGH, _GAP, _TOP = 210, 150, 40, 40


def write_layouts(path: Path, found: Layout, true: Layout, distances: Mapping[str, float]) -> None:
    """Histograms of positions, sizes and counts: filled for the data, a line for what the prior proposes. The table has
    a row a bin: the shares of the data and of what is proposed from ``from`` to ``to``.

    Raises:
        StorageError: the disk is full or the folder may not be written.
    """
    drawing = Drawing(_GAP + len(NAMES) * (_WIDE + _GAP), _TOP + _HIGH + 40)
    drawing.words("filled: the data; line: what the learned prior proposes", (_GAP, 20), colour=QUIET, size=SIZE)
    rows: list[tuple[object, ...]] = []
    for number, name in enumerate(NAMES):
        left, columns = _GAP + number * (_WIDE + _GAP), (_values(true, name), _values(found, name))
        low, high = (float(f(np.concatenate(columns))) for f in (np.min, np.max))
        edges = np.linspace(low, max(high, low + 1e-6), BINS + 1)
        if name == "count":
            edges = np.arange(low - 0.5, high + 1.0)
        shares = [np.histogram(values, edges)[0] / max(1, len(values)) for values in columns]
        rows += [(name, *told) for told in zip(edges[:-1], edges[1:], *shares, strict=True)]
        top = max(float(share.max()) for share in shares) or 1.0
        step = _WIDE / (len(edges) - 1)
        for k, share in enumerate(shares[0]):
            height = _HIGH * share / top
            drawing.rectangle((left + k * step, _TOP + _HIGH - height), (step - 1, height), fill=DATA, opacity=0.45)
        points = [(left + (k + 0.5) * step, _TOP + _HIGH - _HIGH * share / top) for k, share in enumerate(shares[1])]
        drawing.line(points, colour=FOUND, width=2.0)
        drawing.words(f"{name}: {low:.2g} to {high:.2g}, distance {distances[name]:.2f}", (left, _TOP + _HIGH + 18),
                      colour=INK, size=SIZE)
    write_figure(path, drawing, ("what", "from", "to", "data", "proposed"), rows)


def write_loads(path: Path, rows: Sequence[Load]) -> None:
    """Figure 5.2: the share of pictures of which no cell is overloaded, over a cell's capacity at the same capacity of
    the whole; lines by the Poisson law, dots as measured.

    Raises:
        StorageError: the disk is full or the folder may not be written.
    """
    wide, high, left, top = 460, 260, 60, 40
    capacities = sorted({row["capacity"] for row in rows})
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    drawing = Drawing(left + wide + 190, top + high + 40)

    def say(words: str, x: float, y: float, colour: str = QUIET) -> None:
        drawing.words(words, (x, y), colour=colour, size=SIZE)

    say("no cell overloaded, at a capacity of 64; line: Poisson, dots: measured", left, 20)
    for k in range(5):
        y = top + high * (1 - k / 4)
        drawing.line(((left, y), (left + wide, y)), colour=LINE, width=1.0)
        say(f"{k / 4:.2f}", left - 34, y + 4)
    place = {capacity: left + wide * (k + 0.5) / len(capacities) for k, capacity in enumerate(capacities)}
    for capacity, x in place.items():
        say(f"{64 // capacity} cells of {capacity}", x - 40, top + high + 20)
    for number, (kind, colour) in enumerate(zip(kinds, COLOURS, strict=False)):
        mine = sorted((row for row in rows if row["kind"] == kind), key=lambda row: row["capacity"])
        drawing.line([(place[row["capacity"]], top + high * (1 - row["theory"])) for row in mine], colour=colour,
                     width=2.0)
        for row in mine:
            drawing.dot((place[row["capacity"]], top + high * (1 - row["measured"])), 5.0, fill=colour)
        say(f"{kind}, {mine[0]['objects']:.1f} objects", left + wide + 12, top + 20 * (number + 1), colour)
    write_figure(path, drawing, ("kind", "objects", "cells", "capacity", "theory", "measured"), (
        (row["kind"], row["objects"], row["cells"], row["capacity"], row["theory"], row["measured"]) for row in rows
    ))


def _values(layout: Layout, name: str) -> NDArray[np.float64]:
    return {"x": layout.places[:, 0], "y": layout.places[:, 1], "size": layout.sizes, "count": layout.counts}[name]

