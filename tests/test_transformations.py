"""Transformations: signs, masks, composition, sub-pixel moves."""

from __future__ import annotations

import pytest
import torch

from latentstudio.errors import UnknownNameError
from latentstudio.losses import blur, blurred_error, gaussian_kernel
from latentstudio.transformations import TRANSFORMATIONS, transformation_named


def _dot(x: int, y: int, side: int = 16) -> torch.Tensor:
    images = torch.zeros(1, 3, side, side)
    images[:, :, y, x] = 1.0
    return images


def _at(images: torch.Tensor) -> tuple[int, int]:
    index = int(images[0, 0].flatten().argmax())
    return index % images.shape[-1], index // images.shape[-1]


def test_x_is_to_the_right_and_y_downwards():
    moved, mask = transformation_named("x").apply(_dot(5, 7), torch.tensor([3.0]))
    assert _at(moved * mask) == (8, 7)
    assert mask[0, 0, :, :3].sum() == 0
    assert mask[0, 0, :, 3:].all()
    moved, mask = transformation_named("y").apply(_dot(5, 7), torch.tensor([-2.0]))
    assert _at(moved * mask) == (5, 5)
    assert mask[0, 0, -2:].sum() == 0


def test_half_a_pixel_is_shared_by_two():
    moved, _ = transformation_named("x").apply(_dot(5, 7), torch.tensor([0.5]))
    assert float(moved[0, 0, 7, 5]) == pytest.approx(0.5, abs=1e-4)
    assert float(moved[0, 0, 7, 6]) == pytest.approx(0.5, abs=1e-4)


def test_scale_above_one_is_larger_and_smaller_leaves_a_rim_undefined():
    disc = ((torch.arange(32) - 15.5)[:, None] ** 2 + (torch.arange(32) - 15.5)[None] ** 2 < 36).float()
    images = disc.expand(1, 3, 32, 32)
    larger, whole = transformation_named("scale").apply(images, torch.tensor([1.0]))
    smaller, rim = transformation_named("scale").apply(images, torch.tensor([-1.0]))
    assert int((larger[0, 0] > 0.5).sum()) == pytest.approx(4 * float(disc.sum()), rel=0.1)
    assert int(((smaller * rim)[0, 0] > 0.5).sum()) == pytest.approx(float(disc.sum()) / 4, rel=0.15)
    assert whole.all()
    assert rim[0, 0, 0].sum() == 0
    assert float(rim.mean()) == pytest.approx(0.25, abs=0.03)


def test_brightness_adds_and_clips():
    images = torch.full((1, 3, 4, 4), 0.9)
    brighter, mask = transformation_named("brightness").apply(images, torch.tensor([0.3]))
    assert brighter.max() == 1.0
    assert mask.all()
    darker, _ = transformation_named("brightness").apply(images, torch.tensor([-0.3]))
    assert float(darker.mean()) == pytest.approx(0.6)


@pytest.mark.parametrize("name", ["x", "y", "scale"])
def test_zero_is_the_identity_and_moves_compose(name):
    transformation = transformation_named(name)
    images = blur(torch.rand(2, 3, 48, 48, generator=torch.Generator().manual_seed(0)), 3.0)
    same, mask = transformation.apply(images, torch.zeros(2))
    assert mask.all()
    assert torch.allclose(same, images, atol=1e-5)
    a, b = transformation.largest(48) * 0.3, transformation.largest(48) * 0.4
    twice, mask_twice = transformation.apply(transformation.apply(images, torch.full((2,), a))[0], torch.full((2,), b))
    once, mask_once = transformation.apply(images, torch.full((2,), a + b))
    inside = mask_once * mask_twice
    inside[..., :6, :] = inside[..., -6:, :] = inside[..., :6] = inside[..., -6:] = 0
    assert ((twice - once).abs() * inside).max() < 0.01


def test_every_transformation_takes_one_parameter_a_picture():
    images = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    for transformation in TRANSFORMATIONS:
        t = torch.tensor([0.0, 0.1, -0.1]) * transformation.largest(16)
        together, masks = transformation.apply(images, t)
        for index in range(3):
            alone, mask = transformation.apply(images[index : index + 1], t[index : index + 1])
            assert torch.allclose(together[index], alone[0], atol=1e-6)
            assert torch.equal(masks[index], mask[0])


def test_unknown_transformation_lists_the_known():
    with pytest.raises(UnknownNameError, match="x, y, scale, brightness"):
        transformation_named("charm")


def test_the_blur_is_normalised():
    assert float(gaussian_kernel(1.7).sum()) == pytest.approx(1.0)
    flat = blur(torch.full((1, 3, 41, 41), 0.4), 2.0)
    assert float(flat[0, 0, 20, 20]) == pytest.approx(0.4, abs=1e-5)


def test_undefined_pixels_do_not_count_and_gradients_flow():
    images = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(2), requires_grad=True)
    targets, mask = images.detach().clone(), torch.ones(2, 1, 32, 32)
    targets[..., :8] = 9.0
    mask[..., :8] = 0.0
    error = blurred_error(images, targets, mask, sigma=0.05)
    assert error.shape == (2,)
    assert float(error.detach().max()) < 1e-10
    blurred_error(images, targets + 0.1, mask, sigma=0.05).sum().backward()
    assert images.grad is not None
    assert images.grad[..., :8].abs().max() == 0.0
    assert images.grad[..., 12:].abs().max() > 0.0


def test_without_blur_it_is_the_masked_mean_square():
    images, targets = torch.zeros(1, 3, 8, 8), torch.full((1, 3, 8, 8), 0.5)
    mask = torch.ones(1, 1, 8, 8)
    mask[..., 4:] = 0.0
    assert blurred_error(images, targets, mask, sigma=0.0).item() == pytest.approx(0.25)
