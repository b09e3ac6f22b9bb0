"""``latentstudio factors find``: learn every built-in factor of a model, each with its grade or the reason why not."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from latentstudio.cli.factor_words import factor_row
from latentstudio.cli.options import add_settings, settings_of
from latentstudio.cli.output import Output, table
from latentstudio.errors import LearningError
from latentstudio.factors import keep_factor, write_factor
from latentstudio.factors.settings import LearnSettings
from latentstudio.files import check_writable
from latentstudio.generators.opening import open_model

SUMMARY = "learn every built-in factor of a model, graded"


def add_options(action: argparse.ArgumentParser) -> None:
    """The action's own options."""
    action.add_argument("model", metavar="MODEL")
    action.add_argument("--factors", default=None, metavar="NAME,NAME", help="only these (default: all built-in ones)")
    action.add_argument("--out", type=Path, default=None, metavar="DIR",
                        help="write the files of usable factors here (default: keep them for this user)")
    add_settings(action, LearnSettings, title="how to learn")


def run(arguments: argparse.Namespace, output: Output) -> None:
    """Find, keep what is usable, and tell of all."""
    settings = settings_of(arguments, LearnSettings())
    output.drew(settings.seed)
    names = None if arguments.factors is None else [name.strip() for name in arguments.factors.split(",")]
    if arguments.out is not None:
        check_writable(arguments.out / "x.safetensors")
    model = open_model(arguments.model, device=arguments.device, runtime="eager")
    began = time.perf_counter()
    try:
        from latentstudio.tasks.factors import find_steps  # brings torch, which the options do without

        last = output.follow(find_steps(model, names, settings=settings), f"finding factors of {model.card.name}")
    finally:
        model.close()
    if last is None:
        raise LearningError("nothing was tried", expected="at least one transformation")
    rows = []
    for finding in last.findings:
        kept = None
        if finding.usable and finding.factor is not None:
            path = keep_factor(finding.factor) if arguments.out is None else (
                arguments.out / f"{finding.name}.safetensors")
            if arguments.out is not None:
                write_factor(path, finding.factor)
            kept = str(path)
        told = {} if finding.factor is None else factor_row(finding.factor)
        rows.append({**told, "name": finding.name, "grade": finding.grade, "reason": finding.reason, "out": kept})
    seconds = round(time.perf_counter() - began, 1)
    output.say(table([(finding.name, finding.grade, finding.reason) for finding in last.findings]))
    output.say(f"{sum(row['out'] is not None for row in rows)} of {len(rows)} usable, {seconds:.0f} s")
    output.result({"model": model.card.name, "seconds": seconds, "findings": rows})
