"""Names, and several transformations at once."""

from __future__ import annotations

import pytest
import torch

from latentstudio.errors import UnknownNameError, UsageError
from latentstudio.losses import blur
from latentstudio.transformations import FACTS, TRANSFORMATIONS, Transformation, combine, transformation_named
from latentstudio.units import DEGREES, PERCENT, PIXELS


def _soft(side: int = 64) -> torch.Tensor:
    return blur(torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0)), 3.0)


def test_every_built_in_one_says_what_it_is():
    assert [one.name for one in TRANSFORMATIONS] == [facts.name for facts in FACTS]
    for one in TRANSFORMATIONS:
        assert one.plus
        assert one.minus
        assert one.law
        assert "(+)" in one.title or "above 1" in one.title
        assert bool(one.interpolation) == one.moves == (one.fill is not None)
    assert transformation_named("x").title == "to the right (+) or to the left (−)"
    assert transformation_named("scale").range_text == "× 0.71 to × 1.41"


@pytest.mark.parametrize("name", ["charm", "x+charm", "", "x+", "+", "x scale", "x++y", "../x", "evil.py:x"])
def test_an_unknown_name_lists_the_known(name):
    with pytest.raises(UnknownNameError, match="one of: x, y, scale, rotation, turn, brightness"):
        transformation_named(name)


@pytest.mark.parametrize(("name", "part"), [
    ("x+x", "'x' is named twice"), ("x+2scale", "the share 2 of 'scale'"), ("x+0scale", "the share 0 of 'scale'"),
    ("2x", "two or more"),
])
def test_combinations_without_sense_are_refused(name, part):
    with pytest.raises(UsageError, match=part):
        transformation_named(name)


def test_different_units_move_by_their_share_of_their_reach():
    both = transformation_named("x + 0.5scale")
    assert (both.name, both.unit, both.largest(64)) == ("x+0.5scale", PERCENT, 1.0)
    images = _soft()
    moved, mask = both.apply(images, torch.full((2,), 0.5))
    larger, _ = transformation_named("scale").apply(images, torch.full((2,), 0.5 * 0.5 * 0.5))
    expected, defined = transformation_named("x").apply(larger, torch.full((2,), 0.5 * 12.8))
    assert torch.allclose(moved, expected, atol=1e-5)
    assert torch.equal(mask, defined)


def test_the_same_unit_is_kept_and_the_shares_may_be_negative():
    warmth = transformation_named("red-blue")
    assert (warmth.unit, warmth.largest(64)) == (PERCENT, pytest.approx(0.3))
    images = torch.full((1, 3, 4, 4), 0.5)
    assert warmth.apply(images, torch.tensor([0.1]))[0][0, :, 0, 0].tolist() == pytest.approx([0.6, 0.5, 0.4])
    slope = transformation_named("x+0.5y")
    assert (slope.unit, slope.is_relative, slope.largest(64)) == (PIXELS, True, pytest.approx(12.8))
    assert transformation_named("rotation-turn").unit == DEGREES
    assert slope.plus == "to the right and down"


def test_the_order_is_fixed_and_moves_compose():
    images, t = _soft(), torch.full((2,), 0.4)
    one, other = (transformation_named(name).apply(images, t) for name in ("x+scale+brightness", "brightness+scale+x"))
    assert torch.equal(one[0], other[0])
    assert torch.equal(one[1], other[1])
    slope = transformation_named("x+y")
    twice = slope.apply(slope.apply(images, torch.full((2,), 3.0))[0], torch.full((2,), 4.0))
    once = slope.apply(images, torch.full((2,), 7.0))
    inside = (twice[1] * once[1])[..., 10:-10, 10:-10]
    assert ((twice[0] - once[0])[..., 10:-10, 10:-10].abs() * inside).max() < 0.01


def test_what_was_undefined_moves_along_and_the_masks_are_multiplied():
    # smaller by half leaves the middle 32 px; 12.8 px to the right moves them
    both = combine(((transformation_named("x"), 1.0), (transformation_named("scale").with_options(reach=1.0), -1.0)))
    _, mask = both.apply(_soft(), torch.ones(2))
    columns = mask[0, 0, 32].nonzero()[:, 0]
    assert (int(columns.min()), int(columns.max())) == (29, 59)
    assert mask[0, 0, :16].sum() == 0
    dark, _ = transformation_named("x+brightness").apply(_soft(), torch.full((2,), -1.0))
    assert dark[..., -12:].min() == dark[..., -12:].max() == 0.5  # light comes first, the fill stays grey


def test_fill_reaches_the_parts():
    filled, mask = transformation_named("x+brightness").with_options(fill=0.0).apply(_soft(), torch.ones(2))
    assert (filled * (1 - mask)).max() == 0.0
    with pytest.raises(UsageError, match="moves no pixels"):
        transformation_named("red-blue").with_options(fill=0.0)


def test_a_name_that_could_leave_its_folder_is_refused():
    for name in ("../x", "a/b", "", "a b", "a=b"):
        with pytest.raises(UsageError, match="cannot be a transformation's name"):
            Transformation(name, PIXELS, 0.1, function=lambda images, t: (images, images[:, :1]))
