"""Pictures of a path on the map, and in frozen values the way of a picture (found by ``follow``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latentstudio import pixels
from latentstudio.document.view import View
from latentstudio.factors.paths import edit_path
from latentstudio.tasks.draw import OpenModel, draw_thumbnails

if TYPE_CHECKING:  # imports torch
    from latentstudio.factors.pixel_paths import PixelPath



@dataclass(frozen=True)
class DrawnPath:
    """The path of a session's edit: ``shares`` (K,) of the way, latents (K, d), thumbnails uint8 (K, h, w, 3)."""

    view: View
    shares: NDArray[np.float64]
    latents: NDArray[np.float32]
    pictures: pixels.BytePictures


@dataclass(frozen=True)
class FollowedPicture:
    """The names of all transformations, and the way of a picture under one of them."""

    names: tuple[str, ...]
    path: PixelPath


def draw_path(opened: OpenModel, view: View) -> DrawnPath:
    """The path from the session's sample to its positions, with a thumbnail of each station."""
    path = edit_path(view.latent_array(), view.position_map(), opened.factors)
    return DrawnPath(view, path.shares, path.latents, draw_thumbnails(opened, view, path.latents))
