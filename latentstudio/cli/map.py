"""``latentstudio map MODEL --factor NAME --space images --out map.svg``: samples and trajectories on a plane."""

from __future__ import annotations

import argparse
import re
import time
from pathlib import Path

from latentstudio.cli.options import Parser, add_common, add_settings, settings_of, verb_parser
from latentstudio.cli.output import Output
from latentstudio.cli.picture_options import add_conditions, read_conditions
from latentstudio.errors import StudioError
from latentstudio.factors.map_files import check_suffix, write_map
from latentstudio.factors.map_sheet import NAMES
from latentstudio.factors.mapping import MapData, check_components, map_steps
from latentstudio.factors.settings import MapSettings
from latentstudio.figures import check_figure
from latentstudio.generators.opening import open_model
from latentstudio.tasks.map import shown_factors


def parser() -> Parser:
    """The verb's options."""
    verb = verb_parser(
        "map", "Place many samples on the plane in which they differ most, with the trajectories of factors on it.",
    )
    verb.add_argument("model", metavar="MODEL", help="a model's name or folder")
    verb.add_argument("--factor", default=None, metavar="FILE|NAME",
                      help="whose trajectories to show (default: all factors of the model that keep theirs)")
    verb.add_argument("--components", type=pair, default=(1, 2), metavar="1x2",
                      help="which two, across and upwards (default 1x2)")
    add_conditions(verb)
    verb.add_argument("--out", type=Path, required=True, metavar="SVG|CSV|PNG",
                      help="a drawing gets the table of its points beside it, under the same name")
    add_settings(verb, MapSettings, title="what is placed")
    add_common(verb)
    return verb


def pair(text: str) -> tuple[int, int]:
    """``1x2`` as two numbers, for argparse."""
    found = re.fullmatch(r"(\d{1,6})[x×](\d{1,6})", text.strip())
    if found is None:
        raise argparse.ArgumentTypeError(f"'{text}' is no pair of components such as 1x2")
    return int(found[1]), int(found[2])


def run(arguments: argparse.Namespace, output: Output) -> None:
    """Check everything that can be checked, then draw, place and write."""
    check_suffix(arguments.out)
    settings = settings_of(arguments, MapSettings())
    check_components(*arguments.components)
    check_figure(arguments.out)
    model = open_model(arguments.model, device=arguments.device)
    began = time.perf_counter()
    try:
        factors, notes = shown_factors(model, arguments.factor)
        for note in notes:
            output.note(note)
        steps = map_steps(
            model, factors, space=settings.space, count=settings.count, seed=output.drew(arguments.seed or 0),
            conditions=read_conditions(arguments, model),
        )
        last = output.follow(steps, f"map of {model.card.name}")
    finally:
        model.close()
    data = None if last is None else last.data
    if data is None:
        raise StudioError("the map ended without a result", action="report it")
    write_map(arguments.out, data, components=arguments.components)
    _tell(data, arguments, time.perf_counter() - began, output)


def _tell(data: MapData, arguments: argparse.Namespace, seconds: float, output: Output) -> None:
    first, second = arguments.components
    explained = data.explained(first, second)
    trajectories = [
        {"factor": name, "unit": lines[0].trajectory.unit.symbol, "lines": len(lines),
         "points": sum(len(line.trajectory.t) for line in lines)}
        for name in dict.fromkeys(line.trajectory.factor for line in data.lines)
        if (lines := [line for line in data.lines if line.trajectory.factor == name])
    ]
    names = ", ".join(f"{entry['lines']} trajectories of {entry['factor']}" for entry in trajectories)
    output.say(
        f"{len(data.cloud):,} samples of {data.model} in the principal components {first} x {second} of "
        f"{NAMES[data.space]} ({100 * sum(explained):.1f} % of the variance){', ' + names if names else ''}: "
        f"{arguments.out}"
    )
    answer: dict[str, object] = {
        "model": data.model, "space": data.space, "count": len(data.cloud), "seed": arguments.seed or 0,
        "components": [first, second], "explained": list(explained), "trajectories": trajectories,
        "out": str(arguments.out), "seconds": round(seconds, 2),
    }
    output.result(answer)
