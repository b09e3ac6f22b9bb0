"""Training the methods of this room from a recipe: reads the pictures, builds the networks, runs the one loop."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from latentstudio.autoencoding.building import FindsBackends, build_network
from latentstudio.autoencoding.course import SHOWN
from latentstudio.autoencoding.methods import make_course
from latentstudio.errors import TrainingError
from latentstudio.training.checkpoint import load_checkpoint
from latentstudio.training.loop import Surroundings, TrainingStep, run_course
from latentstudio.training.pictures import PictureSet
from latentstudio.training.recipe import Recipe
from latentstudio.training.sources import Wanted, read_data
from latentstudio.training.together import ALONE, Together

PREVIEW_EVERY = 500


def wanted_pictures(recipe: Recipe) -> Wanted:
    """The pictures that the recipe's networks take.

    Raises:
        TrainingError: the config gives no usable side or channels.
    """
    side, channels = recipe.config.get("side", 64), recipe.config.get("channels", 3)
    if not isinstance(side, int) or not isinstance(channels, int):
        raise TrainingError(f"the config gives side {side!r} and channels {channels!r}", expected="whole numbers")
    return Wanted(side, channels, recipe.mirrored)


def read_pictures(recipe: Recipe) -> Iterator[TrainingStep | PictureSet]:
    """Steps while the recipe's pictures are read, and last the pictures."""
    for step in read_data(recipe.data, wanted_pictures(recipe)):
        yield TrainingStep(0.0, step.message)
        if step.pictures is not None:
            yield step.pictures


def train_pictures(
    recipe: Recipe, folder: Path, *, catalogue: FindsBackends, resume: bool = False, device: str = "cpu",
    together: Together = ALONE, pictures: PictureSet | None = None, model: nn.Module | None = None,
) -> Iterator[TrainingStep]:
    """Train what the recipe says; ``folder`` is there. ``pictures`` and ``model`` stand in for what it would make.

    Raises:
        TrainingError: see ``run_course``; also pictures that cannot be used, and networks that the method lacks.
    """
    network = (build_network(recipe, catalogue=catalogue) if model is None else model).to(device)
    if pictures is None:
        for found in read_pictures(recipe):
            if isinstance(found, PictureSet):
                pictures = found
            else:
                yield found
    assert pictures is not None
    notes = pictures.notes + (_changed(folder, pictures) if resume else ())
    if notes:
        yield TrainingStep(0.0, notes[-1], notes=notes)
    batch = pictures.batch(recipe.batch, data_seed=recipe.data_seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        course = make_course(recipe, network, batch=batch, shown=pictures.shown(SHOWN))
    course.bench.to(device)
    around = Surroundings(folder, resume, pictures.fingerprint, together, PREVIEW_EVERY)
    yield from run_course(recipe, course, batch, around)


def _changed(folder: Path, pictures: PictureSet) -> tuple[str, ...]:
    checkpoint = load_checkpoint(folder)
    if checkpoint is None or checkpoint.data in ("", pictures.fingerprint):
        return ()
    return (f"the training pictures changed since step {checkpoint.step:,}; the run goes on with the new ones",)


def shortened(recipe: Recipe, steps: int) -> Recipe:
    """The same recipe with another number of steps; what it counts in steps shrinks or grows with it."""
    settings = dict(recipe.settings)
    if "vae_steps" in settings:
        settings["vae_steps"] = float(round(settings["vae_steps"] * steps / recipe.steps))
    return replace(recipe, steps=steps, settings=settings)
