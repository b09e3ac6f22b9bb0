"""Figure 8 of Plumerault et al. 2020: what is curved in the space of pictures, and what is straight."""

from __future__ import annotations

import numpy as np
import pytest

from latentstudio import pixels
from latentstudio.errors import UsageError
from latentstudio.factors.pixel_paths import length_ratio, pixel_path
from latentstudio.transformations import transformation_named

SIDE = 48


def dot(width: float = 2.0) -> np.ndarray:
    """A soft white dot in the middle of a black picture (3, SIDE, SIDE)."""
    axis = np.arange(SIDE) - (SIDE - 1) / 2
    blob = np.exp(-0.5 * (axis[:, None] ** 2 + axis[None, :] ** 2) / width**2)
    return np.broadcast_to(blob, (3, SIDE, SIDE)).astype(np.float32)


def test_a_translated_dot_goes_a_long_way_round():
    path = pixel_path(dot(), transformation_named("x"), low=-8.0, high=8.0)
    assert path.t == pytest.approx(np.arange(-8, 9))
    # a dot of width w that moves by dx changes by dx / (w sqrt 2) of its norm, and dots that do not overlap are sqrt 2
    # norms apart: 16 / (2 sqrt 2) / sqrt 2 = 4
    assert path.ratio == pytest.approx(4.0, rel=0.03)
    assert path.line[0] == pytest.approx(path.curve[0], abs=1e-5)
    assert path.line[-1] == pytest.approx(path.curve[-1], abs=1e-5)
    steps = np.diff(path.line, axis=0)
    assert np.allclose(steps, steps[0], atol=1e-5)
    middle, chord = path.curve[8], path.line[4]
    assert np.linalg.norm(middle - chord) > 0.5 * np.linalg.norm(path.curve[0] - path.curve[-1])


def test_the_interpolation_shows_two_faint_dots_and_the_translation_one():
    path = pixel_path(dot(), transformation_named("x"), low=-10.0, high=10.0)
    half = pixels.from_bytes(path.blends[4:5])[0, 0, SIDE // 2]
    assert [round(half[SIDE // 2 - 10], 1), round(half[SIDE // 2], 1), round(half[SIDE // 2 + 10], 1)] == [0.5, 0, 0.5]
    whole = pixels.from_bytes(path.pictures[10:11])[0, 0, SIDE // 2]
    assert whole[SIDE // 2] > 0.9


def test_brightening_is_a_straight_line():
    grey = np.full((3, SIDE, SIDE), 0.5, np.float32) + 0.1 * dot()
    path = pixel_path(grey, transformation_named("brightness"), low=-0.3, high=0.3)
    assert path.ratio == pytest.approx(1.0, abs=1e-3)
    assert path.explained[0] == pytest.approx(1.0, abs=1e-4)
    assert path.seen == 1.0


def test_pixels_that_moved_in_from_outside_do_not_count():
    white = np.ones((3, SIDE, SIDE), np.float32)
    path = pixel_path(white, transformation_named("x"), low=-6.0, high=6.0)
    assert path.seen == pytest.approx(36 / 48, abs=0.03)
    assert np.abs(path.curve).max() == pytest.approx(0.0, abs=1e-5)
    assert path.ratio == 1.0


def test_the_range_is_the_transformations_own_unless_told():
    transformation = transformation_named("y")
    path = pixel_path(dot(), transformation)
    furthest = transformation.largest(SIDE)
    assert path.t[[0, -1]] == pytest.approx([-furthest, furthest], abs=0.5)
    assert path.t[len(path.t) // 2] == 0.0
    assert path.unit.symbol == "px"


@pytest.mark.parametrize("options", [{"low": 2.0, "high": 2.0}, {"count": 2}, {"low": -60.0, "high": 60.0}])
def test_paths_that_cannot_be_followed_are_refused(options):
    with pytest.raises(UsageError):
        pixel_path(dot(), transformation_named("x"), **options)


def test_length_ratio_of_a_half_circle_and_of_a_return():
    angles = np.linspace(0, np.pi, 500)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    assert length_ratio(circle) == pytest.approx(np.pi / 2, rel=1e-3)
    assert length_ratio(np.array([[0.0], [1.0], [0.0]], np.float32)) == float("inf")
