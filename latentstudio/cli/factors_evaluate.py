"""``latentstudio factors evaluate``: asked against measured on new samples, or the paper's own protocol."""

from __future__ import annotations

import argparse
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from latentstudio import pixels
from latentstudio.cli.factors_protocol import columns_of, measured_of, measured_on, write_protocols, write_values
from latentstudio.cli.options import count_from_one
from latentstudio.cli.output import Output, table
from latentstudio.cli.picture_options import add_conditions, allow_negative_values, find_factor, read_conditions
from latentstudio.cli.transforming import add_own, own
from latentstudio.errors import LearningError, UsageError
from latentstudio.factors import ALPHAS, Factor, FactorSet, apply_factors, parse_alphas
from latentstudio.factors.settings import EVALUATION_SEED, PROTOCOL_SEED
from latentstudio.figures import write_csv
from latentstudio.files import check_writable
from latentstudio.generators.conditions import Conditions
from latentstudio.generators.opening import Model, open_model
from latentstudio.tasks.draw import draw_many

if TYPE_CHECKING:
    from latentstudio.factors.evaluating import Evaluation

SUMMARY = "ask new samples for values of a factor and measure what happens"
ROWS = 4
SAMPLES, PICTURES, FIGURE = "samples.csv", "strip.png", "protocol.svg"


def add_options(action: argparse.ArgumentParser) -> None:
    """The action's own options."""
    allow_negative_values(action)
    action.add_argument("model", metavar="MODEL")
    action.add_argument("--factor", required=True, metavar="NAME|FILE")
    add_own(action, "what the factor was learned from, where that is your own")
    action.add_argument("--count", type=count_from_one, default=500, metavar="N", help="new samples (default 500)")
    action.add_argument("--protocol", choices=("slider", "paper"), default="slider",
                        help="slider: move from where each sample stands (default); paper: z - <z, u> u + alpha u")
    action.add_argument("--alphas", default=None, metavar="A..B/N", help="coordinates of the paper's protocol "
                        "(default -5..5/11)")
    add_conditions(action)
    action.add_argument("--out", type=Path, default=None, metavar="DIR",
                        help=f"write {SAMPLES} and {PICTURES}, or {FIGURE} and its table for the paper's protocol")


def run(arguments: argparse.Namespace, output: Output) -> None:
    """Measure by the chosen protocol."""
    if arguments.alphas is not None and arguments.protocol != "paper":
        raise UsageError("--alphas without --protocol paper", action="give both")
    if arguments.out is not None:
        check_writable(arguments.out / SAMPLES)
    model = open_model(arguments.model, device=arguments.device, runtime="eager")
    try:
        factor = find_factor(model, arguments.factor)
        (_paper if arguments.protocol == "paper" else _slider)(model, factor, arguments, output)
    finally:
        model.close()


def _seed(arguments: argparse.Namespace, usual: int, output: Output) -> int:
    return output.drew(usual if arguments.seed is None else arguments.seed)


def _slider(model: Model, factor: Factor, arguments: argparse.Namespace, output: Output) -> None:
    # torch is loaded already: the model draws for gradients
    from latentstudio.measures.leak import leak

    began = time.perf_counter()
    conditions = read_conditions(arguments, model)
    from latentstudio.tasks.factors import evaluation_steps  # brings torch, which the options do without

    steps = evaluation_steps(model, factor, count=arguments.count, seed=_seed(arguments, EVALUATION_SEED, output),
                             conditions=conditions,
                             leak=partial(leak, measure=model.card.measure),
                             transformation=own(arguments))
    last = output.follow(steps, f"asking for {factor.name}")
    evaluation = getattr(last, "evaluation", None)
    if evaluation is None:
        raise LearningError(f"asking for '{factor.name}' gave no result", action="raise --count")
    if arguments.out is not None:
        _write_samples(arguments.out / SAMPLES, factor, evaluation)
        _write_strip(arguments.out / PICTURES, model, factor, evaluation, conditions)
        output.about(arguments.out, factor=factor.name, count=arguments.count)
    write = factor.unit.format
    output.say(table([
        (write(t), write(m), str(n))
        for t, m, n in zip(evaluation.asked, evaluation.median, evaluation.samples, strict=True)
    ]))
    output.say(f"r2 {evaluation.r2:.3f} over all samples, {evaluation.r2_median:.3f} of the medians; "
               f"the medians are within {100 * evaluation.worst_ratio:.0f} % of what was asked")
    output.result(_evaluated(model, factor, evaluation, arguments.out) | {
        "seconds": round(time.perf_counter() - began, 1)
    })


