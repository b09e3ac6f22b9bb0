"""Scenes drawn, made and measured, and written to files. Imports torch, as ``decompose`` does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from latentstudio.errors import UnknownNameError, UsageError
from latentstudio.files import check_writable
from latentstudio.generators.opening import Model
from latentstudio.pixels import AS_DRAWN, SavedSize, enlarge, grid, write_png
from latentstudio.scenes.decomposing import Decomposition, decompose, new_scenes, render
from latentstudio.scenes.evaluating import evaluation_steps
from latentstudio.scenes.files import boxes_picture, check_room, masks_picture, read_scenes, write_scenes
from latentstudio.scenes.layout import distances
from latentstudio.scenes.making import KINDS, MadeScene, TruthObject, kind_named, make_scene
from latentstudio.scenes.parts import parts_of
from latentstudio.scenes.pictures import tested_seed
from latentstudio.scenes.plots import write_layouts
from latentstudio.scenes.scene import Scene, read_scene, write_scene
from latentstudio.scenes.study import layouts
from latentstudio.steps import Step
from latentstudio.tasks.decompose import write_parts

SHOWN = 8
_UNKNOWN = np.zeros((0, 0), dtype=bool)


@dataclass(frozen=True)
class MeasuredStep(Step):
    """Progress; ``told`` on the last step only: figures by name, and where the layout is known its distances; ``count``
    scenes were taken apart."""

    told: dict[str, object] | None = None
    count: int = 0


def write_taken_apart(model: Model, found: Decomposition, out: Path) -> tuple[str, ...]:
    """Write scene, layers, the drawn picture, boxes and masks to the folder ``out``; answers with the layers' names."""
    names = write_parts(model, found.scene, out)
    write_png(out / "drawn.png", found.drawn)
    write_png(out / "boxes.png", boxes_picture(found.seen, found.scene))
    write_png(out / "masks.png", masks_picture(found.masks))
    return names


def draw_scene(model: Model, path: Path, out: Path, size: SavedSize = AS_DRAWN) -> Scene:
    """Draw the scene of a JSON file and write the picture.

    Raises:
        StudioError: the file is none, or the scene is not this model's.
    """
    scene = read_scene(path)
    write_png(out, enlarge(render(model, scene), size))
    return scene


def generate_scenes(model: Model, count: int, seed: int, out: Path, size: SavedSize = AS_DRAWN) -> Sequence[Scene]:
    """Write a grid of new scenes of the learned prior, and each as JSON beside it."""
    scenes = new_scenes(model, count=count, seed=seed)
    pictures = np.stack([render(model, scene) for scene in scenes])
    write_png(out, grid(enlarge(pictures, size), columns=min(8, len(pictures))))
    for number, scene in enumerate(scenes):
        write_scene(out.with_name(f"{out.stem}-{number:02d}.json"), scene)
    return scenes


def make_scenes(kind: str, count: int, first: int, out: Path, *, side: int | None = None) -> list[int]:
    """Write scenes with known truth, from the seed ``first`` on; answers with the number of objects of each.

    Raises:
        UnknownNameError: no such kind.
        StorageError: the folder may not be written, or the disk is full.
    """
    kind_named(kind)
    check_writable(out / "000000.png")
    check_room(out, count)
    made = [make_scene(kind, first + number, side=side) for number in range(count)]
    write_scenes(out, made)
    return [len(scene.objects) for scene in made]


def measure_scenes(model: Model, data: str, count: int, seed: int, out: Path | None = None) -> Iterator[MeasuredStep]:
    """The steps of taking known scenes apart: those of a folder, or of a kind of ``scene make``.

    ``out`` gets pictures of the first scenes, and the layout where there is one.

    Raises:
        UnknownNameError: neither a folder nor a kind.
        UsageError: pictures of another size than the model's.
    """
    count, scene = _known(model, data, count, seed)
    told: dict[str, object] = {}
    for step in evaluation_steps(parts_of(model.generator), scene, count, device=model.device):
        yield MeasuredStep(0.9 * step.fraction, step.message)
        told |= {} if step.figures is None else step.figures.as_dict()
    for number in range(0 if out is None else min(SHOWN, count)):
        assert out is not None
        found = decompose(model, scene(number).picture)
        drawn = found.drawn.repeat(4, axis=0).repeat(4, axis=1)
        write_png(out / f"{number:03d}.png", np.concatenate([boxes_picture(found.seen, found.scene), drawn], axis=1))
        yield MeasuredStep(0.95, "drawing the first ones")
    if not Path(data).is_dir():
        found_layout, true_layout = layouts(model.generator.network, data, seed=seed)
        apart = {name: round(value, 3) for name, value in distances(found_layout, true_layout).items()}
        told["layout"] = apart
        if out is not None:
            write_layouts(out / "layout.svg", found_layout, true_layout, apart)
    yield MeasuredStep(1.0, "measured", told=told, count=count)


def _known(model: Model, data: str, count: int, seed: int) -> tuple[int, Callable[[int], MadeScene]]:
    """How many there are, at most ``count``, and the scene of a number."""
    folder, side = Path(data), model.card.image_size[0]
    if not folder.is_dir():
        if data not in KINDS:
            raise UnknownNameError(f"there is no folder '{data}', and no kind of scenes of this name",
                                   expected=f"a folder, or one of: {', '.join(KINDS)}")
        return count, lambda number: make_scene(data, tested_seed(number, seed), side=side)
    made = []
    for known in read_scenes(folder):
        if known.picture.shape[:2] != (side, side):
            raise UsageError(f"pictures of {known.picture.shape[1]} x {known.picture.shape[0]} pixels in {folder}",
                             expected=f"{side} x {side} for this model", action="make them with --side")
        objects = known.objects or tuple(TruthObject(box, _UNKNOWN, "", (0.0, 0.0, 0.0), 0.0, 0, 0)
                                         for box in known.boxes)
        made.append(MadeScene(known.picture, known.picture, objects))
    return min(count, len(made)), made.__getitem__
