"""``latentstudio scene``: take pictures apart into objects, draw scenes, make new ones, make data, and measure."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np

from latentstudio.cli.options import Parser, add_common, count_from_one, verb_parser
from latentstudio.cli.output import Output, exit_code, numbered_names
from latentstudio.cli.picture_options import add_size, saved_size
from latentstudio.files import check_writable
from latentstudio.generators.calibration import EAGER
from latentstudio.generators.opening import Model, open_model
from latentstudio.inversion.photos import Photo
from latentstudio.picture_files import open_picture
from latentstudio.scenes.making import KINDS
from latentstudio.scenes.parts import parts_of
from latentstudio.scenes.pictures import HELD_OUT, POOL, TEST_SEED
from latentstudio.tasks.decompose import take_apart
from latentstudio.tasks.scene_files import draw_scene, generate_scenes, make_scenes, measure_scenes, write_taken_apart

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
    names = iter(numbered_names(arguments.pictures))
    answers = output.in_turn(arguments.pictures, "picture", lambda path: _taken_apart(
        model, path, arguments.out / next(names), output))
    output.result({"model": model.card.name, "pictures": answers})
    return exit_code(answers)


def _taken_apart(model: Model, path: Path, out: Path, output: Output) -> dict[str, object]:
    picture = open_picture(path)
    check_writable(out / "scene.json")
    began = time.perf_counter()
    last = output.follow(take_apart(model, Photo(picture.pixels)), path.name)
    assert last is not None
    assert last.result is not None
    found, seconds = last.result.found, time.perf_counter() - began
    for note in (*picture.notes, *(f"{path.name}: {note}" for note in found.notes)):
        output.note(note)
    names = write_taken_apart(model, found, out)
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
    began = time.perf_counter()
    scene = draw_scene(model, arguments.scene, arguments.out, saved_size(arguments))
    milliseconds = 1000 * (time.perf_counter() - began)
    output.say(f"{len(scene.objects)} objects in {milliseconds:.1f} ms: {arguments.out}")
    output.result({"model": model.card.name, "objects": len(scene.objects), "milliseconds": round(milliseconds, 2),
                   "out": str(arguments.out)})
    return 0


def _generate(model: Model, arguments: argparse.Namespace, output: Output) -> int:
    seed = output.drew(arguments.seed or 0)
    scenes = generate_scenes(model, arguments.count, seed, arguments.out, saved_size(arguments))
    numbers = [len(scene.objects) for scene in scenes]
    output.say(f"{len(scenes)} new scenes with {np.mean(numbers):.1f} objects each: {arguments.out}")
    output.result({"model": model.card.name, "count": len(scenes), "seed": seed, "objects": numbers,
                   "out": str(arguments.out)})
    return 0


def _make(arguments: argparse.Namespace, output: Output) -> int:
    first = output.drew(arguments.seed or 0)
    numbers = make_scenes(arguments.kind, arguments.count, first, arguments.out, side=arguments.side)
    if first < POOL + HELD_OUT:
        output.note(f"scene models are trained on the seeds 0 to {POOL + HELD_OUT - 1:,}; to measure one, make scenes "
                    f"with --seed {2 * TEST_SEED}")
    output.say(f"{len(numbers):,} scenes with {min(numbers)} to {max(numbers)} objects: {arguments.out}")
    output.result({"kind": arguments.kind, "count": len(numbers), "seed": first,
                   "objects": [min(numbers), max(numbers)], "out": str(arguments.out)})
    return 0


def _evaluate(model: Model, arguments: argparse.Namespace, output: Output) -> int:
    seed = output.drew(arguments.seed or 0)
    steps = measure_scenes(model, arguments.data, arguments.count, seed, arguments.out)
    last = output.follow(steps, "taking scenes apart")
    assert last is not None
    assert last.told is not None
    if arguments.out is not None:
        output.about(arguments.out, model=model.card.name, data=arguments.data, count=last.count)
    output.say("  ".join(f"{name} {value}" for name, value in last.told.items()))
    output.result({"model": model.card.name, "data": arguments.data, "seed": seed, **last.told})
    return 0
