"""``latentstudio autoencoding-toy --out DIR``: Figure 3.7 of the thesis, trained and drawn."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from latentstudio.autoencoding.toy import toy_steps
from latentstudio.autoencoding.toy_figure import write_toy
from latentstudio.cli.options import Parser, add_common, verb_parser
from latentstudio.cli.output import Output, table
from latentstudio.figures import check_figure
from latentstudio.files import write_whole

FIGURE = "figure.png"


def parser() -> Parser:
    """The verb's options."""
    verb = verb_parser("autoencoding-toy", "Train VAE and AVAE on points of the plane, and draw what they reconstruct.")
    verb.add_argument("--out", type=Path, required=True, metavar="DIR",
                      help=f"for {FIGURE}, its points as CSV, and figures.json")
    add_common(verb)
    return verb


def run(arguments: argparse.Namespace, output: Output) -> None:
    """Train both models, measure, draw."""
    check_figure(arguments.out / FIGURE)
    last = output.follow(toy_steps(arguments.out, seed=output.drew(arguments.seed or 0)), "the toy experiment")
    assert last is not None
    assert last.result is not None
    found = last.result
    write_toy(arguments.out / FIGURE, found)
    write_whole(arguments.out / "figures.json", json.dumps(found.figures, indent=1).encode() + b"\n")
    output.about(arguments.out)
    output.say("mean distance of reconstructions to the nearest data point, and beyond that of new data")
    output.say(table([
        (name, f"{found.figures[name]:.4f}", f"{found.figures.get(f'{name}_beyond_data', 0.0):.4f}")
        for name in ("data", "vae", "avae", "avae_with_xi")
    ]))
    output.result({**found.figures, "figure": str(arguments.out / FIGURE)})
