"""Maps and pixel paths as scenes of the plane, and what their points are called. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latentstudio.factors.map_sheet import furthest_t, t_range
from latentstudio.factors.mapping import MapData, MapLine
from latentstudio.tasks.map_values import Legend, Line, Mark, Moving, Pick, Points, Scene

if TYPE_CHECKING:  # imports torch
    from latentstudio.factors.pixel_paths import PixelPath

CURVE_MARKS = 7
LINE_MARKS = 3
WORDS = {"images": "principal components of the pictures", "z": "principal components of z"}


def map_scene(
    data: MapData, pair: tuple[int, int], lines: tuple[MapLine, ...], marks: tuple[Mark, ...], note: str,
    *, called: str = "",
) -> Scene:
    """The samples in two components (counted from 1), and the trajectories of one slider (``called``) coloured by t."""
    if not lines:
        return Scene(plane(data.cloud, pair), marks=marks, note=note)
    furthest, (low, high), way = furthest_t(list(lines)), t_range(list(lines)), lines[0].trajectory
    drawn = tuple(Line(plane(line.points, pair), line.trajectory.t / furthest) for line in lines)
    legend = Legend(
        called or way.factor, way.unit.format(low), way.unit.format(high), low_share=low / furthest,
        high_share=high / furthest,
    )
    return Scene(plane(data.cloud, pair), drawn, legend, marks, note)


def plane(coordinates: NDArray[np.float32], pair: tuple[int, int]) -> Points:
    """Two components (counted from 1) of coordinates (N, C)."""
    return coordinates[:, [pair[0] - 1, pair[1] - 1]].astype(np.float64)


def pixel_scene(path: PixelPath) -> Scene:
    """Figure 8 of Plumerault et al. 2020: the transformation's way in blue, the straight line in red, with pictures."""
    curve, line = path.curve.astype(np.float64), path.line.astype(np.float64)
    chord, stations = line[-1] - line[0], np.linspace(0, len(line) - 1, LINE_MARKS + 2).round().astype(int)[1:-1]
    ends = [Mark(curve[k], path.pictures[k], _away(sign * chord)) for k, sign in ((0, -1.0), (len(curve) - 1, 1.0))]
    marks = ends + [
        Mark(curve[k], path.pictures[k], _beside(curve[k + 1] - curve[k - 1], curve[k] - line.mean(axis=0)))
        for k in evenly_along(curve, CURVE_MARKS)[1:-1]
    ]
    marks += [Mark(line[k], path.blends[k], _beside(chord, line[k] - curve.mean(axis=0))) for k in stations]
    return Scene(lines=(Line(curve, colour="cold"), Line(line, colour="bad")), marks=tuple(marks))


def pixel_words(path: PixelPath) -> str:
    """One sentence: the range, and how much longer the way is than the line."""
    low, high = path.unit.format(float(path.t[0])), path.unit.format(float(path.t[-1]))
    if not np.isfinite(path.ratio):
        return f"from {low} to {high}: the way ends where it began"
    return f"from {low} to {high}: {path.ratio:.1f} times as long as the straight line"


def pixel_pick(path: PixelPath, pick: Pick) -> tuple[NDArray[np.uint8], str]:
    """Picture uint8 (H, W, 3) and words of a point of the way (line 0) or of the straight line (line 1)."""
    if pick.index == 0:
        return path.pictures[pick.station], f"{path.name} {path.unit.format(float(path.t[pick.station]))}"
    return path.blends[pick.station], f"mixed {path.shares[pick.station]:.0%}"


def moving_of(
    path: Points, live: Points | None, first: NDArray[np.uint8] | None, last: NDArray[np.uint8] | None
) -> Moving:
    """The path of the edit with its small pictures: ``first`` at its start, ``last`` at the live point."""
    marks = []
    along = path[-1] - path[0] if len(path) > 1 else np.array([1.0, 0.0])
    if len(path) > 1 and first is not None:
        marks.append(Mark(path[0], first, _away(-along)))
    if live is not None and last is not None:
        marks.append(Mark(live, last, _away(along), ringed=True))
    return Moving(path, live, tuple(marks))


def evenly_along(points: Points, count: int) -> list[int]:
    """Indices of about ``count`` points of a broken line (K, 2), as even as can be in length, both ends among them."""
    lengths = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    wanted = np.linspace(0.0, lengths[-1], count)
    return sorted({int(np.abs(lengths - length).argmin()) for length in wanted})


def _beside(along: Points, side: Points) -> Points:
    """The unit vector across ``along`` that points to ``side``."""
    across = np.array([-along[1], along[0]])
    return _away(across if across @ side >= 0 else -across)


def _away(direction: Points) -> Points:
    length = float(np.linalg.norm(direction))
    return direction / length if length > 1e-12 else np.array([0.0, 1.0])
