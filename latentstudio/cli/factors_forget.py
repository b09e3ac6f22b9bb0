"""``latentstudio factors forget``: put a factor of one's own aside; what ships under its name counts again."""

from __future__ import annotations

import argparse

from latentstudio.cli.output import Output
from latentstudio.factors.storage import forget_factor
from latentstudio.generators.opening import open_model
from latentstudio.tasks.draw import factors_of

SUMMARY = "put a factor of your own aside; what ships under its name counts again"


def add_options(action: argparse.ArgumentParser) -> None:
    """The action's own options."""
    action.add_argument("model", metavar="MODEL")
    action.add_argument("--factor", required=True, metavar="NAME")


def run(arguments: argparse.Namespace, output: Output) -> None:
    """Move the file, and say what counts now."""
    model = open_model(arguments.model, device=arguments.device)
    try:
        aside = forget_factor(model.card.name, arguments.factor)
        left = arguments.factor in factors_of(model).names
    finally:
        model.close()
    output.say(f"{arguments.factor} of {model.card.name} lies in {aside} now; "
               + ("the one that ships counts again" if left else "the model has no such slider any more"))
    output.result({"model": model.card.name, "factor": arguments.factor, "aside": str(aside), "shipped": left})
