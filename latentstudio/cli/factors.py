"""``latentstudio factors list|learn|apply|evaluate``."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

from latentstudio.api import LearnSettings, Picture, draw_clamped, evaluation_steps, factors_of, learn_steps, sample
from latentstudio.cli.measuring import measure_after_torch
from latentstudio.cli.options import Parser, add_common, count_from_one, verb_parser, whole_number
from latentstudio.cli.output import Output, table
from latentstudio.cli.rescuing import write_somewhere
from latentstudio.cli.saved import open_saved, read_saved
from latentstudio.document.session import Session
from latentstudio.errors import LearningError, UsageError
from latentstudio.factors import Factor, FactorSet, parse_settings, read_factor
from latentstudio.files import check_writable
from latentstudio.generators.opening import Model, open_model

TRANSFORMATIONS = ("x", "y", "scale", "brightness")


def parser() -> Parser:
    """The verb's options."""
    verb = verb_parser("factors", "List, learn, apply and evaluate factors of variation.")
    actions = verb.add_subparsers(dest="action", required=True, metavar="list|learn|apply|evaluate")
    listing = actions.add_parser("list", help="the factors known for a model, with unit and range")
    listing.add_argument("model", metavar="MODEL")
    learning = actions.add_parser("learn", help="learn a factor and write its file")
    learning.add_argument("model", metavar="MODEL")
    learning.add_argument("--factor", required=True, metavar="|".join(TRANSFORMATIONS))
    learning.add_argument("--out", type=Path, required=True, metavar="FILE")
    _add_settings(learning)
    applying = actions.add_parser("apply", help="move factors and write the picture")
    applying.add_argument("model", metavar="MODEL", nargs="?", default=None)
    applying.add_argument("--from", dest="source", type=Path, default=None, metavar="PNG|SESSION",
                          help="start from a saved picture or session instead of a seed")
    applying.add_argument("--set", dest="settings", action="append", default=[], metavar="NAME=VALUE",
                          help="x=8px, scale=1.2x, brightness=+10%%; may be repeated")
    applying.add_argument("--label", type=whole_number, default=None, help="class of a conditional model")
    applying.add_argument("--out", type=Path, required=True, metavar="PNG")
    evaluating = actions.add_parser("evaluate", help="ask new samples for values of a factor and measure what happens")
    evaluating.add_argument("model", metavar="MODEL")
    evaluating.add_argument("--factor", required=True, metavar="NAME|FILE")
    evaluating.add_argument("--count", type=count_from_one, default=500, metavar="N", help="new samples (default 500)")
    for action in (listing, learning, applying, evaluating):
        add_common(action)
    return verb


def run(arguments: argparse.Namespace, output: Output) -> None:
    """Do the chosen action."""
    actions: dict[str, Callable[[argparse.Namespace, Output], None]] = {
        "list": _list, "learn": _learn, "apply": _apply, "evaluate": _evaluate,
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
    arguments.out = write_somewhere(arguments.out, factor, output)
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


def _evaluate(arguments: argparse.Namespace, output: Output) -> None:
    model = open_model(arguments.model, device=arguments.device, runtime="eager")
    began = time.perf_counter()
    try:
        named = Path(arguments.factor)
        factor = read_factor(named, card=model.card) if named.suffix else factors_of(model).get(arguments.factor)
        steps = evaluation_steps(model, factor, count=arguments.count, seed=arguments.seed)
        last = output.follow(steps, f"asking for {factor.name}")
    finally:
        model.close()
    evaluation = getattr(last, "evaluation", None)
    if evaluation is None:
        raise LearningError(f"asking for '{factor.name}' gave no result", action="raise --count")
    shown = factor.unit.to_display
    output.say(table([
        (factor.unit.format(t), factor.unit.format(m), str(n))
        for t, m, n in zip(evaluation.asked, evaluation.median, evaluation.samples, strict=True)
    ]))
    output.say(f"r2 {evaluation.r2:.3f} over all samples, {evaluation.r2_median:.3f} of the medians; "
               f"the medians are within {100 * evaluation.worst_ratio:.0f} % of what was asked")
    output.result({
        "model": model.card.name, "factor": factor.name, "unit": factor.unit.symbol, "grade": factor.grade,
        "range": [shown(t) for t in factor.reach], "t": [shown(t) for t in evaluation.asked],
        "measured_median": [shown(t) for t in evaluation.median],
        "measured_std": [shown(t) for t in evaluation.deviation], "samples": list(evaluation.samples),
        "r2": evaluation.r2, "r2_median": evaluation.r2_median, "worst_ratio": evaluation.worst_ratio,
        "monotone": evaluation.monotone, "seconds": round(time.perf_counter() - began, 1),
    })


def _apply(arguments: argparse.Namespace, output: Output) -> None:
    model, session = _start(arguments)
    try:
        known = factors_of(model)
        asked = parse_settings(arguments.settings, known)
        positions = {**session.position_map(), **asked}
        picture = draw_clamped(model, session.with_positions(positions), known)
        picture.save(arguments.out)
        for note in picture.notes:
            output.note(note)
        moved = ", ".join(f"{name} {known.get(name).unit.format(t)}" for name, t in picture.reached.items())
        output.say(f"{session.model}, seed {session.seed}{': ' + moved if moved else ''}: {arguments.out}")
        output.result(_applied(picture, known, positions, arguments.out))
        measure_after_torch(model, output)
    finally:
        model.close()


def _start(arguments: argparse.Namespace) -> tuple[Model, Session]:
    """The model and the session to start from: a saved one, or a sample of the seed."""
    if arguments.source is not None:
        saved = read_saved(arguments.source)
        if arguments.model is not None and arguments.model != saved.session.model:
            raise UsageError(f"{arguments.source} was made by '{saved.session.model}', not by '{arguments.model}'",
                             action="leave the model out")
        if arguments.seed is not None:
            raise UsageError("--seed and --from exclude each other", action="give one of them")
        if arguments.label is not None:
            raise UsageError("--label and --from exclude each other", action="give one of them")
        return open_saved(saved, device=arguments.device), saved.session
    if arguments.model is None:
        raise UsageError("no model was named", expected="MODEL, or --from PNG|SESSION")
    seed = arguments.seed or 0
    model = open_model(arguments.model, device=arguments.device)
    return model, Session.start(model.card, sample(model, seed=seed), seed, label=arguments.label)


def _applied(picture: Picture, known: FactorSet, asked: dict[str, float], out: Path) -> dict[str, Any]:
    settings = {}
    for name, t in asked.items():
        unit, reached = known.get(name).unit, picture.reached.get(name, 0.0)
        settings[name] = {
            "asked": unit.to_display(t), "reached": unit.to_display(reached), "unit": unit.symbol,
            "clamped": name in picture.clamped,
        }
    height, width, _ = picture.pixels.shape
    return {
        "model": picture.session.model, "seed": picture.session.seed, "out": str(out), "size": [width, height],
        "set": settings, "clamped": list(picture.clamped), "notes": list(picture.notes),
        "runtime": picture.runtime_name, "device": picture.device,
    }
