"""Reconstruction errors against closed forms: equal pictures, constants, masks, sums."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional

from latentstudio.errors import CapabilityError, UsageError
from latentstudio.loss_names import LOSSES, parse_loss
from latentstudio.losses import (
    blurred_error,
    feature_error,
    features_for,
    loss_named,
    structural_dissimilarity,
)
from tests.blob import BlobGenerator

SUMS = (*LOSSES, "0.8*mse+0.2*dssim")


def _features(images):
    """Two levels of differences between neighbours, a stand-in for a network."""
    coarse = functional.avg_pool2d(images, 2)
    return [torch.cat([part, part - part.roll(1, 3)], dim=1) for part in (images, coarse)]


def _loss(name):
    return loss_named(name, features=_features)


class CriticalBlob(BlobGenerator):
    """The blob with a critic that sees the means of its quarters."""

    def features(self, images):
        return functional.adaptive_avg_pool2d(images, 2).flatten(1)


def _pictures(count=3, side=24, seed=0):
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", SUMS)
def test_equal_pictures_have_no_error_and_others_have_one_value_each(name):
    pictures, mask = _pictures(), torch.ones(3, 1, 24, 24)
    loss = _loss(name)
    assert loss(pictures, pictures, mask).abs().max() < 1e-6
    other = loss(pictures, _pictures(seed=1), mask)
    assert other.shape == (3,)
    assert (other > 1e-3).all()


@pytest.mark.parametrize("name", SUMS)
def test_undefined_pixels_have_no_influence(name):
    pictures, targets = _pictures(), _pictures(seed=1)
    mask = torch.ones(3, 1, 24, 24)
    mask[:, :, :, :9] = 0.0
    changed = targets.clone()
    changed[:, :, :, :9] = 1.0 - changed[:, :, :, :9]
    loss = _loss(name)
    assert torch.allclose(loss(pictures, targets, mask), loss(pictures, changed, mask), atol=1e-6)
    assert loss(torch.where(mask > 0, targets, pictures), targets, mask).abs().max() < 1e-6


@pytest.mark.parametrize("name", SUMS)
def test_one_target_serves_many_pictures_and_gradients_flow(name):
    pictures = _pictures().requires_grad_(True)
    target, mask = _pictures(1, seed=1), torch.ones(1, 1, 24, 24)
    loss = _loss(name)
    values = loss(pictures, target, mask)
    alone = torch.stack([loss(pictures[row : row + 1], target, mask)[0] for row in range(3)])
    assert torch.allclose(values, alone, atol=1e-6)
    (gradient,) = torch.autograd.grad(values.sum(), pictures)
    assert torch.isfinite(gradient).all()
    assert gradient.abs().max() > 0


def test_a_constant_offset_gives_its_square_and_its_size():
    pictures = torch.full((1, 3, 16, 16), 0.25)
    mask = torch.ones(1, 1, 16, 16)
    mask[:, :, :, 12:] = 0.0
    assert loss_named("mse")(pictures + 0.5, pictures, mask).item() == pytest.approx(0.25)
    assert loss_named("l1")(pictures + 0.5, pictures, mask).item() == pytest.approx(0.5)
    assert loss_named("2*mse+1*l1")(pictures + 0.5, pictures, mask).item() == pytest.approx(1.0)


def test_dssim_of_flat_pictures_is_the_luminance_term():
    one, other = torch.full((1, 3, 16, 16), 0.2), torch.full((1, 3, 16, 16), 0.6)
    expected = (1.0 - (2 * 0.2 * 0.6 + 1e-4) / (0.2**2 + 0.6**2 + 1e-4)) / 2.0
    assert structural_dissimilarity(one, other, torch.ones(1, 1, 16, 16)).item() == pytest.approx(expected, abs=1e-4)


def test_dssim_of_a_negative_is_near_one_and_of_noise_near_a_half():
    noise = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(2)).expand(-1, 3, -1, -1)
    other = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(3)).expand(-1, 3, -1, -1)
    mask = torch.ones(1, 1, 64, 64)
    assert structural_dissimilarity(noise, 1.0 - noise, mask).item() > 0.9
    assert structural_dissimilarity(noise, other, mask).item() == pytest.approx(0.5, abs=0.03)


def test_blurring_attenuates_a_wave_by_the_gaussian_s_own_factor():
    side, sigma, wave = 128, 2.0, 16
    columns = torch.arange(side, dtype=torch.float32)
    stripes = (0.5 + 0.25 * torch.sin(2 * math.pi * wave * columns / side)).expand(1, 3, side, side)
    flat = torch.full_like(stripes, 0.5)
    error = blurred_error(stripes, flat, torch.ones(1, 1, side, side), sigma=sigma / side).item()
    attenuated = math.exp(-((2 * math.pi * wave / side) ** 2) * sigma**2)
    assert error == pytest.approx(0.25**2 / 2 * attenuated, rel=0.1)


@pytest.mark.parametrize("text", ["", "psnr", "mse+", "-1*mse", "x*mse", "nan*mse"])
def test_a_loss_that_is_none_is_refused(text):
    with pytest.raises(UsageError, match="the loss"):
        parse_loss(text)


def test_the_feature_distance_of_opposite_channels_is_its_largest():
    plain = torch.ones(1, 3, 8, 8)
    distance = feature_error(plain, plain, torch.ones(1, 1, 8, 8), features=lambda images: [images])
    assert distance.item() == pytest.approx(0.0)
    opposite = iter([[plain], [-plain]])
    farthest = feature_error(plain, plain, torch.ones(1, 1, 8, 8), features=lambda images: next(opposite))
    assert farthest.item() == pytest.approx(4.0)


def test_without_add_on_and_critic_the_message_says_how_to_get_features(home):
    with pytest.raises(CapabilityError, match="models get features-efficientnet-lite0"):
        features_for(BlobGenerator())
    with pytest.raises(CapabilityError, match="models get features-efficientnet-lite0"):
        loss_named("mse+0.1*features")


def test_without_the_add_on_a_critic_serves(home):
    generator = CriticalBlob()
    loss = loss_named("features", features=features_for(generator))
    left, right = generator.generate(torch.tensor([[-1.0, 0, 0, 0, 0, 0], [1.0, 0, 0, 0, 0, 0]])).split(1)
    whole = torch.ones(1, 1, 32, 32)
    assert loss(left, left, whole).item() < 1e-6
    assert loss(left, right, whole).item() > 0.1


def test_the_add_on_puts_noise_far_from_faces_and_blur_nearer(features_home):
    loss = loss_named("features", features=features_for(BlobGenerator()))
    picture, whole = BlobGenerator().generate(torch.zeros(1, 6)), torch.ones(1, 1, 32, 32)
    noise = (picture + 0.2 * torch.randn(picture.shape, generator=torch.Generator().manual_seed(0))).clamp(0.0, 1.0)
    assert loss(picture, picture, whole).item() < 1e-6
    assert loss(0.97 * picture, picture, whole).item() < 0.5 * loss(noise, picture, whole).item()
