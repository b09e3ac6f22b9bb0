"""The ablations of thesis chapter 5 at our size: one model of each kind, trained and measured in one go."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import numpy as np
import torch
from torch import nn

from latentstudio.files import write_whole
from latentstudio.scenes.evaluating import evaluation_steps
from latentstudio.scenes.layout import (
    Layout,
    Load,
    distances,
    made_layout,
    measured_saturation,
    normal_layout,
    proposed_layout,
    saturation,
)
from latentstudio.scenes.making import make_scene
from latentstudio.scenes.object_tensors import PRESENT, ObjectTensors, Tight, tight_boxes, winning_masks
from latentstudio.scenes.parts import scene_parts
from latentstudio.scenes.pictures import TEST_SEED, tested_seed
from latentstudio.scenes.scene_method import SceneMethod
from latentstudio.scenes.settings import SceneStudySettings
from latentstudio.steps import Step
from latentstudio.training.building import FindsBackends, build_network
from latentstudio.training.checkpoint import load_checkpoint
from latentstudio.training.method import TrainingBatch
from latentstudio.training.recipe import Recipe
from latentstudio.training.train import train_recipe

TESTED = 200
PROPOSED = 300
TIMED = 12
TABLE = "study.json"


@dataclass(frozen=True)
class Variant:
    """A row: its title, and what it changes in the recipe's config and settings."""

    key: str
    title: str
    config: Mapping[str, object]
    settings: Mapping[str, float]
    seed: int = 1


VARIANTS = (
    Variant("whole", "everything (4 x 4 cells of 4)", {}, {}),
    Variant("whole-2", "everything, seed 2", {}, {}, seed=2),
    Variant("whole-3", "everything, seed 3", {}, {}, seed=3),
    Variant("one-box", "one box a cell (8 x 8 cells)", {"grid": 8, "slots": 1}, {"most": 64.0}),
    Variant("no-object-prior", "without object-prior loss", {}, {"object_prior": 0.0}),
    Variant("no-learned-prior", "without learned prior", {"learned_prior": False}, {}),
    Variant("no-rotation", "without rotation", {"rotates": False}, {"rotation": 0.0}),
)


class StudyTable(TypedDict, total=False):
    """What the study measured: figures and layout of each row, seconds and glimpses, the load of cells (at the end)."""

    settings: Mapping[str, object]
    rows: dict[str, Mapping[str, object]]
    cost: Mapping[str, Mapping[str, float]]
    load: list[Load]


@dataclass(frozen=True)
class SceneStudyStep(Step):
    """Progress; ``table`` on the last step only."""

    table: StudyTable | None = None


def recipe_of(variant: Variant, settings: SceneStudySettings) -> Recipe:
    """The recipe of a row."""
    config = {"side": 64, "grid": 4, "slots": 4, "background_size": 12, "half_turn": False, **variant.config}
    return Recipe(
        f"study-{variant.key}", "scenes", "scenes", f"scenes:{settings.kind}",
        settings.background + settings.objects + settings.joint, batch=settings.batch, learning_rate=1.5e-3,
        seed=variant.seed + settings.seed, data_seed=variant.seed + settings.seed, checkpoint_every=500,
        final_decay=0.3, config=config,
        settings={"background_steps": float(settings.background), "object_steps": float(settings.objects),
                  "rotation": 20.0, **variant.settings},
    )


def study_steps(settings: SceneStudySettings, out: Path, *, catalogue: FindsBackends) -> Iterator[SceneStudyStep]:
    """Train and measure everything below ``out``; what is there already is kept, so a stopped study goes on.

    Raises:
        TrainingError: a run failed.
        StorageError: ``out`` may not be written, or the disk is full.
    """
    table: StudyTable = {"settings": vars(settings), "rows": {}}
    for number, variant in enumerate(VARIANTS):
        recipe, folder = recipe_of(variant, settings), out / "runs" / variant.key
        head = f"{variant.title}: "
        for step in train_recipe(recipe, folder, catalogue=catalogue, resume=True):
            yield SceneStudyStep((number + step.fraction) / (len(VARIANTS) + 1), head + step.message)
        network = _trained(recipe, folder, catalogue)
        for told in _measured(network, recipe):
            if told is None:
                yield SceneStudyStep((number + 1) / (len(VARIANTS) + 1), head + "measuring")
            else:
                table["rows"][variant.key] = {"title": variant.title, **told}
        write_whole(out / TABLE, json.dumps(table, indent=1).encode())
    table["cost"] = _costs(settings, catalogue)
    table["load"] = _load()
    write_whole(out / TABLE, json.dumps(table, indent=1).encode())
    yield SceneStudyStep(1.0, "measured", table=table)


