"""Frames: maps that are each other's inverse, crops of known pictures, pasting back."""

from __future__ import annotations

import numpy as np
import pytest

from latentstudio.errors import UsageError
from latentstudio.inversion.frames import Frame, centre_frame, crop, match_colours, parse_frame, paste_back

SHAPE = (16, 16)


def _waves(height=120, width=160):
    rows, columns = np.mgrid[:height, :width]
    slanted = 127 + 60 * np.sin((rows + columns) / 31)
    planes = [127 + 90 * np.sin(columns / 17.0), 127 + 90 * np.cos(rows / 23.0), slanted]
    return np.stack(planes, axis=2).round().astype(np.uint8)


def test_the_maps_are_each_other_s_inverse():
    frame = Frame(70.3, 55.1, 41.0, 33.0)
    forward, back = frame.to_photo((64, 48)), frame.to_crop((64, 48))
    points = np.array([[0.0, 0.0, 1.0], [47.0, 63.0, 1.0], [12.5, 3.25, 1.0]])
    photo = np.column_stack([points @ forward.T, np.ones(3)])
    assert np.allclose(photo @ back.T, points[:, :2], atol=1e-9)
    middle = np.array([23.5, 31.5, 1.0])
    assert np.allclose(forward @ middle, [70.3, 55.1])


def test_a_turn_is_counter_clockwise_as_seen():
    right_of_centre = Frame(50.0, 50.0, 16.0, 90.0).to_photo(SHAPE) @ np.array([15.0, 7.5, 1.0])
    assert np.allclose(right_of_centre, [50.0, 42.5])


def test_a_frame_of_the_model_s_own_size_cuts_without_a_loss():
    photo = _waves()
    picture, inside = crop(photo, Frame(39.5, 47.5, 16.0), SHAPE)
    assert np.array_equal((picture * 255).round().astype(np.uint8).transpose(1, 2, 0), photo[40:56, 32:48])
    assert (inside == 1).all()


def test_a_large_frame_gives_means_not_single_pixels():
    rng = np.random.default_rng(0)
    photo = rng.integers(0, 255, (128, 128, 3), dtype=np.uint8)
    picture, _ = crop(photo, Frame(63.5, 63.5, 128.0), SHAPE)
    means = photo.reshape(16, 8, 16, 8, 3).mean(axis=(1, 3)).transpose(2, 0, 1) / 255.0
    assert np.abs(picture - means).max() < 0.002


def test_a_turned_frame_sees_the_turned_picture():
    photo = _waves()
    upright, _ = crop(photo, Frame(80.0, 60.0, 40.0), SHAPE)
    turned, _ = crop(photo, Frame(80.0, 60.0, 40.0, 90.0), SHAPE)
    assert np.abs(np.rot90(upright, k=-1, axes=(1, 2)) - turned).max() < 0.03


def test_outside_the_photo_is_grey_and_undefined():
    picture, inside = crop(_waves(), Frame(0.0, 60.0, 40.0), SHAPE)
    assert (inside[:, :7] == 0).all()
    assert (inside[:, 9:] == 1).all()
    assert np.allclose(picture[:, :, :7], 0.5)


@pytest.mark.parametrize("angle", [0.0, 20.0, -135.0])
@pytest.mark.parametrize("size", [24.0, 60.0])
def test_pasting_the_crop_back_gives_the_photo(angle, size):
    photo = _waves()
    frame = Frame(80.0, 60.0, size, angle)
    picture, _ = crop(photo, frame, (32, 32))
    again = paste_back(photo, frame, picture)
    difference = np.abs(again.astype(int) - photo)
    assert difference.max() <= 6
    assert difference.mean() < 0.6


def test_only_the_frame_changes_and_its_edge_is_soft():
    photo = np.full((100, 100, 3), 100, np.uint8)
    edited = np.zeros((3, 16, 16), np.float32)
    edited[:, 4:12, 4:12] = 1.0
    result = paste_back(photo, Frame(50.0, 50.0, 32.0), edited, before=np.full((3, 16, 16), 100 / 255, np.float32))
    rows, columns = np.nonzero(np.abs(result.astype(int) - photo).max(axis=2))
    assert rows.min() >= 34
    assert rows.max() <= 66
    assert (columns.min(), columns.max()) == (rows.min(), rows.max())
    edge = result[50, 34:38, 0].astype(int)
    assert abs(edge[0] - 100) < 5
    assert (np.diff(edge) <= 0).all()
    assert np.array_equal(photo, np.full((100, 100, 3), 100, np.uint8))


def test_a_frame_partly_or_wholly_outside_pastes_what_it_can():
    photo = _waves()
    picture = np.full((3, 16, 16), 0.5, np.float32)
    partly = paste_back(photo, Frame(0.0, 0.0, 40.0), picture)
    assert not np.array_equal(partly[:10, :10], photo[:10, :10])
    assert np.array_equal(paste_back(photo, Frame(-500.0, 0.0, 40.0), picture), photo)


def test_colours_are_matched_by_mean_and_spread():
    rng = np.random.default_rng(0)
    wanted = rng.random((3, 16, 16)).astype(np.float32) * 0.4 + 0.2
    before = wanted * 0.8 + 0.1
    matched = match_colours(before, before, wanted, np.ones((16, 16), np.float32))
    assert np.abs(matched - wanted).max() < 1e-4


def test_frames_are_read_from_text():
    assert parse_frame("10,20.5,64") == Frame(10.0, 20.5, 64.0)
    assert parse_frame("10,20,64,-15") == Frame(10.0, 20.0, 64.0, -15.0)
    for text in ("", "1,2", "a,b,c", "1,2,3,4,5", "1,2,0.5", "nan,1,50"):
        with pytest.raises(UsageError, match="the frame"):
            parse_frame(text)


def test_the_centre_frame_is_as_large_as_fits():
    assert centre_frame(np.zeros((100, 200, 3), np.uint8), (64, 64)) == Frame(99.5, 49.5, 100.0)
    assert centre_frame(np.zeros((100, 50, 3), np.uint8), (64, 128)).size == 25.0
