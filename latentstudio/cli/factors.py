"""``latentstudio factors``: finds the action; listing stands here, the others in modules of their own."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from latentstudio.cli import (
    factors_apply,
    factors_bench,
    factors_clean,
    factors_compare,
    factors_distribution,
    factors_evaluate,
    factors_find,
    factors_forget,
    factors_learn,
    factors_traverse,
)
from latentstudio.cli.factor_words import factor_row, range_text
from latentstudio.cli.options import Parser, add_common, verb_parser
from latentstudio.cli.output import Output, table
from latentstudio.generators.opening import open_model
from latentstudio.tasks.draw import factors_of

OTHERS = {
    "learn": factors_learn, "find": factors_find, "bench": factors_bench, "apply": factors_apply,
    "traverse": factors_traverse, "distribution": factors_distribution,
    "evaluate": factors_evaluate, "compare": factors_compare, "clean": factors_clean,
    "forget": factors_forget,
}


def parser() -> Parser:
    """The verb's options."""
    verb = verb_parser("factors", "List, learn, find, apply, evaluate and compare factors of variation.")
    actions = verb.add_subparsers(dest="action", required=True, metavar="|".join(("list", *OTHERS)))
    listing = actions.add_parser("list", help="the factors known for a model, with unit and range")
    listing.add_argument("model", metavar="MODEL")
    others = []
    for name, module in OTHERS.items():
        others.append(actions.add_parser(name, help=module.SUMMARY))
        module.add_options(others[-1])
    for action in (listing, *others):
        add_common(action)
    return verb


def run(arguments: argparse.Namespace, output: Output) -> None:
    """Do the chosen action."""
    actions: dict[str, Callable[[argparse.Namespace, Output], None]] = {
        "list": _list, **{name: module.run for name, module in OTHERS.items()},
    }
    actions[arguments.action](arguments, output)


def _list(arguments: argparse.Namespace, output: Output) -> None:
    model = open_model(arguments.model, device=arguments.device)
    try:
        known = factors_of(model)
    finally:
        model.close()
    for problem in known.errors:
        output.note(problem)
    rows = [factor_row(factor) for factor in known]
    output.result({"model": model.card.name, "factors": rows})
    if not rows:
        output.say(f"{model.card.name} has no factors yet; learn one with `latentstudio factors learn`")
    output.say(table([
        (factor.shown, factor.grade, range_text(factor), factor.title) for factor in known
    ]))


