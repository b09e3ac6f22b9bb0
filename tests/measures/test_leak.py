"""What else moved, on pictures that were changed by a known amount."""

from __future__ import annotations

import math

import pytest
import torch

from latentstudio.losses import blur
from latentstudio.measures.alignment import MOVES, align
from latentstudio.measures.leak import LEAKS, UNITS, leak
from latentstudio.training.sprites import Sprites, render
from latentstudio.transformations import transformation_named, warp

TOLERANCE = {
    "x": 0.4, "y": 0.4, "scale": 0.03, "rotation": 0.7, "brightness": 0.01, "contrast": 0.08, "saturation": 0.08,
}
COUNT = 6


def _wide() -> torch.Tensor:
    """Colourful textures (N, 3, 128, 128), never clipped by half of any reach."""
    noise = torch.rand(COUNT, 3, 128, 128, generator=torch.Generator().manual_seed(3))
    return ((blur(noise, 5.0) - 0.5) * 4 + 0.5).clamp(0.25, 0.75)


def _middle(images: torch.Tensor) -> torch.Tensor:
    return images[..., 32:96, 32:96]


def _median(found: dict[str, torch.Tensor]) -> dict[str, float]:
    return {name: float(values.median()) for name, values in found.items()}


@pytest.mark.parametrize("share", [-0.6, 0.6])
@pytest.mark.parametrize("name", LEAKS)
def test_what_was_changed_is_seen_and_nothing_else(name, share):
    transformation = transformation_named(name)
    t = share * transformation.largest(64)
    pictures = _wide() if transformation.moves else _middle(_wide())
    moved, _ = transformation.apply(pictures, torch.full((COUNT,), t))
    found = _median(leak(_middle(_wide()), _middle(moved) if transformation.moves else moved))
    assert list(found) == list(LEAKS) == list(UNITS)
    for leaked, value in found.items():
        assert value == pytest.approx(t if leaked == name else 0.0, abs=TOLERANCE[leaked]), leaked


def test_motions_are_found_together_and_under_another_light():
    asked = torch.tensor([5.0, -4.0, 0.2, 12.0]).expand(COUNT, 4)
    moved, _ = warp(_wide(), shift_x=asked[:, 0], shift_y=asked[:, 1], log2_scale=asked[:, 2], degrees=asked[:, 3])
    found = align(_middle(_wide()), _middle(moved) * 0.8 + 0.1)
    for index, name in enumerate(MOVES):
        assert float(found.t[:, index].median()) == pytest.approx(float(asked[0, index]), abs=TOLERANCE[name])
    assert found.likeness.median() > 0.97
    assert ((found.aligned - _middle(moved)) * found.mask).abs().median() < 0.02


def _sprite(shape: int, *, scale: float, degrees: float, x: float, y: float, shade: float = 1.0) -> torch.Tensor:
    one = torch.ones(1)
    sprites = Sprites(one.long() * shape, one * scale, one * math.radians(degrees), one * x, one * y)
    return shade * render(sprites).expand(1, 3, 64, 64)


def test_shapes_move_turn_and_grow_about_their_own_centre():
    before = _sprite(1, scale=0.7, degrees=20.0, x=-8.0, y=5.0)
    after = _sprite(1, scale=0.9, degrees=45.0, x=4.0, y=9.0)
    found = {name: float(value) for name, value in leak(before, after, measure="barycentre").items()}
    assert found["x"] == pytest.approx(12.0, abs=0.3)
    assert found["y"] == pytest.approx(4.0, abs=0.3)
    assert found["scale"] == pytest.approx(math.log2(0.9 / 0.7), abs=0.05)
    assert found["rotation"] == pytest.approx(25.0, abs=3.0)
    # the shape is compared with itself where it went, so that a larger one is not a brighter one
    assert found["brightness"] == pytest.approx(0.0, abs=0.005)
    assert found["contrast"] == pytest.approx(0.0, abs=0.05)
    assert math.isnan(found["saturation"])


def test_what_cannot_be_said_is_not_a_number():
    axis = torch.arange(64) - 31.5
    blob = torch.exp(-(axis[:, None] ** 2 + axis[None] ** 2) / 100).expand(1, 3, 64, 64) * 0.5 + 0.2
    found = leak(blob, blob)
    assert found["rotation"].isnan().all()
    assert found["x"].abs().max() < 0.01
    flat = torch.full((1, 3, 64, 64), 0.4)
    nothing = leak(flat, flat + 0.1)
    assert all(nothing[name].isnan().all() for name in (*MOVES, "contrast", "saturation"))
    assert float(nothing["brightness"]) == pytest.approx(0.1, abs=1e-4)
    noise = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(5))
    fine = (blur(noise - 0.5, 2.0) * 4 + 0.5).clamp(0.25, 0.75)
    other = leak(fine[:2], fine[2:])
    assert other["x"].isnan().all()
    assert other["brightness"].isfinite().all()
