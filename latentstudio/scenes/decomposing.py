"""A picture taken apart into a scene, and a scene drawn again: numpy in and out, torch inside."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from latentstudio import pixels
from latentstudio.errors import ModelFileError, UsageError
from latentstudio.generators.glimpses import project
from latentstudio.generators.opening import Model
from latentstudio.scenes.object_tensors import PRESENT, ObjectTensors, draw_parts, winning_masks
from latentstudio.scenes.parts import SceneParts, parts_of
from latentstudio.scenes.scene import Scene, SceneObject
from latentstudio.scenes.second_look import take_apart


@dataclass(frozen=True)
class Decomposition:
    """What was found in one picture.

    Attributes:
        scene: with coordinates in the picture's own pixels.
        seen: uint8 (S, S, 3), the picture as the model saw it; ``drawn``: the scene, drawn again.
        masks: bool (N, S, S), the pixels that each object wins.
        presences: of every slot, float32 (slots,).
        mse: of ``drawn`` from ``seen``, in [0, 1] squared.
        notes: sentences for the user.
    """

    scene: Scene
    seen: NDArray[np.uint8]
    drawn: NDArray[np.uint8]
    masks: NDArray[np.bool_]
    presences: NDArray[np.float32]
    mse: float
    notes: tuple[str, ...] = ()


def seen_by(model: Model, picture: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """The middle square of uint8 (H, W, 3) at the model's size, and what was done to it in words."""
    height, width = picture.shape[:2]
    size, wanted = min(height, width), model.card.image_size[0]
    notes: list[str] = []
    if height != width:
        notes.append(f"the middle square of {width} x {height} pixels was taken")
        top, left = (height - size) // 2, (width - size) // 2
        picture = picture[top : top + size, left : left + size]
    if size != wanted:
        notes.append(f"{size} x {size} pixels were made {wanted} x {wanted}")
        resized = Image.fromarray(np.ascontiguousarray(picture)).resize((wanted, wanted), Image.Resampling.BOX)
        picture = np.asarray(resized)
    return np.ascontiguousarray(picture), tuple(notes)


@torch.inference_mode()
def decompose(model: Model, picture: NDArray[np.uint8]) -> Decomposition:
    """Take a picture, uint8 (H, W, 3), apart.

    Raises:
        CapabilityError: the model knows no objects.
    """
    parts = parts_of(model.generator)
    seen, notes = seen_by(model, picture)
    images = torch.from_numpy(pixels.from_bytes(seen[None])).to(model.device)
    kept, back, presences = take_apart(parts, images)
    height, width = picture.shape[:2]
    scene = Scene(model.card.name, model.card.weights_sha256, width, height,
                  tuple(float(value) for value in back.flatten().tolist()))
    scene = scene.with_objects(_object(scene, kept, index) for index in range(len(kept.boxes)))
    drawn = draw_parts(parts, back, kept, count=1)
    masks = winning_masks(parts, kept)
    mse = float((drawn - images).square().mean())
    return Decomposition(
        scene, seen, pixels.to_bytes(drawn.cpu().numpy())[0], masks.cpu().numpy(), presences[0].cpu().numpy(), mse,
        (*notes, *_doubts(mse, len(scene.objects))),
    )


def parts_from(scene: Scene, parts: SceneParts, *, device: str = "cpu") -> tuple[Tensor, ObjectTensors]:
    """z_bg (1, K, d) and the objects of a scene as tensors.

    Raises:
        UsageError: latents of another size than the model's.
    """
    sizes = parts.sizes
    wanted = sizes.components * sizes.background_size
    background = scene.background or (0.0,) * wanted
    if len(background) != wanted:
        raise UsageError(f"a background of {len(background)} numbers", expected=f"{wanted} for this model")
    for one in scene.objects:
        if len(one.latent) != sizes.what_size:
            raise UsageError(f"an object of {len(one.latent)} numbers", expected=f"{sizes.what_size} for this model")
    back = torch.tensor(background, device=device).reshape(1, sizes.components, sizes.background_size)
    left, top, side = scene.square
    rows = [
        [(2.0 * (one.x - left) + 1.0) / side - 1.0, (2.0 * (one.y - top) + 1.0) / side - 1.0,
         max(1e-3, one.width / side), max(1e-3, one.height / side), math.radians(one.angle_deg)]
        for one in scene.objects
    ]
    numbers = torch.tensor([[one.depth, one.presence] for one in scene.objects], device=device).reshape(-1, 2)
    boxes = torch.tensor(rows, dtype=torch.float32, device=device).reshape(-1, 5)
    what = torch.tensor([one.latent for one in scene.objects], dtype=torch.float32, device=device)
    which = torch.zeros(len(rows), dtype=torch.long, device=device)
    return back, ObjectTensors(boxes, numbers[:, 0].clamp(-30.0, 30.0), numbers[:, 1],
                               what.reshape(-1, sizes.what_size), which)