def _evaluated(model: Model, factor: Factor, evaluation: Evaluation, out: Path | None) -> dict[str, object]:
    shown = factor.unit.to_display

    def row(values: tuple[float, ...]) -> list[float]:
        return [shown(t) for t in values]

    return {
        "model": model.card.name, "factor": factor.name, "unit": factor.unit.symbol, "grade": factor.grade,
        "range": row(factor.reach), "t": row(evaluation.asked), "measured_mean": row(evaluation.mean),
        "measured_std": row(evaluation.std), "measured_median": row(evaluation.median),
        "measured_spread": row(evaluation.deviation), "samples": list(evaluation.samples), "r2": evaluation.r2,
        "r2_median": evaluation.r2_median, "worst_ratio": evaluation.worst_ratio, "monotone": evaluation.monotone,
        "leak": evaluation.leak, "out": out,
    }


def _write_samples(path: Path, factor: Factor, evaluation: Evaluation) -> None:
    shown = factor.unit.to_display
    write_csv(path, ("sample", "coordinate", f"asked_{factor.unit.symbol}", f"measured_{factor.unit.symbol}"), (
        (int(number), factor.coordinate(latent), shown(t), shown(float(effect)) if np.isfinite(effect) else None)
        for number, latent, effects in zip(evaluation.drawn, evaluation.latents, evaluation.effects, strict=True)
        for t, effect in zip(evaluation.asked, effects, strict=True)
    ))


def _write_strip(path: Path, model: Model, factor: Factor, evaluation: Evaluation, conditions: Conditions) -> None:
    """The few samples that can be asked for most values, one row each, the unmoved picture among the others."""
    chosen = np.argsort(-np.isfinite(evaluation.effects).sum(axis=1), kind="stable")[:ROWS]
    values = sorted((*evaluation.asked, 0.0))
    alone = FactorSet((factor,))
    moved = np.stack([
        apply_factors(evaluation.latents[row], {factor.name: t}, alone).latent for row in chosen for t in values
    ])
    frames = draw_many(model, moved, conditions=conditions)
    pixels.write_png(path, pixels.grid(frames, columns=len(values)))


def _paper(model: Model, factor: Factor, arguments: argparse.Namespace, output: Output) -> None:
    alphas = ALPHAS if arguments.alphas is None else parse_alphas(arguments.alphas)
    began = time.perf_counter()
    from latentstudio.tasks.factors import protocol_steps  # brings torch, which the options do without

    steps = protocol_steps(model, factor, alphas=alphas, count=arguments.count,
                           seed=_seed(arguments, PROTOCOL_SEED, output),
                           conditions=read_conditions(arguments, model))
    last = output.follow(steps, f"putting {factor.name}")
    protocol = getattr(last, "protocol", None)
    if protocol is None:
        raise LearningError(f"putting '{factor.name}' gave no result", action="raise --count")
    if arguments.out is not None:
        write_values(arguments.out / SAMPLES, factor, protocol)
        write_protocols(arguments.out / FIGURE, [measured_on(model.card, factor, protocol)])
        output.about(arguments.out, factor=factor.name, count=arguments.count)
    shown, columns = measured_of(factor, protocol), columns_of(factor, protocol)
    output.say(table([("alpha", "mean", "std", "samples"), *(
        (f"{alpha:g}", "" if mean is None else f"{mean:.2f}", "" if std is None else f"{std:.2f}", str(n))
        for alpha, mean, std, n in zip(columns.alphas, columns.mean, columns.std, columns.samples, strict=True)
    )]))
    output.say(f"mean standard deviation {shown['mean_std']:.3f} {factor.unit.symbol} over {len(alphas)} coordinates")
    output.result({
        "model": model.card.name, "factor": factor.name, "unit": factor.unit.symbol, "grade": factor.grade, **shown,
        "out": arguments.out, "seconds": round(time.perf_counter() - began, 1),
    })
