"""Geometric transformations: signs, masks, composition, sub-pixel moves; and the masked error that they serve."""

from __future__ import annotations

import math

import pytest
import torch

from latentstudio.errors import TransformationError, UsageError
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


def _bar(side: int = 33) -> torch.Tensor:
    """A bar that lies from the centre to the right."""
    images = torch.zeros(1, 3, side, side)
    images[:, :, side // 2 - 1 : side // 2 + 2, side // 2 :] = 1.0
    return images


def test_rotation_is_counter_clockwise_and_its_corners_are_undefined():
    up, whole = transformation_named("rotation").apply(_bar(), torch.tensor([90.0]))
    assert float(up[0, 0, :13, 15:18].min()) > 0.99
    assert float(up[0, 0, 20:, 15:18].max()) < 0.01
    assert whole.all()
    _, mask = transformation_named("rotation").apply(_bar(), torch.tensor([-45.0]))
    assert mask[0, 0, 16].all()
    for row, column in ((0, 0), (0, -1), (-1, 0), (-1, -1)):
        assert mask[0, 0, row, column] == 0
    # inside a square, what a square turned by 45 degrees covers is an octagon of 2 (sqrt 2 - 1) of it
    assert float(mask.mean()) == pytest.approx(2 * (2**0.5 - 1), abs=0.04)


def _stripes(side: int = 64) -> torch.Tensor:
    """Two upright stripes of equal height, left and right."""
    images = torch.zeros(1, 3, side, side)
    images[:, :, 16:48, 10:14] = images[:, :, 16:48, 50:54] = 1.0
    return images


def test_a_positive_turn_takes_the_right_side_away():
    turned, mask = transformation_named("turn").apply(_stripes(), torch.tensor([25.0]))
    left, right = ((turned * mask)[0, 0, :, half].sum() for half in (slice(0, 32), slice(32, 64)))
    assert left > 1.15 * right
    back, back_mask = transformation_named("turn").apply(_stripes(), torch.tensor([-25.0]))
    assert torch.allclose((back * back_mask).flip(3), turned * mask, atol=1e-4)


def test_a_turn_follows_the_perspective_of_a_plane():
    # the point 20 px to the right, turned by 30 degrees, seen from one diagonal away
    focal, across, angle = 64 * 2**0.5, 20.0, math.radians(30.0)
    expected = focal * across * math.cos(angle) / (focal + across * math.sin(angle))
    dot = torch.exp(-0.5 * (((torch.arange(64) - 31.5)[None] - across) ** 2 + (torch.arange(64) - 31.5)[:, None] ** 2))
    turned, mask = transformation_named("turn").apply(dot.expand(1, 3, 64, 64), torch.tensor([30.0]))
    shown = (turned * mask)[0, 0]
    columns = shown.sum(dim=0)
    assert float((columns * (torch.arange(64) - 31.5)).sum() / columns.sum()) == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize(("name", "t"), [("x", 64.5), ("y", -65.0), ("turn", 100.0), ("turn", -90.0)])
def test_so_large_that_nothing_stays_valid_is_an_error_that_names_the_limit(name, t):
    images = torch.full((2, 3, 64, 64), 0.5)
    transformation = transformation_named(name)
    with pytest.raises(TransformationError, match=rf"'{name}' by .* leaves nothing.*at most .*lower the reach"):
        transformation.apply(images, torch.tensor([0.0, t]))
    assert transformation.trial(images, torch.tensor([0.0, t]))[1][1].sum() == 0


def test_fill_and_interpolation_can_be_changed_where_pixels_move():
    images = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(4))
    t = torch.tensor([2.5])
    black, mask = transformation_named("x").with_options(fill=0.0).apply(images, t)
    assert (black * (1 - mask)).max() == 0.0
    grey, same = transformation_named("x").apply(images, t)
    assert torch.equal(mask, same)
    assert torch.allclose(black * mask, grey * mask, atol=1e-6)
    nearest, defined = transformation_named("x").with_options(interpolation="nearest").apply(images, t)
    assert set((nearest * defined).unique().tolist()) <= {0.0, *images.unique().tolist()}
    cubic, _ = transformation_named("x").with_options(interpolation="bicubic").apply(images, t)
    assert 0.0 <= float(cubic.min()) <= float(cubic.max()) <= 1.0
    assert transformation_named("x").with_options(reach=0.4).largest(50) == pytest.approx(20.0)


@pytest.mark.parametrize(("name", "options", "part"), [
    ("x", {"fill": 1.5}, "0 \\(black\\) to 1"),
    ("x", {"interpolation": "clever"}, "bilinear or nearest or bicubic"),
    ("x", {"reach": 0.0}, "above 0"),
    ("x", {"reach": float("nan")}, "above 0"),
    ("hue", {"fill": 0.0}, "'hue' moves no pixels"),
    ("blur", {"interpolation": "nearest"}, "'blur' moves no pixels"),
])
def test_options_that_make_no_sense_are_refused(name, options, part):
    with pytest.raises(UsageError, match=part):
        transformation_named(name).with_options(**options)


@pytest.mark.parametrize("name", ["x", "y", "scale", "rotation"])
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
