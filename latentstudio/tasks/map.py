"""Pictures of a path on the map, and in frozen values the way of a picture (found by ``follow``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latentstudio import pixels
from latentstudio.document.view import View
from latentstudio.factors import Factor
from latentstudio.factors.mapping import COUNT, MapData, map_steps
from latentstudio.factors.paths import edit_path
from latentstudio.generators.conditions import NONE, Conditions
from latentstudio.generators.opening import Model
from latentstudio.tasks.draw import OpenModel, draw_thumbnails, factors_of

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


def map_of(
    model: Model,
    *,
    space: str = "z",
    count: int = COUNT,
    seed: int = 0,
    factors: Sequence[Factor] | None = None,
    conditions: Conditions = NONE,
) -> MapData:
    """A cloud of ``count`` samples in the principal components of z or of their pictures, with trajectories.

    ``map_steps`` shows progress; ``write_map`` writes what came out as SVG, PNG or CSV.

    Args:
        space: ``z``, or ``images`` for the pictures (about a millisecond each on a small model).
        seed: the first sample's seed; sample k is the one of ``seed + k``.
        factors: whose trajectories are placed on it; all that are known for the model when None.

    Raises:
        UsageError: no such space, a count out of range, or a prior that cannot be sampled.
    """
    known = tuple(factors_of(model)) if factors is None else tuple(factors)
    found: MapData | None = None
    for step in map_steps(model, known, space=space, count=count, seed=seed, conditions=conditions):
        found = step.data if step.data is not None else found
    assert found is not None, "the last step carries the map"
    return found
