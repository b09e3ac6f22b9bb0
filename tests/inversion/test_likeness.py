"""The dial between likeness and editability, and searching in other latent spaces than z."""

from __future__ import annotations

from itertools import pairwise
from typing import get_args

import numpy as np
import pytest
import torch

from latentstudio.errors import CapabilityError, UnknownNameError, UsageError
from latentstudio.generators.card import ModelCard
from latentstudio.generators.conditions import NONE
from latentstudio.inversion.inverting import invert
from latentstudio.inversion.likeness import MARKS, likeness_curve
from latentstudio.inversion.settings import InversionSettings, Optimiser
from latentstudio.latents import LatentSpace
from tests.blob import BlobGenerator

WANTED = torch.tensor([[0.6, -0.5, 0.8, 1.0, 0.3, -0.2]])
NEAR = torch.tensor([[0.2, -0.1, 0.1, 0.2, 0.0, 0.1]])


class EncodingBlob(BlobGenerator):
    """The blob with an encoder that knows no better than ``NEAR``."""

    def encode(self, images):
        return NEAR.expand(len(images), -1)


class MappedBlob(EncodingBlob):
    """The blob with two further spaces: w = 2 z + 0.3, and w+ with one half of w for each half of the latent."""

    def __init__(self) -> None:
        super().__init__()
        self.card = ModelCard(
            name="mapped", backend="none", image_size=(32, 32), weights_sha256="b10b" * 16,
            spaces=(LatentSpace("z", (6,)), LatentSpace("w", (6,), "none"), LatentSpace("w+", (2, 6), "none")),
        )

    def map_latents(self, latent, *, space, conditions=NONE):
        w = 2.0 * latent + 0.3
        return w if space == "w" else w[:, None].expand(-1, 2, -1)

    def generate(self, latent, *, space="z", **options):
        if space == "w+":
            latent = torch.cat([latent[:, 0, :3], latent[:, 1, 3:]], dim=1)
        return super().generate(latent if space == "z" else (latent - 0.3) / 2.0, **options)


def _last(steps):
    result = None
    for step in steps:
        result = step.result
    return result


@pytest.mark.parametrize("optimiser", get_args(Optimiser))
@pytest.mark.parametrize("distance", [0.0, 0.3])
def test_no_search_goes_further_than_allowed(optimiser, distance):
    generator = EncodingBlob()
    target = generator.generate(WANTED)[0]
    settings = InversionSettings(loss="blurred", optimiser=optimiser, distance=distance, steps=10)
    for step in invert(generator, target, settings):
        if step.latent is not None:
            assert np.linalg.norm(step.latent - NEAR.numpy()[0]) <= distance + 1e-4
    assert np.isfinite(step.result.mse)
    if distance:
        assert step.result.mse < step.result.start_mse


@pytest.mark.parametrize("optimiser", get_args(Optimiser))
def test_a_search_held_near_the_shell_stays_there(optimiser):
    generator = EncodingBlob()
    settings = InversionSettings(loss="blurred", optimiser=optimiser, distance=0.2, around="shell", steps=8)
    for step in invert(generator, generator.generate(WANTED)[0], settings):
        if step.latent is not None:
            assert 6**0.5 - 0.2001 <= step.norm <= 6**0.5 + 1e-4


def test_the_dial_is_a_share_of_the_radius_and_without_limit_at_its_end():
    radius = LatentSpace("z", (100,)).radius
    assert [InversionSettings(likeness=mark).allowed(radius) for mark in (0.0, 0.25, 1.0)] == [0.0, 2.5, None]
    assert InversionSettings(likeness=0.5, distance=3.0).allowed(radius) == 3.0
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(UsageError, match="likeness"):
            InversionSettings(likeness=wrong)
    with pytest.raises(UsageError, match="distance"):
        InversionSettings(distance=-1.0)
    with pytest.raises(UsageError, match="around"):
        InversionSettings(around="moon")


def test_the_curve_falls_from_the_encoder_s_error_to_the_free_search_s():
    generator = EncodingBlob()
    target = generator.generate(WANTED)[0]
    steps = list(likeness_curve(generator, target))
    points = steps[-1].points
    assert [point.likeness for point in points] == list(MARKS)
    assert points[0].moved == pytest.approx(0.0, abs=1e-5)
    losses = [point.loss for point in points]
    assert all(later <= earlier + 1e-9 for earlier, later in pairwise(losses))
    assert points[-1].distance is None
    assert points[-1].mse < 1e-4
    assert all(point.moved <= point.distance + 1e-4 for point in points[:-1])
    assert [step.fraction for step in steps] == sorted(step.fraction for step in steps)


@pytest.mark.parametrize("space", ["w", "w+"])
@pytest.mark.parametrize("start", ["encoder", "random"])
def test_other_spaces_are_searched_where_a_model_has_them(space, start):
    generator = MappedBlob()
    target = generator.generate(WANTED)[0]
    result = _last(invert(generator, target, InversionSettings(loss="mse", space=space, start=start)))
    assert result.latent.shape == generator.card.space(space).shape
    assert result.mse < 1e-4
    drawn = generator.generate(torch.from_numpy(result.latent)[None], space=space)[0]
    assert np.allclose(drawn.numpy(), result.picture, atol=1e-6)


def test_a_latent_of_w_may_be_given_and_is_held_near():
    generator = MappedBlob()
    given = generator.map_latents(NEAR, space="w")
    settings = InversionSettings(space="w", start="given", distance=0.5)
    result = _last(invert(generator, generator.generate(WANTED)[0], settings, start=given))
    assert np.linalg.norm(result.latent - given.numpy()[0]) <= 0.5001


def test_a_space_without_a_mapping_or_without_a_name_is_refused():
    generator = EncodingBlob()
    with pytest.raises(UnknownNameError, match="no latent space 'w'"):
        _last(invert(generator, generator.generate(WANTED)[0], InversionSettings(space="w")))
    unmapped = BlobGenerator()
    unmapped.card = MappedBlob().card
    with pytest.raises(CapabilityError, match="no mapping into w"):
        _last(invert(unmapped, generator.generate(WANTED)[0], InversionSettings(space="w")))
