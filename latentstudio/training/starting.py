"""Fine-tuning: a network begins with the weights of a trained model instead of random ones."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from latentstudio.errors import ModelFileError, TrainingError
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.generators.weights import read_tensors
from latentstudio.training.checkpoint import CHECKPOINT_FILE
from latentstudio.training.recipe import Recipe


def goes_on(folder: Path, *, resume: bool) -> bool:
    """Whether a run takes its weights from the checkpoint in ``folder``, so that what it once started from matters no
    more."""
    return resume and (folder / CHECKPOINT_FILE).is_file()


def start_weights(network: nn.Module, recipe: Recipe) -> str:
    """Give the network, in place, every tensor of the model ``recipe.start`` that has its name and shape: weights,
    running statistics, moments of the latents. Others, such as the places of a finer grid's cells, stay its own.

    Returns:
        What was taken, in words; empty where the recipe starts from nothing.

    Raises:
        UnknownNameError: there is no such model.
        ModelFileError: its card or weights cannot be read.
        TrainingError: it is of another backend, or shares no tensor with the network.
    """
    if not recipe.start:
        return ""
    entry = find_catalogue().model(recipe.start)
    card = entry.card
    if card is None or entry.error:
        raise ModelFileError(f"the model '{entry.name}' cannot be opened ({entry.error})", action="fix card.json")
    if card.backend != recipe.backend:
        raise TrainingError(f"the recipe starts from '{recipe.start}', a model of the backend '{card.backend}'",
                            expected=f"a model of the backend '{recipe.backend}'")
    theirs, mine = read_tensors(entry.folder / card.weights), dict(network.state_dict())
    fitting = [name for name, value in mine.items() if name in theirs and theirs[name].shape == value.shape]
    if not fitting:
        raise TrainingError(f"no weight of '{recipe.start}' fits the networks of the recipe",
                            expected="a model with the same [config], or most of it")
    with torch.no_grad():
        for name in fitting:
            mine[name].copy_(theirs[name])
    return f"starts from {len(fitting)} of {len(mine)} tensors of {recipe.start}"
