"""Training a recoder, stopping, going on, and the encoder that an opened model has afterwards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from latentstudio.errors import ModelFileError, TrainingError
from latentstudio.generators.capabilities import Encodes
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.generators.opening import open_model
from latentstudio.generators.recoder import RecoderNetwork, open_recoder, recoder_folder
from latentstudio.inversion import recoding
from latentstudio.inversion.recoding import finish_recoder, recoder_recipe, train_recoder
from latentstudio.places import data_folder, user_models
from latentstudio.training.checkpoint import load_checkpoint
from latentstudio.training.recipe import Recipe

RECIPE = Recipe(
    "tiny", "recoder", "dcgan", "samples", steps=6, batch=4, checkpoint_every=2, warm_up=2, second_moment=0.99,
    settings={"average": 0.9, "image_share": 0.5, "image_weight": 40.0}, mixed_precision=False,
)


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("LATENTSTUDIO_HOME", str(tmp_path / "home"))
    folder = user_models() / "example"
    folder.mkdir(parents=True)
    backend: Any = find_catalogue().backend("dcgan")
    backend.make_example(folder, seed=1)
    return open_model("example", runtime="eager")


@pytest.fixture(autouse=True)
def few_held_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recoding, "HELD_OUT", 16)


def _train(model, folder, *, stop=None, resume=False):
    for step in train_recoder(model.generator, RECIPE, folder, resume=resume):
        if step.step == stop:
            break
    return step


def test_a_resumed_training_repeats_the_uninterrupted_one(model, tmp_path):
    last = _train(model, tmp_path / "whole")
    assert set(last.metrics) == {"loss", "latent", "image"}
    assert last.metrics["loss"] == pytest.approx(last.metrics["latent"] + 40.0 * last.metrics["image"], rel=1e-5)
    _train(model, tmp_path / "cut", stop=3)
    _train(model, tmp_path / "cut", resume=True)
    whole, cut = load_checkpoint(tmp_path / "whole"), load_checkpoint(tmp_path / "cut")
    assert whole is not None
    assert cut is not None
    for name, value in whole.weights.items():
        assert torch.equal(value, cut.weights[name])
    assert not torch.equal(whole.weights["network.head.3.weight"], whole.weights["average.head.3.weight"])


def test_an_opened_model_encodes_once_its_recoder_lies_there(model, tmp_path):
    assert not isinstance(model.generator, Encodes)
    _train(model, tmp_path / "run")
    out = data_folder() / "recoders" / "example"
    card = finish_recoder(model.generator, RECIPE, tmp_path / "run", out, command="latentstudio train recoder")
    assert card.figures["held_out"]["samples"] == 16
    assert json.loads((out / "card.json").read_text())["model_sha256"] == model.card.weights_sha256
    opened = open_model("example", runtime="eager").generator
    assert isinstance(opened, Encodes)
    pictures = opened.generate(torch.randn(3, 6, generator=torch.Generator().manual_seed(0)))
    assert opened.encode(pictures).shape == (3, 6)
    checkpoint = load_checkpoint(tmp_path / "run")
    network = RecoderNetwork(6).eval()
    averaged = {name: value for name, value in checkpoint.weights.items() if name.startswith("average.")}
    network.load_state_dict({name.removeprefix("average."): value for name, value in averaged.items()})
    assert torch.allclose(opened.encode(pictures), network(pictures), atol=5e-3)


def test_a_recoder_of_other_weights_is_not_taken(model, tmp_path):
    _train(model, tmp_path / "run")
    out = data_folder() / "recoders" / "example"
    finish_recoder(model.generator, RECIPE, tmp_path / "run", out, command="")
    card = json.loads((out / "card.json").read_text())
    (out / "card.json").write_text(json.dumps({**card, "model_sha256": "0" * 64}))
    assert recoder_folder(model.card) is None
    assert not isinstance(open_model("example", runtime="eager").generator, Encodes)


def test_broken_recoders_are_named(model, tmp_path):
    _train(model, tmp_path / "run")
    out = data_folder() / "recoders" / "example"
    finish_recoder(model.generator, RECIPE, tmp_path / "run", out, command="")
    with open(out / "weights.safetensors", "r+b") as stream:
        stream.seek(-4, 2)
        stream.write(b"\0\0\1\1")
    with pytest.raises(ModelFileError, match="not the file that its card names"):
        open_recoder(out, (6,))
    (out / "card.json").write_text("{")
    with pytest.raises(ModelFileError, match="not the card of a recoder"):
        _ = open_model("example", runtime="eager").generator


def test_an_unfinished_training_is_no_recoder(model, tmp_path):
    _train(model, tmp_path / "run", stop=3)
    with pytest.raises(TrainingError, match="step 3 of 6"):
        finish_recoder(model.generator, RECIPE, tmp_path / "run", tmp_path / "out", command="")
    with pytest.raises(TrainingError, match="no checkpoint"):
        finish_recoder(model.generator, RECIPE, tmp_path / "nothing", tmp_path / "out", command="")


def test_pictures_of_any_size_are_encoded():
    network = RecoderNetwork(7).eval()
    assert network(torch.rand(2, 3, 28, 40)).shape == (2, 7)
    assert network(torch.rand(1, 3, 128, 128)).shape == (1, 7)


def test_the_shipped_recipe_is_the_papers_network_and_warms_up():
    recipe = recoder_recipe("faces-gan", "dcgan")
    assert (recipe.name, recipe.method, recipe.backend) == ("faces-gan", "recoder", "dcgan")
    assert recipe.warm_up == 100
    assert sum(value.numel() for value in RecoderNetwork(100).parameters()) < 3_700_000


def test_the_verb_trains_stops_and_goes_on(model, tmp_path, monkeypatch, capsys):
    from latentstudio.cli.main import main

    monkeypatch.setattr("latentstudio.cli.train_recoder.recoder_recipe", lambda name, backend: RECIPE)
    words = ["train", "recoder", "--model", "example", "--run", str(tmp_path / "run"), "--out", str(tmp_path / "out")]
    assert main([*words, "--minutes", "0.000001", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert (first["step"], first["finished"]) == (2, False)
    assert main([*words, "--resume", "--json"]) == 0
    second = json.loads(capsys.readouterr().out)
    assert (second["step"], second["finished"], second["out"]) == (6, True, str(tmp_path / "out"))
    assert (tmp_path / "out" / "weights.safetensors").stat().st_size < 15_000_000


def test_the_verb_wants_a_model_with_recoder_and_only_then(capsys):
    from latentstudio.cli.main import main

    assert main(["train", "recoder", "--out", "x"]) == 2
    assert "no model was named" in capsys.readouterr().err
    assert main(["train", "sprites-b10", "--model", "faces-gan", "--out", "x"]) == 2
    assert "--model goes with" in capsys.readouterr().err


def test_a_prior_that_cannot_be_sampled_is_refused(model, tmp_path):
    from dataclasses import replace

    from latentstudio.latents import LatentSpace

    generator = model.generator
    generator.card = replace(generator.card, spaces=(LatentSpace("z", (6,), prior="none"),))
    with pytest.raises(TrainingError, match="no prior"):
        next(train_recoder(generator, RECIPE, tmp_path))


def test_settings_of_the_recipe_are_checked(tmp_path):
    from latentstudio.training.recipe import read_recipe

    path = tmp_path / "r.toml"
    path.write_text('name="a"\nmethod="recoder"\nbackend=""\ndata="samples"\nsteps=3\nsecond_moment=1.5\n')
    with pytest.raises(TrainingError, match="second_moment"):
        read_recipe(path)
