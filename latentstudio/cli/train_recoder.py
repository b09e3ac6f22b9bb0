"""``latentstudio train recoder --model NAME --out DIR``: train an encoder for a generator on its own samples."""

from __future__ import annotations

import argparse
import shlex
import time
from dataclasses import replace

from latentstudio.cli.output import Output
from latentstudio.errors import UsageError
from latentstudio.generators.calibration import EAGER
from latentstudio.generators.opening import open_model
from latentstudio.generators.values import below
from latentstudio.inversion.recoding import finish_recoder, recoder_recipe, train_recoder
from latentstudio.places import state_folder
from latentstudio.training.loop import TrainingStep, checkpoint_left


def run_recoder(arguments: argparse.Namespace, output: Output) -> int:
    """Train, and when the last step is done write the recoder's folder."""
    if arguments.model is None:
        raise UsageError("no model was named", expected="latentstudio train recoder --model NAME --out DIR")
    model = open_model(arguments.model, device=arguments.device, runtime=EAGER)
    generator = model.generator
    recipe = recoder_recipe(model.card.name, model.card.backend)
    if arguments.seed is not None:
        recipe = replace(recipe, seed=arguments.seed)
    output.drew(recipe.seed)
    folder = arguments.run or state_folder() / "runs" / f"recoder-{recipe.name}"
    began = time.perf_counter()

    def on_step(step: TrainingStep) -> bool:
        if step.step % recipe.checkpoint_every and step.step != recipe.steps:
            return False
        losses = "  ".join(f"{name} {value:.4f}" for name, value in step.metrics.items())
        output.note(f"{step.message}  {step.seconds:.0f} s  {losses}")
        return arguments.minutes is not None and step.seconds > 60.0 * arguments.minutes

    last = output.follow(
        train_recoder(generator, recipe, folder, resume=arguments.resume), f"recoder of {recipe.name}", on_step=on_step
    )
    checkpoint = checkpoint_left(folder, last, resume=arguments.resume)
    done = checkpoint.step if checkpoint is not None else 0
    answer = {
        "model": recipe.name, "step": done, "steps": recipe.steps, "finished": done >= recipe.steps,
        "seconds": round(time.perf_counter() - began, 1), "run": str(folder), "out": None, "held_out": None,
        "losses": dict(last.metrics) if last is not None else None,
    }
    if done >= recipe.steps:
        words = ["latentstudio", "train", "recoder", "--model", recipe.name]
        words += [] if arguments.seed is None else ["--seed", str(arguments.seed)]
        command = shlex.join([*words, "--out", f"resources/recoders/{arguments.out.resolve().name}"])
        card = finish_recoder(generator, recipe, folder, arguments.out, command=command)
        answer |= {"out": str(arguments.out), "held_out": card.figures["held_out"]}
        output.say(f"recoder of {recipe.name}: {done:,} steps, written to {arguments.out}")
        output.say("on new samples: " + ", ".join(
            f"{name} {value:g}" for name, value in below(card.figures, "held_out").items()
            if isinstance(value, int | float)))
    else:
        output.say(f"the recoder of {recipe.name} stands at step {done:,} of {recipe.steps:,}; go on with --resume")
    output.result(answer)
    return 0
