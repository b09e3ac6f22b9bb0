"""``latentstudio factors traverse``: one row a sample, one column a coordinate, as the paper's figures are made."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentstudio import pixels
from latentstudio.cli.options import count_from_one
from latentstudio.cli.output import Output
from latentstudio.cli.picture_options import (
    add_conditions,
    add_size,
    allow_negative_values,
    check_sheet,
    find_factor,
    read_conditions,
    saved_size,
)
from latentstudio.factors import ALPHAS, Factor, parse_alphas
from latentstudio.files import check_writable
from latentstudio.generators.opening import open_model
from latentstudio.tasks.sample import sample, traverse

SUMMARY = "put samples at coordinates of a factor's axis and draw them in rows"
COLUMNS = 11


def add_options(action: argparse.ArgumentParser) -> None:
    """The action's own options."""
    allow_negative_values(action)
    action.add_argument("model", metavar="MODEL")
    action.add_argument("--factor", required=True, metavar="NAME|FILE")
    action.add_argument("--seeds", type=count_from_one, default=8, metavar="N",
                        help="samples, of the seeds from --seed on (default 8)")
    places = action.add_mutually_exclusive_group()
    places.add_argument("--alphas", default=None, metavar="A..B/N|A,B,C", help="coordinates (default -5..5/11)")
    places.add_argument("--range", choices=("known",), default=None, help="eleven coordinates over the known range")
    add_conditions(action)
    add_size(action)
    action.add_argument("--out", type=Path, required=True, metavar="PNG")


def run(arguments: argparse.Namespace, output: Output) -> None:
    """Draw and write one PNG."""
    alphas = ALPHAS if arguments.alphas is None else parse_alphas(arguments.alphas)
    check_writable(arguments.out)
    model = open_model(arguments.model, device=arguments.device)
    try:
        factor = find_factor(model, arguments.factor)
        conditions = read_conditions(arguments, model)
        if arguments.range == "known":
            alphas = np.linspace(*factor.known, COLUMNS)
        check_sheet(arguments.seeds * len(alphas), model.card.image_size, saved_size(arguments))
        first = output.drew(arguments.seed or 0)
        seeds = [first + number for number in range(arguments.seeds)]
        latents = np.stack([sample(model, seed=seed) for seed in seeds])
        rows = traverse(model, latents, factor, alphas, conditions=conditions)
        runtime, device = model.runtime_name, model.device
    finally:
        model.close()
    sheet = pixels.grid(pixels.enlarge(rows.reshape(-1, *rows.shape[2:]), saved_size(arguments)), columns=len(alphas))
    pixels.write_png(arguments.out, sheet)
    low, high = factor.known
    output.say(f"{factor.name} of {model.card.name} at {len(alphas)} coordinates from {alphas[0]:g} to {alphas[-1]:g} "
               f"(known from {low:g} to {high:g}), {len(seeds)} samples: {arguments.out}")
    output.result({
        "model": model.card.name, "factor": factor.name, "unit": factor.unit.symbol, "alphas": alphas,
        "t": shown_at(factor, alphas), "known": [low, high], "seeds": seeds, "conditions": dict(conditions),
        "out": str(arguments.out), "size": [sheet.shape[1], sheet.shape[0]], "runtime": runtime, "device": device,
    })


def shown_at(factor: Factor, alphas: NDArray[np.float64]) -> list[float | None]:
    """t by the measured curve at each coordinate, in the factor's unit; None beyond the known range."""
    low, high = factor.known
    return [
        factor.unit.to_display(float(factor.curve(alpha))) if low - 1e-9 <= alpha <= high + 1e-9 else None
        for alpha in alphas
    ]
