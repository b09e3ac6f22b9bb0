"""The map as a sheet of plain shapes, for files: what stands where, in which colour. No file format, no Qt."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from latentstudio.factors.mapping import MapData, MapLine
from latentstudio.units import Unit, ticks

WIDTH, HEIGHT = 960, 720
LEFT, TOP, RIGHT, BOTTOM = 72.0, 56.0, 24.0, 96.0
GROUND, QUIET, WORDS, DIM, CLOUD = "#ffffff", "#e4e7ec", "#1c2027", "#69717f", "#8b93a1"
MIDDLE = "#c9ced6"
RAMPS = (("#2f6fae", "#c8671a"), ("#6b4fa0", "#2f8f6b"), ("#1d8a99", "#b8488a"), ("#7a7f1f", "#c24a4a"))
NAMES = {"z": "z", "images": "the pictures"}


@dataclass(frozen=True)
class Dots:
    """Round dots (N, 2) of one colour."""

    points: NDArray[np.float64]
    radius: float
    colour: str
    opacity: float = 1.0


@dataclass(frozen=True)
class Stroke:
    """A broken line (K, 2) of one colour."""

    points: NDArray[np.float64]
    colour: str
    width: float
    opacity: float = 1.0


@dataclass(frozen=True)
class Writing:
    """Words at a point. ``anchor`` is ``start``, ``middle`` or ``end``; ``upright`` ones read from below upwards."""

    x: float
    y: float
    text: str
    size: float = 13.0
    colour: str = DIM
    anchor: str = "start"
    upright: bool = False


@dataclass(frozen=True)
class Sheet:
    """Shapes from back to front on a white ground of ``width`` x ``height``; ``title`` says what they show."""

    title: str
    shapes: tuple[Dots | Stroke | Writing, ...]
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True)
class _Frame:
    """Where components lie on the sheet: one scale for both, so that distances can be compared."""

    middle: NDArray[np.float64]
    scale: float
    centre: NDArray[np.float64] = field(
        default_factory=lambda: np.array([(LEFT + WIDTH - RIGHT) / 2, (TOP + HEIGHT - BOTTOM) / 2])
    )

    @classmethod
    def around(cls, points: NDArray[np.float64]) -> _Frame:
        low, high = points.min(axis=0), points.max(axis=0)
        room = np.array([WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM]) - 24.0
        return cls((low + high) / 2, float((room / np.maximum(high - low, 1e-9)).min()))

    def at(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sheet positions (N, 2) of components (N, 2); the second component grows upwards."""
        found: NDArray[np.float64] = self.centre + (points - self.middle) * np.array([self.scale, -self.scale])
        return found

    def component(self, x: float, y: float) -> NDArray[np.float64]:
        """The components at a sheet position."""
        found: NDArray[np.float64] = (
            self.middle + (np.array([x, y]) - self.centre) / np.array([self.scale, -self.scale])
        )
        return found


def map_sheet(data: MapData, first: int = 1, second: int = 2) -> Sheet:
    """The map on the plane of two components, counted from 1: axes, cloud, trajectories coloured by t, legends.

    Raises:
        UsageError: the map has no such components.
    """
    shares = data.explained(first, second)
    chosen = [first - 1, second - 1]
    cloud = data.cloud[:, chosen].astype(np.float64)
    lines = [line.points[:, chosen].astype(np.float64) for line in data.lines]
    frame = _Frame.around(np.concatenate([cloud, *lines]))
    title = (
        f"{data.model}: {len(cloud):,} samples, principal components of {NAMES[data.space]}, "
        f"{first} x {second}, {100 * sum(shares):.1f} % of the variance"
    )
    shapes: list[Dots | Stroke | Writing] = [Writing(LEFT, 32, title, 15, WORDS)]
    shapes += _axes(frame, (first, second), shares)
    shapes.append(Dots(frame.at(cloud), 1.6, CLOUD, 0.5 if len(cloud) <= 5_000 else 0.3))
    names = tuple(dict.fromkeys(line.trajectory.factor for line in data.lines))
    for index, name in enumerate(names):
        mine = [(line, points) for line, points in zip(data.lines, lines, strict=True) if
                line.trajectory.factor == name]
        shapes += _trajectories(frame, mine, RAMPS[index % len(RAMPS)])
        shapes += _legend(name, [line for line, _ in mine], index, len(names))
    return Sheet(title, tuple(shapes))


