"""``latentstudio sample MODEL --count 64 --seed 0 --out grid.png``."""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

from latentstudio import pixels
from latentstudio.api import apply, draw_many, sample
from latentstudio.cli.measuring import measure_after_torch
from latentstudio.cli.options import Parser, add_common, count_from_one, positive_number, verb_parser, whole_number
from latentstudio.cli.output import Output
from latentstudio.errors import UsageError
from latentstudio.generators.opening import open_model


def parser() -> Parser:
    """The verb's options."""
    verb = verb_parser("sample", "Draw from a model's prior; one picture carries its recipe, more make a grid.")
    verb.add_argument("model", metavar="MODEL", help="a model's name or folder")
    verb.add_argument("--count", type=count_from_one, default=16, help="how many (default 16)")
    verb.add_argument("--columns", type=count_from_one, default=None, help="pictures a row (default: a square grid)")
    verb.add_argument("--truncation", type=positive_number, default=1.0, help="scale the latents (default 1)")
    verb.add_argument("--label", type=whole_number, default=None, help="class of a conditional model")
    verb.add_argument("--out", type=Path, required=True, metavar="PNG")
    add_common(verb)
    return verb


def run(arguments: argparse.Namespace, output: Output) -> None:
    """Draw and write one PNG."""
    seed = arguments.seed or 0
    model = open_model(arguments.model, device=arguments.device)
    try:
        _check_size(arguments.count, model.card.image_size)
        began = time.perf_counter()
        if arguments.count == 1:
            latent = sample(model, seed=seed)
            picture = apply(model, latent, seed=seed, label=arguments.label, truncation=arguments.truncation)
            sheet, seconds = picture.pixels, time.perf_counter() - began
            picture.save(arguments.out)
        else:
            latents = sample(model, seed=seed, count=arguments.count)
            drawn = draw_many(model, latents, label=arguments.label, truncation=arguments.truncation)
            seconds = time.perf_counter() - began
            sheet = pixels.grid(drawn, columns=arguments.columns or math.ceil(math.sqrt(arguments.count)))
            pixels.write_png(arguments.out, sheet)
        name = model.card.name
        output.say(f"{arguments.count} samples of {name}, seed {seed}, on {model.runtime_name}: {arguments.out}")
        output.result({
            "model": model.card.name, "count": arguments.count, "seed": seed, "out": str(arguments.out),
            "size": [sheet.shape[1], sheet.shape[0]], "milliseconds": round(1000 * seconds, 1),
            "runtime": model.runtime_name, "device": model.device,
        })
        measure_after_torch(model, output)
    finally:
        model.close()


def _check_size(count: int, image_size: tuple[int, int]) -> None:
    """Refuse a sheet that the program itself could not read again, before anything is drawn."""
    height, width = image_size
    most = max(1, pixels.MAX_PIXELS // ((height + pixels.GAP) * (width + pixels.GAP)))
    if count > most:
        raise UsageError(f"{count:,} pictures of {width} x {height} pixels", expected=f"at most {most:,} on one sheet",
                         action="draw fewer, with several seeds")
