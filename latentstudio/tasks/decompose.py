"""Pictures taken apart, latents unfolded into scenes, layers drawn. Imports torch: asked for by name, see
``engine.loading``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from latentstudio.document.view import View
from latentstudio.generators.opening import Model
from latentstudio.inversion.photos import Photo
from latentstudio.pixels import BytePictures
from latentstudio.scenes.decomposing import decompose, layers, new_scenes, scenes_of
from latentstudio.scenes.files import write_layers
from latentstudio.scenes.scene import Scene, write_scene
from latentstudio.tasks.draw import OpenModel
from latentstudio.tasks.scene import TakenApart, TakenApartStep

CHECK = 8
_SHOWN = 7


def unfold(opened: OpenModel, view: View) -> Scene:
    """The scene of a view's latent: what the learned prior makes of it.

    Raises:
        StudioError: the model cannot.
    """
    return scenes_of(opened.model, view.latent_array()[None])[0]


def take_apart(model: Model, photo: Photo) -> Iterator[TakenApartStep]:
    """The steps of finding the objects of a photo.

    Raises:
        StudioError: the model cannot.
    """
    yield TakenApartStep(0.0, "looking for objects")
    found = decompose(model, photo.pixels)
    sure = sorted((float(value) for value in found.presences), reverse=True)
    told = ", ".join(f"{value:.2f}" for value in sure if value >= 0.01)
    facts = (f"Squared error {found.mse:.4f}. Presence of the {len(sure)} slots: {told or 'none above 0.01'}"
             f"{'' if not told else '; the others below 0.01'}.")
    yield TakenApartStep(1.0, "taken apart", result=TakenApart(found, facts))


def another_look(opened: OpenModel, seed: int) -> tuple[float, ...]:
    """z_what of some object of a new scene.

    Raises:
        StudioError: the prior proposes no object.
    """
    for scene in new_scenes(opened.model, count=8, seed=seed):
        if scene.objects:
            return tuple(scene.objects[0].latent)
    return ()


def another_background(opened: OpenModel, seed: int) -> tuple[float, ...]:
    """z_bg of a new scene."""
    return tuple(new_scenes(opened.model, count=1, seed=seed)[0].background)


def layer_sheet(opened: OpenModel, scene: Scene) -> BytePictures:
    """Background and objects side by side, uint8 (S, k S, 3), objects on a checked ground.

    Raises:
        StudioError: the scene is not this model's.
    """
    behind, objects = layers(opened.model, scene)
    side = len(behind)
    squares = (np.add.outer(np.arange(side) // CHECK, np.arange(side) // CHECK) % 2 * 28 + 40).astype(np.float32)
    shown = [behind]
    for layer in objects[:_SHOWN]:
        opacity = layer[:, :, 3:4].astype(np.float32) / 255.0
        over = layer[:, :, :3] * opacity + squares[:, :, None] * (1.0 - opacity)
        shown.append((over + 0.5).astype(np.uint8))
    return np.concatenate(shown, axis=1)


def export_layers(opened: OpenModel, scene: Scene, folder: Path) -> str:
    """Write background and objects as PNG, and the scene's JSON beside them; answers with a sentence."""
    return f"{len(write_parts(opened.model, scene, folder))} layers and scene.json are in {folder.name}"


def write_parts(model: Model, scene: Scene, folder: Path) -> tuple[str, ...]:
    """Write a scene's JSON, background and objects; answers with the names of the layers."""
    write_scene(folder / "scene.json", scene)
    return tuple(write_layers(folder, *layers(model, scene)))
