"""From a photograph to the model's size."""

from __future__ import annotations

import numpy as np
import pytest

from latentstudio.errors import UsageError
from latentstudio.generators.card import ModelCard
from latentstudio.inversion.cropping import place
from latentstudio.inversion.frames import Frame
from latentstudio.inversion.photos import Photo

CARD = ModelCard(name="sprites", backend="beta_vae")
PHOTO = Photo(np.random.default_rng(0).integers(0, 255, (100, 150, 3), dtype=np.uint8))


def test_a_picture_of_the_model_s_own_size_is_taken_as_it_is():
    own = Photo(PHOTO.pixels[:64, :64])
    placed = place(own, ModelCard(name="faces", backend="dcgan"))
    assert np.abs(placed.picture - own.pixels.transpose(2, 0, 1) / 255.0).max() < 1e-6
    assert placed.notes == ()


def test_frames_come_from_text_values_or_the_middle():
    assert place(PHOTO, CARD).frame == Frame(74.5, 49.5, 100.0)
    by_text, by_value = place(PHOTO, CARD, "40,50,30,10"), place(PHOTO, CARD, Frame(40.0, 50.0, 30.0, 10.0))
    assert np.array_equal(by_text.picture, by_value.picture)
    with pytest.raises(UsageError, match="the frame"):
        place(PHOTO, CARD, "middle")


def test_none_takes_the_whole_photo_and_says_when_it_is_squeezed():
    placed = place(PHOTO, CARD, "none")
    assert placed.frame is None
    assert placed.picture.shape == (3, 64, 64)
    assert "squeezed" in placed.notes[0]
    assert place(Photo(PHOTO.pixels[:, :100]), CARD, "none").notes == ()


def test_a_frame_that_hardly_meets_the_photo_is_said():
    placed = place(PHOTO, CARD, "-10,-10,60")
    assert placed.inside.mean() < 0.25
    assert "of the frame lies on the photo" in placed.notes[0]
