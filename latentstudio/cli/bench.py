"""``latentstudio bench render MODEL``, ``bench map MODEL``, ``startup``, ``train RECIPE`` and ``cancel``."""

from __future__ import annotations

import argparse
from dataclasses import fields

import msgspec

from latentstudio.cli.options import Parser, add_common, positive_number, verb_parser
from latentstudio.cli.output import Output, table
from latentstudio.cli.qt import import_studio
from latentstudio.cli.screen import go_offscreen, has_display
from latentstudio.generators.catalogue import find_catalogue


def parser() -> Parser:
    """The verb's options."""
    verb = verb_parser("bench", "Measure in the real window: rendering under slider moves, the map, startup, training.")
    actions = verb.add_subparsers(dest="action", required=True, metavar="render|map|startup|train|cancel")
    render = actions.add_parser("render", help="milliseconds per picture, bare and through the window")
    render.add_argument("model", metavar="MODEL")
    mapping = actions.add_parser("map", help="frames a second while 20,000 points of the map are dragged about")
    mapping.add_argument("model", metavar="MODEL")
    startup = actions.add_parser("startup", help="milliseconds to the first window and the first picture")
    training = actions.add_parser("train", help="steps a second in the training loop against a plain loop")
    training.add_argument("recipe", metavar="RECIPE|NAME", help="whose networks and batch are trained, as a GAN")
    cancel = actions.add_parser("cancel", help="milliseconds until a cancelled job of any kind answers")
    cancel.add_argument("--kind", default=None, help="watch one kind of job, in this very process")
    cancel.add_argument("--seconds", type=positive_number, default=6.0, help="how long a job is watched (default 6)")
    cancel.add_argument("--again", action="store_true", help="with --kind: once more, everything loaded")
    for action in (render, mapping, startup, training, cancel):
        add_common(action)
    return verb


def run(arguments: argparse.Namespace, output: Output) -> None:
    """Measure and print every figure with its name."""
    if arguments.action == "train":
        _bench_training(arguments, output)
        return
    if arguments.action == "cancel":
        _bench_cancel(arguments, output)
        return
    if arguments.action != "startup":
        find_catalogue().model(arguments.model)
    if not has_display():
        output.note("no display: measuring offscreen")
        go_offscreen()
    if arguments.action == "render":
        report = import_studio("stories.benchmarks").bench_render(arguments.model)
    elif arguments.action == "map":
        report = import_studio("stories.map_benchmark").bench_map(arguments.model)
    else:
        report = import_studio("stories.benchmarks").bench_startup()
    figures: dict[str, object] = msgspec.to_builtins(report)
    output.say(table([(name, _written(value)) for name, value in figures.items()]))
    output.result(figures)


def _bench_training(arguments: argparse.Namespace, output: Output) -> None:
    from latentstudio.autoencoding.benchmark import training_speed  # torch, which the window's figures must not see
    from latentstudio.training.recipe import find_recipe, read_recipe
    from latentstudio.training.train import keep_large_blocks

    keep_large_blocks()
    steps = training_speed(read_recipe(find_recipe(arguments.recipe)), catalogue=find_catalogue())
    last = output.follow(steps, "measuring the training loop")
    assert last is not None
    figures: dict[str, object] = msgspec.to_builtins(last.speed)
    output.say(table([(name, _written(value)) for name, value in figures.items()]))
    output.result(figures)


def _bench_cancel(arguments: argparse.Namespace, output: Output) -> None:
    from latentstudio.tasks.cancel_benchmark import CancelFigures, measure_cancel, watch

    if arguments.kind is not None:
        told = watch(arguments.kind, arguments.seconds, again=arguments.again)
        output.say(table([(name, _written(value)) for name, value in told.items()]))
        output.result(told)
        return
    last = output.follow(measure_cancel(), "cancelling every kind of job")
    assert last is not None
    names = [field.name for field in fields(CancelFigures)]
    rows = [[_written(getattr(one, name)) for name in names] for one in last.figures]
    output.say(table([[name.removesuffix("_ms").replace("_", " ") for name in names], *rows]))
    output.say(f"worst: {last.worst:.0f} ms; of the processor's own time {last.most_work:.0f} ms")
    output.result({"jobs": msgspec.to_builtins(last.figures), "worst_ms": last.worst, "most_work_ms": last.most_work})


def _written(value: object) -> str:
    return f"{value:.2f}" if isinstance(value, float) else str(value)
