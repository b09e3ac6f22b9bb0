"""From a recipe to a model folder, by any method of the table: reads the pictures, builds, trains, writes."""

from __future__ import annotations

import ctypes
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from latentstudio.files import make_folder, replacing
from latentstudio.generators.card import ModelCard
from latentstudio.training.building import FindsBackends, build_network
from latentstudio.training.checkpoint import Checkpoint, load_checkpoint
from latentstudio.training.distributed import ALONE, Processes
from latentstudio.training.loop import LOG_FILE, Surroundings, TrainingStep, finished_checkpoint, train_method
from latentstudio.training.method import Batches, Method
from latentstudio.training.methods import named, row_of, settings_of
from latentstudio.training.pictures import TrainingPictures
from latentstudio.training.recipe import Recipe
from latentstudio.training.runs import RECIPE_FILE
from latentstudio.training.starting import goes_on, start_weights

SHOWN = 8
PREVIEW_EVERY = 500
_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # malloc.h of glibc

ReadsData = Callable[[Recipe], Iterator[TrainingStep | TrainingPictures]]


class MakesMethod(Protocol):
    """The first entry of a row."""

    def __call__(self, recipe: Recipe, network: nn.Module, *, batches: Batches, shown: Tensor) -> Method: ...


class WritesModel(Protocol):
    """The last entry of a row."""

    def __call__(
        self, recipe: Recipe, checkpoint: Checkpoint, out: Path, *, catalogue: FindsBackends, command: str
    ) -> ModelCard: ...


def train_recipe(
    recipe: Recipe, folder: Path, *, catalogue: FindsBackends, resume: bool = False, device: str = "cpu",
    processes: Processes = ALONE, pictures: TrainingPictures | None = None,
) -> Iterator[TrainingStep]:
    """Train what the recipe says; checkpoint and log go to ``folder``; yields a frozen step per optimiser step.

    The weights start from the recipe's seed alone, or from the model it names in ``start``, so the same recipe on the
    same machine gives the same run. With ``resume`` a checkpoint in ``folder`` is continued, also when it is finished
    already (then nothing is yielded). ``pictures`` stand in for those that the recipe names.

    Raises:
        UnknownNameError: a method or a source of pictures that is not known.
        TrainingError: settings that the method does not know, pictures that cannot be used, a backend that builds
            nothing, networks that the method lacks, a start that does not fit, or a checkpoint of another recipe.
        StorageError: the folder may not be written, or the disk is full.
    """
    row = row_of(recipe)
    settings_of(recipe)  # before anything is read or built
    keep_large_blocks()
    network = build_network(recipe, catalogue=catalogue)
    started = "" if goes_on(folder, resume=resume) else start_weights(network, recipe)
    network.to(device)
    if pictures is None:
        for found in cast(ReadsData, named(row.data))(recipe):
            make_folder(folder)  # not sooner: what is wrong with the data is said before anything is written
            if isinstance(found, TrainingStep):
                yield found
            else:
                pictures = found
    assert pictures is not None
    make_folder(folder)
    notes = (*pictures.notes, *((started,) if started else ()), *(_changed(folder, pictures) if resume else ()))
    if notes:
        yield TrainingStep(0.0, notes[-1], notes=notes)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        batches = pictures.batch(recipe.batch, data_seed=recipe.data_seed)
        method = cast(MakesMethod, named(row.method))(recipe, network, batches=batches, shown=pictures.shown(SHOWN))
    method.network.to(device)
    around = Surroundings(folder, resume, pictures.fingerprint, processes, PREVIEW_EVERY)
    yield from train_method(recipe, method, batches, around)


def finish_recipe(
    recipe: Recipe, run: Path, out: Path, *, catalogue: FindsBackends, command: str, recipe_file: Path | None = None
) -> ModelCard:
    """Turn the finished checkpoint in ``run`` into the model folder ``out`` and return its card.

    Writes weights, the ONNX graph of ``generate``, the card with figures on held-out pictures and the ``command`` that
    made it, the training log and the recipe.

    Raises:
        TrainingError: there is no checkpoint, or it is of another recipe or not finished.
        StorageError: ``out`` may not be written, or the disk is full.
    """
    write = cast(WritesModel, named(row_of(recipe).finish))
    card = write(recipe, finished_checkpoint(recipe, run), out, catalogue=catalogue, command=command)
    for name, source in ((LOG_FILE, run / LOG_FILE), (RECIPE_FILE, recipe_file)):
        if source is not None and source.is_file() and source.resolve() != (out / name).resolve():
            with replacing(out / name) as temporary:
                shutil.copyfile(source, temporary)
    return card


def _changed(folder: Path, pictures: TrainingPictures) -> tuple[str, ...]:
    checkpoint = load_checkpoint(folder)
    if checkpoint is None or checkpoint.data in ("", pictures.fingerprint):
        return ()
    return (f"the training pictures changed since step {checkpoint.step:,}; the run goes on with the new ones",)


def keep_large_blocks() -> None:
    """Let glibc keep freed blocks: without it every step pays page faults (measured: 94 instead of 60 ms a step)."""
    if not sys.platform.startswith("linux"):
        return
    with suppress(OSError, AttributeError):
        set_option: Callable[[int, int], int] = ctypes.CDLL(None).mallopt
        for option in (_MMAP_THRESHOLD, _TRIM_THRESHOLD):
            if not set_option(option, 1 << 30):
                set_option(option, 32 << 20)
