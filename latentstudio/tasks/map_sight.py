"""What can be pointed at on the map, and what it leads to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latentstudio.document.view import View
from latentstudio.factors.mapping import MapData, MapLine
from latentstudio.tasks.map import DrawnPath
from latentstudio.tasks.map_values import Pick

if TYPE_CHECKING:  # imports torch
    from latentstudio.factors.pixel_paths import PixelPath


@dataclass(frozen=True)
class Sight:
    """What can be pointed at: a map with trajectories and the path of the edit, or the way of a picture."""

    data: MapData | None = None
    lines: tuple[MapLine, ...] = ()
    path: DrawnPath | None = None
    pixels: PixelPath | None = None

    def latent(self, pick: Pick) -> NDArray[np.float32] | None:
        """The latent (d,) of a point, or None where it has none (the trail of a drag, the way of a picture)."""
        if self.data is None:
            return None
        if pick.kind == "sample":
            found: NDArray[np.float32] = self.data.latents[pick.index]
            return found
        if pick.kind == "path":
            latents = None if self.path is None else self.path.latents
            return latents[pick.station] if latents is not None and pick.station < len(latents) else None
        return self.lines[pick.index].trajectory.latents[pick.station] if pick.index < len(self.lines) else None

    def words(self, pick: Pick) -> str:
        """What a point with a latent is called."""
        if pick.kind == "sample" and self.data is not None:
            return f"seed {self.data.seeds[pick.index]}"
        if pick.kind == "path" and self.path is not None:
            return f"{self.path.shares[pick.station]:.0%} of the way"
        way = self.lines[pick.index].trajectory
        return f"{way.factor} {way.unit.format(float(way.t[pick.station]))}"

    def there(self, pick: Pick, view: View, *, keep_sliders: bool = False) -> View | None:
        """The view at a point: the sample of its seed, the edit so far, or the trajectory's latent."""
        latent = self.latent(pick)
        if latent is None or self.data is None:
            return None
        if pick.kind == "path" and self.path is not None:
            share, edited = float(self.path.shares[pick.station]), self.path.view
            return replace(edited, positions=tuple((name, share * t) for name, t in edited.positions))
        seed = int(self.data.seeds[pick.index]) if pick.kind == "sample" else None
        return view.with_new_picture(latent.reshape(view.shape), seed, keep_sliders=keep_sliders)


@dataclass(frozen=True)
class Pin:
    """A picture that was pinned: latent (d,) and thumbnail."""

    latent: NDArray[np.float32]
    picture: NDArray[np.uint8]
