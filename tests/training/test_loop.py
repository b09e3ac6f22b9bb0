"""The training loop: resumes to the identical next step, stops with a word, keeps the last good checkpoint."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from latentstudio.errors import StorageError, TrainingError
from latentstudio.training.checkpoint import CHECKPOINT_FILE, load_checkpoint
from latentstudio.training.loop import LOG_FILE, train
from latentstudio.training.recipe import Recipe, read_recipe, shipped_recipe

RECIPE = Recipe("toy", "regression", "none", "noise", steps=12, batch=4, checkpoint_every=4, mixed_precision=False)


def _network() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Conv2d(1, 2, 3)


def _batch(step: int) -> torch.Tensor:
    return torch.randn(4, 1, 5, 5, generator=torch.Generator().manual_seed(step))


def _loss(network, images, noise):
    jitter = torch.randn(images.shape, generator=noise)
    error = (network(images + 0.1 * jitter) - 1.0).square().mean()
    return {"loss": error, "error": error}


def _run(folder, recipe=RECIPE, *, resume=False, stop=None, loss=_loss):
    folder.mkdir(exist_ok=True)
    network = _network()
    losses = []
    for step in train(recipe, network=network, batches=_batch, loss=loss, folder=folder, resume=resume):
        losses.append((step.step, step.metrics["loss"]))
        if step.step == stop:
            break
    return network, losses


def test_resumed_run_repeats_the_uninterrupted_one(tmp_path):
    whole, losses = _run(tmp_path / "whole")
    _run(tmp_path / "cut", stop=6)
    resumed, tail = _run(tmp_path / "cut", resume=True)
    assert tail == losses[6:]
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name])


def test_an_earlier_run_is_given_up_when_the_next_one_works_and_not_before(tmp_path):
    _run(tmp_path / "run")
    before = (tmp_path / "run" / CHECKPOINT_FILE).read_bytes()

    def broken(network, images, noise):
        raise TrainingError("no such loss")

    def endless(network, images, noise):
        return {"loss": _loss(network, images, noise)["loss"] * float("nan")}

    for loss, said in ((broken, "no such loss"), (endless, "not finite at step 1.*nothing was written")):
        with pytest.raises(TrainingError, match=said):
            _run(tmp_path / "run", loss=loss)
    assert (tmp_path / "run" / CHECKPOINT_FILE).read_bytes() == before
    _run(tmp_path / "run", replace(RECIPE, seed=1), stop=1)
    checkpoint = load_checkpoint(tmp_path / "run")
    assert checkpoint is not None
    assert checkpoint.step == 1
    assert not (tmp_path / "run" / LOG_FILE).exists()


def test_final_decay_lowers_the_rate_only_at_the_end(tmp_path):
    _, plain = _run(tmp_path / "plain")
    _, decayed = _run(tmp_path / "decayed", Recipe(**{**RECIPE.as_dict(), "final_decay": 0.25}))
    assert [loss for _, loss in plain[:9]] == [loss for _, loss in decayed[:9]]
    assert plain[-1] != decayed[-1]


def test_log_holds_mean_losses(tmp_path):
    _, losses = _run(tmp_path / "a")
    (line,) = (tmp_path / "a" / LOG_FILE).read_text().splitlines()
    record = json.loads(line)
    assert record["step"] == 12
    assert record["loss"] == pytest.approx(sum(loss for _, loss in losses) / 12, abs=1e-4)


def test_the_first_mean_after_going_on_is_of_the_steps_since(tmp_path):
    _run(tmp_path / "a", stop=6)
    _, losses = _run(tmp_path / "a", resume=True)
    record = json.loads((tmp_path / "a" / LOG_FILE).read_text().splitlines()[-1])
    assert [step for step, _ in losses] == list(range(7, 13))
    assert record["loss"] == pytest.approx(sum(loss for _, loss in losses) / 6, abs=1e-4)


def test_another_recipe_is_refused_by_name(tmp_path):
    _run(tmp_path / "a", stop=5)
    with pytest.raises(TrainingError, match="another batch"):
        _run(tmp_path / "a", Recipe(**{**RECIPE.as_dict(), "batch": 8}), resume=True)


def test_a_loss_that_is_not_finite_stops_with_the_step(tmp_path):
    def breaks(network, images, noise):
        losses = _loss(network, images, noise)
        return {name: value / 0.0 if float(images.sum()) == float(_batch(6).sum()) else value
                for name, value in losses.items()}

    with pytest.raises(TrainingError, match="not finite at step 6"):
        _run(tmp_path / "a", loss=breaks)
    checkpoint = load_checkpoint(tmp_path / "a")
    assert checkpoint is not None
    assert checkpoint.step == 4


def test_a_full_disk_keeps_the_last_good_checkpoint(tmp_path, monkeypatch):
    _run(tmp_path / "a", stop=5)
    before = (tmp_path / "a" / CHECKPOINT_FILE).read_bytes()

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("latentstudio.files.os.replace", full)
    with pytest.raises(StorageError, match="no space left"):
        _run(tmp_path / "a", resume=True)
    assert (tmp_path / "a" / CHECKPOINT_FILE).read_bytes() == before
    assert not list((tmp_path / "a").glob(".*part"))


def test_a_broken_checkpoint_says_what_to_do(tmp_path):
    _run(tmp_path / "a", stop=5)
    (tmp_path / "a" / CHECKPOINT_FILE).write_bytes(b"broken")
    with pytest.raises(TrainingError, match="delete it to start anew"):
        _run(tmp_path / "a", resume=True)


def test_the_shipped_recipe_is_the_papers():
    recipe = read_recipe(shipped_recipe("sprites-b10"))
    assert (recipe.settings["beta"], recipe.config["latent_size"]) == (10.0, 10)
    assert (recipe.learning_rate, recipe.batch) == (5e-4, 128)
    assert recipe.steps >= 30_000


@pytest.mark.parametrize(
    ("text", "message"),
    [("name = 3", "not a valid recipe"), ("steps = [", "not a valid recipe"), ("colour = 'red'", "not a valid recipe")],
)
def test_recipes_with_errors_are_refused(tmp_path, text, message):
    good = "name='a'\nmethod='m'\nbackend='b'\ndata='d'\nsteps=1\n"
    path = tmp_path / "r.toml"
    path.write_text(good if text.startswith("name") else good + text)
    if text.startswith("name"):
        path.write_text(good.replace("name='a'", text))
    with pytest.raises(TrainingError, match=message):
        read_recipe(path)


@pytest.mark.parametrize(("lines", "message"), [
    ("name='../../victim'", "the name '../../victim'"), ("name=''", "the name ''"), ("name='a/b'", "the name 'a/b'"),
    ("name='a'\nlearning_rate=nan", "learning_rate is nan"), ("name='a'\nlearning_rate=inf", "learning_rate is inf"),
    ("name='a'\nseed=-1", "seed is -1"), ("name='a'\n[card]\nfoo=1", r"the key 'foo' under \[card\]"),
    ("name='a'\n[settings]\nbeta=nan", "the setting beta = nan"),
    ("name='a'\n[card]\ntitle=5", r"under \[card\] .*Expected `str`, got `int`"),
    ("name='a'\n[card]\ndata=2024-01-01", r"under \[card\]"),
    ("name='a'\n[card]\nclasses=3", r"under \[card\]"),
    ("name='a'\n[card]\nmeasure='x'", "the measure 'x'"),
    ("name='a'\n[card]\nweights='w'", r"the key 'weights' under \[card\]"),
    ("name='a'\n[config]\nside=2024-01-01", "a checkpoint cannot keep"),
    ("name='a'\n[config]\nside=nan", "a checkpoint cannot keep"),
    ("name='a'\nbatch=99999999999999", "batch is 99999999999999"),
])
def test_what_would_fail_late_is_refused_first(tmp_path, lines, message):
    path = tmp_path / "r.toml"
    path.write_text("method='m'\nbackend='b'\ndata='d'\nsteps=1\n" + lines + "\n")
    with pytest.raises(TrainingError, match=message):
        read_recipe(path)


def test_recipes_with_bad_numbers_are_refused(tmp_path):
    path = tmp_path / "r.toml"
    path.write_text("name='a'\nmethod='m'\nbackend='b'\ndata='d'\nsteps=0\n")
    with pytest.raises(TrainingError, match="steps is 0; expected a whole number from 1"):
        read_recipe(path)
    with pytest.raises(TrainingError, match="there is no recipe"):
        read_recipe(tmp_path / "none.toml")


def test_a_folder_for_a_recipe_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="cannot be read"):
        read_recipe(tmp_path)
