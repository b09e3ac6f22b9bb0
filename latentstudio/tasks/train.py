"""Training what a recipe says. Imports torch: asked for by name (``engine.loading.job``)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from latentstudio.engine.loading import load
from latentstudio.errors import UsageError
from latentstudio.generators.card import ModelCard
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.generators.opening import resolve_device
from latentstudio.tasks.invert import FORWARD_MODE
from latentstudio.training.distributed import ALONE, Processes
from latentstudio.training.loop import TrainingStep, checkpoint_left
from latentstudio.training.recipe import Recipe, find_recipe, read_recipe
from latentstudio.training.train import finish_recipe, train_recipe


@dataclass(frozen=True)
class Left:
    """What a run left behind: the step of its checkpoint, None without one, and the card where the model was written.
    """

    step: int | None
    card: ModelCard | None = None


def train_steps(
    recipe: Recipe | str | Path, run: Path, *, resume: bool = False, device: str = "cpu", processes: Processes = ALONE
) -> Iterator[TrainingStep]:
    """The frozen steps of training what a recipe says: one that was read, its file, or the name of one that ships.

    Checkpoint and log go to the folder ``run``; closing the iterator keeps a checkpoint of the last step.

    Raises:
        TrainingError: the recipe is none, its data cannot be used, or the training fails.
        UnknownNameError: no recipe of this name.
    """
    wanted = recipe if isinstance(recipe, Recipe) else read_recipe(find_recipe(str(recipe)))
    return _loaded(train_recipe(wanted, Path(run), catalogue=find_catalogue(), resume=resume,
                                device=resolve_device(device), processes=processes))


def conclude(
    recipe: Recipe, run: Path, out: Path, last: TrainingStep | None, *, resume: bool, command: str,
    recipe_file: Path | None = None,
) -> Left:
    """What a run left that ended with the step ``last``; the model is written to ``out`` where all steps are made.

    Raises:
        StorageError: ``out`` may not be written, or the disk is full.
    """
    checkpoint = checkpoint_left(run, last, resume=resume)
    if checkpoint is None or checkpoint.step < recipe.steps:
        return Left(None if checkpoint is None else checkpoint.step)
    return Left(checkpoint.step, finish_recipe(
        recipe, run, out, catalogue=find_catalogue(), command=command, recipe_file=recipe_file
    ))


def check_folders(recipe: Recipe, *made: Path) -> None:
    """See that nothing is written among the training pictures.

    Raises:
        UsageError: one of these folders is that of the pictures.
    """
    for folder in made:
        if Path(recipe.data).is_dir() and folder.is_dir() and folder.samefile(recipe.data):
            raise UsageError(f"{folder} is the folder of the training pictures", expected="another one for the results",
                             action="give --run and --out folders of their own; they may lie below the pictures")


def _loaded(steps: Iterator[TrainingStep]) -> Iterator[TrainingStep]:
    """The steps, once what torch imports with the first optimiser is there: two seconds in which Cancel answers."""
    for step in load(FORWARD_MODE):
        yield TrainingStep(step.fraction, step.message)
    yield from steps
