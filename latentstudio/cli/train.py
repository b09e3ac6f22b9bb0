"""``latentstudio train RECIPE|NAME --out DIR``: train a model from a recipe and write its folder."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from latentstudio.cli.options import Parser, add_common, positive_number, verb_parser, whole_number
from latentstudio.cli.output import Output
from latentstudio.cli.train_recoder import run_recoder
from latentstudio.errors import UsageError
from latentstudio.generators.values import below
from latentstudio.pixels import write_png
from latentstudio.places import state_folder
from latentstudio.tasks.train import check_folders, conclude, train_steps
from latentstudio.training.checkpoint import load_checkpoint
from latentstudio.training.distributed import Processes, joined
from latentstudio.training.loop import LOG_EVERY, LOG_FILE, TrainingStep
from latentstudio.training.recipe import Recipe, find_recipe, read_recipe

SAMPLES_FILE = "samples.png"
INTERRUPTED = 130
EVERY = 2.0  # seconds between two lines of losses at most
_GENTLE = 10


def parser() -> Parser:
    """The verb's options."""
    verb = verb_parser("train", "Train a model from a recipe file, or from a shipped model's own recipe.")
    verb.add_argument("recipe", metavar="RECIPE|NAME|recoder",
                      help="a TOML file, the name of a shipped model, or `recoder`: an encoder for --model")
    verb.add_argument("--model", default=None, metavar="MODEL", help="the generator that a recoder is trained for")
    verb.add_argument("--out", type=Path, required=True, metavar="DIR", help="the model folder to write at the end")
    verb.add_argument("--data", default=None, metavar="DIR|fashion-mnist|sprites|samples:MODEL",
                      help="other pictures than the recipe names")
    verb.add_argument("--run", type=Path, default=None, metavar="DIR",
                      help="where checkpoint and log lie (default: below the state folder, by the model's name)")
    verb.add_argument("--resume", action="store_true", help="go on from the checkpoint of an earlier run")
    verb.add_argument("--minutes", type=positive_number, default=None,
                      help="stop at the first checkpoint after so many minutes; --resume goes on later")
    verb.add_argument("--beside", type=whole_number, default=None, metavar="PROCESS",
                      help="leave the processor to others, and stop with a checkpoint when this process has ended")
    add_common(verb)
    return verb


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Train, and when the last step is done write the model folder."""
    if arguments.recipe == "recoder":
        return run_recoder(arguments, output)
    if arguments.model is not None:
        raise UsageError("--model goes with `latentstudio train recoder` only", action="leave it out")
    path = find_recipe(arguments.recipe)
    recipe = read_recipe(path)
    if arguments.seed is not None:
        recipe = replace(recipe, seed=arguments.seed)
    if arguments.data is not None:
        recipe = replace(recipe, data=arguments.data)
    output.drew(recipe.seed)
    with joined() as processes:
        return _run(arguments, recipe, path, processes, output)


def _run(arguments: argparse.Namespace, recipe: Recipe, path: Path, processes: Processes, output: Output) -> int:
    folder = arguments.run or state_folder() / "runs" / recipe.name
    check_folders(recipe, folder, arguments.out)
    if arguments.beside is not None and hasattr(os, "nice"):
        os.nice(_GENTLE)
    began = time.perf_counter()
    before = load_checkpoint(folder) if arguments.resume else None
    steps = train_steps(recipe, folder, resume=arguments.resume, device=arguments.device, processes=processes)
    reporter = _Reporter(
        recipe, folder, arguments.minutes, output, processes, done=0 if before is None else before.step
    )
    with stops_asked_for() as asked:
        last = output.follow(steps, f"training {recipe.name}", on_step=lambda step: (
            reporter.on_step(step) or bool(asked) or alone(arguments.beside)))
    if not processes.writes:
        return 0
    seconds = round(time.perf_counter() - began, 1)
    left = conclude(recipe, folder, arguments.out, last, resume=arguments.resume, command=_command(arguments),
                    recipe_file=path)
    done, card = left.step or 0, left.card
    answer = {
        "name": recipe.name, "step": done, "steps": recipe.steps, "finished": done >= recipe.steps,
        "seconds": seconds, "run": str(folder), "out": None if card is None else str(arguments.out),
        "held_out": None if card is None else card.figures["held_out"],
        "weights_sha256": None if card is None else card.weights_sha256,
        "losses": dict(last.metrics) if last is not None and last.step else None,
    }
    if card is not None:
        output.say(f"{recipe.name}: {done:,} steps, written to {arguments.out}")
        output.say("on new pictures: " + told_figures(below(card.figures, "held_out")))
    elif left.step is None:
        output.say(f"{recipe.name} was stopped before its first step; nothing was written")
    else:
        output.say(f"{recipe.name} stands at step {done:,} of {recipe.steps:,}; go on with --resume")
    output.result(answer)
    return 128 + asked[0] if asked and done < recipe.steps else 0  # as a shell says it: 130 or 143


@contextmanager
def stops_asked_for() -> Iterator[list[int]]:
    """A list that gets the signals to stop; the first one ends the run after its step, the second at once."""
    asked: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return

    def on_signal(number: int, frame: object) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)

    before = {one: signal.signal(one, on_signal) for one in (signal.SIGINT, signal.SIGTERM)
              if signal.getsignal(one) is not signal.SIG_IGN}
    try:
        yield asked
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def alone(beside: int | None) -> bool:
    """Whether the process that this one was started beside has ended."""
    return beside is not None and os.getppid() != beside


def told_figures(figures: Mapping[str, object]) -> str:
    """Figures in one line; those of one network after its name."""
    words = []
    for name, value in figures.items():
        if isinstance(value, Mapping):
            words.append(f"{name}: {told_figures(value)}")
        else:
            words.append(f"{name} {value:g}" if isinstance(value, int | float) else f"{name} {value}")
    return ", ".join(words)


def _command(arguments: argparse.Namespace) -> str:
    """The command to write into the card: what was asked, without folders of this machine."""
    recipe = arguments.recipe
    words = ["latentstudio", "train", recipe if Path(recipe).suffix != ".toml" else Path(recipe).name]
    if arguments.seed is not None:
        words += ["--seed", str(arguments.seed)]
    if arguments.data is not None:
        data = arguments.data if not Path(arguments.data).is_dir() else Path(arguments.data).name
        words += ["--data", data]
    return shlex.join([*words, "--out", f"models/{arguments.out.resolve().name}"])


@dataclass(frozen=True)
class _Reporter:
    """Notes, samples and a line of losses now and then; stops at the first checkpoint after the time is up."""

    recipe: Recipe
    folder: Path
    minutes: float | None
    output: Output
    processes: Processes
    done: int = 0
    told: list[float] = field(default_factory=list)

    def on_step(self, step: TrainingStep) -> bool:
        """True stops the run."""
        if not self.processes.writes:
            return self._is_over(step)
        for note in step.notes:
            self.output.note(note)
        if step.preview is not None:
            (self.folder / LOG_FILE).touch()  # tells a reader of pictures that this folder is a run's, however it ends
            write_png(self.folder / SAMPLES_FILE, step.preview)
        due = step.step > 0 and step.seconds - (self.told[-1] if self.told else 0.0) > EVERY
        if step.step and (step.step % LOG_EVERY == 0 or due):
            self.told[:] = [step.seconds]
            self.output.line({"step": step.step, "seconds": round(step.seconds, 2), "losses": dict(step.metrics)})
        if self._is_checkpoint(step):
            losses = "  ".join(f"{name} {value:.3g}" for name, value in step.metrics.items())
            here = step.step - self.done  # an earlier process made the others
            left = step.seconds * (self.recipe.steps - step.step) / max(1, here)
            self.output.note(f"{step.message}  {step.seconds:.0f} s, about {left / 60:.0f} min left  {losses}")
        return self._is_over(step)

    def _is_checkpoint(self, step: TrainingStep) -> bool:
        return step.step > 0 and (step.step % self.recipe.checkpoint_every == 0 or step.step == self.recipe.steps)

    def _is_over(self, step: TrainingStep) -> bool:
        if self.minutes is None or not self._is_checkpoint(step):
            return False
        # all processes must stop at the same step, whatever their clocks say
        return self.processes.average_numbers({"seconds": step.seconds})["seconds"] > 60.0 * self.minutes
