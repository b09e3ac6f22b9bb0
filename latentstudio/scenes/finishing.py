"""From a finished run to a model folder: weights, card with figures on scenes whose truth is known, recipe and log."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from torch import nn

from latentstudio.generators.card import ModelCard
from latentstudio.generators.values import whole
from latentstudio.pixels import write_png
from latentstudio.scenes.evaluating import evaluation_steps
from latentstudio.scenes.making import make_scene
from latentstudio.scenes.parts import scene_parts
from latentstudio.scenes.pictures import TEST_SEED
from latentstudio.training.building import FindsBackends, build_network
from latentstudio.training.checkpoint import Checkpoint
from latentstudio.training.recipe import Recipe
from latentstudio.training.writing import write_model

TESTED = 500
SHOWN, HELD_OUT_FILE = 16, "held_out.png"


def write_scenes_model(
    recipe: Recipe, checkpoint: Checkpoint, out: Path, *, catalogue: FindsBackends, command: str
) -> ModelCard:
    """Write the model folder of a finished run and return its card.

    Raises:
        TrainingError: a key of the recipe's card that cards do not have.
        StorageError: ``out`` may not be written, or the disk is full.
    """
    network = build_network(recipe, catalogue=catalogue)
    network.load_state_dict(checkpoint.weights)
    network.eval()
    tensors = {name: value.float().contiguous() for name, value in network.state_dict().items()}
    card = write_model(
        recipe, tensors, out, catalogue=catalogue, command=command, config=scene_parts(network).sizes.config(),
        figures=lambda generator: {"steps": checkpoint.step, "held_out": measured(network, recipe)},
    )
    _write_pictures(recipe, out)
    return card


def measured(network: nn.Module, recipe: Recipe, *, count: int | None = None) -> dict[str, object]:
    """The figures on ``count`` (``TESTED``) scenes that were never trained on; none where the truth is not known."""
    if not recipe.data.startswith("scenes:"):
        return {}
    kind, side = recipe.data.removeprefix("scenes:"), whole(recipe.config, "side", 64)
    steps = list(evaluation_steps(
        scene_parts(network), lambda number: make_scene(kind, TEST_SEED + number, side=side), count or TESTED
    ))
    figures = steps[-1].figures
    assert figures is not None
    return figures.as_dict()


def _write_pictures(recipe: Recipe, out: Path) -> None:
    """Some pictures to look at."""
    if recipe.data.startswith("scenes:"):
        kind, side = recipe.data.removeprefix("scenes:"), whole(recipe.config, "side", 64)
        shown = [make_scene(kind, TEST_SEED + number, side=side).picture for number in range(SHOWN)]
        write_png(out / HELD_OUT_FILE, np.concatenate(shown, axis=1))
