"""Pictures of a path on the map, and in frozen values the way of a picture (found by ``follow``)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latentstudio import pixels
from latentstudio.document.view import View
from latentstudio.errors import StudioError
from latentstudio.factors import Factor, read_factor
from latentstudio.factors.mapping import COUNT, MapData, map_steps
from latentstudio.factors.paths import edit_path
from latentstudio.factors.settings import MapSpace
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


def shown_factors(model: Model, name: str | None = None) -> tuple[tuple[Factor, ...], tuple[str, ...]]:
    """Whose trajectories a map shows: the factor of this name or file, or all that are known; and notes on them.

    Raises:
        StudioError: there is no such factor, or its file is broken or another model's.
    """
    notes: tuple[str, ...] = ()
    if name is None:
        known = factors_of(model)
        factors, notes = tuple(known), known.errors
    elif Path(name).suffix:
        factors = (read_factor(Path(name), card=model.card),)
    else:
        factors = (factors_of(model).get(name),)
    without = [factor.name for factor in factors if factor.evidence is None and factor.is_learned]
    told = f"{', '.join(without)}: no trajectories are kept in the file; learn it again to see them"
    return factors, (*notes, *((told,) if without else ()))


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
    known = shown_factors(model)[0] if factors is None else factors
    found: MapData | None = None
    for step in map_steps(model, known, space=space, count=count, seed=seed, conditions=conditions):
        found = step.data if step.data is not None else found
    assert found is not None, "the last step carries the map"
    return found


@dataclass(frozen=True)
class MapKey:
    """What a map depends on; ``seconds`` bounds the drawing of its samples, None lets it take its time."""

    model: str
    weights: str
    space: MapSpace
    count: int
    conditions: Conditions
    seconds: float | None


def sentence_of(error: Exception) -> str:
    """A failure in one sentence; what is no StudioError is called a defect."""
    if isinstance(error, StudioError):
        return error.sentence
    return f"The map failed ({type(error).__name__}: {error}); this is a defect of the program."
