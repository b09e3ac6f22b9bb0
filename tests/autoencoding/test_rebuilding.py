"""Reconstructions and the way between two latents."""

from __future__ import annotations

import numpy as np
import pytest

from latentstudio.autoencoding.rebuilding import interpolate, rebuild
from latentstudio.errors import CapabilityError, PictureError, UsageError
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.generators.opening import Model, open_model
from latentstudio.places import user_models


@pytest.fixture
def model(home) -> Model:
    folder = user_models() / "example"
    folder.mkdir(parents=True)
    find_catalogue().backend("avae").make_example(folder, seed=0)  # type: ignore[attr-defined]
    return open_model(folder, runtime="eager")


def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (20, 24, 3)).astype(np.uint8)


def test_the_errors_are_those_of_the_first_reconstruction(model: Model) -> None:
    found = rebuild(model, picture(), variations=3)
    assert found.made.shape == (3, 16, 16, 3)
    apart = found.made[0].astype(float) / 255.0 - found.original.astype(float) / 255.0
    assert found.mse == pytest.approx((apart**2).mean(), abs=1e-3)
    assert not (found.made[0] == found.made[1]).all()


def test_a_plain_picture_has_no_sharpness_and_a_tiny_one_is_refused(model: Model) -> None:
    assert np.isnan(rebuild(model, np.full((20, 20, 3), 90, np.uint8)).sharpness)
    with pytest.raises(PictureError, match="1 x 9 pixels"):
        rebuild(model, picture()[:9, :1])


def test_decoder_and_generator_share_the_latent(model: Model) -> None:
    one, other = rebuild(model, picture(), by="decoder"), rebuild(model, picture(), by="generator")
    assert (one.latent == other.latent).all()
    assert not (one.made[0] == other.made[0]).all()


@pytest.mark.parametrize("by", ["decoder", "generator"])
def test_the_way_between_two_latents_begins_and_ends_at_them(model: Model, by: str) -> None:
    source = np.random.default_rng(1)
    one, other = source.standard_normal((2, 6)).astype(np.float32)
    way = interpolate(model, one, other, count=5, by=by)
    back = interpolate(model, other, one, count=5, by=by)
    assert way.shape == (5, 16, 16, 3)
    assert np.abs(way.astype(int) - back[::-1].astype(int)).max() <= 1
    assert (interpolate(model, one, one, count=2, by=by)[0] == way[0]).all()


def test_what_cannot_be_is_refused(model: Model) -> None:
    latent = np.zeros(6, dtype=np.float32)
    with pytest.raises(UsageError, match="1 pictures"):
        interpolate(model, latent, latent, count=1)
    with pytest.raises(CapabilityError, match="no encoder"):
        rebuild(_without_encoder(), picture())


def _without_encoder() -> Model:
    folder = user_models() / "plain"
    folder.mkdir(parents=True)
    find_catalogue().backend("dcgan").make_example(folder, seed=0)  # type: ignore[attr-defined]
    return open_model(folder, runtime="eager")
