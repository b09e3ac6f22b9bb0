"""What the one training loop costs: steps a second of a GAN in it, against a plain loop with the same networks."""

from __future__ import annotations

import copy
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from latentstudio.autoencoding.parts import part, parts
from latentstudio.steps import Step
from latentstudio.training.building import FindsBackends, build_network
from latentstudio.training.loop import mixed_precision_pays
from latentstudio.training.pictures import PictureSet
from latentstudio.training.recipe import Recipe
from latentstudio.training.sources import wanted_pictures
from latentstudio.training.train import train_recipe

BLOCK, ROUNDS, WARM = 10, 12, 10
_POOL = 2048


@dataclass(frozen=True)
class TrainingSpeed:
    """Steps a second of the loop and of the plain one, and their ratio; medians over alternating blocks of steps."""

    steps_per_second: float
    plain_steps_per_second: float
    ratio: float
    steps: int
    batch: int


@dataclass(frozen=True)
class SpeedStep(Step):
    """A block was measured; the last one carries the result."""

    speed: TrainingSpeed | None = None


def training_speed(recipe: Recipe, *, catalogue: FindsBackends, rounds: int = ROUNDS) -> Iterator[SpeedStep]:
    """Train a GAN with the recipe's sizes in both ways by turns; pictures are noise, since only the time counts.

    The loop draws its batches, averages the generator, checks, logs and keeps checkpoints as in any run; the plain one
    is the usual dozen of lines: forward, backward, step.
    """
    config = {**recipe.config, "parts": ["generator", "critic"], "design": "thesis"}
    gan = replace(
        recipe, method="gan", config=config, settings={}, steps=1 << 20, checkpoint_every=1000, learning_rate=2e-4
    )
    wanted = wanted_pictures(gan)
    source = np.random.default_rng(0)
    pictures = source.integers(0, 256, (_POOL, wanted.channels, wanted.side, wanted.side)).astype(np.uint8)
    data = PictureSet(pictures, pictures[:64])
    with tempfile.TemporaryDirectory(prefix="latentstudio-bench-") as folder:
        ours = train_recipe(gan, Path(folder), catalogue=catalogue, pictures=data)
        plain = _plain(gan, build_network(gan, catalogue=catalogue), data)
        for steps in (ours, plain):
            _seconds(steps, WARM)
        times: list[tuple[float, float]] = []
        for index in range(rounds):
            times.append((_seconds(ours, BLOCK), _seconds(plain, BLOCK)))
            yield SpeedStep((index + 1) / rounds, f"round {index + 1} of {rounds}")
        mine, theirs = (BLOCK / float(np.median([pair[side] for pair in times])) for side in (0, 1))
        ratio = float(np.median([theirs_s / mine_s for mine_s, theirs_s in times]))
        ours.close()  # type: ignore[attr-defined]
    yield SpeedStep(1.0, "measured", speed=TrainingSpeed(
        round(mine, 3), round(theirs, 3), round(ratio, 4), BLOCK * rounds, gan.batch
    ))


def _seconds(steps: Iterator[object], count: int) -> float:
    began = time.perf_counter()
    for _ in range(count):
        next(steps)
    return time.perf_counter() - began


def _plain(recipe: Recipe, model: nn.Module, data: PictureSet) -> Iterator[object]:
    """DCGAN's training as anyone would write it down."""
    generator, critic = (copy.deepcopy(part(model, name, "gan")).train() for name in ("generator", "critic"))
    for network in (generator, critic):
        network.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # torch's own overloads forget it
    optimisers = [
        torch.optim.Adam(network.parameters(), lr=2e-4, betas=(0.5, 0.999)) for network in (generator, critic)
    ]
    autocast = recipe.mixed_precision and mixed_precision_pays()
    size = len(parts(model).centre) + parts(model).sizes.noise_size
    for step in range(1 << 20):
        chosen = torch.randint(len(data.training), (recipe.batch,)).numpy()
        images = torch.from_numpy(data.training[chosen]).float().div_(255.0).to(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            made = generator(torch.randn(recipe.batch, size))
            real, fake = critic(images), critic(made.detach())
        _descend(functional.softplus(-real.float()).mean() + functional.softplus(fake.float()).mean(), optimisers[1])
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            judged = critic(made)
        _descend(functional.softplus(-judged.float()).mean(), optimisers[0])
        yield step


def _descend(loss: Tensor, optimiser: torch.optim.Optimizer) -> None:
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()
