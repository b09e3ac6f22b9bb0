"""The verdict in words."""

from __future__ import annotations

import numpy as np
import pytest

from latentstudio.factors import Factor, MeasuredCalibration, MonotoneCurve
from latentstudio.factors.verdict import facts_of, leak_shares, leak_words, replacement, verdict_of
from latentstudio.units import DEGREES, PERCENT, PIXELS, TIMES


def factor(unit=PIXELS, *, name="x", reach=(-6.3, 7.0), spread=1.1, **figures):
    p = np.array([-3.0, 0.0, 3.0])
    values = np.array([reach[0], 0.0, reach[1]])
    measured = MeasuredCalibration(p, values, np.full(3, spread), (-3.0, 3.0))
    axis = np.eye(4, dtype=np.float32)[0]
    return Factor(name, "", unit, axis, MonotoneCurve(p, values), measured, "one", "hash", figures)


def test_range_spread_leak_and_grade_in_one_line():
    made = factor(leak={"brightness": 0.03, "y": 0.1})
    assert verdict_of(made) == (
        "x: known from −6 px to +7 px, single pictures differ by 1.1 px; also brightens a little. "
        "Grade C: measured by one ruler; by that ruler new pictures follow it closely."
    )


@pytest.mark.parametrize(("leak", "words"), [
    ({"x": 0.4, "scale": 0.02, "rotation": 1.0, "brightness": -0.01}, ()),
    ({"x": -0.6}, ("moves left a little",)),
    ({"y": 2.5, "rotation": -2.0}, ("clearly moves down", "turns clockwise a little")),
    ({"brightness": 0.02, "scale": -0.2, "saturation": 0.3},
     ("clearly gains colour", "clearly shrinks", "brightens a little")),
    ({"contrast": -0.05, "someone's own": 9.0}, ("loses contrast a little",)),
])
def test_leaks_have_thresholds_of_their_unit_and_the_clear_ones_come_first(leak, words):
    assert leak_words(leak) == words


def test_several_leaks_are_joined_and_none_is_said_too():
    assert "; also clearly moves down and turns clockwise a little." in verdict_of(
        factor(leak={"y": 2.5, "rotation": -2.0}))
    assert "; nothing else moves noticeably." in verdict_of(factor(leak={}))
    assert "also" not in verdict_of(factor())
    assert "nothing else" not in verdict_of(factor())


@pytest.mark.parametrize(("unit", "reach", "spread", "part"), [
    (TIMES, (-0.5, 0.5), 0.1, "from × 0.71 to × 1.41, single pictures differ by a factor of 1.07"),
    (PERCENT, (-0.2, 0.3), 0.05, "from −20 % to +30 %, single pictures differ by 5.0 %"),
    (DEGREES, (-14.0, 15.0), 3.0, "from −14° to +15°, single pictures differ by 3.0°"),
    (PIXELS, (-2.31, 4.9), 0.5, "from −2.3 px to +4.9 px"),
])
def test_every_unit_is_written_in_its_own_way(unit, reach, spread, part):
    assert part in verdict_of(factor(unit, reach=reach, spread=spread))


@pytest.mark.parametrize(("spread", "words"), [
    (2.5, "Grade C: measured by one ruler; by that ruler new pictures follow it well."),
    (6.0, "Grade C: new pictures follow it roughly."),
    (9.0, "Grade D: new pictures hardly follow it."),
])
def test_the_grade_in_words(spread, words):
    assert verdict_of(factor(spread=spread)).endswith(words)


def test_notes_follow_as_sentences():
    assert verdict_of(factor(notes=["few records; use more starts"])).endswith("closely. Few records; use more starts.")


@pytest.mark.parametrize(("stops", "words"), [
    (["median", "median"], "Beyond this range new pictures follow no further."),
    (["end", "residual"], "Above this range it is another picture that moved."),
    (["spread", "end"], "Below this range one cannot tell where a new picture will go."),
])
def test_what_ended_the_range_is_said(stops, words):
    assert words in verdict_of(factor(range_stops=stops))


def test_a_range_that_nothing_ended_needs_no_words():
    assert "this range" not in verdict_of(factor(range_stops=["end", "end"]))
    assert "this range" not in verdict_of(factor())


def test_a_leak_is_told_as_a_share_of_the_other_s_own_range():
    x = factor(leak={"y": -0.6, "brightness": 0.03})
    y = factor(name="y", reach=(-6.0, 6.0))
    light = factor(PERCENT, name="brightness", reach=(-0.1, 0.2))
    assert leak_shares(x, (x, y, light)) == pytest.approx({"y": 0.1, "brightness": 0.2})
    assert leak_shares(y, (x, y, light)) == {}


def test_how_a_factor_was_learned_is_told_as_far_as_its_file_tells_it():
    told = facts_of(factor(starts=256, records=2048, records_kept=1843, axis="mean", r2_heldout_starts=0.971,
                           r2_heldout_starts_paper=0.93, judged=256))
    assert told == ("From 256 starts, 1,843 of 2,048 records kept; axis: mean; r² on held-out starts 0.97 (the paper's "
                    "axis 0.93); measured on 256 new samples.")
    assert facts_of(factor(axis="paper")) == "axis: paper."
    assert facts_of(factor()) == ""


def test_what_keeping_would_replace_is_said_and_whether_it_is_the_better_one():
    new, wider, narrow = factor(), factor(reach=(-9.0, 9.0)), factor(reach=(-2.0, 2.0), spread=0.2)
    assert replacement(new, None) == ""
    assert replacement(new, narrow) == (
        "Kept, it takes the place of the present x (grade C, −2.0 px to +2.0 px).")
    assert replacement(new, wider).endswith("(grade C, −9 px to +9 px), which is the better one.")
    assert replacement(factor(spread=6.0), narrow).endswith("which is the better one.")
