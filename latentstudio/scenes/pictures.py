"""The pictures that a scene model is trained on: made scenes of a kind, kept on disk, or those of another source."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from latentstudio.errors import StudioError
from latentstudio.files import replacing
from latentstudio.generators.values import whole
from latentstudio.places import cache_folder
from latentstudio.readers import read_npy
from latentstudio.scenes.making import kind_named, make_scene
from latentstudio.training.loop import TrainingStep
from latentstudio.training.pictures import PictureSet
from latentstudio.training.recipe import Recipe
from latentstudio.training.sources import Wanted, read_data

POOL, HELD_OUT = 12_000, 256
TEST_SEED = 10_000_000  # scenes that are tested begin here; training never reaches them


def tested_seed(number: int, seed: int) -> int:
    """The seed of the scene of this number that a model is tested on; every ``seed`` tests on scenes of its own."""
    return TEST_SEED * (1 + seed) + number


_VERSION = 1
_EVERY = 50


def read_scenes(recipe: Recipe) -> Iterator[TrainingStep | PictureSet]:
    """Steps while the recipe's pictures are made or read, and last the pictures.

    ``data`` is ``scenes:KIND``, or whatever ``training.sources`` knows: a folder, ``samples:MODEL``.
    """
    side = whole(recipe.config, "side", 64)
    if not recipe.data.startswith("scenes:"):
        for step in read_data(recipe.data, Wanted(side, 3, recipe.mirrored)):
            yield TrainingStep(0.0, step.message)
            if step.pictures is not None:
                yield step.pictures
        return
    kind = recipe.data.removeprefix("scenes:")
    chosen = kind_named(kind)
    capacity = whole(recipe.config, "grid", 4) ** 2 * whole(recipe.config, "slots", 2)
    notes = () if chosen.counts[1] <= capacity else (
        f"scenes of the kind '{kind}' hold up to {chosen.counts[1]} objects, and this model has room for {capacity}",)
    for made in _pool(kind, side):
        if isinstance(made, np.ndarray):
            yield PictureSet(made[HELD_OUT:], made[:HELD_OUT], about=f"made scenes of the kind '{kind}'", notes=notes)
        else:
            yield made


def _pool(kind: str, side: int) -> Iterator[TrainingStep | NDArray[np.uint8]]:
    """Steps while the scenes are made, then uint8 (N, 3, side, side); kept on disk, for it takes half a minute."""
    count = POOL + HELD_OUT
    path = cache_folder() / "scenes" / f"{kind}-{side}-{count}-v{_VERSION}.npy"
    with contextlib.suppress(StudioError):  # made anew
        kept = read_npy(path, StudioError, most=1 << 40)
        if kept.shape == (count, 3, side, side) and kept.dtype == np.uint8:
            yield kept.view(np.uint8)
            return
    pictures = np.empty((count, 3, side, side), np.uint8)
    for number in range(count):
        pictures[number] = make_scene(kind, number, side=side).picture.transpose(2, 0, 1)
        if number % _EVERY == 0:
            yield TrainingStep(0.0, f"making scenes: {number:,} of {count:,}")
    with replacing(path) as temporary, open(temporary, "wb") as stream:
        np.save(stream, pictures, allow_pickle=False)
    yield pictures
