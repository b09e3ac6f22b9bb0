"""Checkpoints: weights, optimiser state and step number in one safetensors file, written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from latentstudio.errors import ModelFileError, TrainingError
from latentstudio.generators.weights import read_metadata, read_tensors, write_tensors
from latentstudio.readers import border, json_from

CHECKPOINT_FILE = "checkpoint.safetensors"


@dataclass(frozen=True)
class Checkpoint:
    """State after ``step`` steps: named weights, named optimiser tensors, the recipe and the data it belongs to.

    ``data`` is the fingerprint of the training pictures, empty where they are drawn anew in every step.
    """

    step: int
    weights: dict[str, Tensor]
    optimiser: dict[str, Tensor]
    recipe: dict[str, object]
    data: str = ""


def save_checkpoint(
    folder: Path, *, step: int, network: nn.Module, optimisers: Sequence[torch.optim.Optimizer],
    recipe: dict[str, object], data: str = "",
) -> None:
    """Replace the folder's checkpoint; the last good one stays when writing fails.

    Every parameter that learns belongs to one of the ``optimisers`` at most, so its name says whose state it is.

    Raises:
        StorageError: the disk is full or the folder may not be written.
    """
    tensors = {f"weights/{name}": value.detach().contiguous() for name, value in network.state_dict().items()}
    for optimiser in optimisers:
        names = _names(network, optimiser)
        for index, state in optimiser.state_dict()["state"].items():
            for key, value in state.items():
                tensors[f"optimiser/{names[index]}/{key}"] = torch.as_tensor(value).detach().contiguous()
    notes = {"step": str(step), "recipe": json.dumps(recipe, sort_keys=True), "data": data}
    write_tensors(folder / CHECKPOINT_FILE, tensors, notes)


def _names(network: nn.Module, optimiser: torch.optim.Optimizer) -> list[str]:
    """The names of an optimiser's parameters, in the order in which its state counts them."""
    known = {id(parameter): name for name, parameter in network.named_parameters()}
    return [known[id(parameter)] for group in optimiser.param_groups for parameter in group["params"]]


def load_checkpoint(folder: Path) -> Checkpoint | None:
    """The folder's checkpoint, or None where there is none.

    Raises:
        TrainingError: the file is broken.
    """
    path = folder / CHECKPOINT_FILE
    if not path.exists():
        return None

    def broken(reason: str) -> TrainingError:
        return TrainingError(f"{path} is broken ({reason})", expected="a checkpoint of latentstudio",
                             action="delete it to start anew")

    try:
        notes, tensors = read_metadata(path), read_tensors(path)
    except ModelFileError as problem:
        raise broken(problem.found) from problem
    with border(broken):
        return Checkpoint(
            step=int(notes["step"]),
            weights={n.removeprefix("weights/"): t for n, t in tensors.items() if n.startswith("weights/")},
            optimiser={n.removeprefix("optimiser/"): t for n, t in tensors.items() if n.startswith("optimiser/")},
            recipe=json_from(notes["recipe"], dict[str, object], broken),
            data=notes.get("data", ""),
        )


def restore(checkpoint: Checkpoint, network: nn.Module, optimisers: Sequence[torch.optim.Optimizer]) -> None:
    """Put the checkpoint's weights and optimiser state into ``network`` and ``optimisers``.

    Raises:
        TrainingError: they are not those of such a network.
    """
    def refuse(reason: str) -> TrainingError:
        return TrainingError(f"the checkpoint does not fit the recipe's networks ({reason})",
                             expected="the checkpoint of such a run", action="delete it to start anew")

    with border(refuse):
        network.load_state_dict(checkpoint.weights)
        shapes = {name: parameter.shape for name, parameter in network.named_parameters()}
        for optimiser in optimisers:
            indices = {name: index for index, name in enumerate(_names(network, optimiser))}
            state: dict[int, dict[str, Tensor]] = {}
            for name, value in checkpoint.optimiser.items():
                parameter, _, key = name.rpartition("/")
                if parameter in indices:
                    if value.numel() != 1 and value.shape != shapes[parameter]:
                        raise ValueError(f"{name} is of shape {tuple(value.shape)}")
                    state.setdefault(indices[parameter], {})[key] = value
            if len({frozenset(one) for one in state.values()}) > 1:  # it would fail in the first step
                raise ValueError("some of the optimiser's state is missing")
            optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