def _trained(recipe: Recipe, folder: Path, catalogue: FindsBackends) -> nn.Module:
    checkpoint = load_checkpoint(folder)
    assert checkpoint is not None
    network = build_network(recipe, catalogue=catalogue)
    network.load_state_dict(checkpoint.weights)
    return network.eval()



def _measured(network: nn.Module, recipe: Recipe) -> Iterator[dict[str, object] | None]:
    kind = recipe.data.removeprefix("scenes:")
    figures = None
    for step in evaluation_steps(scene_parts(network), lambda k: make_scene(kind, TEST_SEED + k, side=64), TESTED,
                                 again=False):
        figures = step.figures
        yield None
    assert figures is not None
    yield {**figures.as_dict(), "layout": _layout_distances(network, kind)}


def _layout_distances(network: nn.Module, kind: str) -> dict[str, dict[str, float]]:
    """Of what the model's own prior proposes from the data; beside it normal laws with the data's moments."""
    found, true = layouts(network, kind)
    return {"proposed": distances(found, true), "normal": distances(normal_layout(true), true)}


@torch.inference_mode()
def layouts(network: nn.Module, kind: str, *, seed: int = 0) -> tuple[Layout, Layout]:
    """The layouts of ``PROPOSED`` scenes of the model's prior, and of as many of the data."""
    parts = scene_parts(network)
    sizes = parts.sizes
    noise = torch.Generator().manual_seed(11 + seed)
    _, z_box, what, presence = parts.unfold(torch.randn(PROPOSED, sizes.latent_size, generator=noise))
    boxes, depth = parts.places(z_box)
    which, slot = (presence > PRESENT).nonzero(as_tuple=True)
    objects = ObjectTensors(boxes[which, slot], depth[which, slot], torch.ones(len(which)), what[which, slot], which)
    tight = tight_boxes(winning_masks(parts, objects).numpy())
    by_scene: list[list[Tight | None]] = [[] for _ in range(PROPOSED)]
    for box, picture in zip(tight, which.tolist(), strict=True):
        by_scene[picture].append(box)
    true = made_layout([make_scene(kind, tested_seed(k, seed), side=sizes.side) for k in range(PROPOSED)])
    return proposed_layout(by_scene, side=float(sizes.side)), true


def _costs(settings: SceneStudySettings, catalogue: FindsBackends) -> dict[str, dict[str, float]]:
    """Seconds a joint step and glimpses a picture, of several boxes a cell and of one, by turns in one run."""
    images = torch.stack([torch.from_numpy(make_scene(settings.kind, 7 + k, side=64).picture.transpose(2, 0, 1) / 255.0)
                          for k in range(settings.batch)]).float()
    rows = {key: next(one for one in VARIANTS if one.key == key) for key in ("whole", "one-box")}
    methods = {}
    for key, variant in rows.items():
        recipe = recipe_of(variant, settings)
        methods[key] = SceneMethod(recipe, build_network(recipe, catalogue=catalogue), shown=images[:1])
    seconds: dict[str, list[float]] = {key: [] for key in rows}
    looked: dict[str, list[float]] = {key: [] for key in rows}
    for number in range(TIMED):
        for key, method in methods.items():
            step = settings.background + settings.objects + 1000 + number
            began = time.perf_counter()
            method.advance(TrainingBatch(step, images, torch.Generator().manual_seed(number)))
            seconds[key].append(time.perf_counter() - began)
            batch = TrainingBatch(step, images, torch.Generator().manual_seed(number))
            found = method.find(images, batch, joint=1000 + number)
            looked[key].append(len(found.which) / len(images))
    told = {key: {"seconds_a_step": float(np.median(seconds[key][2:])), "glimpses": float(np.mean(looked[key]))}
            for key in rows}
    told["ratio"] = {name: told["one-box"][name] / told["whole"][name] for name in ("seconds_a_step", "glimpses")}
    return told


def _load() -> list[Load]:
    """Figure 5.2: by theory and on made scenes, at a capacity of 64."""
    rows: list[Load] = []
    for name, count in (("flat", 400), ("many", 200), ("crowd", 200)):
        scenes = [make_scene(name, TEST_SEED + k, side=64) for k in range(count)]
        mean = float(np.mean([len(scene.objects) for scene in scenes]))
        for side_cells in (8, 4, 2):
            capacity = 64 // side_cells**2
            rows.append({"kind": name, "objects": mean, "cells": side_cells**2, "capacity": capacity,
                         "theory": saturation(side_cells**2, capacity, mean),
                         "measured": measured_saturation(scenes, side_cells, capacity)})
    return rows
