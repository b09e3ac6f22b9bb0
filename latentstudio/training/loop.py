"""One training loop: recipe in, checkpoints and frozen steps out."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from latentstudio.errors import TrainingError
from latentstudio.files import remove_file, storage_error
from latentstudio.steps import Step
from latentstudio.training.checkpoint import CHECKPOINT_FILE, Checkpoint, load_checkpoint, restore, save_checkpoint
from latentstudio.training.distributed import ALONE, Processes
from latentstudio.training.method import Batches, Loss, Method, OneLoss, TrainingBatch
from latentstudio.training.recipe import Recipe, stream_seed

LOG_FILE = "log.jsonl"
LOG_EVERY = 100
EARLY = (25, 100, 250)  # previews come sooner in the beginning
PATIENCE = 300  # steps that a critic may have won before the run is given up
_UNSURE = 30  # from here on no checkpoint is written any more
_OUT_OF_MEMORY = ("out of memory", "not enough memory", "can't allocate memory")


@dataclass(frozen=True)
class TrainingStep(Step):
    """One optimiser step: ``step`` counts from 1, ``seconds`` since this process began; ``metrics`` are the losses.

    Before the first one ``step`` is 0: the data is being read. ``notes`` are sentences that should be told.
    """

    step: int = 0
    seconds: float = 0.0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Surroundings:
    """What a run has around it beside recipe and method.

    Attributes:
        folder: for checkpoint and log.
        resume: go on from the folder's checkpoint.
        data: fingerprint of the training pictures, kept in the checkpoint.
        processes: those that train.
        preview_every: steps between two previews, 0 for none.
    """

    folder: Path
    resume: bool = False
    data: str = ""
    processes: Processes = ALONE
    preview_every: int = 0


def mixed_precision_pays() -> bool:
    """True where the processor multiplies bfloat16 natively (AMX or AVX512-BF16)."""
    reports = (getattr(torch.cpu, name, None) for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"))
    return any(bool(report()) for report in reports if report is not None)


def train(
    recipe: Recipe, *, network: nn.Module, batches: Batches, loss: Loss, folder: Path, resume: bool = False,
    processes: Processes = ALONE,
) -> Iterator[TrainingStep]:
    """Train ``network`` with Adam on one loss: ``loss`` returns named scalars of which ``loss`` is minimised.

    See ``train_method``.
    """
    _to_channels_last(network)
    method = OneLoss(recipe, network, loss)
    yield from train_method(recipe, method, batches, Surroundings(folder, resume, processes=processes))


def train_method(recipe: Recipe, method: Method, batches: Batches, around: Surroundings) -> Iterator[TrainingStep]:
    """Make the recipe's steps; yields a frozen step after every one.

    Data and noise of step k depend on the recipe's data_seed and k only: a resumed run repeats the uninterrupted one.
    Closing the iterator writes a checkpoint of the last step and stops. An earlier run in the folder that is not
    resumed is given up when the first step has worked, not before.

    Raises:
        TrainingError: the losses are not finite any more, the critic has won, there is not enough memory, or the
            checkpoint belongs to another recipe.
        StorageError: a checkpoint could not be written; the one before it is whole.
    """
    network, folder = method.network, around.folder
    _to_channels_last(network)
    done = _resume(recipe, method, folder) if around.resume else 0
    book = _Book(recipe, method, around)
    began = time.perf_counter()
    for step in range(done + 1, recipe.steps + 1):
        numbers = around.processes.average_numbers(_advance(recipe, method, batches, step, around))
        _check(numbers, step, folder)
        if step == 1 and around.processes.writes:
            clear_run(folder)
        book.enter(step, numbers, time.perf_counter() - began)
        shows = around.preview_every and (step % around.preview_every == 0 or step in (*EARLY, recipe.steps))
        made = TrainingStep(
            fraction=step / recipe.steps, message=f"step {step:,} of {recipe.steps:,}", metrics=numbers,
            preview=method.preview() if shows else None, step=step, seconds=time.perf_counter() - began,
        )
        try:
            yield made
        except GeneratorExit:
            book.keep(step)
            raise


def clear_run(folder: Path) -> None:
    """Remove the checkpoint and the log of an earlier run."""
    for name in (CHECKPOINT_FILE, LOG_FILE):
        remove_file(folder / name)


def _advance(recipe: Recipe, method: Method, batches: Batches, step: int, around: Surroundings) -> dict[str, float]:
    processes = around.processes
    device = next(method.network.parameters()).device
    autocast = recipe.mixed_precision and (device.type == "cuda" or mixed_precision_pays())
    seed = stream_seed(recipe.data_seed, step)
    try:
        images = processes.share(batches(step)).to(device, memory_format=torch.channels_last)
        with _seeded(seed):  # dropout draws from torch's own generator
            batch = TrainingBatch(step, images, torch.Generator().manual_seed(seed), autocast, processes)
            return {name: float(value.detach()) for name, value in method.advance(batch).items()}
    except (RuntimeError, MemoryError) as problem:
        if isinstance(problem, MemoryError) or any(words in str(problem).lower() for words in _OUT_OF_MEMORY):
            raise TrainingError(
                f"there is not enough memory for step {step} with a batch of {recipe.batch}",
                action=f"set batch = {max(1, recipe.batch // 2)} in the recipe and go on from {around.folder}",
            ) from problem
        raise


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """torch's own generator of the processor, seeded; ``torch.manual_seed`` formats a stack for absent devices."""
    before = torch.get_rng_state()
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(before)


