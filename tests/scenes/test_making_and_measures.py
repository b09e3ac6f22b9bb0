"""Scenes with known truth, and the measures that compare with it: the truth fed back is perfect."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from latentstudio.errors import PictureError, StorageError, UnknownNameError, UsageError
from latentstudio.scenes import files
from latentstudio.scenes.files import read_scenes, write_layers, write_scenes
from latentstudio.scenes.making import KINDS, make_scene
from latentstudio.scenes.measures import (
    Answer,
    adjusted_rand_index,
    angle_error,
    average_precision,
    counts,
    matches,
    overlaps,
)
from latentstudio.training.sources import Wanted, read_folder


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_scenes_are_seeded_and_their_truth_fits_the_picture(kind):
    scene, again, other = make_scene(kind, 5), make_scene(kind, 5), make_scene(kind, 6)
    assert np.array_equal(scene.picture, again.picture)
    assert not np.array_equal(scene.picture, other.picture)
    side = KINDS[kind].side
    assert scene.picture.shape == (side, side, 3)
    for one in scene.objects:
        x, y, width, height = (round(value) for value in one.box)
        inside = np.zeros((side, side), dtype=bool)
        inside[y : y + height, x : x + width] = True
        assert not (one.mask & ~inside).any()
        assert one.mask[y, x : x + width].any()
        assert one.mask[y : y + height, x].any()
    masks = np.stack([one.mask for one in scene.objects])
    assert masks.sum(axis=0).max() <= 1, "masks are of what is seen"
    assert sorted(one.depth for one in scene.objects) == list(range(len(scene.objects)))


def test_sizes_vary_by_a_factor_of_three_and_counts_reach_their_ends():
    scenes = [make_scene("varied", seed) for seed in range(60)]
    sizes = [max(one.box[2:]) for scene in scenes for one in scene.objects]
    assert np.percentile(sizes, 95) > 3 * np.percentile(sizes, 5)
    assert {len(scene.objects) for scene in scenes} == set(range(1, 7))


def test_objects_are_seen_against_what_lies_under_them():
    for seed in range(20):
        scene = make_scene("flat", seed)
        for one in scene.objects:
            apart = np.abs(scene.picture[one.mask].mean(axis=0) - scene.background[one.mask].mean(axis=0)).sum() / 255
            assert apart > 0.15


@pytest.mark.parametrize(("kind", "seed", "side"), [("none", 0, None), ("flat", -1, None), ("flat", 0, 5000)])
def test_what_cannot_be_made_is_refused(kind, seed, side):
    with pytest.raises((UnknownNameError, UsageError)):
        make_scene(kind, seed, side=side)


def test_the_format_of_space_reads_and_writes(tmp_path):
    scenes = [make_scene("flat", seed) for seed in range(3)]
    write_scenes(tmp_path, scenes)
    again = read_scenes(tmp_path)
    for scene, known in zip(scenes, again, strict=True):
        assert np.array_equal(scene.picture, known.picture)
        assert np.array(known.boxes) == pytest.approx(np.array([one.box for one in scene.objects]), abs=0.01)
    line = (tmp_path / "bb" / "bb_0.txt").read_text().splitlines()[0].split(",")
    x, y, width, height = scenes[0].objects[0].box
    assert [float(part) for part in line] == pytest.approx(
        [2 * (x + width / 2), 2 * (y + height / 2), 2 * width, 2 * height], abs=0.01)


def test_all_that_is_known_of_made_objects_comes_back_and_space_s_own_data_has_boxes_alone(tmp_path):
    scene = make_scene("flat", 11)
    write_scenes(tmp_path, [scene])
    (known,) = read_scenes(tmp_path)
    for one, other in zip(scene.objects, known.objects, strict=True):
        assert np.array_equal(one.mask, other.mask)
        assert (one.shape, one.order, one.depth) == (other.shape, other.order, other.depth)
        assert one.angle_deg == pytest.approx(other.angle_deg)
    (tmp_path / "truth.json").unlink()
    (bare,) = read_scenes(tmp_path)
    assert bare.objects == ()
    assert len(bare.boxes) == len(scene.objects)


def test_scenes_are_not_mixed_with_others_and_broken_truth_is_said(tmp_path):
    write_scenes(tmp_path, [make_scene("flat", seed) for seed in range(3)])
    with pytest.raises(UsageError, match="holds other scenes"):
        write_scenes(tmp_path, [make_scene("flat", seed) for seed in range(2)])
    (tmp_path / "truth.json").write_text('{"000000.png": [{"box": 1}]}')
    with pytest.raises(UsageError, match=r"truth\.json cannot be used"):
        read_scenes(tmp_path)


@pytest.mark.parametrize("name", ["0.jpg", "1_cat.png", "000002.jpg"])
def test_scenes_are_not_mixed_with_pictures_that_bear_their_numbers(tmp_path, name):
    Image.new("RGB", (64, 64)).save(tmp_path / name)
    with pytest.raises(UsageError, match=f"holds other scenes .{name}."):
        write_scenes(tmp_path, [make_scene("flat", seed) for seed in range(3)])


def test_boxes_that_differ_from_the_truth_are_refused_by_name(tmp_path):
    write_scenes(tmp_path, [make_scene("flat", 0)])
    path = tmp_path / "bb" / "bb_0.txt"
    path.write_text("20,20,4,4\n" * len(path.read_text().splitlines()))
    with pytest.raises(UsageError, match=r"bb/bb_0\.txt has another box for object 1 of 000000\.png than truth\.json"):
        read_scenes(tmp_path)


def test_scenes_half_written_over_others_tell_no_old_truth(tmp_path, monkeypatch):
    write_scenes(tmp_path, [make_scene("flat", seed) for seed in range(3)])

    def full(path, picture):
        raise StorageError("no space left on the disk")

    monkeypatch.setattr(files, "write_png", full)
    with pytest.raises(StorageError):
        write_scenes(tmp_path, [make_scene("flat", seed) for seed in range(3, 6)])
    assert all(known.objects == () for known in read_scenes(tmp_path))


def test_made_scenes_are_as_many_training_pictures(tmp_path):
    write_scenes(tmp_path, [make_scene("flat", seed) for seed in range(20)])
    *_, last = read_folder(tmp_path, Wanted(64, 3))
    assert last.message == "20 pictures of a folder"
    (tmp_path / "truth.json").unlink()
    *_, last = read_folder(tmp_path, Wanted(64, 3))
    assert last.message == "20 pictures of a folder"


def test_layers_of_an_earlier_picture_go_and_what_is_in_the_way_is_named(tmp_path):
    layer = np.zeros((1, 8, 8, 4), np.uint8)
    for old in ("object-07.png", "object-123.png", "object-mine.png"):
        (tmp_path / old).write_bytes(b"old")
    names = write_layers(tmp_path, np.zeros((8, 8, 3), np.uint8), layer)
    assert {path.name for path in tmp_path.iterdir()} == {*names, "object-mine.png"}
    (tmp_path / "object-05.png").mkdir()
    with pytest.raises(StorageError, match=r"object-05\.png"):
        write_layers(tmp_path, np.zeros((8, 8, 3), np.uint8), layer)


@pytest.mark.parametrize(("text", "said"), [
    ("1,2,3\n", "sizes above 0"), ("10,10,-4,5\n", "sizes above 0"), ("a,b,c,d\n", "something else than numbers"),
    ("500,10,4,4\n", "does not fit 000000.png"),
])
def test_a_truth_file_that_does_not_fit_is_refused_by_name(tmp_path, text, said):
    write_scenes(tmp_path, [make_scene("flat", 0)])
    (tmp_path / "bb" / "bb_0.txt").write_text(text)
    with pytest.raises(UsageError, match=said):
        read_scenes(tmp_path)


def test_a_folder_without_numbered_pictures_is_refused(tmp_path):
    with pytest.raises(PictureError, match="no numbered pictures"):
        read_scenes(tmp_path)


BOX = st.tuples(st.floats(0, 50), st.floats(0, 50), st.floats(2, 30), st.floats(2, 30))


@given(st.lists(BOX, min_size=1, max_size=5, unique=True))
def test_the_truth_fed_back_is_perfect(boxes):
    table = overlaps(boxes, boxes)
    assert np.diag(table) == pytest.approx(np.ones(len(boxes)))
    answer = Answer(tuple(boxes), tuple(1.0 - 0.01 * k for k in range(len(boxes))))
    if (table > 0.999).sum() == len(boxes):
        assert average_precision([answer], [boxes], 0.95) == pytest.approx(1.0)
        assert len(matches(answer, boxes)) == len(boxes)


def test_average_precision_counts_doubles_and_misses():
    true = [(0.0, 0.0, 10.0, 10.0), (30.0, 30.0, 10.0, 10.0)]
    double = Answer((true[0], true[0]), (0.9, 0.8))
    assert average_precision([double], [true], 0.5) == pytest.approx(6 / 11)
    assert average_precision([Answer((), ())], [true], 0.5) == 0.0
    assert average_precision([Answer((), ())], [[]], 0.5) == 1.0
    assert average_precision([Answer((true[0],), (0.9,))], [[]], 0.5) == 0.0
    wrong_first = Answer(((20.0, 0.0, 5.0, 5.0), *true), (0.9, 0.8, 0.7))
    assert average_precision([wrong_first], [true], 0.5) == pytest.approx(2 / 3)
    # the whole area: precision 2 / 3 at every recall; one of two found: half of it
    assert average_precision([wrong_first], [true], 0.5, points=None) == pytest.approx(2 / 3)
    assert average_precision([Answer((true[0],), (0.9,))], [true], 0.5, points=None) == pytest.approx(0.5)


def test_the_overlap_must_be_strictly_above_the_threshold():
    half = Answer(((0.0, 0.0, 10.0, 5.0),), (1.0,))
    assert average_precision([half], [[(0.0, 0.0, 10.0, 10.0)]], 0.5) == 0.0
    assert average_precision([half], [[(0.0, 0.0, 10.0, 10.0)]], 0.49) == 1.0


def test_counts_of_an_empty_scene_are_defined():
    told = counts([2, 0, 3], [2, 0, 1])
    assert (told.accuracy, told.over, told.under) == pytest.approx((2 / 3, 1 / 3, 0))
    assert told.error_rate == pytest.approx((0 + 0 + 2) / 3)
    assert counts([1], [0]).error_rate == 1.0


def test_the_adjusted_rand_index_knows_the_same_parting_whatever_its_names():
    true = np.zeros((2, 6, 6), dtype=bool)
    true[0, :3], true[1, 3:] = True, True
    assert adjusted_rand_index(true[::-1], true) == pytest.approx(1.0)
    assert adjusted_rand_index(np.ones((1, 6, 6), dtype=bool), true) == pytest.approx(0.0)
    assert math.isnan(adjusted_rand_index(true, np.zeros((1, 6, 6), dtype=bool)))


@given(st.floats(-360, 360), st.sampled_from([1, 2, 3, 4]), st.integers(-3, 3))
def test_angles_agree_modulo_the_shapes_symmetry(angle, order, turns):
    assert angle_error(angle + turns * 360 / order, angle, order) == pytest.approx(0.0, abs=1e-6)
    assert angle_error(angle + 10, angle, order) == pytest.approx(10.0, abs=1e-6)
    assert angle_error(angle + 10, angle, 0) == 0.0
