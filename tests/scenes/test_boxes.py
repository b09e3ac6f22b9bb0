"""The geometry of editing boxes: handles lie where they look, drags do what the hand does, nothing is lost."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from latentstudio.scenes.boxes import (
    EDGES,
    HANDLES,
    INSIDE,
    SMALLEST,
    TURN,
    corners,
    dragged,
    handle_at,
    held,
    hit,
    inside,
    local,
    normal_angle,
    place_of,
    scaled,
)
from latentstudio.scenes.scene import SceneObject

PLACES = st.floats(-200, 200)
BOXES = st.builds(SceneObject, PLACES, PLACES, st.floats(4, 100), st.floats(4, 100), st.floats(-180, 180))
POINTS = st.tuples(PLACES, PLACES)
OPPOSITE = {"n": "s", "s": "n", "e": "w", "w": "e", "ne": "sw", "sw": "ne", "nw": "se", "se": "nw"}


def test_an_upright_box_has_its_handles_where_their_names_say():
    box = SceneObject(50, 40, 20, 10)
    assert place_of(box, "nw") == (40, 35)
    assert place_of(box, "e") == (60, 40)
    assert place_of(box, TURN)[1] < 35


def test_a_positive_angle_turns_counter_clockwise_as_seen():
    box = SceneObject(0, 0, 20, 10, 90)
    assert place_of(box, "e") == pytest.approx((0, -10))
    assert place_of(box, "n") == pytest.approx((-5, 0))


@given(BOXES, st.sampled_from(sorted(HANDLES)))
def test_a_press_on_a_handle_takes_it(box, handle):
    assume(min(box.width, box.height) > 20)
    assert handle_at(box, place_of(box, handle), grip=3.0) == handle


@given(BOXES)
def test_a_press_in_the_middle_moves_whatever_the_size(box):
    assert handle_at(box, (box.x, box.y), grip=6.0) == INSIDE


@given(BOXES, st.sampled_from(sorted(HANDLES)), st.floats(-30, 30), st.floats(-30, 30))
def test_the_opposite_side_stays_and_the_held_one_follows(box, handle, dx, dy):
    start = place_of(box, handle)
    now = (start[0] + dx, start[1] + dy)
    result = dragged(box, handle, start, now)
    assert place_of(result, OPPOSITE[handle]) == pytest.approx(place_of(box, OPPOSITE[handle]), abs=1e-6)
    if result.width > SMALLEST and result.height > SMALLEST:
        wanted, got = local(box, now), local(box, place_of(result, handle))
        for axis, sign in enumerate(HANDLES[handle]):
            if sign:
                assert got[axis] == pytest.approx(wanted[axis], abs=1e-6)


@given(BOXES, st.sampled_from(sorted(HANDLES)), st.floats(-30, 30), st.floats(-30, 30))
def test_with_the_centre_held_only_the_size_changes(box, handle, dx, dy):
    start = place_of(box, handle)
    result = dragged(box, handle, start, (start[0] + dx, start[1] + dy), centred=True)
    assert (result.x, result.y, result.angle_deg) == (box.x, box.y, box.angle_deg)
    assert min(result.width, result.height) >= min(SMALLEST, box.width, box.height)
    if handle in EDGES:
        assert (result.width == box.width) != (EDGES[handle][0] != 0) or result.width == box.width


@given(BOXES, PLACES, PLACES)
def test_moving_carries_the_box_along(box, dx, dy):
    result = dragged(box, INSIDE, (3.0, 4.0), (3.0 + dx, 4.0 + dy))
    assert (result.x, result.y) == pytest.approx((box.x + dx, box.y + dy))
    assert (result.width, result.height, result.angle_deg) == (box.width, box.height, box.angle_deg)


@given(BOXES, st.floats(-170, 170))
def test_the_knob_turns_by_the_angle_of_the_hand(box, turn):
    knob = place_of(box, TURN)
    radius = math.dist(knob, (box.x, box.y))
    angle = math.atan2(-(knob[1] - box.y), knob[0] - box.x) + math.radians(turn)
    to = (box.x + radius * math.cos(angle), box.y - radius * math.sin(angle))
    result = dragged(box, TURN, knob, to)
    assert math.cos(math.radians(result.angle_deg - box.angle_deg - turn)) == pytest.approx(1.0, abs=1e-6)


@given(BOXES, st.sampled_from(["ne", "nw", "se", "sw"]), st.floats(-40, 40), st.floats(-40, 40))
def test_an_even_drag_keeps_the_shape(box, handle, dx, dy):
    start = place_of(box, handle)
    result = dragged(box, handle, start, (start[0] + dx, start[1] + dy), even=True)
    assert result.width / result.height == pytest.approx(box.width / box.height, rel=1e-6)


@given(BOXES, st.floats(0.0, 10.0))
def test_the_wheel_scales_about_the_centre(box, factor):
    result = scaled(box, factor)
    assert (result.x, result.y) == (box.x, box.y)
    assert min(result.width, result.height) >= SMALLEST - 1e-9


@given(BOXES)
def test_a_box_cannot_be_lost(box):
    kept = held(box, 64, 48)
    assert 0 <= kept.x <= 63
    assert 0 <= kept.y <= 47
    assert SMALLEST <= kept.width <= 128
    assert -180 < kept.angle_deg <= 180
    assert held(kept, 64, 48) == kept


@given(BOXES, POINTS)
def test_inside_agrees_with_the_corners(box, point):
    near = all(
        (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0]) >= -1e-6
        for a, b in zip(corners(box), (*corners(box)[1:], corners(box)[0]), strict=True)
    )
    right, below = local(box, point)
    edge = min(abs(abs(right) - box.width / 2), abs(abs(below) - box.height / 2))
    assume(edge > 1e-6)
    assert inside(box, point) == near


def test_the_front_most_box_is_taken_but_handles_of_the_chosen_one_come_first():
    back, front = SceneObject(50, 50, 40, 40, depth=0.0), SceneObject(60, 50, 40, 40, depth=1.0)
    assert hit([back, front], (55, 50), grip=3) == (1, INSIDE)
    assert hit([back, front], (70, 50), grip=3, chosen=0) == (0, "e")
    assert hit([back, front], (200, 50), grip=3) == (-1, "")


@given(st.floats(-1e4, 1e4))
def test_angles_come_back_into_one_turn(degrees):
    angle = normal_angle(degrees)
    assert -180 < angle <= 180
    assert math.cos(math.radians(angle - degrees)) == pytest.approx(1.0, abs=1e-6)
