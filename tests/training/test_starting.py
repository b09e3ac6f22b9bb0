"""Fine-tuning: networks begin with a trained model's weights."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from latentstudio.autoencoding.building import build_network
from latentstudio.errors import TrainingError, UnknownNameError
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.generators.weights import read_tensors
from latentstudio.places import bundled
from latentstudio.scenes.running import train_scenes
from latentstudio.training.recipe import find_recipe, read_recipe
from latentstudio.training.starting import start_weights

MANY = find_recipe("scenes-many")


def test_weights_are_taken_and_the_cells_of_a_finer_grid_stay_where_they_are() -> None:
    recipe = read_recipe(MANY)
    network = build_network(recipe, catalogue=find_catalogue())
    cells = network.get_buffer("places.centres").clone()
    told = start_weights(network, recipe)
    kept = read_tensors(bundled("models") / "scenes" / "weights.safetensors")
    parameters = dict(network.named_parameters())
    assert told == f"starts from {len(parameters)} of {len(parameters)} weights of scenes"
    assert all(torch.equal(value, kept[name]) for name, value in parameters.items())
    assert torch.equal(network.get_buffer("places.centres"), cells)


def test_what_does_not_fit_keeps_its_own_weights() -> None:
    recipe = read_recipe(MANY)
    recipe = replace(recipe, config={**recipe.config, "what_size": 20})
    network = build_network(recipe, catalogue=find_catalogue())
    before = {name: value.clone() for name, value in network.named_parameters()}
    told = start_weights(network, recipe)
    changed = [name for name, value in network.named_parameters() if not torch.equal(value, before[name])]
    assert 0 < len(changed) < len(before)
    assert f"of {len(before)} weights of scenes" in told


@pytest.mark.parametrize(("start", "problem", "words"), [
    ("nowhere", UnknownNameError, "no model 'nowhere'"),
    ("fashion-vae", TrainingError, "a model of the backend 'avae'"),
])
def test_a_start_that_cannot_be(start: str, problem: type[Exception], words: str) -> None:
    recipe = replace(read_recipe(MANY), start=start)
    network = build_network(recipe, catalogue=find_catalogue())
    with pytest.raises(problem, match=words):
        start_weights(network, recipe)


def test_a_start_of_which_nothing_fits_is_refused() -> None:
    with pytest.raises(TrainingError, match="no weight of 'scenes' fits"):
        start_weights(torch.nn.Linear(3, 5), read_recipe(MANY))


def test_an_auto_encoder_goes_on_from_one_that_ships() -> None:
    recipe = replace(read_recipe(find_recipe("fashion-vae")), start="fashion-vae")
    network = build_network(recipe, catalogue=find_catalogue())
    count = len(list(network.parameters()))
    assert start_weights(network, recipe) == f"starts from {count} of {count} weights of fashion-vae"


def test_training_says_what_it_starts_from(tmp_path: Path) -> None:
    recipe = replace(read_recipe(MANY), data="scenes:flat", start="scenes", steps=1, batch=2,
                     config={**read_recipe(find_recipe("scenes")).config})
    notes = [note for step in train_scenes(recipe, tmp_path, catalogue=find_catalogue()) for note in step.notes]
    assert any("weights of scenes" in note for note in notes)
