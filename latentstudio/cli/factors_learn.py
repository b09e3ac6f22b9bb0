"""``latentstudio factors learn``: learn a factor and write its file."""

from __future__ import annotations

import argparse
import shutil
import time
from pathlib import Path

from latentstudio.cli.factor_words import range_text
from latentstudio.cli.options import add_settings, count_from_one, settings_of
from latentstudio.cli.output import Output
from latentstudio.cli.rescuing import write_somewhere
from latentstudio.cli.transforming import add_transformation, check_on_samples, chosen
from latentstudio.errors import LearningError, UsageError
from latentstudio.factors import Factor
from latentstudio.factors.settings import LearnSettings
from latentstudio.files import check_writable, storage_error
from latentstudio.generators.opening import open_model
from latentstudio.generators.values import texts
from latentstudio.places import records_folder

SUMMARY = "learn a factor and write its file"


def add_options(action: argparse.ArgumentParser) -> None:
    """The action's own options."""
    action.add_argument("model", metavar="MODEL")
    add_transformation(action)
    action.add_argument("--out", type=Path, required=True, metavar="FILE")
    action.add_argument("--seeds", type=count_from_one, default=1, metavar="N",
                        help="learn with N seeds, keep the best and tell how far they agree (default 1)")
    action.add_argument("--records", type=Path, default=None, metavar="DIR",
                        help="where trajectories are kept (default: below the state folder, by model and factor)")
    action.add_argument("--resume", action="store_true", help="go on from the trajectories of an interrupted run")
    add_settings(action, LearnSettings, title="how to learn")


def run(arguments: argparse.Namespace, output: Output) -> None:
    """Learn, write, and say what is known."""
    settings = settings_of(arguments, LearnSettings())
    output.drew(settings.seed)
    check_writable(arguments.out)  # not after minutes of learning
    wanted = chosen(arguments)
    name = wanted.name
    model = open_model(arguments.model, device=arguments.device, runtime="eager")
    folder = arguments.records or records_folder(model.card.name, name)
    if not arguments.resume:
        _start_anew(folder)
    began = time.perf_counter()
    try:
        check_on_samples(model, wanted, settings, output)
        from latentstudio.tasks.factors import learn_steps  # brings torch, which the options do without

        steps = learn_steps(model, wanted, settings=settings, seeds=arguments.seeds, records_folder=folder)
        last = output.follow(steps, f"learning {name}")
    finally:
        model.close()
    seconds = round(time.perf_counter() - began, 1)
    factor: Factor | None = getattr(last, "factor", None)
    if factor is None:
        raise LearningError(f"learning '{name}' ended without a factor", action="try more --starts")
    arguments.out = write_somewhere(arguments.out, factor, output)
    for note in texts(factor.figures, "notes"):
        output.note(note)
    output.say(f"{factor.name} of {model.card.name}: grade {factor.grade}, {range_text(factor)}, {seconds:.0f} s, "
               f"written to {arguments.out}")
    output.result(_learned(factor, settings, seconds, arguments, folder))


def _start_anew(folder: Path) -> None:
    """Without --resume the records of an earlier run go; a folder that is something else stays."""
    if not folder.exists():
        return
    if any(folder.iterdir()) and not (folder / "about.json").exists() and not list(folder.glob("seed-*/about.json")):
        raise UsageError(f"{folder} is not empty and holds no records", expected="a folder of its own for --records")
    try:
        shutil.rmtree(folder)
    except OSError as problem:
        raise storage_error(folder, problem) from problem


def _learned(
    factor: Factor, settings: LearnSettings, seconds: float, arguments: argparse.Namespace, folder: Path
) -> dict[str, object]:
    return {
        "model": arguments.model, "factor": factor.name, "out": str(arguments.out), "seconds": seconds,
        "starts": settings.starts, "records": str(folder), "records_kept": factor.figures.get("records_kept"),
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
