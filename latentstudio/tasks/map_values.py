"""What the map shows, as frozen values, and the arithmetic of its points. No Qt, no pyqtgraph."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
PickKind = Literal["sample", "line", "path"]
Rect = tuple[float, float, float, float]

NOTHING: Points = np.zeros((0, 2))
OUTLIERS = 0.004
CLOSE = 0.6


@dataclass(frozen=True)
class Pick:
    """A point of the map: sample ``index``, or station ``station`` of line ``index``, or of the path of the edit."""

    kind: PickKind
    index: int
    station: int = 0


@dataclass(frozen=True)
class Line:
    """A broken line (K, 2) with a dot at every point.

    ``shares`` (K,) from -1 to 1 colour it from the cold end of the ramp to the warm one; without them it is ``colour``:
    ``cold``, ``warm``, ``accent`` or ``bad``. ``picked`` False: the mouse passes it over.
    """

    points: Points
    shares: Points | None = None
    colour: str = "accent"
    picked: bool = True


@dataclass(frozen=True)
class Legend:
    """What the colours of lines mean: a title, and the ends of the ramp with their words and shares."""

    title: str
    low: str
    high: str
    low_share: float = -1.0
    high_share: float = 1.0


@dataclass(frozen=True)
class Mark:
    """A small picture uint8 (H, W, 3) at a point (2,), set off to the side ``away`` (2,) where it is given."""

    point: Points
    picture: NDArray[np.uint8]
    away: Points | None = None
    ringed: bool = False


@dataclass(frozen=True)
class Scene:
    """Everything that stands still: cloud (N, 2), lines, their legend, marks, and one dim sentence at the foot."""

    cloud: Points = field(default_factory=lambda: NOTHING)
    lines: tuple[Line, ...] = ()
    legend: Legend | None = None
    marks: tuple[Mark, ...] = ()
    note: str = ""

    @cached_property
    def bounds(self) -> Rect:
        """Left, bottom, width and height of what a fitting view holds; the last outliers of the cloud are let go."""
        found = [line.points for line in self.lines if len(line.points)]
        if len(self.cloud):
            # sorted by hand: np.percentile imports half of numpy at its first call, in the window's thread
            left_out = int(OUTLIERS * len(self.cloud))
            found.append(np.sort(self.cloud, axis=0)[[left_out, -1 - left_out]])
        if not found:
            return -1.0, -1.0, 2.0, 2.0
        points = np.concatenate(found)
        low, high = points.min(axis=0), points.max(axis=0)
        size = np.maximum(high - low, 1e-6 + 1e-3 * np.abs(high).max())
        return float(low[0]), float(low[1]), float(size[0]), float(size[1])


@dataclass(frozen=True)
class Moving:
    """What follows the hand: the path of the edit (K, 2), the point where the picture is, and the pictures at both."""

    path: Points = field(default_factory=lambda: NOTHING)
    live: Points | None = None
    marks: tuple[Mark, ...] = ()


def nearest(points: Points, x: float, y: float, radius: float) -> int:
    """Index of the point (N, 2) closest to (x, y) within ``radius``, or -1."""
    if not len(points):
        return -1
    distances = (points[:, 0] - x) ** 2 + (points[:, 1] - y) ** 2
    index = int(distances.argmin())
    return index if distances[index] <= radius**2 else -1


def find_pick(scene: Scene, moving: Moving, x: float, y: float, radius: float) -> Pick | None:
    """What lies at (x, y) within ``radius``, all in units of the plane; the path before lines, lines before samples."""
    station = nearest(moving.path, x, y, radius)
    if station >= 0:
        return Pick("path", 0, station)
    for index, line in enumerate(scene.lines):
        station = nearest(line.points, x, y, CLOSE * radius) if line.picked else -1
        if station >= 0:
            return Pick("line", index, station)
    index = nearest(scene.cloud, x, y, radius)
    return Pick("sample", index) if index >= 0 else None


def point_of(scene: Scene, moving: Moving, pick: Pick) -> Points | None:
    """Where a pick stands (2,), or None where it is there no more."""
    if pick.kind == "sample":
        points = scene.cloud
        place = pick.index
    else:
        lines = [moving.path] if pick.kind == "path" else [line.points for line in scene.lines]
        if pick.index >= len(lines):
            return None
        points, place = lines[pick.index], pick.station
    return points[place] if place < len(points) else None


def spaced(points: Points, least: float, *, most: int) -> Points:
    """Of the corners (N, 2) of a broken line the ends, and one in every stretch of ``least`` along it.

    Stretches are longer where more than ``most`` of them would be needed, so what is painted stays bounded.
    """
    if len(points) < 3:
        return points
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    stretch = max(least, float(along[-1]) / most, 1e-9)
    first = np.concatenate([[True], np.diff(np.floor(along / stretch)) > 0])
    first[-1] = True
    kept: Points = points[first]
    return kept


def place_marks(
    anchors: Points, aways: Points, side: float, area: Rect, *, taken: tuple[Rect, ...] = ()
) -> tuple[Rect | None, ...]:
    """Where square pictures go, in pixels: beside their anchor (N, 2) on the side ``aways`` (N, 2), inside ``area``.

    One that would lie over an earlier one, or over ``taken``, tries the other sides; where none is free it is left out.
    """
    left, top, width, height = area
    found: list[Rect | None] = []
    used = list(taken)
    turns = (0.0, 0.5, -0.5, 1.0, -1.0, 1.5, -1.5, 2.0)
    for anchor, away in zip(anchors, aways, strict=True):
        if not (left <= anchor[0] <= left + width and top <= anchor[1] <= top + height):
            found.append(None)
            continue
        start = float(np.arctan2(away[1], away[0]))
        chosen: Rect | None = None
        for turn in turns:
            angle = start + turn * np.pi / 2
            x = float(anchor[0] + 0.92 * side * np.cos(angle)) - side / 2
            y = float(anchor[1] + 0.92 * side * np.sin(angle)) - side / 2
            x = min(max(x, left), left + width - side)
            y = min(max(y, top), top + height - side)
            rect = (x, y, side, side)
            if not any(_overlap(rect, other) for other in used):
                chosen = rect
                break
        if chosen is not None:
            used.append(chosen)
        found.append(chosen)
    return tuple(found)


def _overlap(one: Rect, other: Rect) -> bool:
    return (
        one[0] < other[0] + other[2] and other[0] < one[0] + one[2]
        and one[1] < other[1] + other[3] and other[1] < one[1] + one[3]
    )
