"""What follows the hand on the map: the path of the edit, the trail of a drag, and the point where the picture is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentstudio.factors.mapping import MapData
from latentstudio.tasks.draw import Render
from latentstudio.tasks.map import DrawnPath
from latentstudio.tasks.map_scenes import moving_of, plane
from latentstudio.tasks.map_values import NOTHING, Moving

MOST = 600


class MapTrail:
    """While a slider is held, the trail of its pictures stands for the path: following costs the worker nothing."""

    def __init__(self) -> None:
        self.path: DrawnPath | None = None
        self._trail: list[NDArray[np.float32]] = []
        self._first: Render | None = None
        self._drawn: Render | None = None

    def take_path(self, path: DrawnPath | None) -> None:
        """The whole path of the edit that stands, or that there is none; the trail has done its service."""
        self.path = path
        self._trail = []

    def take_picture(self, drawn: Render, data: MapData | None, *, held: bool) -> None:
        """A picture was drawn; ``held``: a slider is in the hand, so that it belongs to the trail."""
        if held and data is not None:
            if not self._trail:
                self._first = self._drawn
                self._leave(data)
            self._drawn = drawn
            self._leave(data)
        self._drawn = drawn

    def moving(self, data: MapData, pair: tuple[int, int]) -> Moving:
        """Path, trail and live point in two components (counted from 1)."""
        path, first = NOTHING, None
        if self.path is not None and self.path.view.model == data.model:
            path, first = plane(data.place(self.path.latents, self.path.pictures), pair), self.path.pictures[0]
        if self._trail:
            if first is None and self._first is not None:
                first = self._first.thumbnail
            path = np.concatenate([path, plane(np.stack(self._trail), pair)])
        live = self._live(data)
        last = None if self._drawn is None or live is None else self._drawn.thumbnail
        return moving_of(path, None if live is None else plane(live[None], pair)[0], first, last)

    def _leave(self, data: MapData) -> None:
        point = self._live(data)
        if point is not None and len(self._trail) < MOST:
            self._trail.append(point)

    def _live(self, data: MapData) -> NDArray[np.float32] | None:
        """Coordinates (C,) of the picture that is on the canvas."""
        drawn = self._drawn
        if drawn is None or drawn.view.model != data.model:
            return None
        latent = np.asarray(drawn.latent, np.float32).reshape(1, -1)
        found: NDArray[np.float32] = data.place(latent, drawn.thumbnail[None])[0]
        return found
