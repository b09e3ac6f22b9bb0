"""The size in which pictures are saved: enlarged, told in the recipe, and made again from it."""

from __future__ import annotations

import numpy as np
import pytest

from latentstudio.errors import UsageError
from latentstudio.pixels import AS_DRAWN, SavedSize, enlarge, parse_size

PICTURE = np.random.default_rng(0).integers(0, 256, (6, 4, 3), dtype=np.uint8)


@pytest.mark.parametrize("text", ["1x", "4x", "8x", "512", "4x nearest", "512 nearest"])
def test_a_size_is_read_as_it_is_written(text: str) -> None:
    assert str(parse_size(text)) == text


@pytest.mark.parametrize("text", ["", "x", "0x", "-4x", "4", "1.5x", "512 cubic", "9" * 40])
def test_what_is_no_size_is_named(text: str) -> None:
    if text == "4":
        assert parse_size(text) == SavedSize(side=4)
        return
    with pytest.raises(UsageError, match="expected 1x, 4x, 8x or pixels"):
        parse_size(text)


def test_pictures_are_enlarged() -> None:
    assert enlarge(PICTURE, AS_DRAWN) is PICTURE
    squares = enlarge(PICTURE, parse_size("4x nearest"))
    assert np.array_equal(squares, PICTURE.repeat(4, axis=0).repeat(4, axis=1))
    assert enlarge(PICTURE[None].repeat(3, axis=0), parse_size("12")).shape == (3, 12, 8, 3)
    smooth = enlarge(np.full((6, 4, 3), 77, np.uint8), parse_size("8x"))
    assert smooth.shape == (48, 32, 3)
    assert (smooth == 77).all()
    with pytest.raises(UsageError, match="smaller size"):
        enlarge(np.zeros((1200, 1200, 3), np.uint8), parse_size("99x"))
