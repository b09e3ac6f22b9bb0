"""Transformations of light, colour and sharpness: signs, what they leave alone, and how they compose."""

from __future__ import annotations

import pytest
import torch

from latentstudio.losses import blur as low_pass
from latentstudio.transformations import TRANSFORMATIONS, transformation_named
from latentstudio.transformations.colour import chroma_plane
from latentstudio.transformations.light import luma
from latentstudio.transformations.sharpness import kernels

LIGHT = ("brightness", "contrast", "red", "green", "blue", "saturation", "hue")


def _gentle(count: int = 2, side: int = 48) -> torch.Tensor:
    """Colourful pictures far from black and white, so that nothing is clipped."""
    noise = torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(0))
    return 0.5 + (low_pass(noise - 0.5, 2.0)).clamp(-0.1, 0.1)


def _apply(name: str, images: torch.Tensor, t: float) -> torch.Tensor:
    moved, mask = transformation_named(name).apply(images, torch.full((len(images),), t))
    assert mask.all()
    assert mask.shape == (len(images), 1, *images.shape[2:])
    return moved


def _chroma(images: torch.Tensor) -> torch.Tensor:
    return torch.hypot(*chroma_plane(images))


def test_brightness_adds_and_clips():
    images = torch.full((1, 3, 4, 4), 0.9)
    assert _apply("brightness", images, 0.3).max() == 1.0
    assert float(_apply("brightness", images, -0.3).mean()) == pytest.approx(0.6)


def test_contrast_keeps_mean_luminance_and_colour_differences():
    images = _gentle()
    more = _apply("contrast", images, 0.5)
    assert torch.allclose(luma(more).mean(dim=(1, 2, 3)), luma(images).mean(dim=(1, 2, 3)), atol=1e-5)
    ratio = luma(more).std(dim=(1, 2, 3)) / luma(images).std(dim=(1, 2, 3))
    assert ratio.tolist() == pytest.approx([2**0.5] * 2, rel=1e-4)
    assert torch.allclose(_chroma(more), _chroma(images), atol=1e-5)


@pytest.mark.parametrize(("name", "channel"), [("red", 0), ("green", 1), ("blue", 2)])
def test_a_channel_changes_alone(name, channel):
    images = _gentle()
    change = (_apply(name, images, 0.2) - images).mean(dim=(0, 2, 3))
    assert change.tolist() == pytest.approx([0.2 * (index == channel) for index in range(3)], abs=1e-6)


def test_saturation_keeps_luminance_and_leaves_grey_alone():
    images = _gentle()
    more = _apply("saturation", images, 1.0)
    assert torch.allclose(luma(more), luma(images), atol=1e-5)
    assert torch.allclose(_chroma(more), 2 * _chroma(images), atol=1e-5)
    grey = torch.full((1, 3, 8, 8), 0.4)
    assert torch.allclose(_apply("saturation", grey, 1.0), grey, atol=1e-6)


def test_hue_turns_red_towards_green_and_keeps_luminance_and_chroma():
    reddish = torch.tensor([0.5, 0.3, 0.3])[None, :, None, None].expand(1, 3, 4, 4)
    yellowish, greenish = (_apply("hue", reddish, t)[0, :, 0, 0] for t in (60.0, 120.0))
    assert float(yellowish[0]) == pytest.approx(float(yellowish[1]), abs=1e-5)
    assert yellowish[0] > yellowish[2] + 0.1
    assert greenish[1] > greenish[0] + 0.1
    assert float(greenish[0]) == pytest.approx(float(greenish[2]), abs=1e-5)
    images = _gentle()
    turned = _apply("hue", images, 25.0)
    assert torch.allclose(luma(turned), luma(images), atol=1e-5)
    assert torch.allclose(_chroma(turned), _chroma(images), atol=1e-5)
    assert torch.allclose(_apply("hue", images, 360.0), images, atol=1e-4)


@pytest.mark.parametrize("name", LIGHT)
def test_they_compose_while_nothing_is_clipped(name):
    images, largest = _gentle(), transformation_named(name).largest(48)
    a, b = 0.3 * largest, -0.55 * largest
    assert torch.allclose(_apply(name, _apply(name, images, a), b), _apply(name, images, a + b), atol=1e-5)
    assert torch.allclose(_apply(name, images, 0.0), images, atol=1e-6)


@pytest.mark.parametrize("sigma", [0.0, 0.3, 1.0, 2.7])
def test_a_blur_has_the_standard_deviation_that_it_says(sigma):
    taps = kernels(torch.tensor([sigma]))[0]
    places = torch.arange(len(taps)) - len(taps) // 2
    assert float(taps.sum()) == pytest.approx(1.0, abs=1e-5)
    assert float((taps * places**2).sum()) == pytest.approx(sigma**2, abs=2e-3)


def test_blurs_compose_by_their_variances_and_sharpening_nearly_undoes_them():
    images = _gentle(side=64)
    twice, once = _apply("blur", _apply("blur", images, 0.9), 1.2), _apply("blur", images, 1.5)
    assert (twice - once)[..., 8:-8, 8:-8].abs().max() < 1e-4
    assert torch.allclose(_apply("blur", images, 0.0), images, atol=1e-6)
    back = _apply("blur", _apply("blur", images, 0.6), -0.6)
    assert (back - images).square().mean() < 0.05 * (_apply("blur", images, 0.6) - images).square().mean()
    steep = [float(_apply("blur", images, t).diff(dim=3).square().mean()) for t in (-1.5, -0.7, 0.0, 0.7, 1.5)]
    assert steep == sorted(steep, reverse=True)


def test_a_flat_picture_stays_flat_up_to_its_border_when_blurred():
    flat = torch.full((1, 3, 16, 16), 0.3)
    assert torch.allclose(_apply("blur", flat, 2.0), flat, atol=1e-5)


@pytest.mark.parametrize("transformation", TRANSFORMATIONS, ids=lambda one: one.name)
def test_gradients_flow_to_the_pictures_and_to_t(transformation):
    images = _gentle(side=24).requires_grad_(True)
    t = torch.full((2,), 0.3 * transformation.largest(24), requires_grad=True)
    moved, mask = transformation.apply(images, t)
    (moved * mask).square().sum().backward()
    for leaf in (images, t):
        assert leaf.grad is not None
        assert leaf.grad.isfinite().all()
        assert leaf.grad.abs().max() > 0
