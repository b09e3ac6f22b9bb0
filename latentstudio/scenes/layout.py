"""How objects lie in scenes: the load of cells against their capacity (Figure 5.2), and proposals against the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from latentstudio.scenes.making import MadeScene

NAMES = ("x", "y", "size", "count")


@dataclass(frozen=True)
class Layout:
    """Objects of many scenes: ``places`` (N, 2) and ``sizes`` (N,) as shares of the picture, ``counts`` (S,)."""

    places: NDArray[np.float64]
    sizes: NDArray[np.float64]
    counts: NDArray[np.float64]


def made_layout(scenes: Sequence[MadeScene]) -> Layout:
    """The layout of scenes whose truth is known."""
    side = float(scenes[0].picture.shape[0])
    rows = [(x + width / 2, y + height / 2, max(width, height))
            for scene in scenes for x, y, width, height in (one.box for one in scene.objects)]
    return _layout(np.array(rows).reshape(-1, 3) / side, [len(scene.objects) for scene in scenes])


def proposed_layout(boxes: Sequence[Sequence[tuple[float, float, float, float] | None]], *, side: float) -> Layout:
    """The layout of proposed scenes of ``side`` pixels: of the tight ``boxes`` around what is seen of their objects."""
    rows, counts = [], []
    for found in boxes:
        kept = [box for box in found if box is not None]
        counts.append(len(kept))
        rows += [(x + width / 2, y + height / 2, max(width, height)) for x, y, width, height in kept]
    return _layout(np.array(rows, dtype=np.float64).reshape(-1, 3) / side, counts)


def normal_layout(like: Layout, *, seed: int = 0) -> Layout:
    """What independent normal priors with the data's own means and deviations would propose."""
    source = np.random.Generator(np.random.PCG64(seed))
    count = len(like.sizes)
    places = source.normal(like.places.mean(axis=0), like.places.std(axis=0), size=(count, 2))
    counts = np.clip(np.round(source.normal(like.counts.mean(), like.counts.std(), size=len(like.counts))), 0, None)
    return Layout(places, source.normal(like.sizes.mean(), like.sizes.std(), size=count), counts)


class Load(TypedDict):
    """How often no cell of a grid is overloaded, by the Poisson law and as measured, for scenes of one kind."""

    kind: str
    objects: float
    cells: int
    capacity: int
    theory: float
    measured: float


def distances(found: Layout, true: Layout) -> dict[str, float]:
    """Kolmogorov-Smirnov statistics of positions, sizes and counts: 0 for equal laws, 1 for disjoint ones."""
    pairs = {
        "x": (found.places[:, 0], true.places[:, 0]), "y": (found.places[:, 1], true.places[:, 1]),
        "size": (found.sizes, true.sizes), "count": (found.counts, true.counts),
    }
    return {name: float(stats.ks_2samp(one, other).statistic) if len(one) else 1.0
            for name, (one, other) in pairs.items()}


def saturation(cells: int, capacity: int, objects: float) -> float:
    """Probability that no cell holds more than ``capacity`` of ``objects`` in the mean (section 5.3): Q(K, N / G)^G."""
    return float(stats.poisson.cdf(capacity, objects / cells) ** cells)


def measured_saturation(scenes: Sequence[MadeScene], side_cells: int, capacity: int) -> float:
    """The share of scenes of which no cell of a grid holds more centres of objects than its ``capacity``."""
    good = 0
    for scene in scenes:
        side = scene.picture.shape[0]
        load = np.zeros((side_cells, side_cells), dtype=int)
        for x, y, width, height in (one.box for one in scene.objects):
            column = min(side_cells - 1, int((x + width / 2) / side * side_cells))
            row = min(side_cells - 1, int((y + height / 2) / side * side_cells))
            load[row, column] += 1
        good += int(load.max(initial=0) <= capacity)
    return good / len(scenes)


def _layout(rows: NDArray[np.float64], counts: Sequence[int]) -> Layout:
    return Layout(rows[:, :2], rows[:, 2], np.asarray(counts, dtype=np.float64))