def _axes(frame: _Frame, numbers: tuple[int, int], shares: tuple[float, float]) -> list[Dots | Stroke | Writing]:
    low, high = frame.component(LEFT, HEIGHT - BOTTOM), frame.component(WIDTH - RIGHT, TOP)
    shapes: list[Dots | Stroke | Writing] = []
    for value in ticks(float(low[0]), float(high[0]), 8):
        x = float(frame.at(np.array([[value, 0.0]]))[0, 0])
        shapes.append(Stroke(np.array([[x, TOP], [x, HEIGHT - BOTTOM]]), QUIET, 1.0))
        shapes.append(Writing(x, HEIGHT - BOTTOM + 18, _written(value), 12, DIM, "middle"))
    for value in ticks(float(low[1]), float(high[1]), 6):
        y = float(frame.at(np.array([[0.0, value]]))[0, 1])
        shapes.append(Stroke(np.array([[LEFT, y], [WIDTH - RIGHT, y]]), QUIET, 1.0))
        shapes.append(Writing(LEFT - 8, y + 4, _written(value), 12, DIM, "end"))
    across, up = (f"component {number} ({share:.1%})" for number, share in zip(numbers, shares, strict=True))
    shapes.append(Writing((LEFT + WIDTH - RIGHT) / 2, HEIGHT - BOTTOM + 38, across, 13, DIM, "middle"))
    shapes.append(Writing(22, (TOP + HEIGHT - BOTTOM) / 2, up, 13, DIM, "middle", upright=True))
    return shapes


def _trajectories(
    frame: _Frame, lines: list[tuple[MapLine, NDArray[np.float64]]], ramp: tuple[str, str]
) -> list[Dots | Stroke | Writing]:
    furthest = furthest_t([line for line, _ in lines])
    shapes: list[Dots | Stroke | Writing] = []
    for line, points in lines:
        placed = frame.at(points)
        t = line.trajectory.t
        for k in range(len(t) - 1):
            colour = ramp_colour((t[k] + t[k + 1]) / 2 / furthest, ramp[0], MIDDLE, ramp[1])
            shapes.append(Stroke(placed[k : k + 2], colour, 2.2))
        for share, place in zip(t / furthest, placed, strict=True):
            shapes.append(Dots(place[None], 2.6, ramp_colour(float(share), ramp[0], MIDDLE, ramp[1])))
    return shapes


def _legend(name: str, lines: list[MapLine], index: int, count: int) -> list[Dots | Stroke | Writing]:
    unit, room = lines[0].trajectory.unit, (WIDTH - LEFT - RIGHT) / max(count, 3)
    left, y, length = LEFT + index * room, HEIGHT - 22.0, min(150.0, 0.5 * room)
    furthest, ramp = furthest_t(lines), RAMPS[index % len(RAMPS)]
    low, high = t_range(lines)
    steps = np.linspace(low, high, 25)
    x = left + length * (steps - low) / (high - low)
    shapes: list[Dots | Stroke | Writing] = [Writing(left, y - 8, f"{name}, {len(lines)} trajectories", 12, WORDS)]
    for k in range(len(steps) - 1):
        colour = ramp_colour(float((steps[k] + steps[k + 1]) / 2 / furthest), ramp[0], MIDDLE, ramp[1])
        shapes.append(Stroke(np.array([[x[k], y], [x[k + 1], y]]), colour, 5.0))
    shapes.append(Writing(left, y + 16, legend_text(unit, low, high), 12))
    return shapes


def legend_text(unit: Unit, low: float, high: float) -> str:
    """The ends of a legend: ``t from −12.8 px to +12.8 px``."""
    return f"t from {unit.format(low)} to {unit.format(high)}"


def t_range(lines: list[MapLine]) -> tuple[float, float]:
    """Smallest and largest t of these trajectories."""
    return min(float(line.trajectory.t[0]) for line in lines), max(float(line.trajectory.t[-1]) for line in lines)


def furthest_t(lines: list[MapLine]) -> float:
    """The largest |t| of these trajectories, above 0; where the colour is strongest."""
    return max(*(abs(t) for t in t_range(lines)), 1e-12)


def ramp_colour(share: float, low: str, middle: str, high: str) -> str:
    """The colour ``#rrggbb`` for t as a share of the furthest, -1 to 1: ``low`` over ``middle`` at 0 to ``high``."""
    end = high if share > 0 else low
    weight = min(1.0, abs(share)) ** 0.7  # a small t shall already be told from none
    pairs = zip(_channels(middle), _channels(end), strict=True)
    return "#" + "".join(f"{round(one + (other - one) * weight):02x}" for one, other in pairs)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _written(value: float) -> str:
    return f"{value:g}".replace("-", "−")
