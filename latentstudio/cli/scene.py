"""``latentstudio scene``: take pictures apart into objects, draw scenes, make new ones, make data, and measure."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from latentstudio.cli.options import Parser, add_common, count_from_one, verb_parser
from latentstudio.cli.output import Output
from latentstudio.cli.picture_options import add_size, saved_size
from latentstudio.errors import StudioError, UnknownNameError, UsageError
from latentstudio.files import check_writable
from latentstudio.generators.calibration import EAGER
from latentstudio.generators.opening import Model, open_model
from latentstudio.picture_files import open_picture
from latentstudio.pixels import enlarge, grid, write_png
from latentstudio.scenes.decomposing import decompose, layers, new_scenes, render
from latentstudio.scenes.evaluating import evaluation_steps
from latentstudio.scenes.files import (
    boxes_picture,
    check_room,
    masks_picture,
    read_scenes,
    write_layers,
    write_scenes,
)
from latentstudio.scenes.layout import distances
from latentstudio.scenes.making import KINDS, MadeScene, TruthObject, kind_named, make_scene
from latentstudio.scenes.parts import parts_of
from latentstudio.scenes.pictures import HELD_OUT, POOL, TEST_SEED, tested_seed
from latentstudio.scenes.plots import write_layouts
from latentstudio.scenes.scene import read_scene, write_scene
from latentstudio.scenes.study import layouts

USER_ERROR = 2
_UNKNOWN = np.zeros((0, 0), dtype=bool)
ACTIONS = ("decompose", "render", "generate", "make", "evaluate")


def parser() -> Parser:
    """The verb's options."""
    verb = verb_parser("scene", "Take pictures apart into objects with boxes, and draw scenes.")
    actions = verb.add_subparsers(dest="action", required=True, metavar="|".join(ACTIONS))
    taking = actions.add_parser("decompose", help="objects of pictures: boxes, masks, layers")
    taking.add_argument("model", metavar="MODEL")
    taking.add_argument("pictures", metavar="PICTURE", nargs="+", type=Path)
    taking.add_argument("--out", type=Path, required=True, metavar="DIR")
    drawing = actions.add_parser("render", help="the picture of a scene (JSON)")
    drawing.add_argument("model", metavar="MODEL")
    drawing.add_argument("scene", metavar="SCENE.json", type=Path)
    drawing.add_argument("--out", type=Path, required=True, metavar="PNG")
    new = actions.add_parser("generate", help="new scenes of the learned prior")
    new.add_argument("model", metavar="MODEL")
    new.add_argument("--count", type=count_from_one, default=16)
    new.add_argument("--out", type=Path, required=True, metavar="PNG", help="a grid; the scenes go beside it as JSON")
    making = actions.add_parser("make", help="scenes with known truth, in the format of SPACE")
    making.add_argument("--kind", required=True, metavar="|".join(KINDS))
    making.add_argument("--count", type=count_from_one, default=1000)
    making.add_argument("--side", type=count_from_one, default=None, metavar="PIXELS")
    making.add_argument("--out", type=Path, required=True, metavar="DIR")
    judging = actions.add_parser("evaluate", help="how well a model takes known scenes apart")
    judging.add_argument("model", metavar="MODEL")
    judging.add_argument("--data", required=True, metavar="DIR|KIND",
                         help="a folder that `scene make` wrote, or a kind of scenes")
    judging.add_argument("--count", type=count_from_one, default=500)
    judging.add_argument("--out", type=Path, default=None, metavar="DIR", help="pictures of the first scenes")
    for action in (drawing, new):
        add_size(action)
    for action in (taking, drawing, new, making, judging):
        add_common(action)
    return verb


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Do the chosen action."""
    if arguments.action == "make":
        return _make(arguments, output)
    actions: dict[str, Callable[[Model, argparse.Namespace, Output], int]] = {
        "decompose": _decompose, "render": _render, "generate": _generate, "evaluate": _evaluate,
    }
    model = open_model(arguments.model, device=arguments.device, runtime=EAGER)
    try:
        parts_of(model.generator)
        return actions[arguments.action](model, arguments, output)
    finally:
        model.close()


def _decompose(model: Model, arguments: argparse.Namespace, output: Output) -> int:
    answers: list[dict[str, object]] = []
    for index, path in enumerate(arguments.pictures):
        name = path.stem if len(arguments.pictures) == 1 else f"{index:03d}-{path.stem}"
        try:
            answers.append(_taken_apart(model, path, arguments.out / name, output))
        except StudioError as problem:
            if len(arguments.pictures) == 1:
                raise
            output.note(problem.sentence)
            answers.append({"picture": str(path), "error": problem.sentence})
    output.result({"model": model.card.name, "pictures": answers})
    return USER_ERROR if any("error" in answer for answer in answers) else 0


def _taken_apart(model: Model, path: Path, out: Path, output: Output) -> dict[str, object]:
    picture = open_picture(path)
    check_writable(out / "scene.json")
    began = time.perf_counter()
    found = decompose(model, picture.pixels)
    seconds = time.perf_counter() - began
    for note in (*picture.notes, *(f"{path.name}: {note}" for note in found.notes)):
        output.note(note)
    write_scene(out / "scene.json", found.scene)
    write_png(out / "drawn.png", found.drawn)
    write_png(out / "boxes.png", boxes_picture(found.seen, found.scene))
    write_png(out / "masks.png", masks_picture(found.masks))
    behind, objects = layers(model, found.scene)
    names = write_layers(out, behind, objects)
    count = len(found.scene.objects)
    output.say(f"{path.name}: {count} object{'' if count == 1 else 's'}, squared error {found.mse:.4f}, "
               f"{1000 * seconds:.0f} ms: {out}")
    shown = ("x", "y", "width", "height", "angle_deg", "depth", "presence")
    return {
        "picture": str(path), "scene": str(out / "scene.json"),
        "objects": [{key: value for key, value in asdict(one).items() if key in shown} for one in found.scene.objects],
        "mse": found.mse, "seconds": round(seconds, 4), "notes": [*picture.notes, *found.notes], "layers": list(names),
    }


def _render(model: Model, arguments: argparse.Namespace, output: Output) -> int:
    scene = read_scene(arguments.scene)
    began = time.perf_counter()
    picture = render(model, scene)
    milliseconds = 1000 * (time.perf_counter() - began)
    write_png(arguments.out, enlarge(picture, saved_size(arguments)))
    output.say(f"{len(scene.objects)} objects in {milliseconds:.1f} ms: {arguments.out}")
    output.result({"model": model.card.name, "objects": len(scene.objects), "milliseconds": round(milliseconds, 2),
                   "out": str(arguments.out)})
    return 0


def _generate(model: Model, arguments: argparse.Namespace, output: Output) -> int:
    seed = output.drew(arguments.seed or 0)
    scenes = new_scenes(model, count=arguments.count, seed=seed)
    pictures = np.stack([render(model, scene) for scene in scenes])
    write_png(arguments.out, grid(enlarge(pictures, saved_size(arguments)), columns=min(8, len(pictures))))
    for number, scene in enumerate(scenes):
        write_scene(arguments.out.with_name(f"{arguments.out.stem}-{number:02d}.json"), scene)
    numbers = [len(scene.objects) for scene in scenes]
    output.say(f"{len(scenes)} new scenes with {np.mean(numbers):.1f} objects each: {arguments.out}")
    output.result({"model": model.card.name, "count": len(scenes), "seed": seed, "objects": numbers,
                   "out": str(arguments.out)})
    return 0


def _make(arguments: argparse.Namespace, output: Output) -> int:
    kind_named(arguments.kind)
    check_writable(arguments.out / "000000.png")
    check_room(arguments.out, arguments.count)
    first = output.drew(arguments.seed or 0)
    made = [make_scene(arguments.kind, first + number, side=arguments.side) for number in range(arguments.count)]
    write_scenes(arguments.out, made)
    if first < POOL + HELD_OUT:
        output.note(f"scene models are trained on the seeds 0 to {POOL + HELD_OUT - 1:,}; to measure one, make scenes "
                    f"with --seed {2 * TEST_SEED}")
    numbers = [len(scene.objects) for scene in made]
    output.say(f"{len(made):,} scenes with {min(numbers)} to {max(numbers)} objects: {arguments.out}")
    output.result({"kind": arguments.kind, "count": len(made), "seed": first, "objects": [min(numbers), max(numbers)],
                   "out": str(arguments.out)})
    return 0


def _evaluate(model: Model, arguments: argparse.Namespace, output: Output) -> int:
    seed = output.drew(arguments.seed or 0)
    side, scenes = model.card.image_size[0], _scenes(arguments, model.card.image_size[0])
    count = min(arguments.count, len(scenes)) if isinstance(scenes, list) else arguments.count

    def scene(number: int) -> MadeScene:
        if isinstance(scenes, list):
            return scenes[number]
        return make_scene(scenes, tested_seed(number, seed), side=side)

    last = output.follow(
        evaluation_steps(parts_of(model.generator), scene, count, device=model.device), "taking scenes apart"
    )
    assert last is not None
    assert last.figures is not None
    told: dict[str, object] = last.figures.as_dict()
    if arguments.out is not None:
        for number in range(min(8, count)):
            found = decompose(model, scene(number).picture)
            sheet = np.concatenate([boxes_picture(found.seen, found.scene),
                                    found.drawn.repeat(4, axis=0).repeat(4, axis=1)], axis=1)
            write_png(arguments.out / f"{number:03d}.png", sheet)
    if isinstance(scenes, str):
        found_layout, true_layout = layouts(model.generator.network, scenes, seed=seed)
        apart = {name: round(value, 3) for name, value in distances(found_layout, true_layout).items()}
        told["layout"] = apart
        if arguments.out is not None:
            write_layouts(arguments.out / "layout.svg", found_layout, true_layout, apart)
    if arguments.out is not None:
        output.about(arguments.out, model=model.card.name, data=arguments.data, count=count)
    output.say("  ".join(f"{name} {value}" for name, value in told.items()))
    output.result({"model": model.card.name, "data": arguments.data, "seed": seed, **told})
    return 0


def _scenes(arguments: argparse.Namespace, side: int) -> list[MadeScene] | str:
    """The name of a kind, or the scenes of a folder, of which boxes are known and, where they were made here, all."""
    folder = Path(arguments.data)
    if not folder.is_dir():
        if arguments.data not in KINDS:
            raise UnknownNameError(f"there is no folder '{arguments.data}', and no kind of scenes of this name",
                                   expected=f"a folder, or one of: {', '.join(KINDS)}")
        return str(arguments.data)
    made = []
    for known in read_scenes(folder):
        if known.picture.shape[:2] != (side, side):
            raise UsageError(f"pictures of {known.picture.shape[1]} x {known.picture.shape[0]} pixels in {folder}",
                             expected=f"{side} x {side} for this model", action="make them with --side")
        objects = known.objects or tuple(TruthObject(box, _UNKNOWN, "", (0.0, 0.0, 0.0), 0.0, 0, 0)
                                         for box in known.boxes)
        made.append(MadeScene(known.picture, known.picture, objects))
    return made
