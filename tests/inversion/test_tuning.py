"""Pivotal tuning on a small network: what it reaches, what it keeps, and how the difference travels."""

from __future__ import annotations

import copy
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from latentstudio.errors import CapabilityError, ModelFileError, UsageError
from latentstudio.generators.card import ModelCard
from latentstudio.generators.conditions import NONE
from latentstudio.generators.tunings import (
    find_tuning,
    keep_tuning,
    make_tuning,
    read_tuning,
    tuned_generator,
    tuning_from,
    write_tuning,
)
from latentstudio.generators.weights import read_tensors
from latentstudio.inversion.settings import TuningSettings
from latentstudio.inversion.tuning import Anchors, chosen_weights, conclude_tuning, tune
from latentstudio.latents import LatentSpace
from tests.blob import BlobGenerator

BRIEF = {"steps": 60, "learning_rate": 0.02, "share": 1.0, "locality": 0.3}
PIVOT = torch.tensor([[0.5, -0.4, 0.3, 0.2]])


class SmallGenerator:
    """Two layers from 4 coordinates to 16 x 16 pixels."""

    def __init__(self, sha256: str = "5ma11" * 12 + "abcd") -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.network = nn.Sequential(nn.Linear(4, 24), nn.Tanh(), nn.Linear(24, 3 * 256))
        self.network.eval().requires_grad_(False)
        self.card = ModelCard("small", "none", image_size=(16, 16), spaces=(LatentSpace("z", (4,)),),
                              weights_sha256=sha256)

    def generate(self, latent, *, space="z", conditions=NONE):
        return self.network(latent).reshape(-1, 3, 16, 16).sigmoid()


class BreakingGenerator(SmallGenerator):
    """Its pictures stop being numbers after some calls."""

    calls = 0

    def generate(self, latent, **options):
        type(self).calls += 1
        pictures = super().generate(latent, **options)
        return pictures * float("nan") if type(self).calls > 80 else pictures


def _target():
    return torch.rand(3, 16, 16, generator=torch.Generator().manual_seed(4))


def _tuned(generator, **changes):
    steps = list(tune(generator, _target(), PIVOT, TuningSettings(**{**BRIEF, **changes})))
    return steps[-1].result, steps


def test_the_picture_is_learned_and_the_generator_stays_as_it_was():
    generator = SmallGenerator()
    before = copy.deepcopy(generator.network.state_dict())
    result, steps = _tuned(generator)
    assert result.mse < 0.25 * result.before_mse
    assert result.dssim < result.before_dssim
    assert all(torch.equal(before[name], value) for name, value in generator.network.state_dict().items())
    assert not any(weight.requires_grad for weight in generator.network.parameters())
    assert (result.steps, result.ended) == (60, "all steps made")
    assert [step.fraction for step in steps] == sorted(step.fraction for step in steps)
    shown = [step for step in steps if step.tuning is not None]
    assert len(shown) == 7
    assert all(step.preview.shape == (16, 16, 3) for step in shown)
    drawn = tuned_generator(generator, result.tuning).generate(PIVOT)[0]
    assert np.allclose(drawn.numpy(), result.picture, atol=1e-6)


def test_the_same_seed_gives_the_same_tuning():
    one, other = (_tuned(SmallGenerator(), steps=12)[0] for _ in range(2))
    assert one.tuning == other.tuning
    assert one.tuning.sha256 != _tuned(SmallGenerator(), steps=12, seed=100)[0].tuning.sha256


def test_locality_holds_the_neighbours():
    generator = SmallGenerator()
    near = PIVOT + torch.randn(32, 4, generator=torch.Generator().manual_seed(1))

    def moved(result):
        return float((tuned_generator(generator, result.tuning).generate(near) - generator.generate(near))
                     .square().mean())

    held, free = _tuned(generator, locality=30.0, share=1.0)[0], _tuned(generator, locality=0.0, share=1.0)[0]
    assert moved(held) < 0.5 * moved(free)
    assert held.drift < free.drift


def test_anchors_are_learned_beside_the_pivot():
    generator = SmallGenerator()
    latents = torch.tensor([[1.5, 0.0, 0.0, 0.0], [0.0, 1.5, 0.0, 0.0], [0.0, 0.0, -1.5, 0.0]])
    targets = _target().roll(4, 2)[None].expand(3, -1, -1, -1).clone()
    masks = torch.ones(3, 1, 16, 16)
    targets[:, :, :, :4], masks[:, :, :, :4] = float("inf"), 0.0
    targets = torch.nan_to_num(targets, posinf=0.5)
    anchors = Anchors(latents, targets, masks)

    def error(tuning):
        pictures = tuned_generator(generator, tuning).generate(latents)
        return float(((pictures - targets).square() * masks).mean())

    settings = TuningSettings(**BRIEF)
    with_anchors = list(tune(generator, _target(), PIVOT, settings, anchors=anchors))[-1].result
    without = list(tune(generator, _target(), PIVOT, settings))[-1].result
    assert error(with_anchors.tuning) < 0.8 * error(without.tuning)
    unweighted = list(tune(generator, _target(), PIVOT, replace(settings, anchors=0.0), anchors=anchors))[-1].result
    assert unweighted.tuning == without.tuning


def test_only_the_last_share_of_the_weights_changes():
    generator = SmallGenerator()
    result, _ = _tuned(generator, steps=5, share=0.05)
    assert _changed(result) == {"2.bias"}
    result, _ = _tuned(generator, steps=5, share=1.0)
    assert _changed(result) == {"0.weight", "0.bias", "2.weight", "2.bias"}


def _changed(result):
    from safetensors.numpy import load

    return {name.removeprefix("difference.") for name in load(result.tuning.data) if name != "pivot"}


