"""A scene as a value: JSON both ways, whatever is wrong with it said in one line, and drawn as it says."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentstudio.errors import CapabilityError, ModelFileError, SessionFileError, UsageError
from latentstudio.generators.opening import open_model
from latentstudio.scenes.decomposing import decompose, layers, new_scenes, render, scenes_of, seen_by
from latentstudio.scenes.object_tensors import DOUBLE, overlap, tight_boxes
from latentstudio.scenes.scene import MOST_OBJECTS, Scene, SceneObject, read_scene, scene_from, write_scene

NUMBERS = st.floats(-500, 500)
OBJECTS = st.builds(
    SceneObject, NUMBERS, NUMBERS, st.floats(0.1, 500), st.floats(0.1, 500), NUMBERS, NUMBERS, st.floats(0, 1),
    st.lists(NUMBERS, max_size=4).map(tuple), st.text(max_size=5), st.booleans(),
)


@given(st.lists(OBJECTS, max_size=4))
def test_json_brings_every_number_back(objects):
    scene = Scene("m", "ab" * 32, 64, 48, (0.1, -0.2), tuple(objects))


    assert scene_from(msgspec.json.encode(scene)) == scene


def wrong(tmp_path, **changes):
    path = tmp_path / "scene.json"
    write_scene(path, Scene("m", "", 64, 64, (), (SceneObject(1, 2, 3, 4, latent=(0.5,)),)))
    told = json.loads(path.read_text())
    one = told["objects"][0]
    for key, value in changes.items():
        (one if key in one and key not in ("version",) else told)[key] = value
    path.write_text(json.dumps(told))
    return path


@pytest.mark.parametrize(("changes", "said"), [
    ({"width": -3}, "a size above 0|-3"), ({"x": "left"}, "broken"), ({"presence": 2.0}, "presence is 2"),
    ({"format": "other"}, "is no scene"), ({"version": 9}, "version 9; expected at most 1"),
    ({"objects": [{}] * 10_000}, "10,000 objects; expected at most"), ({"angle_deg": 1e9}, "angle_deg"),
])
def test_what_is_wrong_is_said_in_one_line(tmp_path, changes, said):
    with pytest.raises(SessionFileError, match=said) as caught:
        read_scene(wrong(tmp_path, **changes))
    assert "\n" not in caught.value.sentence


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"format": "latentstudio scene", "version": 1}', "\xff\xfe"])
def test_files_that_are_no_scene_are_refused(tmp_path, text):
    path = tmp_path / "a.json"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(SessionFileError):
        read_scene(path)
    with pytest.raises(SessionFileError, match="cannot be read"):
        read_scene(tmp_path / "none.json")


def test_not_a_number_cannot_get_in(tmp_path):
    path = wrong(tmp_path)
    text, count = re.subn(r'"x": 1(\.0)?', '"x": NaN', path.read_text())
    assert count == 1
    path.write_text(text)
    with pytest.raises(SessionFileError):
        read_scene(path)
    with pytest.raises(UsageError):
        SceneObject(float("nan"), 0, 1, 1)
    with pytest.raises(UsageError):
        Scene("m", "", 64, 64, (), (SceneObject(0, 0, 1, 1),) * (MOST_OBJECTS + 1))


def test_front_and_back_are_beyond_all_others():
    scene = Scene("m", "", 64, 64, (), tuple(SceneObject(0, 0, 4, 4, depth=d) for d in (0.0, 2.0, 1.0)))
    assert scene.to_front(0).objects[0].depth == 3.0
    assert scene.to_back(1).objects[1].depth == -1.0
    assert [one.depth for one in scene.without((1,)).objects] == [0.0, 1.0]


def one_object(model, **changes):
    sizes = model.generator.network.sizes
    rng = np.random.default_rng(2)
    one = SceneObject(16.0, 16.0, 12.0, 12.0, latent=tuple(rng.normal(size=sizes.what_size).tolist()))
    background = tuple(rng.normal(size=sizes.components * sizes.background_size).tolist())
    return Scene(model.card.name, model.card.weights_sha256, 32, 32, background, (replace(one, **changes),))


def barycentre(model, scene):
    weight = layers(model, scene)[1][0, :, :, 3].astype(float)
    rows, columns = np.meshgrid(np.arange(32), np.arange(32), indexing="ij")
    return (weight * columns).sum() / weight.sum(), (weight * rows).sum() / weight.sum()


def test_moving_an_object_moves_its_picture_and_nothing_else(model):
    scene = one_object(model)
    other = one_object(model, x=22.0, y=12.0)
    first, moved = render(model, scene), render(model, other)
    x, y = barycentre(model, scene)
    to_x, to_y = barycentre(model, other)
    assert (to_x - x, to_y - y) == pytest.approx((6.0, -4.0), abs=0.3)
    outside = np.ones((32, 32), dtype=bool)
    outside[9:24, 9:24] = outside[5:20, 15:30] = False
    assert np.abs(first.astype(int) - moved)[outside].max() <= 1


def test_presence_and_depth_do_what_they_say(model):
    scene = one_object(model)
    behind = render(model, scene.with_objects(()))
    assert np.array_equal(render(model, one_object(model, presence=0.0)), behind)
    front = replace(scene.objects[0], latent=tuple(-value for value in scene.objects[0].latent), depth=20.0)
    both = scene.with_objects((*scene.objects, front))
    alone = scene.with_objects((front,))
    assert np.abs(render(model, both).astype(int) - render(model, alone)).max() <= 12


def test_layers_over_the_background_are_the_picture(model):
    scene = one_object(model)
    behind, objects = layers(model, scene)
    opacity = objects[0, :, :, 3:].astype(float) / 255
    over = behind * (1 - opacity) + objects[0, :, :, :3] * opacity
    assert np.abs(over - render(model, scene)).max() <= 8  # opacity is kept in 8 bits
    empty_behind, none = layers(model, scene.with_objects(()))
    assert none.shape[0] == 0
    assert np.array_equal(empty_behind, behind)


def test_a_picture_of_another_size_keeps_its_own_coordinates(model):
    picture = np.random.default_rng(0).integers(0, 255, (64, 96, 3), dtype=np.uint8)
    seen, notes = seen_by(model, picture)
    assert seen.shape == (32, 32, 3)
    assert len(notes) == 2
    found = decompose(model, picture)
    assert (found.scene.width, found.scene.height, found.scene.square) == (96, 64, (16.0, 0.0, 64.0))
    assert np.array_equal(render(model, found.scene), found.drawn)
    assert found.masks.shape[1:] == (32, 32)


def test_new_scenes_are_seeded_and_are_what_generate_draws(model):
    scenes = new_scenes(model, count=3, seed=4)
    assert scenes == new_scenes(model, count=3, seed=4)
    latent = np.random.default_rng(1).normal(size=(1, model.card.spaces[0].size)).astype(np.float32)
    (scene,) = scenes_of(model, latent)
    assert all(one.presence == 1.0 for one in scene.objects)


def test_a_scene_of_another_model_is_refused(model):
    scene = replace(one_object(model), model_sha256="cd" * 32)
    with pytest.raises(ModelFileError, match="was made by"):
        render(model, scene)
    with pytest.raises(UsageError, match="numbers"):
        render(model, one_object(model, latent=(1.0,)))


def test_a_model_that_knows_no_objects_says_so():
    other = open_model("sprites-b10", runtime="eager")
    with pytest.raises(CapabilityError, match="knows no objects"):
        decompose(other, np.zeros((64, 64, 3), np.uint8))
    other.close()


def test_tight_boxes_and_their_overlap():
    masks = np.zeros((2, 8, 8), dtype=bool)
    masks[0, 2:5, 1:7] = True
    assert tight_boxes(masks) == [(1.0, 2.0, 6.0, 3.0), None]
    assert overlap((0, 0, 4, 4), (2, 0, 4, 4)) == pytest.approx(1 / 3)
    assert overlap(None, (0, 0, 1, 1)) == 0.0
    assert 0.0 < DOUBLE < 1.0
