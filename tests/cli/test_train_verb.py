"""Training from a recipe, stopping, going on, and the model folder that comes out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from latentstudio.autoencoding.beta_vae import new_sprites
from latentstudio.errors import TrainingError, UnknownNameError
from latentstudio.files import sha256_of
from latentstudio.generators.card import read_card
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.generators.opening import open_model
from latentstudio.training.building import build_network
from latentstudio.training.loop import TrainingStep
from latentstudio.training.recipe import read_recipe
from latentstudio.training.train import finish_recipe, train_recipe

RECIPE = """
name = "tiny"
method = "beta-vae"
backend = "beta_vae"
data = "sprites"
steps = 4
batch = 4
seed = 5
checkpoint_every = 2

[config]
latent_size = 3

[settings]
beta = 2.0
"""


@pytest.fixture(autouse=True)
def few_held_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("latentstudio.autoencoding.beta_vae.HELD_OUT", 64)


@pytest.fixture
def recipe_file(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.toml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


def test_train_writes_a_model_folder_that_opens(cli, recipe_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "tiny"
    answer = cli("train", recipe_file, "--run", tmp_path / "run", "--out", out, "--json")
    assert answer.code == 0
    facts = answer.json
    assert (facts["step"], facts["finished"], facts["out"]) == (4, True, str(out))
    card = read_card(out)
    assert card.weights_sha256 == facts["weights_sha256"] == sha256_of(out / "weights.safetensors")
    assert card.accelerated_sha256 == sha256_of(out / "generator.onnx")
    assert (card.name, card.measure, card.spaces[0].shape) == ("tiny", "barycentre", (3,))
    assert card.recipe["seed"] == 5
    assert card.figures["held_out"]["pictures"] == 64
    assert card.command.startswith("latentstudio train tiny.toml")
    assert (out / "recipe.toml").read_text(encoding="utf-8") == RECIPE
    assert json.loads((out / "log.jsonl").read_text(encoding="utf-8").splitlines()[-1])["step"] == 4
    model = open_model(out, runtime="accelerated")
    latent = torch.zeros(2, 3).numpy()
    fast = model.pictures(latent)
    eager = open_model(out, runtime="eager").pictures(latent)
    assert fast.shape == (2, 3, 64, 64)
    assert abs(fast - eager).max() < 1e-4


def test_a_stopped_run_goes_on_and_ends_with_the_same_weights(cli, recipe_file: Path, tmp_path: Path) -> None:
    whole = cli("train", recipe_file, "--run", tmp_path / "a", "--out", tmp_path / "tiny", "--json").json
    stopped = cli(
        "train", recipe_file, "--run", tmp_path / "b", "--out", tmp_path / "other", "--minutes", "0.00001", "--json"
    ).json
    assert (stopped["finished"], stopped["step"], stopped["out"]) == (False, 2, None)
    rest = cli(
        "train", recipe_file, "--run", tmp_path / "b", "--out", tmp_path / "other", "--resume", "--json"
    ).json
    assert rest["finished"] is True
    assert rest["weights_sha256"] == whole["weights_sha256"]
    again = cli(
        "train", recipe_file, "--run", tmp_path / "b", "--out", tmp_path / "other", "--resume", "--json"
    ).json
    assert (again["finished"], again["losses"]) == (True, None)


def test_resume_of_another_recipe_is_refused(cli, recipe_file: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    cli("train", recipe_file, "--run", run, "--out", tmp_path / "tiny")
    answer = cli("train", recipe_file, "--seed", "6", "--run", run, "--out", tmp_path / "tiny", "--resume")
    assert answer.code == 2
    assert "seed" in answer.complaint


def test_a_new_run_stopped_before_its_first_step_leaves_the_earlier_one_and_writes_no_model(
    cli, recipe_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    cli("train", recipe_file, "--run", run, "--out", tmp_path / "tiny")
    before = (run / "checkpoint.safetensors").read_bytes()

    def stopped(*_: object, **__: object) -> Iterator[TrainingStep]:
        yield TrainingStep(0.0, "reading pictures")

    monkeypatch.setattr("latentstudio.tasks.train.train_recipe", stopped)
    answer = cli("train", recipe_file, "--seed", "6", "--run", run, "--out", tmp_path / "other", "--json")
    assert (answer.json["step"], answer.json["finished"], answer.json["out"]) == (0, False, None)
    assert not (tmp_path / "other").exists()
    assert (run / "checkpoint.safetensors").read_bytes() == before
    with pytest.raises(TrainingError, match="made with another seed"):
        finish_recipe(replace(read_recipe(recipe_file), seed=6), run, tmp_path / "other", catalogue=find_catalogue(),
                      command="")


def test_the_first_weights_depend_on_the_seed_alone(cli, recipe_file: Path) -> None:
    recipe, catalogue = read_recipe(recipe_file), find_catalogue()
    torch.manual_seed(1)
    first = build_network(recipe, catalogue=catalogue).state_dict()
    before = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(before, torch.rand(1)), "building must not disturb the global generator"
    second = build_network(recipe, catalogue=catalogue).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(("old", "new", "part"), [
    ('data = "sprites"', 'data = "dreams"', "dreams"),
    ('method = "beta-vae"', 'method = "alchemy"', "alchemy"),
    ('backend = "beta_vae"', 'backend = "loom"', "loom"),
    ("steps = 4", "steps = 0", "steps is 0; expected a whole number from 1"),
    ("steps = 4", "paces = 4", "paces"),
])
def test_a_wrong_recipe_is_a_user_error(cli, recipe_file: Path, tmp_path: Path, old: str, new: str, part: str) -> None:
    recipe_file.write_text(RECIPE.replace(old, new), encoding="utf-8")
    answer = cli("train", recipe_file, "--run", tmp_path / "run", "--out", tmp_path / "tiny")
    assert answer.code == 2
    assert part in answer.complaint


def test_a_backend_that_builds_nothing_is_refused(cli, recipe_file: Path, tmp_path: Path) -> None:
    class Bare:
        def backend(self, name: str) -> object:
            return object()

    with pytest.raises(TrainingError, match="builds no networks"):
        next(train_recipe(read_recipe(recipe_file), tmp_path / "run", catalogue=Bare()))  # type: ignore[arg-type]


def test_new_sprites_lie_off_the_training_grid() -> None:
    pictures = new_sprites(64, seed=3)
    assert pictures.shape == (64, 1, 64, 64)
    assert set(pictures.unique().tolist()) == {0.0, 1.0}
    assert pictures.sum(dim=(1, 2, 3)).min() > 0


def test_unknown_data_is_named_before_anything_is_written(recipe_file: Path, tmp_path: Path) -> None:
    recipe_file.write_text(RECIPE.replace('data = "sprites"', 'data = "dreams"'), encoding="utf-8")
    with pytest.raises(UnknownNameError, match="dreams"):
        next(train_recipe(read_recipe(recipe_file), tmp_path / "run", catalogue=find_catalogue()))
    assert not (tmp_path / "run").exists()
