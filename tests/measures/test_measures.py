"""Measures against pictures whose motion is known."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from latentstudio.errors import UnknownNameError
from latentstudio.losses import blur
from latentstudio.measures.effects import effect_of
from latentstudio.measures.family import family_for
from latentstudio.measures.moments import barycentre, extent, luminance_mean
from latentstudio.measures.orientation import rotation_between
from latentstudio.training.sprites import Sprites, render
from latentstudio.transformations import TRANSFORMATIONS, transformation_named


def _textured(count: int = 4, side: int = 128) -> torch.Tensor:
    noise = torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(3))
    return ((blur(noise, 5.0) - 0.5) * 8 + 0.5).clamp(0, 1)


def _middle(images: torch.Tensor) -> torch.Tensor:
    return images[..., 32:96, 32:96]


@pytest.mark.parametrize(("name", "t"), [("x", 5.3), ("x", -9.0), ("y", -3.25), ("scale", 0.3), ("scale", -0.2),
                                         ("rotation", 17.0), ("rotation", -24.0)])
def test_registration_finds_the_motion_despite_a_change_of_light(name, t):
    wide = _textured()
    transformation = transformation_named(name)
    after = _middle(transformation.apply(wide, torch.full((4,), t))[0])
    found = effect_of(transformation, measure="registration", side=64).prepare(_middle(wide))(after * 0.8 + 0.1)
    assert found.tolist() == pytest.approx([t] * 4, abs={"scale": 0.03, "rotation": 0.5}.get(name, 0.3))


@pytest.mark.parametrize("transformation", TRANSFORMATIONS, ids=lambda one: one.name)
def test_nothing_changed_measures_zero(transformation):
    before = _middle(_textured())
    effect = effect_of(transformation, measure="registration", side=64)
    assert effect.how
    assert effect.prepare(before)(before).abs().max() < 0.005 * transformation.largest(64)


def test_brightness_is_the_change_of_luminance():
    before = torch.full((2, 3, 8, 8), 0.3)
    effect = effect_of(transformation_named("brightness"), measure="barycentre", side=8)
    assert effect.prepare(before)(before + 0.2).tolist() == pytest.approx([0.2, 0.2])
    assert luminance_mean(before).tolist() == pytest.approx([0.3, 0.3])


def _sprite(x: float, y: float, scale: float) -> torch.Tensor:
    one = torch.ones(1)
    return render(Sprites(torch.ones(1).long() * 1, one * scale, one * 0.4, one * x, one * y)).expand(1, 3, 64, 64)


def test_moments_of_sprites():
    x, y = barycentre(_sprite(7.0, -4.0, 1.0))
    assert x.item() == pytest.approx(7.0, abs=0.2)
    assert y.item() == pytest.approx(-4.0, abs=0.2)
    assert (extent(_sprite(0, 0, 1.0)) - extent(_sprite(0, 0, 0.5))).item() == pytest.approx(1.0, abs=0.1)


def test_an_empty_picture_has_no_place():
    assert barycentre(torch.zeros(1, 3, 64, 64))[0].isnan().all()
    assert extent(torch.zeros(1, 3, 64, 64)).isnan().all()


def test_a_measure_that_does_not_exist_is_named():
    with pytest.raises(UnknownNameError, match="no measure 'charm'"):
        effect_of(replace(transformation_named("x"), measured="charm"), measure="barycentre", side=64)


def _gentle() -> torch.Tensor:
    """Colourful pictures far from black and white."""
    return (_middle(_textured()) - 0.5) * 0.2 + 0.5


@pytest.mark.parametrize("share", [-0.8, -0.4, 0.4, 0.8])
@pytest.mark.parametrize("name", ["brightness", "contrast", "red", "green", "blue", "saturation", "hue", "blur"])
def test_light_and_colour_are_measured_in_their_own_parameter(name, share):
    transformation, before = transformation_named(name), _gentle()
    t = share * transformation.largest(64)
    after, _ = transformation.apply(before, torch.full((4,), t))
    found = effect_of(transformation, measure="registration", side=64).prepare(before)(after)
    assert found.tolist() == pytest.approx([t] * 4, rel=0.06, abs=1e-4)


@pytest.mark.parametrize("t", [-24.0, -10.0, 10.0, 24.0])
def test_a_turn_is_registered(t):
    transformation, before = transformation_named("turn"), _middle(_textured())
    after, mask = transformation.apply(before, torch.full((4,), t))
    measured = effect_of(transformation, measure="registration", side=64).prepare(before)
    assert float(measured(after * mask + before * (1 - mask)).median()) == pytest.approx(t, abs=2.0)


@pytest.mark.parametrize("name", ["contrast", "saturation", "hue", "blur"])
def test_what_a_flat_grey_picture_does_not_have_is_not_a_number(name):
    flat = torch.full((2, 3, 32, 32), 0.4)
    effect = effect_of(transformation_named(name), measure="registration", side=32)
    assert effect.prepare(flat)(flat).isnan().all()


def test_more_blur_than_is_told_apart_stands_at_the_end_of_the_range():
    before, transformation = _gentle(), transformation_named("blur")
    effect = effect_of(transformation, measure="registration", side=64)
    found = effect.prepare(before)(transformation.apply(before, torch.full((4,), 8.0))[0])
    assert found.tolist() == pytest.approx([1.8 * transformation.largest(64)] * 4, rel=1e-3)


def _turned(shape: int, degrees: list[float], *, scale: float = 0.9, x: float = 3.3, y: float = -4.1) -> torch.Tensor:
    count = torch.ones(len(degrees))
    sprites = Sprites(count.long() * shape, count * scale, torch.deg2rad(torch.tensor(degrees)), count * x, count * y)
    return render(sprites).expand(-1, 3, -1, -1)


@pytest.mark.parametrize(("shape", "period"), [(0, 90), (1, 180), (2, 360)])
def test_the_rotation_of_a_sprite_is_known_modulo_its_symmetry(shape, period):
    angles = [10.0, 63.0, 145.0, 270.0]
    effect = effect_of(transformation_named("rotation"), measure="barycentre", side=64)
    measured = effect.prepare(_turned(shape, angles))
    for degrees in (-30.0, -7.0, 0.0, 12.0, 38.0):
        moved = _turned(shape, [angle + degrees for angle in angles], scale=0.7, x=-6.0, y=5.5)
        assert measured(moved).tolist() == pytest.approx([degrees] * 4, abs=4.0)
    once = measured(_turned(shape, [angle + period for angle in angles]))
    assert once.tolist() == pytest.approx([0.0] * 4, abs=2.0)


def test_what_is_round_or_empty_or_of_another_shape_has_no_rotation():
    axis = torch.arange(64) - 31.5
    disc = ((axis[:, None] - 3.0) ** 2 + (axis[None] + 5.0) ** 2 < 80).float().expand(1, 3, 64, 64)
    square, ellipse = _turned(0, [20.0]), _turned(1, [20.0])
    nothing = torch.zeros_like(disc)
    for before, after in ((disc, disc), (square, disc), (disc, square), (nothing, square), (square, nothing),
                          (square, ellipse)):
        assert rotation_between(before, after).isnan().all()


def test_the_family_is_searched_by_the_likeness_that_sees_the_change():
    pictures = _middle(_textured())
    moved = family_for(replace(transformation_named("x"), measured="own"), pictures)
    lit = family_for(replace(transformation_named("brightness"), measured="own"), _gentle())
    assert (moved.by, lit.by) == ("correlation", "squares")
    assert "masked correlation" in moved.how
    assert "least squares" in lit.how
    assert max(moved.missed, lit.missed) < 0.1
    after, _ = transformation_named("brightness").apply(_gentle(), torch.full((4,), 0.13))
    assert lit.prepare(_gentle())(after).tolist() == pytest.approx([0.13] * 4, abs=0.01)


@pytest.mark.parametrize(("name", "t"), [("x+y", 6.0), ("x+scale", -0.6), ("scale+rotation", 0.5)])
def test_several_at_once_are_measured_together(name, t):
    both, before = transformation_named(name), _middle(_textured())
    after, mask = both.apply(before, torch.full((4,), t))
    measured = effect_of(both, measure="registration", side=64).prepare(before)
    assert float(measured(after * mask + before * (1 - mask)).median()) == pytest.approx(t, rel=0.1)
