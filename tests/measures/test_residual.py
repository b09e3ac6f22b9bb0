"""What a transformation leaves unexplained of an edit."""

from __future__ import annotations

import pytest
import torch

from latentstudio.losses import blur
from latentstudio.measures.residual import Residual
from latentstudio.transformations import transformation_named


def _pictures(count: int = 4) -> torch.Tensor:
    noise = torch.rand(count, 3, 64, 64, generator=torch.Generator().manual_seed(5))
    return ((blur(noise, 4.0) - 0.5) * 8 + 0.5).clamp(0, 1)


@pytest.mark.parametrize(("name", "t"), [("x", 8.0), ("y", -4.0), ("scale", 0.3), ("brightness", 0.1)])
def test_nothing_is_left_of_an_edit_that_is_the_transformation(name: str, t: float) -> None:
    before, moved_by = _pictures(), torch.full((4,), t)
    transformation = transformation_named(name)
    after, _ = transformation.apply(before, moved_by)
    left = Residual(before, transformation)
    explained = left.measure(after, moved_by)
    unexplained = left.measure(after, torch.zeros(4))
    assert (explained < 0.1 * unexplained).all()
    assert (explained < 0.05 * left.unrelated().median()).all()


def test_another_picture_leaves_what_unrelated_pictures_differ_by() -> None:
    before = _pictures()
    left = Residual(before, transformation_named("x"))
    assert torch.allclose(left.measure(before.roll(1, dims=0), torch.zeros(4)), left.unrelated())


def test_where_nothing_was_measured_or_nothing_is_left_of_the_picture_there_is_no_residual() -> None:
    before = _pictures(3)
    left = Residual(before, transformation_named("x"))
    found = left.measure(before, torch.tensor([0.0, float("nan"), 63.0]))
    assert found[0] == 0.0
    assert torch.isnan(found[1:]).all()


def test_one_picture_has_no_other_to_differ_from() -> None:
    assert len(Residual(_pictures(1), transformation_named("x")).unrelated()) == 0
