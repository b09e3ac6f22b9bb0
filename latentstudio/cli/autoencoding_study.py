"""``latentstudio autoencoding-study --data NAME --out DIR``: Table 3.1 and Figures 3.8, 3.9 at a small size."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from latentstudio.autoencoding.settings import StudySettings
from latentstudio.autoencoding.study import ROWS, StudyStep, study_steps, summary
from latentstudio.cli.options import Parser, add_common, add_settings, positive_number, settings_of, verb_parser
from latentstudio.cli.output import Output
from latentstudio.files import check_writable
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.training.train import keep_large_blocks

_KEYS = ("mse", "mse_drawn", "dssim", "feature_distance", "frechet", "fid", "sharpness", "nearest", "effective",
         "covered")


def parser() -> Parser:
    """The verb's options."""
    verb = verb_parser("autoencoding-study", "Train every method on the same pictures with the same number of steps.")
    verb.add_argument("--out", type=Path, required=True, metavar="DIR", help="runs, table and figures; goes on there")
    verb.add_argument("--minutes", type=positive_number, default=None, help="stop after so many; the same call goes on")
    add_settings(verb, StudySettings, title="how large")
    add_common(verb)
    return verb


def run(arguments: argparse.Namespace, output: Output) -> None:
    """Train, measure, and tell mean and standard deviation over seeds."""
    check_writable(arguments.out / "table.md")
    keep_large_blocks()
    settings = settings_of(arguments, StudySettings())
    output.drew(settings.seed)
    began, told = time.monotonic(), ""

    def on_step(step: StudyStep) -> bool:
        nonlocal told
        head = step.message.split(":")[0]
        if head != told:
            told = head
            output.note(f"{time.monotonic() - began:.0f} s  {head}")
        return arguments.minutes is not None and time.monotonic() - began > 60.0 * arguments.minutes

    last = output.follow(
        study_steps(settings, arguments.out, catalogue=find_catalogue()), "the study", on_step=on_step
    )
    if last is None or last.table is None:
        output.say("the time is up; the same command goes on from here")
        output.result({"finished": False, "out": str(arguments.out)})
        return
    output.about(arguments.out, data=settings.data, steps=settings.steps, seeds=settings.seeds)
    output.say((arguments.out / "table.md").read_text(encoding="utf-8").rstrip())
    output.result({
        "finished": True, "out": str(arguments.out), "seeds": settings.seeds, "steps": settings.steps,
        "rows": {
            row.key: {
                key: {"mean": found[0], "std": found[1]}
                for key in _KEYS if (found := summary(list(last.table[row.key]), key)) is not None
            }
            for row in ROWS
        },
    })