def test_the_time_limit_ends_it_and_a_closed_one_keeps_what_it_has():
    generator = SmallGenerator()
    result, _ = _tuned(generator, seconds=1e-9)
    assert (result.ended, result.steps) == ("the time was up", 1)
    last = None
    steps = tune(generator, _target(), PIVOT, TuningSettings(steps=60, learning_rate=0.02))
    for step in steps:
        last = step if step.tuning is not None else last
        if step.step >= 35:
            break
    steps.close()
    found = conclude_tuning(generator, _target(), last)
    assert found.ended == "cancelled"
    assert found.steps == 30
    assert found.mse < found.before_mse
    first = next(iter(tune(generator, _target(), PIVOT)))
    with pytest.raises(UsageError, match="before it had begun"):
        conclude_tuning(generator, _target(), first)


def test_between_two_steps_there_are_only_a_few_pictures(monkeypatch):
    generator = SmallGenerator()
    seen: list[int] = []
    original = SmallGenerator.generate

    def counted(self, latent, **options):
        seen.append(len(latent))
        return original(self, latent, **options)

    monkeypatch.setattr(SmallGenerator, "generate", counted)
    counts = []
    for _ in tune(generator, _target(), PIVOT, TuningSettings(steps=20, neighbours=8)):
        counts.append(sum(seen))
        seen.clear()
    assert max(counts[1:-1]) <= 5


def test_a_loss_that_is_not_finite_ends_it_with_the_weights_before():
    BreakingGenerator.calls = 0
    result, steps = _tuned(BreakingGenerator())
    assert result.ended == "the loss was not finite"
    assert "was not finite" in result.notes[0]
    assert 0 < result.steps < 60
    assert all(torch.isfinite(part.float()).all() for part in map(torch.as_tensor, _values(result)))
    assert steps[-1].tuning == result.tuning


def _values(result):
    from safetensors.numpy import load

    return list(load(result.tuning.data).values())


def test_a_generator_whose_pictures_do_not_come_from_its_weights_is_refused():
    with pytest.raises(CapabilityError, match="no gradients for its weights"):
        next(iter(tune(BlobGenerator(), torch.zeros(3, 32, 32), torch.zeros(1, 6))))


@pytest.mark.parametrize("changes", [
    {"steps": 0}, {"seconds": -1.0}, {"share": 0.0}, {"share": 1.5}, {"locality": -1.0}, {"loss": "beauty"},
    {"anchors": -1.0}, {"learning_rate": float("nan")}, {"neighbours": 0}, {"reach": 0.0},
])
def test_settings_that_make_no_sense_are_refused(changes):
    with pytest.raises(UsageError):
        TuningSettings(**changes)


def test_a_latent_of_another_size_is_refused():
    with pytest.raises(UsageError, match="4 finite numbers"):
        next(iter(tune(SmallGenerator(), _target(), torch.zeros(5))))


def test_chosen_weights_of_a_share_hold_at_least_one():
    generator = SmallGenerator()
    from latentstudio.inversion.settings import InversionSettings
    from latentstudio.inversion.task import make_task

    task = make_task(generator, _target(), InversionSettings())
    assert list(chosen_weights(task, PIVOT, 1e-6)) == ["2.bias"]


def test_a_tuning_travels_through_its_file_and_the_store(home, tmp_path):
    result, _ = _tuned(SmallGenerator(), steps=12)
    path = tmp_path / "mine.safetensors"
    write_tuning(path, result.tuning)
    assert read_tuning(path) == result.tuning
    assert np.array_equal(result.tuning.pivot(), PIVOT.numpy()[0])
    assert dict(result.tuning.figures)["steps"] == 12
    assert {value.dtype for name, value in read_tensors(path).items() if name != "pivot"} == {torch.float16}
    assert find_tuning(result.tuning.sha256, tmp_path) == result.tuning
    path.unlink()
    with pytest.raises(ModelFileError, match="is not here"):
        find_tuning(result.tuning.sha256, tmp_path)
    kept = keep_tuning(result.tuning)
    assert kept.is_file()
    assert find_tuning(result.tuning.sha256) == result.tuning


def test_another_model_refuses_it():
    result, _ = _tuned(SmallGenerator(), steps=5)
    with pytest.raises(ModelFileError, match="belongs to small"):
        tuned_generator(SmallGenerator(sha256="other" * 12 + "abcd"), result.tuning)


@pytest.mark.parametrize("differences", [
    {"9.weight": torch.zeros(2)}, {"2.bias": torch.zeros(2)}, {"2.bias": torch.full((768,), float("inf"))},
])
def test_differences_that_do_not_fit_are_refused(differences):
    generator = SmallGenerator()
    tuning = make_tuning(generator.card, PIVOT.numpy()[0], differences, {})
    with pytest.raises(ModelFileError, match=r"does not (fit|have)|changes"):
        tuned_generator(generator, tuning)


@pytest.mark.parametrize("data", [b"", b"{}", b"\x02\0\0\0\0\0\0\0{}", b"\xff" * 40])
def test_bytes_that_are_no_tuning_are_refused(data):
    with pytest.raises(ModelFileError, match="no tuning"):
        tuning_from(data)


def test_a_file_of_another_format_is_refused(tmp_path):
    header = json.dumps({"__metadata__": {"format": "song", "model": "a", "model_sha256": "b", "figures": "{}"}})
    text = header.encode()
    (tmp_path / "song.safetensors").write_bytes(len(text).to_bytes(8, "little") + text)
    with pytest.raises(ModelFileError, match="no tuning"):
        read_tuning(tmp_path / "song.safetensors")
