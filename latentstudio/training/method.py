"""What a training method brings to the loop: its networks, its optimisers, and how one step is made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from latentstudio.training.distributed import ALONE, Processes
from latentstudio.training.recipe import Recipe

Batches = Callable[[int], Tensor]
Loss = Callable[[nn.Module, Tensor, torch.Generator], Mapping[str, Tensor]]


@dataclass(frozen=True)
class TrainingBatch:
    """One training step as a method sees it.

    Attributes:
        step: counts from 1.
        images: this process's share of the batch, float32 (N, C, H, W).
        noise: the source of this step's noise, the same in every process; it depends on data_seed and step only.
        autocast: compute forward passes in bfloat16.
        processes: those that train.
    """

    step: int
    images: Tensor
    noise: torch.Generator
    autocast: bool = False
    processes: Processes = ALONE

    def mixed(self) -> AbstractContextManager[None]:
        """Forward passes belong into this block; losses are summed outside, in float32."""
        return torch.autocast(self.images.device.type, torch.bfloat16, enabled=self.autocast)

    def normal(self, size: int) -> Tensor:
        """Standard normal noise (N, size), drawn for the whole batch: two processes together draw what one would."""
        whole = torch.randn(len(self.images) * self.processes.size, size, generator=self.noise)
        return self.processes.share(whole).to(self.images.device)

    @cached_property
    def own_noise(self) -> torch.Generator:
        """A source that no other process draws from, for what cannot be drawn for the whole batch; alone: ``noise``."""
        if self.processes.size == 1:
            return self.noise
        mixed = np.random.SeedSequence((self.noise.initial_seed(), self.processes.rank)).generate_state(1)
        return torch.Generator().manual_seed(int(mixed[0]))

    def prepare(self, loss: Tensor, optimiser: torch.optim.Optimizer, *, more: bool = False) -> None:
        """Gradients of ``loss`` for the optimiser's own parameters alone, averaged over all processes.

        With ``more`` another loss of the same forward pass follows; step the optimisers after the last one.
        """
        wanted = [parameter for group in optimiser.param_groups for parameter in group["params"]]
        gradients = torch.autograd.grad(loss, wanted, allow_unused=True, retain_graph=more)
        for parameter, gradient in zip(wanted, gradients, strict=True):
            parameter.grad = gradient
        self.processes.average(gradient for gradient in gradients if gradient is not None)

    def minimise(self, loss: Tensor, optimiser: torch.optim.Optimizer) -> None:
        """One step of ``optimiser`` down ``loss``."""
        self.prepare(loss, optimiser)
        optimiser.step()


class Method(Protocol):
    """A method under way. All that a resumed run needs lies in ``network`` (buffers too) and the optimisers' state."""

    @property
    def network(self) -> nn.Module: ...

    @property
    def optimisers(self) -> Sequence[torch.optim.Optimizer]: ...

    def advance(self, batch: TrainingBatch) -> Mapping[str, Tensor]:
        """Make one step and return its losses, named."""
        ...

    def trouble(self, losses: Mapping[str, float]) -> str:
        """What goes wrong though every number is finite (a critic that has won), or an empty string."""
        ...

    def preview(self) -> NDArray[np.uint8] | None:
        """Samples to look at, uint8 (H, W, 3), or None."""
        ...


class OneLoss:
    """The plain case: one network, Adam, and one loss that is minimised."""

    def __init__(self, recipe: Recipe, network: nn.Module, loss: Loss) -> None:
        self.network = network
        self._recipe, self._loss = recipe, loss
        self._optimiser = torch.optim.Adam(
            network.parameters(), lr=recipe.learning_rate, betas=(0.9, recipe.second_moment)
        )
        self.optimisers = (self._optimiser,)

    def advance(self, batch: TrainingBatch) -> Mapping[str, Tensor]:
        """One Adam step at the recipe's rate."""
        for group in self._optimiser.param_groups:
            group["lr"] = rate_at(self._recipe, batch.step)
        with batch.mixed():
            losses = self._loss(self.network, batch.images, batch.own_noise)
        self._optimiser.zero_grad(set_to_none=True)
        losses["loss"].backward()
        batch.processes.average(p.grad for p in self.network.parameters() if p.grad is not None)
        self._optimiser.step()
        return losses

    def trouble(self, losses: Mapping[str, float]) -> str:
        """A single loss has no other trouble than not being finite."""
        return ""

    def preview(self) -> NDArray[np.uint8] | None:
        """Nothing to look at."""
        return None


def rate_at(recipe: Recipe, step: int) -> float:
    """The learning rate of a step: the recipe's own, with its warm-up and its decay at the end."""
    rate = recipe.learning_rate
    if recipe.final_decay > 0.0:
        left = (recipe.steps - step) / (recipe.final_decay * recipe.steps)
        rate *= 0.05 + 0.95 * min(1.0, left)
    if step < recipe.warm_up:
        rate *= step / recipe.warm_up
    return rate