@torch.inference_mode()
def render(model: Model, scene: Scene) -> NDArray[np.uint8]:
    """The scene's picture, uint8 (S, S, 3), at the model's own size.

    Raises:
        CapabilityError: the model knows no objects.
        ModelFileError: the scene's latents belong to another model.
        UsageError: latents of another size.
    """
    check_scene(model, scene)
    parts = parts_of(model.generator)
    back, objects = parts_from(scene, parts, device=model.device)
    found: NDArray[np.uint8] = pixels.to_bytes(draw_parts(parts, back, objects, count=1).cpu().numpy())[0]
    return found


@torch.inference_mode()
def layers(model: Model, scene: Scene) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The background uint8 (S, S, 3), and every object alone, uint8 (N, S, S, 4), with its mask as opacity.

    Raises:
        CapabilityError, ModelFileError, UsageError: as ``render``.
    """
    check_scene(model, scene)
    parts = parts_of(model.generator)
    back, objects = parts_from(scene, parts, device=model.device)
    pictures, masks = parts.background.draw(back)
    behind = pixels.to_bytes((pictures * masks).sum(1).clamp(0, 1).cpu().numpy())[0]
    side = parts.sizes.side
    if not scene.objects:
        return behind, np.zeros((0, side, side, 4), np.uint8)
    decoded = parts.glimpses.decode(objects.what)
    opacity = decoded[:, 3:4] * objects.presence.view(-1, 1, 1, 1)
    laid = project(torch.cat([decoded[:, :3] * opacity, opacity], dim=1), objects.boxes, side)
    colours = laid[:, :3] / laid[:, 3:4].clamp_min(1e-4)
    rgba = torch.cat([colours, laid[:, 3:4]], dim=1).clamp(0.0, 1.0).permute(0, 2, 3, 1)
    return behind, (rgba * 255.0 + 0.5).to(torch.uint8).cpu().numpy()


@torch.inference_mode()
def new_scenes(model: Model, *, count: int = 1, seed: int = 0) -> tuple[Scene, ...]:
    """Scenes drawn from the learned prior (section 5.4).

    Raises:
        CapabilityError: the model knows no objects.
    """
    sizes = parts_of(model.generator).sizes
    noise = torch.Generator().manual_seed(seed)
    return scenes_of(model, torch.randn(count, sizes.latent_size, generator=noise).numpy())


@torch.inference_mode()
def scenes_of(model: Model, latents: NDArray[np.float32]) -> tuple[Scene, ...]:
    """The scenes that the learned prior makes of latents (N, d), each with its boxes.

    Raises:
        CapabilityError: the model knows no objects.
    """
    parts = parts_of(model.generator)
    sizes = parts.sizes
    latent = torch.from_numpy(np.asarray(latents, dtype=np.float32).reshape(-1, sizes.latent_size)).to(model.device)
    back, z_box, what, presence = parts.unfold(latent)
    boxes, depth = parts.places(z_box)
    scenes = []
    for index in range(len(latent)):
        here = presence[index] > PRESENT
        objects = ObjectTensors(boxes[index][here], depth[index][here], torch.ones(int(here.sum())), what[index][here],
                        torch.zeros(int(here.sum()), dtype=torch.long))
        scene = Scene(model.card.name, model.card.weights_sha256, sizes.side, sizes.side,
                      tuple(float(value) for value in back[index].flatten().tolist()))
        scenes.append(scene.with_objects(_object(scene, objects, k) for k in range(len(objects.boxes))))
    return tuple(scenes)


def check_scene(model: Model, scene: Scene) -> None:
    """Nothing, when the scene's latents are this model's.

    Raises:
        ModelFileError: they belong to another.
    """
    if scene.model_sha256 and scene.model_sha256 != model.card.weights_sha256:
        raise ModelFileError(f"the scene was made by {scene.model} (weights {scene.model_sha256[:12]})",
                             expected=f"this model ({model.card.name}, {model.card.weights_sha256[:12]})",
                             action=f"open {scene.model}, or decompose the picture again")


def _object(scene: Scene, objects: ObjectTensors, index: int) -> SceneObject:
    x, y, half_width, half_height, angle = (float(value) for value in objects.boxes[index].tolist())
    left, top, side = scene.square
    return SceneObject(
        x=left + ((x + 1.0) * side - 1.0) / 2.0, y=top + ((y + 1.0) * side - 1.0) / 2.0, width=half_width * side,
        height=half_height * side, angle_deg=math.degrees(angle), depth=float(objects.depth[index]),
        presence=float(objects.presence[index]), latent=tuple(float(v) for v in objects.what[index].tolist()),
    )


def _doubts(mse: float, count: int) -> Sequence[str]:
    """Words where the model finds nothing, or explains a picture badly."""
    found = () if count else ("no objects were found",)
    if mse <= 0.01:
        return found
    badly = (f"this model explains the picture badly (squared error {mse:.3f}): it may be no scene of the kind that "
             f"it learned")
    return (*found, f"{badly}; the boxes are as found" if count else badly)
