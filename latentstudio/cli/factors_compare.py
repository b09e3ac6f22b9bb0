"""``latentstudio factors compare``: the paper's protocol on several models, as its Figure 5."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from latentstudio.cli.factors_protocol import Measured, measured_of, measured_on, write_protocols
from latentstudio.cli.options import count_from_one
from latentstudio.cli.output import Output, table
from latentstudio.cli.picture_options import add_conditions, allow_negative_values, read_conditions
from latentstudio.errors import LearningError, UsageError
from latentstudio.factors import ALPHAS, parse_alphas
from latentstudio.factors.settings import PROTOCOL_SEED
from latentstudio.figures import check_figure
from latentstudio.generators.opening import open_model
from latentstudio.tasks.draw import factors_of

SUMMARY = "the paper's evaluation on several models: does the spread fall with beta?"
TABLE, FIGURE = "compare.csv", "compare.svg"


def add_options(action: argparse.ArgumentParser) -> None:
    """The action's own options."""
    allow_negative_values(action)
    action.add_argument("models", metavar="MODEL", nargs="+")
    action.add_argument("--factor", required=True, metavar="NAME")
    action.add_argument("--count", type=count_from_one, default=1000, metavar="N",
                        help="new samples a model (default 1000)")
    action.add_argument("--alphas", default=None, metavar="A..B/N", help="coordinates (default -5..5/11)")
    add_conditions(action)
    action.add_argument("--out", type=Path, required=True, metavar="DIR", help=f"for {TABLE} and {FIGURE}")


def run(arguments: argparse.Namespace, output: Output) -> None:
    """Measure every model, then say, write and draw."""
    if len(set(arguments.models)) < len(arguments.models):
        raise UsageError("a model is named twice", expected="each model once")
    check_figure(arguments.out / FIGURE)
    began = time.perf_counter()
    parts = [_measure(name, arguments, output) for name in arguments.models]
    parts.sort(key=lambda part: (part.beta is None, part.beta or 0.0))
    write_protocols(arguments.out / FIGURE, parts)
    output.about(arguments.out, factor=arguments.factor, count=arguments.count)
    falls = falls_with_beta([(part.beta, part.protocol.mean_std) for part in parts])
    symbol = parts[0].factor.unit.symbol
    shown = parts[0].factor.unit.to_display
    output.say(table([("model", "beta", "mean std", "grade"), *(
        (part.model, "" if part.beta is None else f"{part.beta:g}", f"{shown(part.protocol.mean_std):.3f} {symbol}",
         part.factor.grade) for part in parts
    )]))
    if falls is not None:
        output.say(f"the standard deviation {'falls' if falls else 'does not fall'} with beta")
    output.result({
        "factor": arguments.factor, "unit": symbol, "count": arguments.count, "falls_with_beta": falls,
        "models": [{"model": part.model, "beta": part.beta, "grade": part.factor.grade,
                    **measured_of(part.factor, part.protocol)} for part in parts],
        "out": arguments.out, "seconds": round(time.perf_counter() - began, 1),
    })


def falls_with_beta(spreads: Iterable[tuple[float | None, float]]) -> bool | None:
    """Whether each larger beta has a smaller spread; None where fewer than two models have a beta."""
    known = sorted((beta, spread) for beta, spread in spreads if beta is not None)
    if len({beta for beta, _ in known}) < 2:
        return None
    return bool((np.diff([spread for _, spread in known]) < 0).all())


def _measure(name: str, arguments: argparse.Namespace, output: Output) -> Measured:
    seed = output.drew(PROTOCOL_SEED if arguments.seed is None else arguments.seed)
    alphas = ALPHAS if arguments.alphas is None else parse_alphas(arguments.alphas)
    model = open_model(name, device=arguments.device, runtime="eager")
    try:
        factor = factors_of(model).get(arguments.factor)
        from latentstudio.tasks.factors import protocol_steps  # brings torch, which the options do without

        steps = protocol_steps(model, factor, alphas=alphas, count=arguments.count, seed=seed,
                               conditions=read_conditions(arguments, model))
        last = output.follow(steps, f"putting {factor.name} of {model.card.name}")
    finally:
        model.close()
    protocol = getattr(last, "protocol", None)
    if protocol is None:
        raise LearningError(f"putting '{factor.name}' gave no result", action="raise --count")
    return measured_on(model.card, factor, protocol)
