"""Reconstructing, scenes and training, for scripts: the rooms' functions; torch comes in when they are called."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentstudio.generators.conditions import NONE, Conditions
from latentstudio.generators.opening import Model
from latentstudio.scenes.scene import Scene

BytePicture = NDArray[np.uint8]


def reconstruct(
    model: Model, picture: BytePicture, *, by: str = "generator", variations: int = 1,
    conditions: Conditions = NONE,
) -> Any:
    """What a model with an encoder makes of a picture, uint8 (H, W, 3): a ``Rebuilt`` with pictures, latent and errors.

    ``by`` is ``generator`` or ``decoder``; ``variations`` draws so many xi where the generator has one. Imports torch.

    Raises:
        CapabilityError: the model cannot encode, or has no such network.
    """
    from latentstudio.autoencoding.rebuilding import rebuild

    return rebuild(model, picture, by=by, variations=variations, conditions=conditions)


def interpolate(
    model: Model, one: NDArray[np.float32], other: NDArray[np.float32], *, count: int = 9, by: str = "generator",
    conditions: Conditions = NONE,
) -> BytePicture:
    """Pictures uint8 (count, H, W, 3) on the way from latent ``one`` to ``other``, both ends included. Imports torch.

    Raises:
        CapabilityError: the model has no such network.
        UsageError: fewer than two pictures.
    """
    from latentstudio.autoencoding.rebuilding import interpolate as between

    return between(model, one, other, count=count, by=by, conditions=conditions)


def decompose(model: Model, picture: BytePicture) -> Any:
    """The objects of a picture, uint8 (H, W, 3): a ``Decomposition`` with scene, masks and error. Imports torch.

    Raises:
        CapabilityError: the model knows no objects.
    """
    from latentstudio.scenes.decomposing import decompose as take_apart

    return take_apart(model, picture)


def render_scene(model: Model, scene: Scene) -> BytePicture:
    """The scene's picture, uint8 (S, S, 3), at the model's own size. Imports torch.

    Raises:
        CapabilityError: the model knows no objects.
        ModelFileError: the scene belongs to another model.
        UsageError: latents of another size.
    """
    from latentstudio.scenes.decomposing import render

    return render(model, scene)


def scene_layers(model: Model, scene: Scene) -> tuple[BytePicture, BytePicture]:
    """The background uint8 (S, S, 3), and every object alone as RGBA uint8 (N, S, S, 4). Imports torch.

    Raises:
        CapabilityError, ModelFileError, UsageError: as ``render_scene``.
    """
    from latentstudio.scenes.decomposing import layers

    return layers(model, scene)


def new_scenes(model: Model, *, count: int = 1, seed: int = 0) -> tuple[Scene, ...]:
    """Scenes drawn from the learned prior. Imports torch.

    Raises:
        CapabilityError: the model knows no objects.
    """
    from latentstudio.scenes.decomposing import new_scenes as drawn

    return drawn(model, count=count, seed=seed)


def train_steps(recipe: str | Path, run: Path, *, resume: bool = False, device: str = "cpu") -> Iterator[Any]:
    """The frozen steps of training what a recipe file (or the name of one that ships) says. Imports torch.

    Checkpoint and log go to the folder ``run``; closing the iterator keeps a checkpoint of the last step.

    Raises:
        TrainingError: the recipe is none, its data cannot be used, or the training fails.
        UnknownNameError: no recipe of this name.
    """
    from latentstudio.generators.catalogue import find_catalogue
    from latentstudio.training.recipe import find_recipe, read_recipe
    from latentstudio.training.train import train_recipe

    wanted = read_recipe(find_recipe(str(recipe)))
    return train_recipe(wanted, Path(run), catalogue=find_catalogue(), resume=resume, device=device)
