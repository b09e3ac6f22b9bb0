"""The beta-VAE backend: grey RGB, posterior means."""

from __future__ import annotations

from pathlib import Path

import torch

from latentstudio.generators.capabilities import BuildsNetworks, Encodes
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.generators.contract import MakesExample


def test_pictures_are_grey_and_latents_are_posterior_means(home: Path, tmp_path: Path) -> None:
    backend = find_catalogue().backend("beta_vae")
    assert isinstance(backend, MakesExample)
    card = backend.make_example(tmp_path, seed=3)
    generator = backend.open(card, tmp_path, device="cpu")
    assert isinstance(generator, Encodes)
    pictures = generator.generate(torch.randn((2, 5), generator=torch.Generator().manual_seed(0)))
    assert pictures.shape == (2, 3, 64, 64)
    assert torch.equal(pictures[:, 0], pictures[:, 1])
    mean, _ = generator.network.posterior(pictures[:, :1])  # type: ignore[operator]
    torch.testing.assert_close(generator.encode(pictures), mean, rtol=1e-4, atol=1e-6)


def test_a_fresh_network_has_the_size_that_the_recipe_asks_for(home: Path) -> None:
    backend = find_catalogue().backend("beta_vae")
    assert isinstance(backend, BuildsNetworks)
    assert backend.build({"latent_size": 12})(torch.zeros(1, 12)).shape == (1, 1, 64, 64)


def test_the_same_seed_makes_the_same_example(home: Path, tmp_path: Path) -> None:
    backend = find_catalogue().backend("beta_vae")
    assert isinstance(backend, MakesExample)
    hashes = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        hashes.append(backend.make_example(tmp_path / name, seed=1).weights_sha256)
    assert hashes[0] == hashes[1]
