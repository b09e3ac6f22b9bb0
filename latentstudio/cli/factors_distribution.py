"""``latentstudio factors distribution``: how a factor is distributed over the model's own samples."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from latentstudio.cli.output import Output, table
from latentstudio.cli.picture_options import find_factor
from latentstudio.errors import UsageError
from latentstudio.factors.distribution import prior_cumulative, prior_density, prior_ends, prior_quantile
from latentstudio.figures import write_csv
from latentstudio.files import check_writable
from latentstudio.generators.opening import open_model

SUMMARY = "how a factor is distributed over the model's own samples, by its measured curve"
POINTS = 201
SHARES = (0.05, 0.25, 0.5, 0.75, 0.95)


def add_options(action: argparse.ArgumentParser) -> None:
    """The action's own options."""
    action.add_argument("model", metavar="MODEL")
    action.add_argument("--factor", required=True, metavar="NAME|FILE")
    action.add_argument("--out", type=Path, default=None, metavar="CSV", help="write t, density and cumulative share")


def run(arguments: argparse.Namespace, output: Output) -> None:
    """Say quantiles; density and cumulative share go to the CSV and the JSON.

    The density is that of t's own parameter (equation 6): for magnifications of their binary logarithm.
    """
    if arguments.out is not None:
        check_writable(arguments.out)
    model = open_model(arguments.model, device=arguments.device)
    try:
        factor = find_factor(model, arguments.factor)
        space = model.card.spaces[0]
    finally:
        model.close()
    if space.prior != "normal":
        raise UsageError(f"the prior of {model.card.name} is {space.prior}", expected="a normal one (equation 6)")
    t = np.linspace(*factor.reach, POINTS)
    density, cumulative = prior_density(factor.curve, t), prior_cumulative(factor.curve, t)
    quantiles = prior_quantile(factor.curve, np.array(SHARES))
    below, above = prior_ends(factor.curve)
    shown = [factor.unit.to_display(float(value)) for value in t]
    if arguments.out is not None:
        write_csv(arguments.out, (f"t_{factor.unit.symbol}", "density", "cumulative"),
                  zip(shown, density, cumulative, strict=True))
    write = factor.unit.format
    output.say(table([
        (f"{100 * share:.0f} % of the samples up to", write(float(value)))
        for share, value in zip(SHARES, quantiles, strict=True)
    ]))
    output.say(f"{100 * below:.1f} % lie below the known range, {100 * above:.1f} % above")
    output.result({
        "model": model.card.name, "factor": factor.name, "unit": factor.unit.symbol, "t": shown, "density": density,
        "cumulative": cumulative, "out": arguments.out, "outside": {"below": below, "above": above},
        "quantiles": {f"{share:g}": factor.unit.to_display(float(value))
                      for share, value in zip(SHARES, quantiles, strict=True)},
    })
