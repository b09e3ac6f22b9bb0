"""Fine-tuning: networks begin with a trained model's weights."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from latentstudio.errors import TrainingError, UnknownNameError
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.generators.opening import open_model
from latentstudio.generators.weights import read_tensors
from latentstudio.places import bundled
from latentstudio.training.building import build_network
from latentstudio.training.checkpoint import load_checkpoint
from latentstudio.training.distributed import Processes
from latentstudio.training.method import TrainingBatch
from latentstudio.training.recipe import find_recipe, read_recipe
from latentstudio.training.starting import start_weights
from latentstudio.training.train import train_recipe

MANY = find_recipe("scenes-many")


def test_weights_are_taken_and_the_cells_of_a_finer_grid_stay_where_they_are() -> None:
    recipe = read_recipe(MANY)
    network = build_network(recipe, catalogue=find_catalogue())
    cells = network.get_buffer("places.centres").clone()
    told = start_weights(network, recipe)
    kept = read_tensors(bundled("models") / "scenes" / "weights.safetensors")
    parameters, count = dict(network.named_parameters()), len(network.state_dict())
    assert told == f"starts from {count - 2} of {count} tensors of scenes"  # the cells of boxes and of the prior
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
    assert "tensors of scenes" in told


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
    assert "tensors of fashion-vae" in start_weights(network, recipe)


def test_a_generator_that_is_gone_on_with_draws_what_the_trained_one_draws() -> None:
    recipe = replace(read_recipe(find_recipe("fashion-gan")), start="fashion-gan")
    network = build_network(recipe, catalogue=find_catalogue()).eval()
    start_weights(network, recipe)  # its running statistics too
    latents = torch.randn(8, 100, generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        mine = network.generator(latents)
        theirs = open_model("fashion-gan", runtime="eager").generator.network.generator(latents)
    assert float((mine - theirs).abs().max()) < 0.02  # shipped weights are rounded to 16 bits


def test_going_on_needs_no_start(tmp_path: Path) -> None:
    start = tmp_path / "start"
    shutil.copytree(bundled("models") / "scenes", start)
    recipe = replace(read_recipe(find_recipe("scenes")), start=str(start), steps=2, batch=2, checkpoint_every=1)
    run = tmp_path / "run"
    for step in train_recipe(recipe, run, catalogue=find_catalogue()):
        if step.step == 1:
            break
    shutil.rmtree(start)
    steps = [step.step for step in train_recipe(recipe, run, catalogue=find_catalogue(), resume=True)]
    assert steps[-1] == 2
    kept = load_checkpoint(run)
    assert kept is not None
    assert kept.recipe["start"] == "start"  # no path of this machine


def test_noise_of_processes_is_their_own() -> None:
    batches = [TrainingBatch(1, torch.zeros(2, 1), torch.Generator().manual_seed(5), False, Processes(rank, 2))
               for rank in (0, 1)]
    first, second = (torch.randn(4, generator=batch.own_noise) for batch in batches)
    assert not torch.equal(first, second)
    alone = TrainingBatch(1, torch.zeros(2, 1), torch.Generator().manual_seed(5))
    assert alone.own_noise is alone.noise


def test_training_says_what_it_starts_from(tmp_path: Path) -> None:
    recipe = replace(read_recipe(MANY), data="scenes:flat", start="scenes", steps=1, batch=2,
                     config={**read_recipe(find_recipe("scenes")).config})
    notes = [note for step in train_recipe(recipe, tmp_path, catalogue=find_catalogue()) for note in step.notes]
    assert any("tensors of scenes" in note for note in notes)