@dataclass
class _Book:
    """Keeps the checkpoint and the log, and gives a run up that leads nowhere."""

    recipe: Recipe
    method: Method
    around: Surroundings
    sums: dict[str, float] = field(default_factory=dict)
    summed: int = 0
    troubled: int = 0
    kept: int = 0

    def enter(self, step: int, numbers: Mapping[str, float], seconds: float) -> None:
        recipe, folder = self.recipe, self.around.folder
        for name, value in numbers.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        self.summed += 1  # after a resumed step the first mean is of fewer
        trouble = self.method.trouble(numbers)
        self.troubled = self.troubled + 1 if trouble else 0
        if self.troubled >= PATIENCE:
            raise TrainingError(
                f"{trouble} since step {step - PATIENCE + 1:,}",
                action=f"change the weights or rates of the recipe; {_last_good(folder)}",
            )
        ends = step == recipe.steps
        if step % recipe.checkpoint_every == 0 or ends:
            self.keep(step)
        if step % LOG_EVERY == 0 or ends:
            if self.around.processes.writes:
                _log(folder, step, seconds, {name: total / self.summed for name, total in self.sums.items()})
            self.sums, self.summed = {}, 0


    def keep(self, step: int) -> None:
        """Write a checkpoint, unless the run has gone wrong or this step is kept already."""
        if self.troubled >= _UNSURE or self.kept == step:
            return
        folder, processes = self.around.folder, self.around.processes
        _check_weights(self.method.network, step, folder)
        processes.align(self.method.network)
        if processes.writes:
            save_checkpoint(
                folder, step=step, network=self.method.network, optimisers=self.method.optimisers,
                recipe=self.recipe.as_dict(), data=self.around.data,
            )
        self.kept = step


def _resume(recipe: Recipe, method: Method, folder: Path) -> int:
    checkpoint = load_checkpoint(folder)
    if checkpoint is None:
        return 0
    refuse_other(recipe, checkpoint, folder)
    restore(checkpoint, method.network, method.optimisers)
    return checkpoint.step


def refuse_other(recipe: Recipe, checkpoint: Checkpoint, folder: Path) -> None:
    """See that the checkpoint in ``folder`` is of this recipe; steps, checkpoints and card may differ.

    Raises:
        TrainingError: it is of another one.
    """
    mine, theirs = recipe.as_dict(), {"name": None, **checkpoint.recipe}
    free = ("steps", "checkpoint_every", "card")
    other = [key for key in mine if key not in free and mine[key] != theirs.get(key, mine[key])]
    if other:
        raise TrainingError(
            f"the checkpoint in {folder} was made with another {other[0]} ({theirs.get(other[0])})",
            expected=f"{mine[other[0]]}", action="start without --resume, or in another folder",
        )


def finished_checkpoint(recipe: Recipe, run: Path) -> Checkpoint:
    """The checkpoint of the recipe's last step, in the folder ``run``.

    Raises:
        TrainingError: there is none, it is not finished, or it is of another recipe.
    """
    checkpoint = load_checkpoint(run)
    if checkpoint is None or checkpoint.step < recipe.steps:
        stands = "no checkpoint" if checkpoint is None else f"step {checkpoint.step:,} of {recipe.steps:,}"
        raise TrainingError(f"the training in {run} stands at {stands}", action="go on with --resume")
    refuse_other(recipe, checkpoint, run)
    return checkpoint


def checkpoint_left(folder: Path, last: TrainingStep | None, *, resume: bool) -> Checkpoint | None:
    """What a run that ended with the step ``last`` left behind: until its first step, an earlier run's stays."""
    return load_checkpoint(folder) if resume or (last is not None and last.step > 0) else None


def _last_good(folder: Path) -> str:
    return (f"the last good checkpoint is in {folder}" if (folder / CHECKPOINT_FILE).is_file()
            else "no checkpoint had been written yet")


def _to_channels_last(network: nn.Module) -> None:
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _check(numbers: Mapping[str, float], step: int, folder: Path) -> None:
    broken = [name for name, value in numbers.items() if value != value or abs(value) == float("inf")]
    if broken:
        raise TrainingError(
            f"the loss '{broken[0]}' is not finite at step {step}",
            action="try a smaller learning rate; " + ("nothing was written" if step == 1 else _last_good(folder)),
        )


def _check_weights(network: nn.Module, step: int, folder: Path) -> None:
    """Losses tell of the weights before the step; a checkpoint holds those after it."""
    tensors: list[tuple[str, Tensor]] = [(name, value) for name, value in network.state_dict().items()]
    for name, value in tensors:
        if value.is_floating_point() and not bool(torch.isfinite(value).all()):
            raise TrainingError(
                f"the weights '{name}' are not finite after step {step}",
                action=f"try a smaller learning rate; {_last_good(folder)}",
            )


def _log(folder: Path, step: int, seconds: float, means: Mapping[str, float]) -> None:
    record = {"step": step, "seconds": round(seconds, 1), **{name: round(value, 4) for name, value in means.items()}}
    try:
        with open(folder / LOG_FILE, "a", encoding="utf-8") as stream:
            stream.write(json.dumps(record) + "\n")
    except OSError as problem:
        raise storage_error(folder / LOG_FILE, problem) from problem
