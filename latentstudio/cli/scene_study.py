"""``latentstudio scene-study --out DIR``: the ablations of the scene model, its cost, and how its prior proposes."""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

from latentstudio.cli.options import Parser, add_common, add_settings, positive_number, settings_of, verb_parser
from latentstudio.cli.output import Output
from latentstudio.files import check_writable, write_whole
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.generators.values import below, number
from latentstudio.scenes.making import kind_named
from latentstudio.scenes.plots import write_loads
from latentstudio.scenes.settings import SceneStudySettings
from latentstudio.scenes.study import SceneStudyStep, StudyTable, study_steps
from latentstudio.training.train import keep_large_blocks

COLUMNS = (("AP@.5", "ap50"), ("AP@.3", "ap30"), ("AP@.5-.95", "ap"), ("count error", "count_error"),
           ("count accuracy", "count_accuracy"), ("MSE", "mse"), ("ARI", "ari"), ("angle error", "angle_error_deg"))


def parser() -> Parser:
    """The verb's options."""
    verb = verb_parser("scene-study", "Train the scene model with and without its additions, and compare.")
    verb.add_argument("--out", type=Path, required=True, metavar="DIR", help="runs and tables; goes on there")
    verb.add_argument("--minutes", type=positive_number, default=None, help="stop after so many; the same call goes on")
    add_settings(verb, SceneStudySettings, title="how long")
    add_common(verb)
    return verb


def run(arguments: argparse.Namespace, output: Output) -> None:
    """Train, measure and write the table."""
    settings = settings_of(arguments, SceneStudySettings())
    kind_named(settings.kind)
    output.drew(settings.seed)
    check_writable(arguments.out / "table.md")
    keep_large_blocks()
    began, told = time.monotonic(), ""

    def on_step(step: SceneStudyStep) -> bool:
        nonlocal told
        head = step.message.split(":")[0]
        if head != told:
            told = head
            output.note(f"{time.monotonic() - began:.0f} s  {head}")
        return arguments.minutes is not None and time.monotonic() - began > 60.0 * arguments.minutes

    last = output.follow(study_steps(settings, arguments.out, catalogue=find_catalogue()), "the study", on_step=on_step)
    if last is None or last.table is None:
        output.say("the time is up; the same command goes on from here")
        output.result({"finished": False, "out": str(arguments.out)})
        return
    text = report(last.table)
    write_whole(arguments.out / "table.md", text.encode())
    write_loads(arguments.out / "load.svg", last.table["load"])
    output.about(arguments.out, kind=settings.kind, joint=settings.joint)
    output.say(text.rstrip())
    output.result({"finished": True, "out": str(arguments.out), **dict(last.table)})


def report(table: StudyTable) -> str:
    """The tables in Markdown."""
    lines = ["| | " + " | ".join(name for name, _ in COLUMNS) + " |", "|---" * (len(COLUMNS) + 1) + "|"]
    for row in table["rows"].values():
        values = [number(row, key) for _, key in COLUMNS]
        lines.append(f"| {row['title']} | " + " | ".join("" if math.isnan(v) else f"{v:.3g}" for v in values) + " |")
    cost = table["cost"]
    lines += ["", "| at a capacity of 64 | seconds a step | glimpses a picture |", "|---|---|---|"]
    for key, title in (("whole", "4 x 4 cells of 4"), ("one-box", "8 x 8 cells of 1"), ("ratio", "ratio")):
        lines.append(f"| {title} | {cost[key]['seconds_a_step']:.3g} | {cost[key]['glimpses']:.3g} |")
    lines += ["", "| distance of proposed layouts from the data's | x | y | size | count |", "|---|---|---|---|---|"]
    named = [(str(row["title"]), below(below(row, "layout"), "proposed")) for row in table["rows"].values()]
    normal = below(below(next(iter(table["rows"].values())), "layout"), "normal")
    for title, found in [*named, ("independent normal laws with the data's moments", normal)]:
        words = (f"{number(found, key):.2f}" for key in ("x", "y", "size", "count"))
        lines.append(f"| {title} | " + " | ".join(words) + " |")
    lines += ["", "| scenes | objects | cells | capacity of each | no cell overloaded: Poisson | measured |",
              "|---|---|---|---|---|---|"]
    for load in table["load"]:
        lines.append(f"| {load['kind']} | {load['objects']:.1f} | {load['cells']} | {load['capacity']} | "
                     f"{load['theory']:.3f} | {load['measured']:.3f} |")
    return "\n".join(lines) + "\n"
