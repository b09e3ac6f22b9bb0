"""The AVAE backend: sizes, whitened latents, parts and capabilities, float16 files."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from latentstudio.errors import ModelFileError
from latentstudio.files import sha256_of
from latentstudio.generators.capabilities import Decodes, Encodes, Scores
from latentstudio.generators.card import read_card
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.generators.conditions import Conditions
from latentstudio.generators.weights import write_tensors


@pytest.fixture
def backend(home: Path) -> Any:
    return find_catalogue().backend("avae")


@pytest.fixture
def network(backend: Any) -> Any:
    """The backend's network module."""
    return sys.modules[type(backend).__module__.replace("backend", "network")]


@pytest.mark.parametrize("design", ["thesis", "split", "vanilla"])
@pytest.mark.parametrize(("side", "channels"), [(16, 3), (32, 1), (64, 3)])
@torch.no_grad()
def test_every_design_encodes_and_draws(backend: Any, design: str, side: int, channels: int) -> None:
    made = backend.build({"side": side, "channels": channels, "latent_size": 5, "width": 4, "design": design}).eval()
    images = torch.rand(3, channels, side, side)
    mean, variance = made.encoder(images)
    assert mean.shape == variance.shape == (3, 5)
    assert bool((variance > 0).all())
    for draw in (made.decoder, made.generator):
        pictures = draw(mean)
        assert pictures.shape == images.shape
        assert float(pictures.min()) >= 0.0
        assert float(pictures.max()) <= 1.0
    assert made.critic(images).shape == (3,)


def test_layers_are_those_of_figure_3_5(backend: Any) -> None:
    made = backend.build({"side": 64, "width": 128})
    filters = [tuple(part.weight.shape) for part in made.critic.modules() if isinstance(part, torch.nn.Conv2d)]
    assert filters == [(128, 3, 5, 5), (256, 128, 5, 5), (512, 256, 5, 5), (1024, 512, 5, 5)]
    up = [tuple(part.weight.shape) for part in made.generator.modules() if isinstance(part, torch.nn.ConvTranspose2d)]
    assert up == [(1024, 512, 5, 5), (512, 256, 5, 5), (256, 128, 5, 5), (128, 3, 5, 5)]
    assert made.encoder.spread.shape == (100,)


def test_sigma_does_not_depend_on_the_picture(backend: Any) -> None:
    made = backend.build({"side": 16, "width": 4, "latent_size": 3}).eval()
    _, variance = made.encoder(torch.rand(4, 3, 16, 16))
    assert bool((variance == variance[:1]).all())
    assert bool((variance < 1).all()), "the root of 1 - sigma^2 must exist"


def test_latents_are_whitened_codes(backend: Any) -> None:
    made = backend.build({"side": 16, "width": 4, "latent_size": 3}).eval()
    made.centre.copy_(torch.tensor([1.0, 2.0, 3.0]))
    made.root.copy_(torch.tensor([[2.0, 0.5, 0.0], [0.5, 1.0, 0.0], [0.0, 0.0, 0.3]]))
    codes = torch.randn(6, 3)
    torch.testing.assert_close(made.colour(made.whiten(codes)), codes)
    images = torch.rand(2, 3, 16, 16)
    torch.testing.assert_close(made.colour(made.encoded(images)), made.encoder(images)[0])


@pytest.mark.parametrize(("parts", "offered"), [
    (["encoder", "decoder"], {"encode", "decode"}), (["generator", "critic"], {"score"}),
    (["encoder", "generator", "joint-critic"], {"encode"}),
    (["encoder", "decoder", "generator", "critic"], {"encode", "decode", "score"}),
])
def test_a_model_offers_what_it_has_networks_for(
    backend: Any, tmp_path: Path, parts: list[str], offered: set[str]
) -> None:
    made = backend.build({"side": 16, "width": 4, "latent_size": 3, "parts": parts})
    write_tensors(tmp_path / "weights.safetensors", {n: v.half() if v.is_floating_point() else v
                                                     for n, v in made.state_dict().items()},
                  {"config": json.dumps(made.sizes.config())})
    card = backend.probe(tmp_path / "weights.safetensors")
    assert set(card.capabilities) == offered | {"generate"}
    opened = backend.open(card, tmp_path, device="cpu")
    protocols = {"encode": Encodes, "decode": Decodes, "score": Scores}
    assert {name for name, protocol in protocols.items() if isinstance(opened, protocol)} == offered
    assert opened.generate(torch.randn(2, 3)).shape == (2, 3, 16, 16)


def test_xi_changes_the_generators_picture_and_not_the_decoders(backend: Any, tmp_path: Path) -> None:
    card = backend.make_example(tmp_path, seed=0)
    assert card == read_card(tmp_path)
    assert card.weights_sha256 == sha256_of(tmp_path / card.weights)
    opened = backend.open(card, tmp_path, device="cpu")
    latent = torch.randn(2, 6)
    assert torch.equal(opened.generate(latent), opened.generate(latent, conditions=Conditions.of(noise_seed=0)))
    assert not torch.equal(opened.generate(latent), opened.generate(latent, conditions=Conditions.of(noise_seed=1)))
    assert not torch.equal(opened.generate(latent), opened.decode(latent))


def test_pictures_of_28_pixels_are_padded_for_models_of_32(network: Any) -> None:
    sizes = network.Sizes(side=32, channels=1)
    fitted = network.fit(torch.ones(1, 3, 28, 28), sizes)
    assert fitted.shape == (1, 1, 32, 32)
    assert float(fitted[..., :2, :].max()) == 0.0
    assert float(fitted[..., 2:30, 2:30].min()) == pytest.approx(1.0)
    assert network.fit(torch.ones(1, 3, 40, 50), sizes).shape == (1, 1, 32, 32)


def test_weights_of_other_sizes_are_refused(backend: Any, tmp_path: Path) -> None:
    card = backend.make_example(tmp_path, seed=0)
    with pytest.raises(ModelFileError, match="does not hold the networks"):
        backend.open(replace(card, config={**card.config, "width": 8}), tmp_path, device="cpu")
    with pytest.raises(ModelFileError, match="contradicts"):
        backend.open(replace(card, image_size=(32, 32)), tmp_path, device="cpu")


@pytest.mark.parametrize(("config", "words"), [
    ({"width": -1}, "width -1"), ({"parts": ["encoder"]}, "parts encoder"), ({"design": "gothic"}, "design 'gothic'"),
    ({"colour": 2}, "'colour'"), ({"width": "wide"}, "width 'wide'"), ({"critic_norm": 3}, "critic_norm 3"),
    ({"parts": ["decoder", "critic", "joint-critic"]}, "joint-critic"),
])
def test_sizes_that_cannot_be_are_refused(backend: Any, config: dict[str, Any], words: str) -> None:
    with pytest.raises(ModelFileError, match=words):
        backend.build(config)
