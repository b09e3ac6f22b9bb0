"""Plots of scenes as SVG: proposed layouts beside the data's, and the load of cells beside the Poisson law."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentstudio.files import write_whole
from latentstudio.scenes.layout import NAMES, Layout

DATA, FOUND, QUIET = "#3b6fb6", "#c4572e", "#8a8f98"
BINS = 12
_WIDE, _HIGH, _GAP, _TOP = 210, 150, 40, 40


def write_layouts(path: Path, found: Layout, true: Layout, distances: Mapping[str, float]) -> None:
    """Histograms of positions, sizes and counts: filled for the data, a line for what the prior proposes.

    Raises:
        StorageError: the disk is full or the folder may not be written.
    """
    parts = [_text(_GAP, 20, "filled: the data; line: what the learned prior proposes", QUIET)]
    for number, name in enumerate(NAMES):
        left, columns = _GAP + number * (_WIDE + _GAP), (_values(true, name), _values(found, name))
        low, high = (float(f(np.concatenate(columns))) for f in (np.min, np.max))
        edges = np.linspace(low, max(high, low + 1e-6), BINS + 1)
        if name == "count":
            edges = np.arange(low - 0.5, high + 1.0)
        shares = [np.histogram(values, edges)[0] / max(1, len(values)) for values in columns]
        top = max(float(share.max()) for share in shares) or 1.0
        step = _WIDE / (len(edges) - 1)
        for k, share in enumerate(shares[0]):
            height = _HIGH * share / top
            parts.append(f'<rect x="{left + k * step:.1f}" y="{_TOP + _HIGH - height:.1f}" width="{step - 1:.1f}" '
                         f'height="{height:.1f}" fill="{DATA}" fill-opacity="0.45"/>')
        points = " ".join(f"{left + (k + 0.5) * step:.1f},{_TOP + _HIGH - _HIGH * share / top:.1f}"
                          for k, share in enumerate(shares[1]))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{FOUND}" stroke-width="2"/>')
        parts.append(_text(left, _TOP + _HIGH + 18, f"{name}: {low:.2g} to {high:.2g}, distance {distances[name]:.2f}"))
    _write(path, parts, _GAP + len(NAMES) * (_WIDE + _GAP), _TOP + _HIGH + 40)


def write_loads(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Figure 5.2: the share of pictures of which no cell is overloaded, over a cell's capacity at the same capacity of
    the whole; lines by the Poisson law, dots as measured.

    Raises:
        StorageError: the disk is full or the folder may not be written.
    """
    wide, high, left, top = 460, 260, 60, 40
    capacities = sorted({int(row["capacity"]) for row in rows})
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    parts = [_text(left, 20, "no cell overloaded, at a capacity of 64; line: Poisson, dots: measured", QUIET)]
    for k in range(5):
        y = top + high * (1 - k / 4)
        parts.append(f'<line x1="{left}" y1="{y}" x2="{left + wide}" y2="{y}" stroke="#d5d8dd"/>')
        parts.append(_text(left - 34, y + 4, f"{k / 4:.2f}", QUIET))
    place = {capacity: left + wide * (k + 0.5) / len(capacities) for k, capacity in enumerate(capacities)}
    for capacity, x in place.items():
        parts.append(_text(x - 40, top + high + 20, f"{64 // capacity} cells of {capacity}", QUIET))
    colours = (DATA, FOUND, "#4c8f5b", "#8a5aa8")
    for number, (kind, colour) in enumerate(zip(kinds, colours, strict=False)):
        mine = sorted((row for row in rows if row["kind"] == kind), key=lambda row: int(row["capacity"]))
        points = " ".join(f"{place[int(row['capacity'])]:.1f},{top + high * (1 - row['theory']):.1f}" for row in mine)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{place[int(row["capacity"])]:.1f}" cy="{top + high * (1 - row["measured"]):.1f}" r="5" '
                  f'fill="{colour}"/>' for row in mine]
        parts.append(_text(left + wide + 12, top + 20 * (number + 1), f"{kind}, {mine[0]['objects']:.1f} objects",
                           colour))
    _write(path, parts, left + wide + 190, top + high + 40)


def _values(layout: Layout, name: str) -> NDArray[np.float64]:
    return {"x": layout.places[:, 0], "y": layout.places[:, 1], "size": layout.sizes, "count": layout.counts}[name]


def _text(x: float, y: float, words: str, colour: str = "#2b2f36") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-family="sans-serif" font-size="12" fill="{colour}">{words}</text>'


def _write(path: Path, parts: Sequence[str], wide: float, high: float) -> None:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{wide:.0f}" height="{high:.0f}">'
    ground = f'<rect width="{wide:.0f}" height="{high:.0f}" fill="#ffffff"/>'
    write_whole(path, "\n".join([head, ground, *parts, "</svg>"]).encode())
