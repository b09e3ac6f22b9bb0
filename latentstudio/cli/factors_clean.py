"""``latentstudio factors clean``: take out of an axis what it shares with others, and measure it anew."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from latentstudio.cli.options import count_from_one
from latentstudio.cli.output import Output, table
from latentstudio.cli.picture_options import add_conditions, find_factor, read_conditions
from latentstudio.errors import LearningError
from latentstudio.factors import Factor, write_factor
from latentstudio.files import check_writable
from latentstudio.generators.opening import open_model
from latentstudio.tasks.draw import factors_of

SUMMARY = "take out of a factor's axis what it shares with others, measure it anew and write its file"


def add_options(action: argparse.ArgumentParser) -> None:
    """The action's own options."""
    action.add_argument("model", metavar="MODEL")
    action.add_argument("--factor", required=True, metavar="NAME|FILE")
    action.add_argument("--against", required=True, metavar="NAME,NAME", help="the factors that shall stay")
    action.add_argument("--count", type=count_from_one, default=192, metavar="N",
                        help="new samples to measure on (default 192)")
    add_conditions(action)
    action.add_argument("--out", type=Path, required=True, metavar="FILE")


def run(arguments: argparse.Namespace, output: Output) -> None:
    """Clean, measure, write, and say what the axes share before and after."""
    check_writable(arguments.out)
    began = time.perf_counter()
    model = open_model(arguments.model, device=arguments.device, runtime="eager")
    try:
        old = find_factor(model, arguments.factor)
        known = factors_of(model)
        against = [known.get(name.strip()) for name in arguments.against.split(",")]
        from latentstudio.tasks.factors import clean_steps  # brings torch, which the options do without

        steps = clean_steps(model, old, against, count=arguments.count, seed=output.drew(arguments.seed or 0),
                            conditions=read_conditions(arguments, model))
        last = output.follow(steps, f"measuring {old.name}")
    finally:
        model.close()
    cleaned: Factor | None = getattr(last, "factor", None)
    if last is None or cleaned is None:
        raise LearningError(f"cleaning '{old.name}' ended without a factor", action="raise --count")
    write_factor(arguments.out, cleaned)
    output.say(table([("", "before", "after"), *(
        (f"cosine with {name}", f"{last.before[name]:+.3f}", f"{last.after[name]:+.3f}") for name in last.before
    )]))
    output.say(cleaned.describe())
    output.say(f"written to {arguments.out}")
    output.result({
        "model": model.card.name, "factor": cleaned.name, "against": list(last.before), "out": str(arguments.out),
        "cosines": {"before": last.before, "after": last.after},
        "before": _facts(old), "after": _facts(cleaned), "seconds": round(time.perf_counter() - began, 1),
    })


def _facts(factor: Factor) -> dict[str, object]:
    shown = factor.unit.to_display
    return {
        "grade": factor.grade, "unit": factor.unit.symbol, "range": [shown(t) for t in factor.reach],
        "spread": shown(factor.measured.spread),
    }
