"""From a finished run to a model folder: weights, card with figures on scenes whose truth is known, recipe and log."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from latentstudio.errors import TrainingError
from latentstudio.files import make_folder, replacing, sha256_of
from latentstudio.generators.acceleration import GRAPH_FILE, export_graph
from latentstudio.generators.card import ModelCard, check_card, write_card
from latentstudio.generators.contract import BuildsNetworks
from latentstudio.generators.weights import write_tensors
from latentstudio.pixels import write_png
from latentstudio.scenes.evaluating import evaluation_steps
from latentstudio.scenes.making import make_scene
from latentstudio.scenes.parts import scene_parts
from latentstudio.scenes.running import TEST_SEED, FindsBackends
from latentstudio.training.loop import LOG_FILE, finished_checkpoint
from latentstudio.training.recipe import Recipe
from latentstudio.training.runs import RECIPE_FILE

TESTED = 500
SHOWN, HELD_OUT_FILE = 16, "held_out.png"


def finish_scenes(
    recipe: Recipe, run: Path, out: Path, *, catalogue: FindsBackends, command: str, recipe_file: Path | None = None
) -> ModelCard:
    """Turn the finished checkpoint in ``run`` into the model folder ``out`` and return its card.

    Raises:
        TrainingError: there is no checkpoint, or it is not finished.
        StorageError: ``out`` may not be written, or the disk is full.
    """
    checkpoint = finished_checkpoint(recipe, run)
    backend = catalogue.backend(recipe.backend)
    if not isinstance(backend, BuildsNetworks):
        raise TrainingError(f"the backend '{recipe.backend}' builds no networks", expected="one that does")
    network = backend.build(recipe.config)
    network.load_state_dict(checkpoint.weights)
    network.eval()
    make_folder(out)
    sizes: Any = network
    config = sizes.sizes.config()
    card = ModelCard(name=recipe.name, backend=recipe.backend)
    tensors = {name: value.float().contiguous() for name, value in network.state_dict().items()}
    write_tensors(out / card.weights, tensors, {"model": recipe.name, "config": json.dumps(config)})
    known = backend.probe(out / card.weights) or card
    told = {"title": recipe.name, "origin": "trained by this project", "licence": "MIT", **recipe.card}
    card = replace(known, **{
        **told, "name": recipe.name, "backend": recipe.backend, "weights": card.weights, "config": config,
        "weights_sha256": sha256_of(out / card.weights), "recipe": recipe.as_dict(), "command": command,
        "figures": {"steps": checkpoint.step, "held_out": measured(network, recipe)},
    })
    export_graph(backend.open(card, out, device="cpu"), out / GRAPH_FILE)
    card = replace(card, accelerated=GRAPH_FILE, accelerated_sha256=sha256_of(out / GRAPH_FILE))
    _write_beside(recipe, run, out, recipe_file)
    write_card(out, check_card(card, where=f"the recipe of {recipe.name}"))
    return card


def measured(network: nn.Module, recipe: Recipe, *, count: int | None = None) -> dict[str, Any]:
    """The figures on ``count`` (``TESTED``) scenes that were never trained on; none where the truth is not known."""
    if not recipe.data.startswith("scenes:"):
        return {}
    kind, side = recipe.data.removeprefix("scenes:"), int(recipe.config.get("side", 64))
    steps = list(evaluation_steps(
        scene_parts(network), lambda number: make_scene(kind, TEST_SEED + number, side=side), count or TESTED
    ))
    figures = steps[-1].figures
    assert figures is not None
    return figures.as_dict()


def _write_beside(recipe: Recipe, run: Path, out: Path, recipe_file: Path | None) -> None:
    """Log, recipe, and some pictures to look at."""
    for name, source in ((LOG_FILE, run / LOG_FILE), (RECIPE_FILE, recipe_file)):
        if source is not None and source.is_file() and source.resolve() != (out / name).resolve():
            with replacing(out / name) as temporary:
                shutil.copyfile(source, temporary)
    if recipe.data.startswith("scenes:"):
        kind, side = recipe.data.removeprefix("scenes:"), int(recipe.config.get("side", 64))
        shown = [make_scene(kind, TEST_SEED + number, side=side).picture for number in range(SHOWN)]
        write_png(out / HELD_OUT_FILE, np.concatenate(shown, axis=1))
