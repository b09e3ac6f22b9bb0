"""Training a scene model: every stage learns what is its own, a resumed run repeats, other designs train too."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from latentstudio.errors import TrainingError, UnknownNameError
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.generators.opening import open_model
from latentstudio.scenes import finishing
from latentstudio.scenes import pictures as scene_pictures
from latentstudio.scenes.losses import mixture, normal_divergence, object_prior, presence_divergence, rotation
from latentstudio.training.recipe import Recipe, find_recipe, read_recipe
from latentstudio.training.train import finish_recipe, train_recipe

SMALL = {"side": 32, "grid": 4, "glimpse": 8, "what_size": 4, "box_size": 4, "background_size": 4, "width": 16,
         "prior_width": 8}
STAGES = {"background_steps": 3.0, "object_steps": 3.0, "glimpses": 2.0}


@pytest.fixture(autouse=True)
def few(monkeypatch, tmp_path):
    monkeypatch.setenv("LATENTSTUDIO_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(scene_pictures, "POOL", 24)
    monkeypatch.setattr(scene_pictures, "HELD_OUT", 8)
    monkeypatch.setattr(finishing, "TESTED", 10)


def recipe(steps=9, *, settings=None, data="scenes:flat", **config):
    return Recipe("tiny", "scenes", "scenes", data, steps, batch=4, learning_rate=1e-3, seed=2, checkpoint_every=4,
                  config={**SMALL, **config}, settings={**STAGES, **(settings or {})})


def run(folder, wanted, *, stop=None, resume=False):
    found = []
    for step in train_recipe(wanted, folder, catalogue=find_catalogue(), resume=resume):
        if step.step:
            found.append((step.step, step.metrics["loss"]))
        if step.step == stop:
            break
    return found


def weights(folder):
    from latentstudio.training.checkpoint import load_checkpoint

    return load_checkpoint(folder).weights


def test_every_stage_moves_its_own_networks_only(tmp_path):
    first, second, third = (tmp_path / name for name in "abc")
    run(first, recipe(), stop=1)
    run(second, recipe(), stop=3)
    run(third, recipe(), stop=6)
    start, background, objects = weights(first), weights(second), weights(third)
    moved = {name.split(".")[0] for name in start if not torch.equal(start[name], background[name])}
    assert moved == {"background"}
    assert {name.split(".")[0] for name in start if not torch.equal(background[name], objects[name])} == {"glimpses"}
    whole = tmp_path / "whole"
    run(whole, recipe())
    end = weights(whole)
    last = {name.split(".")[0] for name in end if not torch.equal(objects[name], end[name])}
    assert {"structure", "proposer", "places", "glimpses", "prior", "background"} <= last


def test_a_resumed_run_repeats_the_uninterrupted_one(tmp_path):
    whole = run(tmp_path / "whole", recipe())
    run(tmp_path / "cut", recipe(), stop=7)
    assert run(tmp_path / "cut", recipe(), resume=True) == whole[7:]
    for name, value in weights(tmp_path / "whole").items():
        assert torch.equal(value, weights(tmp_path / "cut")[name])


@pytest.mark.parametrize(("settings", "config"), [
    ({"object_prior": 0.0, "rotation": 0.0, "boundary": 1.0}, {"grid": 8, "slots": 1, "rotates": False,
                                                              "learned_prior": False, "components": 3}),
    ({}, {"slots": 3, "half_turn": False}),
])
def test_plain_space_and_other_designs_train(tmp_path, settings, config):
    assert len(run(tmp_path / "a", recipe(settings=settings, **config))) == 9


def test_a_finished_run_becomes_a_model_that_opens(tmp_path):
    run(tmp_path / "run", recipe())
    card = finish_recipe(recipe(), tmp_path / "run", tmp_path / "tiny", catalogue=find_catalogue(), command="train")
    assert card.figures["held_out"]["scenes"] == 10
    assert set(card.capabilities) == {"generate", "decompose"}
    model = open_model(tmp_path / "tiny")
    assert (tmp_path / "tiny" / "held_out.png").is_file()
    model.close()
    with pytest.raises(TrainingError, match="stands at step 9 of 20"):
        finish_recipe(recipe(20), tmp_path / "run", tmp_path / "b", catalogue=find_catalogue(), command="train")


def test_more_objects_than_there_is_room_for_is_warned_about(tmp_path):
    wanted = recipe(2, data="scenes:many", grid=2, slots=1)
    notes = [note for step in train_recipe(wanted, tmp_path, catalogue=find_catalogue()) for note in step.notes]
    assert notes == ["scenes of the kind 'many' hold up to 24 objects, and this model has room for 4"]


def test_wrong_recipes_are_refused(tmp_path):
    with pytest.raises(TrainingError, match="the setting 'beta'"):
        run(tmp_path, recipe(settings={"beta": 1.0}))
    with pytest.raises(UnknownNameError, match="no scenes of the kind 'none'"):
        run(tmp_path, recipe(data="scenes:none"))


def test_a_wrong_recipe_leaves_the_earlier_run_alone(tmp_path):
    run(tmp_path, recipe())
    before = {path.name: path.read_bytes() for path in tmp_path.glob("*.*")}
    for wrong in (recipe(settings={"beta": 1.0}), recipe(data="scenes:none")):
        with pytest.raises((TrainingError, UnknownNameError)):
            run(tmp_path, wrong)
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.*")} == before
    assert "checkpoint.safetensors" in before


def test_divergences_against_their_definitions():
    mean, deviation = torch.tensor([[0.5, -1.0]]), torch.tensor([[0.7, 1.3]])
    zero, one = torch.zeros(1, 2), torch.ones(1, 2)
    laws = torch.distributions
    wanted = laws.kl_divergence(laws.Normal(mean, deviation), laws.Normal(zero, one)).sum(1)
    torch.testing.assert_close(normal_divergence(mean, deviation, zero, one), wanted)
    logit, prior = torch.tensor([0.3, -2.0]), torch.tensor([-1.0, 0.5])
    wanted = laws.kl_divergence(laws.Bernoulli(logits=logit), laws.Bernoulli(logits=prior))
    torch.testing.assert_close(presence_divergence(logit, prior), wanted)


def test_the_mixture_takes_the_better_explanation_by_its_share():
    good, bad = torch.full((1, 2, 2), -1.0), torch.full((1, 2, 2), -50.0)
    alpha = torch.full((1, 1, 2, 2), 0.25)
    assert float(mixture(good, bad, alpha)) == pytest.approx(-4 * (-1.0 + torch.tensor(0.75).log().item()), abs=1e-4)


def disc(shift, size=16):
    places = (torch.arange(size) * 2.0 + 1.0) / size - 1.0
    return ((places[None, :] - shift) ** 2 + places[:, None] ** 2 < 0.2).float()[None, None]


def test_the_object_prior_pulls_a_box_to_its_mask_and_leaves_a_fitting_one(tmp_path):
    box = torch.tensor([[0.0, 0.0, 0.4, 0.4, 0.3]], requires_grad=True)
    (gradient,) = torch.autograd.grad(object_prior(box, disc(0.4), sigma=0.4).sum(), box)
    across = torch.tensor([torch.cos(torch.tensor(0.3)), -torch.sin(torch.tensor(0.3))])
    assert float(-gradient[0, :2] @ across) > 0.1, "the centre is pulled towards the mask"
    assert float(gradient[0, 2]) > 0.0, "a box too large for its mask shrinks"
    empty = object_prior(box, torch.zeros(1, 1, 16, 16), sigma=0.4)
    assert float(empty.detach()) == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize("off", [0.3, -0.3])
def test_the_rotation_loss_turns_a_box_along_its_mask(off):
    places = (torch.arange(32) * 2.0 + 1.0) / 32 - 1.0
    x, y = places[None, :], -places[:, None]
    turned = torch.tensor(off)
    along, across = turned.cos() * x + turned.sin() * y, turned.cos() * y - turned.sin() * x
    bar = ((along.abs() < 0.8) & (across.abs() < 0.2)).float()[None, None]
    box = torch.tensor([[0.0, 0.0, 0.4, 0.4, 0.0]], requires_grad=True)
    (gradient,) = torch.autograd.grad(rotation(box, bar).sum(), box)
    assert float(gradient[0, 4]) * off < 0.0, "down the gradient the box turns towards its mask"
    assert gradient[0, :4].abs().max() == 0.0


@pytest.mark.parametrize("name", ["scenes", "scenes-many", "scenes-space"])
def test_the_shipped_recipes_make_a_step_of_every_stage(tmp_path, name):




    shipped = read_recipe(find_recipe(name))
    assert shipped.name == name
    tiny = replace(shipped, batch=2, steps=3, settings={**shipped.settings, "background_steps": 1.0,
                                                        "object_steps": 1.0})
    assert [step for step, _ in run(tmp_path / "run", tiny)] == [1, 2, 3]
