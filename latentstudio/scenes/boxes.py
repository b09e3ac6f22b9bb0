"""The geometry of editing boxes by hand: where a press lands, and what a drag makes of a box. Pure functions.

Points are (x, y) in pixels of the picture, to the right and downwards. The handles of a box are named by where they lie
while it is not turned: ``n``, ``e``, ``s``, ``w`` for its edges, ``ne``, ``se``, ``sw``, ``nw`` for its corners;
``inside`` moves it, ``turn`` rotates it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from latentstudio.scenes.scene import SceneObject

SMALLEST = 2.0
INSIDE, TURN = "inside", "turn"
EDGES = {"n": (0, -1), "e": (1, 0), "s": (0, 1), "w": (-1, 0)}
CORNERS = {"ne": (1, -1), "se": (1, 1), "sw": (-1, 1), "nw": (-1, -1)}
HANDLES = {**CORNERS, **EDGES}
STEM = 1.35  # the turning handle stands so many half-heights above the centre
Point = tuple[float, float]


def axes(one: SceneObject) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The unit vectors along a box's width and down its height."""
    angle = math.radians(one.angle_deg)
    return np.array([math.cos(angle), -math.sin(angle)]), np.array([math.sin(angle), math.cos(angle)])


def local(one: SceneObject, point: Point) -> Point:
    """A point in the box's own frame: from its centre along its width and down its height, in pixels."""
    across, down = axes(one)
    away = np.array([point[0] - one.x, point[1] - one.y])
    return float(away @ across), float(away @ down)


def place_of(one: SceneObject, handle: str) -> Point:
    """Where a handle of a box lies."""
    across, down = axes(one)
    if handle == TURN:
        right, below = 0.0, -STEM * one.height / 2.0 - 4.0
    else:
        right, below = (part * size / 2.0 for part, size in
                        zip(HANDLES.get(handle, (0, 0)), (one.width, one.height), strict=True))
    place = np.array([one.x, one.y]) + across * right + down * below
    return float(place[0]), float(place[1])


def corners(one: SceneObject) -> tuple[Point, Point, Point, Point]:
    """The corners, from the upper left one clockwise (while the box is not turned)."""
    return place_of(one, "nw"), place_of(one, "ne"), place_of(one, "se"), place_of(one, "sw")


def inside(one: SceneObject, point: Point, *, margin: float = 0.0) -> bool:
    """Whether a point lies in the box, or within ``margin`` pixels of it."""
    right, below = local(one, point)
    return abs(right) <= one.width / 2.0 + margin and abs(below) <= one.height / 2.0 + margin


def handle_at(one: SceneObject, point: Point, *, grip: float) -> str:
    """What a press at ``point`` takes hold of, or an empty string; handles are ``grip`` pixels large.

    Corners win over edges, and these over the inside, except in boxes that are too small to leave any inside.
    """
    if math.dist(point, place_of(one, TURN)) <= grip:
        return TURN
    right, below = local(one, point)
    half_width, half_height = one.width / 2.0, one.height / 2.0
    if abs(right) > half_width + grip or abs(below) > half_height + grip:
        return ""
    reach = min(grip, max(0.35 * min(one.width, one.height), 1e-9))
    if math.hypot(right, below) <= reach and min(half_width, half_height) <= 1.5 * grip:
        return INSIDE
    at_side = "e" if right > 0 else "w"
    at_level = "s" if below > 0 else "n"
    near_side, near_level = abs(abs(right) - half_width) <= grip, abs(abs(below) - half_height) <= grip
    if near_side and near_level:
        return at_level + at_side
    if near_side:
        return at_side
    if near_level:
        return at_level
    return INSIDE


def hit(objects: Sequence[SceneObject], point: Point, *, grip: float, chosen: int = -1) -> tuple[int, str]:
    """The object that a press takes hold of and its handle; (-1, "") beside all of them.

    Handles of the ``chosen`` one come first; then the front-most box under the point, of which the inside is taken.
    """
    if 0 <= chosen < len(objects):
        handle = handle_at(objects[chosen], point, grip=grip)
        if handle:
            return chosen, handle
    under = [index for index, one in enumerate(objects) if inside(one, point)]
    if not under:
        return -1, ""
    # of two boxes at one depth the smaller one is meant: the larger can be taken beside it
    best = max(under, key=lambda index: (objects[index].depth, -objects[index].width * objects[index].height))
    return best, INSIDE


def dragged(
    one: SceneObject, handle: str, start: Point, now: Point, *, centred: bool = False, even: bool = False
) -> SceneObject:
    """What a drag from ``start`` to ``now`` makes of a box that was ``one`` at its beginning.

    Args:
        one: the box at the beginning of the drag.
        handle: what is held.
        start, now: points in pixels of the picture.
        centred: sizes change about the centre, else the opposite edge or corner stays.
        even: corners keep the shape of the box; turns go by steps of 15 degrees.
    """
    if handle == INSIDE:
        return replace(one, x=one.x + now[0] - start[0], y=one.y + now[1] - start[1])
    if handle == TURN:
        return _turned(one, start, now, even=even)
    if handle not in HANDLES:
        return one
    from_right, from_below = local(one, start)
    to_right, to_below = local(one, now)
    sign_x, sign_y = HANDLES[handle]
    share = 2.0 if centred else 1.0
    width = max(SMALLEST, one.width + share * sign_x * (to_right - from_right)) if sign_x else one.width
    height = max(SMALLEST, one.height + share * sign_y * (to_below - from_below)) if sign_y else one.height
    if even and sign_x and sign_y:
        factor = max(width / one.width, height / one.height, SMALLEST / min(one.width, one.height))
        width, height = one.width * factor, one.height * factor
    if centred:
        return replace(one, width=width, height=height)
    across, down = axes(one)
    moved = across * (sign_x * (width - one.width) / 2.0) + down * (sign_y * (height - one.height) / 2.0)
    return replace(one, x=one.x + float(moved[0]), y=one.y + float(moved[1]), width=width, height=height)


def _turned(one: SceneObject, start: Point, now: Point, *, even: bool) -> SceneObject:
    before = math.atan2(-(start[1] - one.y), start[0] - one.x)
    after = math.atan2(-(now[1] - one.y), now[0] - one.x)
    angle = one.angle_deg + math.degrees(after - before)
    if even:
        angle = 15.0 * round(angle / 15.0)
    return replace(one, angle_deg=normal_angle(angle))


def normal_angle(degrees: float) -> float:
    """The same turn from -180 (without) to 180 degrees."""
    return 180.0 - (180.0 - degrees) % 360.0


def scaled(one: SceneObject, factor: float) -> SceneObject:
    """The box larger or smaller about its centre."""
    factor = max(factor, SMALLEST / min(one.width, one.height))
    return replace(one, width=one.width * factor, height=one.height * factor)


def held(one: SceneObject, width: float, height: float) -> SceneObject:
    """The box kept so that it cannot be lost: its centre on the picture, no smaller than 2 pixels, no larger than twice
    the picture."""
    return replace(
        one, x=min(max(one.x, 0.0), width - 1.0), y=min(max(one.y, 0.0), height - 1.0),
        width=min(max(one.width, SMALLEST), 2.0 * width), height=min(max(one.height, SMALLEST), 2.0 * height),
        angle_deg=normal_angle(one.angle_deg),
    )


def copies(objects: Iterable[SceneObject], *, away: float) -> tuple[SceneObject, ...]:
    """The same objects a little to the lower right, unlocked."""
    return tuple(replace(one.moved(away, away), locked=False) for one in objects)
