"""Courses in the one loop: alternating steps resume exactly, and runs that lead nowhere are given up."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from latentstudio.autoencoding.study import start_from_vae
from latentstudio.autoencoding.vae import VaeStep
from latentstudio.errors import TrainingError
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.places import bundled
from latentstudio.training import loop
from latentstudio.training.building import build_network
from latentstudio.training.checkpoint import load_checkpoint
from latentstudio.training.pictures import PictureSet
from latentstudio.training.recipe import Recipe, find_recipe, read_recipe
from latentstudio.training.train import train_recipe

PARTS = {
    "vae": ["encoder", "decoder"], "split-vae": ["encoder", "decoder"], "gan": ["generator", "critic"],
    "wgan-gp": ["generator", "critic"], "vae-gan": ["encoder", "generator", "critic"],
    "bigan": ["encoder", "generator", "joint-critic"], "avae": ["encoder", "decoder", "generator", "critic"],
    "avae-a": ["encoder", "decoder", "generator", "critic"],
}
STEPS = 8


def recipe_for(method: str, **settings: float) -> Recipe:
    config = {
        "side": 16, "channels": 1, "latent_size": 4, "width": 4, "parts": PARTS[method],
        "noise_size": 2 if method == "avae-a" else 0, "design": "split" if method == "split-vae" else "thesis",
        "critic_norm": method != "wgan-gp",
    }
    vae_steps = {"vae_steps": 4.0} if method.startswith("avae") else {}
    more = {"critic_steps": 3.0} if method == "wgan-gp" else {}
    return Recipe("small", method, "avae", "none", steps=STEPS, batch=8, learning_rate=1e-3, checkpoint_every=1,
                  final_decay=0.5, config=config, settings={**vae_steps, **more, **settings})


def some_pictures(seed: int = 0) -> PictureSet:
    source = np.random.default_rng(seed)
    return PictureSet(source.integers(0, 256, (64, 1, 16, 16)).astype(np.uint8),
                      source.integers(0, 256, (16, 1, 16, 16)).astype(np.uint8))


def run(recipe: Recipe, folder: Path, *, resume: bool = False, stop: int | None = None, pictures=None):
    folder.mkdir(exist_ok=True)
    steps = train_recipe(recipe, folder, catalogue=find_catalogue(), resume=resume,
                           pictures=pictures or some_pictures())
    found = []
    for step in steps:
        found.append(step)
        if step.step == stop:
            break
    return found


def weights(folder: Path) -> dict[str, torch.Tensor]:
    checkpoint = load_checkpoint(folder)
    assert checkpoint is not None
    return {**checkpoint.weights, **checkpoint.optimiser}


@pytest.mark.parametrize("method", sorted(PARTS))
@pytest.mark.parametrize("stop", [3, 6])
def test_a_run_that_was_stopped_goes_on_to_the_same_weights(home: Path, tmp_path: Path, method: str, stop: int) -> None:
    recipe = recipe_for(method)
    whole = run(recipe, tmp_path / "whole")
    run(recipe, tmp_path / "cut", stop=stop)
    tail = run(recipe, tmp_path / "cut", resume=True)
    losses = [(step.step, dict(step.metrics)) for step in whole if step.step > stop]
    assert [(step.step, dict(step.metrics)) for step in tail if step.step] == losses
    one, other = weights(tmp_path / "whole"), weights(tmp_path / "cut")
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_a_smooth_critic_resumes_too(home: Path, tmp_path: Path) -> None:
    recipe = replace(recipe_for("avae", smoothness=1.0), steps=10)
    whole = run(recipe, tmp_path / "whole")
    run(recipe, tmp_path / "cut", stop=7)
    tail = run(recipe, tmp_path / "cut", resume=True)
    assert [dict(step.metrics) for step in tail if step.step] == [dict(step.metrics) for step in whole[-3:]]
    rough = run(replace(recipe_for("avae"), steps=10), tmp_path / "rough")
    assert dict(rough[-1].metrics) != dict(whole[-1].metrics)


def test_the_phases_of_an_avae_train_what_they_should(home: Path, tmp_path: Path) -> None:
    recipe = recipe_for("avae")
    run(recipe, tmp_path / "a", stop=5)
    after_vae = load_checkpoint(tmp_path / "a")
    run(recipe, tmp_path / "a", resume=True)
    done = load_checkpoint(tmp_path / "a")
    assert after_vae is not None
    assert done is not None

    def moved(part: str) -> bool:
        names = [n for n in done.weights if n.startswith(f"model.{part}") and n.endswith("weight")]
        assert names
        return any(not torch.equal(done.weights[n], after_vae.weights[n]) for n in names)

    assert (moved("encoder"), moved("decoder"), moved("generator"), moved("critic")) == (False, False, True, True)
    assert float(done.weights["matched"]) == 1.0
    assert torch.equal(done.weights["model.root"], after_vae.weights["model.root"])
    assert not torch.equal(done.weights["model.root"], torch.eye(4))


def test_all_four_networks_learn_together_without_a_first_phase(home: Path, tmp_path: Path) -> None:
    found = run(recipe_for("avae", vae_steps=0.0), tmp_path / "a", stop=3)
    assert {"reconstruction", "critic", "latent"} <= set(found[-1].metrics)


def test_an_avae_that_starts_from_a_trained_vae_equals_the_uninterrupted_one(home: Path, tmp_path: Path) -> None:
    avae = replace(recipe_for("avae"), final_decay=0.25)
    vae = replace(recipe_for("vae"), steps=4, final_decay=0.5)
    run(avae, tmp_path / "whole")
    run(vae, tmp_path / "vae")
    (tmp_path / "from").mkdir()
    start_from_vae(avae, tmp_path / "from", tmp_path / "vae", catalogue=find_catalogue())
    run(avae, tmp_path / "from", resume=True)
    one, other = load_checkpoint(tmp_path / "whole"), load_checkpoint(tmp_path / "from")
    assert one is not None
    assert other is not None
    for name, value in one.weights.items():
        if not name.endswith("num_batches_tracked"):
            torch.testing.assert_close(other.weights[name], value, msg=name)


def test_a_critic_that_has_won_stops_the_run_and_keeps_a_good_checkpoint(home, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(loop, "PATIENCE", 4)
    monkeypatch.setattr(loop, "_UNSURE", 2)
    monkeypatch.setattr("latentstudio.autoencoding.picture_method.WON", 1e9)
    with pytest.raises(TrainingError, match=r"told every picture apart.*last good checkpoint"):
        run(recipe_for("gan"), tmp_path / "a")
    checkpoint = load_checkpoint(tmp_path / "a")
    assert checkpoint is not None
    assert checkpoint.step == 1, "from the second step in trouble on nothing is kept"


def test_weights_that_are_not_finite_are_never_kept(home, tmp_path, monkeypatch) -> None:
    def breaks(self, turn):
        told = original(self, turn)
        if turn.step == 3:
            with torch.no_grad():
                self.encoder.spread.fill_(float("nan"))
        return told

    original = VaeStep.make
    monkeypatch.setattr(VaeStep, "make", breaks)
    with pytest.raises(TrainingError, match=r"weights 'model.encoder.spread' are not finite after step 3"):
        run(recipe_for("vae"), tmp_path / "a")
    checkpoint = load_checkpoint(tmp_path / "a")
    assert checkpoint is not None
    assert checkpoint.step == 2


def test_too_little_memory_suggests_a_smaller_batch(home, tmp_path, monkeypatch) -> None:
    def full(*_: object) -> None:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: you tried")

    monkeypatch.setattr("latentstudio.autoencoding.vae.VaeStep.make", full)
    with pytest.raises(TrainingError, match=r"not enough memory.*batch = 4"):
        run(recipe_for("vae"), tmp_path / "a")


def test_other_data_at_resume_is_told_and_used(home: Path, tmp_path: Path) -> None:
    run(recipe_for("gan"), tmp_path / "a", stop=3)
    found = run(recipe_for("gan"), tmp_path / "a", resume=True, pictures=some_pictures(1))
    assert "changed since step 3" in found[0].notes[0]
    assert found[-1].step == STEPS


@pytest.mark.parametrize(("method", "parts", "words"), [
    ("avae", ["encoder", "decoder"], "no generator"), ("gan", ["encoder", "decoder"], "no generator"),
    ("vae", ["generator", "critic"], "no encoder"),
])
def test_networks_that_the_method_lacks_are_named(home, tmp_path, method, parts, words) -> None:
    recipe = recipe_for(method)
    with pytest.raises(TrainingError, match=words):
        run(replace(recipe, config={**recipe.config, "parts": parts}), tmp_path / "a")


def test_an_unknown_setting_is_named(home: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="setting 'gamma'"):
        run(recipe_for("gan", gamma=1.0), tmp_path / "a")


@pytest.mark.parametrize(("key", "value", "words"), [
    ("width", -4, "width -4"), ("side", 48, "side 48"), ("kernel", 6, "kernel 6"), ("colour", 1, "key 'colour'"),
    ("latent_size", 0, "latent_size 0"), ("channels", 2, "2 channels"), ("side", "big", "side 'big'"),
])
def test_sizes_that_networks_cannot_have_are_refused(home: Path, key: str, value: object, words: str) -> None:
    recipe = recipe_for("vae")
    with pytest.raises(Exception, match=words):
        build_network(replace(recipe, config={**recipe.config, key: value}), catalogue=find_catalogue())


RECIPES = sorted(path.stem for path in (bundled("resources") / "recipes").glob("*.toml"))


@pytest.mark.parametrize("name", [name for name in RECIPES if read_recipe(find_recipe(name)).method in PARTS])
def test_every_shipped_recipe_builds_and_makes_a_step(home: Path, tmp_path: Path, name: str) -> None:
    recipe = read_recipe(find_recipe(name))
    assert recipe.name == name
    side, channels = recipe.config["side"], recipe.config["channels"]
    pictures = np.random.default_rng(0).integers(0, 256, (20, channels, side, side)).astype(np.uint8)
    tiny = replace(recipe, batch=2, config={**recipe.config, "width": 4})
    found = run(tiny, tmp_path / "a", stop=1, pictures=PictureSet(pictures, pictures[:4]))
    assert found[-1].step == 1
    assert all(np.isfinite(value) for value in found[-1].metrics.values())
