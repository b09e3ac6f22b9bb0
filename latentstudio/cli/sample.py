"""``latentstudio sample MODEL --count 64 --seed 0 --out grid.png`` (or ``--separate --out DIR``)."""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentstudio import pixels
from latentstudio.cli.measuring import measure_after_torch
from latentstudio.cli.options import Parser, add_common, count_from_one, verb_parser
from latentstudio.cli.output import Output
from latentstudio.cli.picture_options import add_conditions, add_size, check_sheet, read_conditions, saved_size
from latentstudio.document.view import View
from latentstudio.factors import FactorSet
from latentstudio.factors.distribution import Distributed, Distribution, distribute, parse_distribution
from latentstudio.files import make_folder
from latentstudio.generators.card import ModelCard
from latentstudio.generators.conditions import TRUNCATION, Conditions
from latentstudio.generators.opening import Model, open_model
from latentstudio.steps import Step
from latentstudio.tasks.draw import draw, draw_many, factors_of
from latentstudio.tasks.sample import sample

PIECE = 16


def parser() -> Parser:
    """The verb's options."""
    verb = verb_parser("sample", "Draw from a model's prior; one picture carries its recipe, more make a grid or, with "
                       "--separate, a folder of pictures to train on.")
    verb.add_argument("model", metavar="MODEL", help="a model's name or folder")
    verb.add_argument("--count", type=count_from_one, default=16, help="how many (default 16)")
    verb.add_argument("--columns", type=count_from_one, default=None, help="pictures a row (default: a square grid)")
    verb.add_argument("--separate", action="store_true", help="a PNG for every picture, in the folder --out")
    verb.add_argument("--distribution", action="append", default=[], metavar="NAME=KIND(NUMBERS)",
                      help="let a factor follow uniform(-8,8), normal(0,3) or fixed(4); may be repeated")
    add_conditions(verb)
    add_size(verb)
    verb.add_argument("--out", type=Path, required=True, metavar="PNG|DIR")
    add_common(verb)
    return verb


def run(arguments: argparse.Namespace, output: Output) -> None:
    """Draw and write one PNG, or a folder of them."""
    seed = output.drew(arguments.seed or 0)
    model = open_model(arguments.model, device=arguments.device)
    try:
        if not arguments.separate:
            check_sheet(arguments.count, model.card.image_size, saved_size(arguments))
        conditions = read_conditions(arguments, model)
        known = factors_of(model) if arguments.distribution else FactorSet()
        wanted = dict(parse_distribution(text, known) for text in arguments.distribution)
        began = time.perf_counter()
        latents = sample(model, seed=seed, count=arguments.count)
        moved = distribute(latents, wanted, known, space=model.card.spaces[0])
        height, width = model.card.image_size
        if arguments.separate:
            height, width = pixels.saved_shape(height, width, saved_size(arguments))
            steps = _each(model, moved.latents, arguments.out, conditions, saved_size(arguments))
            output.follow(steps, f"Drawing {arguments.count:,} pictures")
        elif arguments.count == 1:
            height, width = _one(model, latents[0], moved, known, arguments, conditions).shape[:2]
        else:
            drawn = draw_many(model, moved.latents, conditions=conditions)
            columns = arguments.columns or math.ceil(math.sqrt(arguments.count))
            sheet = pixels.grid(pixels.enlarge(drawn, saved_size(arguments)), columns=columns)
            pixels.write_png(arguments.out, sheet)
            height, width = sheet.shape[:2]
        seconds = time.perf_counter() - began
        for note in _notes(moved, wanted, known, model.card, conditions):
            output.note(note)
        name = model.card.name
        output.say(f"{arguments.count} samples of {name}, seed {seed}, on {model.runtime_name}: {arguments.out}")
        output.result({
            "model": model.card.name, "count": arguments.count, "seed": seed, "out": str(arguments.out),
            "size": [width, height], "milliseconds": round(1000 * seconds, 1),
            "runtime": model.runtime_name, "device": model.device,
            **({"distribution": _told(moved, wanted, known)} if wanted else {}),
        })
        measure_after_torch(model, output)
    finally:
        model.close()


def _each(
    model: Model, latents: NDArray[np.float32], folder: Path, conditions: Conditions, size: pixels.SavedSize
) -> Iterator[Step]:
    """Write ``00000.png`` and so on, a piece at a time, so that a large set needs little memory."""
    total = len(latents)
    make_folder(folder)
    for first in range(0, total, PIECE):
        piece = latents[first : first + PIECE]
        drawn = draw_many(model, piece, conditions=conditions)
        for number, picture in enumerate(drawn, start=first):
            pixels.write_png(folder / f"{number:05d}.png", pixels.enlarge(picture, size))
        done = first + len(piece)
        yield Step(done / total, f"{done:,} of {total:,} pictures")


def _one(
    model: Model, latent: NDArray[np.float32], moved: Distributed, known: FactorSet, arguments: argparse.Namespace,
    conditions: Conditions,
) -> NDArray[np.uint8]:
    """One picture that carries its recipe: the sample of the seed, and what was aimed at as slider positions."""
    positions = {
        name: float(aimed[0] - known.get(name).curve(known.get(name).coordinate(latent)))
        for name, aimed in moved.aimed.items()
    }
    view = View.start(model.card, latent, arguments.seed or 0, conditions=conditions)
    picture = draw(model, view.with_positions(positions), known)
    picture.save(arguments.out, size=saved_size(arguments))
    return pixels.enlarge(picture.pixels, saved_size(arguments))


def _notes(
    moved: Distributed, wanted: dict[str, Distribution], known: FactorSet, card: ModelCard, conditions: Conditions
) -> list[str]:
    notes = []
    truncation = conditions.get(TRUNCATION)
    if wanted and truncation not in (None, card.truncation):
        notes.append(f"factors are calibrated at truncation {card.truncation:g}; at {truncation} they follow only "
                     f"roughly")
    for name, count in moved.clamped.items():
        if count:
            low, high = (known.get(name).unit.format(t) for t in known.get(name).reach)
            notes.append(f"{name}={wanted[name]}: {count} of {len(moved.latents)} lie beyond the known range from "
                         f"{low} to {high} and were set to its end")
    return notes


def _told(moved: Distributed, wanted: dict[str, Distribution], known: FactorSet) -> dict[str, dict[str, object]]:
    """By factor: what was wanted, t of every sample from coordinate 0 on, and how many had to be clamped."""
    return {
        name: {
            "wanted": str(wanted[name]), "unit": known.get(name).unit.symbol, "clamped": moved.clamped[name],
            "t": [known.get(name).unit.to_display(float(t)) for t in aimed],
        }
        for name, aimed in moved.aimed.items()
    }
