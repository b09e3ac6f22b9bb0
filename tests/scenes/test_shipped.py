"""The shipped scene model: as good as its card says, moved objects move and nothing else does, drawn in no time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from latentstudio.generators.opening import open_model
from latentstudio.scenes.decomposing import decompose, layers, render
from latentstudio.scenes.evaluating import evaluation_steps
from latentstudio.scenes.making import make_scene
from latentstudio.scenes.parts import parts_of

UNSEEN = 30_000_000


@pytest.fixture(scope="module")
def scenes():
    model = open_model("scenes", runtime="eager")
    yield model
    model.close()


def test_it_takes_unseen_scenes_apart_as_its_card_says(scenes):
    steps = list(evaluation_steps(parts_of(scenes.generator), lambda k: make_scene("flat", UNSEEN + k), 100))
    told, card = steps[-1].figures.as_dict(), scenes.card.figures["held_out"]
    assert card["ap50"] >= 0.85
    assert card["count_error"] <= 0.08
    assert card["mse"] <= 0.002
    assert card["angle_error_deg"] <= 10.0
    # 100 scenes spread about what 500 gave; average precision jumps by a ninth where a point of recall is missed
    assert told["ap50"] >= card["ap50"] - 0.13
    assert told["count_error"] <= card["count_error"] + 0.04
    assert told["angle_error_deg"] <= 5.0


def test_moving_one_object_by_ten_pixels_moves_it_by_ten_and_changes_nothing_else(scenes):
    checked = 0
    for seed in range(UNSEEN + 500, UNSEEN + 512):
        found = decompose(scenes, make_scene("flat", seed).picture)
        for index, one in enumerate(found.scene.objects):
            away = 10.0 if one.x < 32 else -10.0
            reach = 0.5 * np.hypot(one.width, one.height)
            if not reach < one.x < 63 - reach or not reach < one.x + away < 63 - reach:
                continue
            moved = found.scene.with_object(index, one.moved(away, 0.0))
            before, after = (layers(scenes, scene)[1][index, :, :, 3].astype(float) for scene in (found.scene, moved))
            columns = np.arange(64)[None, :]
            went = (after * columns).sum() / after.sum() - (before * columns).sum() / before.sum()
            assert went == pytest.approx(away, abs=1.0)
            changed = np.abs(render(scenes, found.scene).astype(float) - render(scenes, moved)).max(axis=2) / 255
            rows, cols = np.mgrid[0:64, 0:64]
            outside = np.ones((64, 64), dtype=bool)
            for x in (one.x, one.x + away):
                outside &= np.hypot(cols - x, rows - one.y) > reach + 1.0
            assert changed[outside].max(initial=0.0) <= 0.02
            checked += 1
    assert checked >= 10


@pytest.mark.parametrize("colour", [
    (120, 120, 120), (0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 0, 255), (9, 200, 90),
])
def test_a_blank_picture_of_any_colour_has_no_objects(scenes, colour):
    blank = decompose(scenes, np.full((64, 64, 3), colour, np.uint8))
    assert blank.scene.objects == ()
    assert blank.notes[0] == "no objects were found"
    assert not any("boxes" in note for note in blank.notes)


def test_a_photo_is_doubted(scenes):
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    assert any("explains the picture badly" in note for note in decompose(scenes, noise).notes)


def test_what_lies_in_front_hides_what_lies_behind(scenes):
    found = decompose(scenes, make_scene("flat", UNSEEN + 3).picture).scene
    one = max(found.objects, key=lambda other: other.width * other.height)
    looks = [replace(one, latent=other.latent, depth=depth) for depth, other in
             zip((0.0, 8.0), (found.objects[0], found.objects[-1]), strict=True)]
    alone = render(scenes, found.with_objects(looks[1:]))
    both = render(scenes, found.with_objects(looks))
    turned = render(scenes, found.with_objects([replace(looks[0], depth=8.0), replace(looks[1], depth=0.0)]))
    centre = (round(one.y), round(one.x))
    assert np.abs(both[centre].astype(int) - alone[centre]).max() <= 4
    if looks[0].latent != looks[1].latent:
        assert np.abs(turned.astype(int) - both).max() > 8
