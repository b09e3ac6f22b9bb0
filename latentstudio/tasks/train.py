"""Training what a recipe says. Imports torch: asked for by name (``engine.loading.job``)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from latentstudio.engine.loading import load
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.tasks.invert import FORWARD_MODE
from latentstudio.training.loop import TrainingStep
from latentstudio.training.recipe import find_recipe, read_recipe
from latentstudio.training.train import train_recipe


def train_steps(recipe: str | Path, run: Path, *, resume: bool = False, device: str = "cpu") -> Iterator[TrainingStep]:
    """The frozen steps of training what a recipe file (or the name of one that ships) says.

    Checkpoint and log go to the folder ``run``; closing the iterator keeps a checkpoint of the last step.

    Raises:
        TrainingError: the recipe is none, its data cannot be used, or the training fails.
        UnknownNameError: no recipe of this name.
    """
    wanted = read_recipe(find_recipe(str(recipe)))
    return _loaded(train_recipe(wanted, Path(run), catalogue=find_catalogue(), resume=resume, device=device))


def _loaded(steps: Iterator[TrainingStep]) -> Iterator[TrainingStep]:
    """The steps, once what torch imports with the first optimiser is there: two seconds in which Cancel answers."""
    for step in load(FORWARD_MODE):
        yield TrainingStep(step.fraction, step.message)
    yield from steps
