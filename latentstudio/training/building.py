"""Networks from backends, for every method."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import nn

from latentstudio.errors import TrainingError
from latentstudio.generators.capabilities import BuildsNetworks
from latentstudio.generators.contract import Backend
from latentstudio.readers import border
from latentstudio.training.recipe import Recipe


class FindsBackends(Protocol):
    """The part of the catalogue that training needs: the backend plugin of this id."""

    def backend(self, name: str) -> Backend: ...


def build_network(recipe: Recipe, *, catalogue: FindsBackends) -> nn.Module:
    """The recipe's network with its first weights; they depend on ``recipe.seed`` only.

    Raises:
        TrainingError: the backend cannot build networks, or none of this config.
        UnknownNameError: there is no such backend.
    """
    backend = catalogue.backend(recipe.backend)
    if not isinstance(backend, BuildsNetworks):
        raise TrainingError(f"the backend '{recipe.backend}' builds no networks", expected="one that does")
    def refuse(reason: str) -> TrainingError:
        return TrainingError(f"the backend '{recipe.backend}' builds no network of the recipe's [config] ({reason})",
                             expected="numbers that such networks take")

    with border(refuse), torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        return backend.build(recipe.config)
