"""``latentstudio factors``: finds the action; listing and learning stand here, the others in modules of their own."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

from latentstudio.api import LearnSettings, factors_of, learn_steps
from latentstudio.cli import (
    factors_apply,
    factors_clean,
    factors_compare,
    factors_distribution,
    factors_evaluate,
    factors_traverse,
)
from latentstudio.cli.options import Parser, add_common, verb_parser
from latentstudio.cli.output import Output, table
from latentstudio.errors import LearningError
from latentstudio.factors import Factor, write_factor
from latentstudio.files import check_writable
from latentstudio.generators.opening import open_model

TRANSFORMATIONS = ("x", "y", "scale", "brightness")


OTHERS = {
    "apply": factors_apply, "traverse": factors_traverse, "distribution": factors_distribution,
    "evaluate": factors_evaluate, "compare": factors_compare, "clean": factors_clean,
}


def parser() -> Parser:
    """The verb's options."""
    verb = verb_parser("factors", "List, learn, apply, traverse, evaluate, compare and clean factors of variation.")
    actions = verb.add_subparsers(dest="action", required=True, metavar="|".join(("list", "learn", *OTHERS)))
    listing = actions.add_parser("list", help="the factors known for a model, with unit and range")
    listing.add_argument("model", metavar="MODEL")
    learning = actions.add_parser("learn", help="learn a factor and write its file")
    learning.add_argument("model", metavar="MODEL")
    learning.add_argument("--factor", required=True, metavar="|".join(TRANSFORMATIONS))
    learning.add_argument("--out", type=Path, required=True, metavar="FILE")
    _add_settings(learning)
    others = []
    for name, module in OTHERS.items():
        others.append(actions.add_parser(name, help=module.SUMMARY))
        module.add_options(others[-1])
    for action in (listing, learning, *others):
        add_common(action)
    return verb


def run(arguments: argparse.Namespace, output: Output) -> None:
    """Do the chosen action."""
    actions: dict[str, Callable[[argparse.Namespace, Output], None]] = {
        "list": _list, "learn": _learn, **{name: module.run for name, module in OTHERS.items()},
    }
    actions[arguments.action](arguments, output)


def _add_settings(learning: argparse.ArgumentParser) -> None:
    """One option for each of ``LearnSettings``'s fields; the seed is the common one."""
    group = learning.add_argument_group("how to learn (defaults are the program's own)")
    for field in fields(LearnSettings):
        option = "--" + field.name.replace("_", "-")
        if field.name == "seed":
            continue
        if isinstance(field.default, bool):
            group.add_argument(option, dest=field.name, action=argparse.BooleanOptionalAction, default=None)
        else:
            group.add_argument(option, dest=field.name, type=type(field.default), default=None,
                               metavar="N", help=f"default {field.default}")


def _list(arguments: argparse.Namespace, output: Output) -> None:
    model = open_model(arguments.model, device=arguments.device)
    try:
        known = factors_of(model)
    finally:
        model.close()
    for problem in known.errors:
        output.note(problem)
    rows = [_factor_row(factor) for factor in known]
    output.result(rows)
    if not rows:
        output.say(f"{model.card.name} has no factors yet; learn one with `latentstudio factors learn`")
    output.say(table([
        (factor.name, factor.grade, _range_text(factor), factor.title) for factor in known
    ]))


def _factor_row(factor: Factor) -> dict[str, Any]:
    low, high = factor.reach
    shown = factor.unit.to_display
    return {
        "name": factor.name, "title": factor.title, "unit": factor.unit.symbol, "grade": factor.grade,
        "range": [shown(low), shown(high)], "figures": dict(factor.figures),
    }


def _range_text(factor: Factor) -> str:
    low, high = factor.reach
    return f"{factor.unit.format(low)} to {factor.unit.format(high)}"


def _learn(arguments: argparse.Namespace, output: Output) -> None:
    chosen = {
        field.name: getattr(arguments, field.name)
        for field in fields(LearnSettings) if getattr(arguments, field.name) is not None
    }
    settings = LearnSettings(**chosen)
    check_writable(arguments.out)  # not after minutes of learning
    model = open_model(arguments.model, device=arguments.device, runtime="eager")
    began = time.perf_counter()
    try:
        steps = learn_steps(model, arguments.factor, settings=settings)
        last = output.follow(steps, f"learning {arguments.factor}")
    finally:
        model.close()
    seconds = round(time.perf_counter() - began, 1)
    factor: Factor | None = getattr(last, "factor", None)
    if factor is None:
        raise LearningError(f"learning '{arguments.factor}' ended without a factor", action="try more --starts")
    write_factor(arguments.out, factor)
    output.say(f"{factor.name} of {model.card.name}: grade {factor.grade}, {_range_text(factor)}, {seconds:.0f} s, "
               f"written to {arguments.out}")
    output.result(_learned(factor, settings, seconds, arguments))


def _learned(factor: Factor, settings: LearnSettings, seconds: float, arguments: argparse.Namespace) -> dict[str, Any]:
    return {
        "model": arguments.model, "factor": factor.name, "out": str(arguments.out), "seconds": seconds,
        "starts": settings.starts, "records_kept": factor.figures.get("records_kept"),
        "r2_heldout_starts": factor.figures.get("r2_heldout_starts"), "unit": factor.unit.symbol,
        "range": [factor.unit.to_display(t) for t in factor.reach], "measured": _measured(factor),
        "grade": factor.grade, "figures": dict(factor.figures),
    }


def _measured(factor: Factor) -> dict[str, list[float]]:
    """Inside the known range: what the slider says (t), and median and spread of what it did to new samples.

    All in the factor's unit; for magnifications the spread is a factor as well.
    """
    measured, shown = factor.measured, factor.unit.to_display
    low, high = measured.known
    inside = (measured.coordinates >= low - 1e-9) & (measured.coordinates <= high + 1e-9)
    rows = {
        "t": factor.curve(measured.coordinates[inside]), "median": measured.median[inside],
        "std": measured.deviation[inside], "paper_t": factor.paper(measured.coordinates[inside]),
    }
    return {name: [shown(float(value)) for value in values] for name, values in rows.items()}
