"""Measures against pictures whose motion is known."""

from __future__ import annotations

import pytest
import torch

from latentstudio.errors import UnknownNameError
from latentstudio.losses import blur
from latentstudio.measures.effects import effect_of
from latentstudio.measures.moments import barycentre, extent, luminance_mean
from latentstudio.training.sprites import Sprites, render
from latentstudio.transformations import transformation_named


def _textured(count: int = 4, side: int = 128) -> torch.Tensor:
    noise = torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(3))
    return ((blur(noise, 5.0) - 0.5) * 8 + 0.5).clamp(0, 1)


def _middle(images: torch.Tensor) -> torch.Tensor:
    return images[..., 32:96, 32:96]


@pytest.mark.parametrize(("name", "t"), [("x", 5.3), ("x", -9.0), ("y", -3.25), ("scale", 0.3), ("scale", -0.2)])
def test_registration_finds_the_motion_despite_a_change_of_light(name, t):
    wide = _textured()
    transformation = transformation_named(name)
    after = _middle(transformation.apply(wide, torch.full((4,), t))[0])
    found = effect_of(transformation, measure="registration", side=64).prepare(_middle(wide))(after * 0.8 + 0.1)
    assert found.tolist() == pytest.approx([t] * 4, abs=0.3 if name != "scale" else 0.03)


def test_nothing_moved_measures_zero():
    before = _middle(_textured())
    for name in ("x", "y", "scale", "brightness"):
        effect = effect_of(transformation_named(name), measure="registration", side=64)
        assert effect.prepare(before)(before).abs().max() < 0.05


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


def test_what_moments_cannot_measure_is_named():
    from dataclasses import replace

    turn = replace(transformation_named("x"), name="rotation")
    with pytest.raises(UnknownNameError, match="rotation"):
        effect_of(turn, measure="barycentre", side=64)
