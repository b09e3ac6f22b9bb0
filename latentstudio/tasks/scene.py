"""What the worker does for scenes: pictures taken apart, latents unfolded, layers drawn. No Qt; torch comes in here."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from latentstudio.document.view import View
from latentstudio.generators.opening import Model
from latentstudio.inversion.photos import Photo
from latentstudio.pixels import BytePictures
from latentstudio.scenes.scene import Scene, write_scene
from latentstudio.tasks.drawing import DECOMPOSING, Opened

FILES = "latentstudio.scenes.files"
CAPABILITY = "decompose"
CHECK = 8
_SHOWN = 7


@dataclass(frozen=True)
class TakenApart:
    """A scene that was found in a photo, with what there is to say of it."""

    scene: Scene
    facts: str
    notes: tuple[str, ...]


def knows_objects(model: Model) -> bool:
    """Whether a model can take pictures apart."""
    return CAPABILITY in model.card.capabilities


def unfold(opened: Opened, view: View) -> Scene:
    """The scene of a session's latent: what the learned prior makes of it.

    Raises:
        StudioError: the model cannot.
    """
    module: Any = importlib.import_module(DECOMPOSING)
    scene: Scene = module.scenes_of(opened.model, view.latent_array()[None])[0]
    return scene


def take_apart(opened: Opened, photo: Photo) -> TakenApart:
    """The objects of a photo.

    Raises:
        StudioError: the model cannot.
    """
    module: Any = importlib.import_module(DECOMPOSING)
    found = module.decompose(opened.model, photo.pixels)
    sure = sorted((float(value) for value in found.presences), reverse=True)
    told = ", ".join(f"{value:.2f}" for value in sure if value >= 0.01)
    facts = (f"Squared error {found.mse:.4f}. Presence of the {len(sure)} slots: {told or 'none above 0.01'}"
             f"{'' if not told else '; the others below 0.01'}.")
    return TakenApart(found.scene, facts, tuple(found.notes))


def another_look(opened: Opened, seed: int) -> tuple[float, ...]:
    """z_what of some object of a new scene.

    Raises:
        StudioError: the prior proposes no object.
    """
    module: Any = importlib.import_module(DECOMPOSING)
    for scene in module.new_scenes(opened.model, count=8, seed=seed):
        if scene.objects:
            return tuple(scene.objects[0].latent)
    return ()


def another_background(opened: Opened, seed: int) -> tuple[float, ...]:
    """z_bg of a new scene."""
    module: Any = importlib.import_module(DECOMPOSING)
    return tuple(module.new_scenes(opened.model, count=1, seed=seed)[0].background)


def layer_sheet(opened: Opened, scene: Scene) -> BytePictures:
    """Background and objects side by side, uint8 (S, k S, 3), objects on a checked ground.

    Raises:
        StudioError: the scene is not this model's.
    """
    module: Any = importlib.import_module(DECOMPOSING)
    behind, objects = module.layers(opened.model, scene)
    side = len(behind)
    squares = (np.add.outer(np.arange(side) // CHECK, np.arange(side) // CHECK) % 2 * 28 + 40).astype(np.float32)
    shown = [behind]
    for layer in objects[:_SHOWN]:
        opacity = layer[:, :, 3:4].astype(np.float32) / 255.0
        over = layer[:, :, :3] * opacity + squares[:, :, None] * (1.0 - opacity)
        shown.append((over + 0.5).astype(np.uint8))
    return np.concatenate(shown, axis=1)


def export_scene(scene: Scene, path: Path) -> str:
    """Write a scene's JSON; answers with a sentence."""
    target = path if path.suffix.lower() == ".json" else path.with_name(f"{path.name}.json")
    write_scene(target, scene)
    return f"Saved {target.name}"


def export_layers(opened: Opened, scene: Scene, folder: Path) -> str:
    """Write background and objects as PNG, and the scene's JSON beside them; answers with a sentence."""
    module: Any = importlib.import_module(DECOMPOSING)
    files: Any = importlib.import_module(FILES)
    names = files.write_layers(folder, *module.layers(opened.model, scene))
    write_scene(folder / "scene.json", scene)
    return f"{len(names)} layers and scene.json are in {folder.name}"
