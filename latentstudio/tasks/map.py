"""What the worker does for the map: draws pictures of a path, follows a picture. No shared state."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentstudio import pixels
from latentstudio.document.view import View
from latentstudio.factors.paths import edit_path
from latentstudio.tasks.drawing import THUMBNAIL, Opened, place

if TYPE_CHECKING:  # imports torch
    from latentstudio.factors.pixel_paths import PixelPath

PIXEL_PATHS = "latentstudio.factors.pixel_paths"
TRANSFORMATIONS = "latentstudio.transformations"


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


def draw_path(opened: Opened, view: View) -> DrawnPath:
    """The path from the session's sample to its positions, with a thumbnail of each station."""
    path = edit_path(view.latent_array(), view.position_map(), opened.factors)
    return DrawnPath(view, path.shares, path.latents, draw_thumbnails(opened, view, path.latents))


def draw_thumbnails(opened: Opened, view: View, latents: NDArray[np.float32]) -> pixels.BytePictures:
    """Thumbnails uint8 (N, h, w, 3) of latents (N, d), with the view's conditions."""
    shaped = np.asarray(latents, np.float32).reshape(-1, *view.shape)
    drawn = opened.model_for(view).pictures(shaped, conditions=view.told)
    return pixels.shrink(pixels.to_bytes(drawn), THUMBNAIL)


def follow_picture(opened: Opened, view: View, name: str) -> FollowedPicture:
    """The session's picture under a transformation, the first one where there is none of this name. Imports torch."""
    transformations: Any = importlib.import_module(TRANSFORMATIONS)
    paths: Any = importlib.import_module(PIXEL_PATHS)
    names = tuple(transformation.name for transformation in transformations.TRANSFORMATIONS)
    chosen = transformations.transformation_named(name if name in names else names[0])
    latent = np.asarray(place(opened, view).latent, np.float32).reshape(1, *view.shape)
    picture = opened.model_for(view).pictures(latent, conditions=view.told)[0]
    return FollowedPicture(names, paths.pixel_path(picture, chosen))
