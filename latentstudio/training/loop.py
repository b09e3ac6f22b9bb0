"""One training loop: recipe in, checkpoints and frozen steps out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from latentstudio.errors import TrainingError
from latentstudio.files import storage_error
from latentstudio.steps import Step
from latentstudio.training.checkpoint import load_checkpoint, restore, save_checkpoint
from latentstudio.training.recipe import Recipe, stream_seed

LOG_FILE = "log.jsonl"
LOG_EVERY = 100

Batch = Callable[[int], Tensor]
Loss = Callable[[nn.Module, Tensor, torch.Generator], Mapping[str, Tensor]]


@dataclass(frozen=True)
class TrainingStep(Step):
    """One optimiser step: ``step`` counts from 1, ``seconds`` since this process began; ``metrics`` are the losses."""

    step: int = 0
    seconds: float = 0.0


def mixed_precision_pays() -> bool:
    """True where the processor multiplies bfloat16 natively (AMX or AVX512-BF16)."""
    reports = (getattr(torch.cpu, name, None) for name in ("_is_amx_tile_supported", "_is_avx512_bf16_supported"))
    return any(bool(report()) for report in reports if report is not None)


def train(
    recipe: Recipe, *, network: nn.Module, batch: Batch, loss: Loss, folder: Path, resume: bool = False
) -> Iterator[TrainingStep]:
    """Train ``network`` with Adam; yields a frozen step after every optimiser step.

    Data and noise of step k depend on the recipe's data_seed and k only: a resumed run repeats the uninterrupted one.
    ``loss`` returns named scalars of which ``loss`` is minimised. Closing the iterator stops; the checkpoint stays.

    Raises:
        TrainingError: the losses are not finite any more, or the checkpoint belongs to another recipe.
        StorageError: a checkpoint could not be written; the one before it is whole.
    """
    device = next(network.parameters()).device
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.Adam(
        network.parameters(), lr=recipe.learning_rate, betas=(0.9, recipe.second_moment)
    )
    done = _resume(recipe, network, optimiser, folder) if resume else 0
    autocast = recipe.mixed_precision and (device.type == "cuda" or mixed_precision_pays())
    began = time.perf_counter()
    sums: dict[str, float] = {}
    for step in range(done + 1, recipe.steps + 1):
        _set_rate(optimiser, recipe, step)
        noise = torch.Generator().manual_seed(stream_seed(recipe.data_seed, step))
        images = batch(step).to(device, memory_format=torch.channels_last)
        with torch.autocast(device.type, torch.bfloat16, enabled=autocast):
            losses = loss(network, images, noise)
        optimiser.zero_grad(set_to_none=True)
        losses["loss"].backward()
        optimiser.step()
        numbers = {name: float(value.detach()) for name, value in losses.items()}
        _check(numbers, step, folder)
        for name, value in numbers.items():
            sums[name] = sums.get(name, 0.0) + value
        if step % recipe.checkpoint_every == 0 or step == recipe.steps:
            save_checkpoint(folder, step=step, network=network, optimiser=optimiser, recipe=recipe.as_dict())
        seconds = time.perf_counter() - began
        if step % LOG_EVERY == 0 or step == recipe.steps:
            count = (step - 1) % LOG_EVERY + 1
            _log(folder, step, seconds, {name: total / count for name, total in sums.items()})
            sums = {}
        yield TrainingStep(
            fraction=step / recipe.steps, message=f"step {step:,} of {recipe.steps:,}", metrics=numbers,
            step=step, seconds=seconds,
        )


def _resume(recipe: Recipe, network: nn.Module, optimiser: torch.optim.Optimizer, folder: Path) -> int:
    checkpoint = load_checkpoint(folder)
    if checkpoint is None:
        return 0
    mine, theirs = recipe.as_dict(), checkpoint.recipe
    free = ("steps", "checkpoint_every", "card")
    other = [key for key in mine if key not in free and mine[key] != theirs.get(key, mine[key])]
    if other:
        raise TrainingError(
            f"the checkpoint in {folder} was made with another {other[0]} ({theirs.get(other[0])})",
            expected=f"{mine[other[0]]}", action="start without --resume, or in another folder",
        )
    restore(checkpoint, network, optimiser)
    return checkpoint.step


def _set_rate(optimiser: torch.optim.Optimizer, recipe: Recipe, step: int) -> None:
    rate = recipe.learning_rate
    if recipe.final_decay > 0.0:
        left = (recipe.steps - step) / (recipe.final_decay * recipe.steps)
        rate *= 0.05 + 0.95 * min(1.0, left)
    if step < recipe.warm_up:
        rate *= step / recipe.warm_up
    for group in optimiser.param_groups:
        group["lr"] = rate


def _check(numbers: Mapping[str, float], step: int, folder: Path) -> None:
    broken = [name for name, value in numbers.items() if value != value or abs(value) == float("inf")]
    if broken:
        raise TrainingError(
            f"the loss '{broken[0]}' is not finite at step {step}",
            action=f"try a smaller learning rate; the last good checkpoint is in {folder}",
        )


def _log(folder: Path, step: int, seconds: float, means: Mapping[str, float]) -> None:
    record = {"step": step, "seconds": round(seconds, 1), **{name: round(value, 4) for name, value in means.items()}}
    try:
        with open(folder / LOG_FILE, "a", encoding="utf-8") as stream:
            stream.write(json.dumps(record) + "\n")
    except OSError as problem:
        raise storage_error(folder / LOG_FILE, problem) from problem
