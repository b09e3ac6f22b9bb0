"""The values of views and sessions are exact, checked and compared by content."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from latentstudio.document.session import MOST_VIEWS, Session
from latentstudio.document.view import MAX_LATENT_BYTES, View
from latentstudio.errors import UsageError
from latentstudio.generators.card import ModelCard
from latentstudio.generators.conditions import NONE, Conditions
from latentstudio.inversion.frames import Frame
from latentstudio.inversion.photo_store import PhotoPlace
from latentstudio.scenes.scene import Scene


def test_the_latent_comes_back_bit_for_bit(view: View) -> None:
    again = view.with_latent(view.latent_array(), seed=view.seed)
    assert again == view
    assert again.latent == view.latent
    assert hash(again) == hash(view)


def test_positions_are_sorted_and_zero_is_left_out(view: View) -> None:
    moved = view.with_position("brightness", 0.2).with_position("x", 0.0)
    assert moved.positions == (("brightness", 0.2), ("scale", 0.1))
    assert moved.position("x") == 0.0
    assert moved.position("brightness") == 0.2
    assert moved.with_reset(keep=("scale",)).position_map() == {"scale": 0.1}
    assert view.with_positions({"y": 1, "x": 0}).positions == (("y", 1.0),)


def test_the_array_handed_out_is_a_copy(view: View) -> None:
    array = view.latent_array()
    array[:] = 0
    assert view.latent_array()[0] == np.float32(0.1)


def test_a_new_latent_forgets_the_seed_and_keeps_the_sliders(view: View) -> None:
    other = view.with_latent(np.zeros(10, np.float32))
    assert other.seed is None
    assert other.positions == view.positions


@pytest.mark.parametrize(
    "change",
    [
        {"latent": b"123"}, {"shape": ()}, {"shape": (0,), "latent": b""}, {"model": ""},
        {"shape": (*(1,) * 70, 10)}, {"shape": (76,) * 3_000}, {"shape": (10**4_000, 10**4_000)},
        {"conditions": (("label", -3),)},
        {"conditions": (("truncation", math.nan),)}, {"conditions": (("truncation", 0.0),)},
        {"conditions": (("truncation", "half"),)}, {"conditions": (("label", 1.5),)}, {"conditions": (("n", 10**400),)},
        {"conditions": (("a", 1), ("a", 2))}, {"conditions": (("content", "a\x1b[2J"),)},
        {"seed": -1}, {"seed": 1 << 64},
        {"positions": (("x", math.inf),)}, {"positions": (("x", 1.0), ("x", 2.0))},
        {"latent": np.full(10, np.nan, "<f4").tobytes()},
        {"model": "m" * 201}, {"model": "a\x1b[2J"}, {"space": "z" * 201}, {"positions": (("x\n", 1.0),)},
        {"positions": tuple((f"f{index}", 1.0) for index in range(600))},
        {"latent": bytes(MAX_LATENT_BYTES + 4), "shape": (MAX_LATENT_BYTES // 4 + 1,)},
    ],
)
def test_wrong_values_are_refused(view: View, change: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        replace(view, **change)  # type: ignore[arg-type]


def test_a_latent_of_the_wrong_size_names_both_sizes(view: View, card: ModelCard) -> None:
    with pytest.raises(UsageError, match=r"\(9,\).*\(10,\)"):
        view.with_latent(np.zeros(9, np.float32))
    with pytest.raises(UsageError, match=r"\(10,\)"):
        View.start(card, np.zeros(9, np.float32), 0)


def test_locked_names_are_sorted_once_each_and_survive_edits(view: View) -> None:
    locked = view.with_kept(("y", "scale", "y"))
    assert locked.kept == ("scale", "y")
    assert locked != view
    assert locked.with_latent(np.zeros(10, np.float32)).with_position("x", 2.0).with_reset().kept == ("scale", "y")
    assert locked.with_kept(()) == view


def test_only_conditions_that_were_set_are_there_and_sorted(view: View, card: ModelCard) -> None:
    assert view.conditions == ()
    assert view.told == NONE
    told = view.with_condition("truncation", 0.5).with_condition("content", "ab12").with_condition("label", 3)
    assert told.conditions == (("content", "ab12"), ("label", 3), ("truncation", 0.5))
    assert told.told == Conditions.of(content="ab12", label=3, truncation=0.5)
    assert told.with_condition("label", None).with_condition("content", None).conditions == (("truncation", 0.5),)
    assert View.start(card, view.latent_array(), conditions=Conditions.of(label=0, truncation=1.0)).conditions == (
        ("label", 0), ("truncation", 1.0))


@pytest.mark.parametrize(("keep_sliders", "positions"), [(False, {"scale": 0.1}), (True, {"scale": 0.1, "x": 8.0})])
def test_a_new_picture_takes_over_locked_sliders_and_conditions_only(
    view: View, keep_sliders: bool, positions: dict[str, float]
) -> None:
    scene = Scene("toy", "", 64, 64)
    place = PhotoPlace("ab" * 32, "me.jpg", Frame(1.0, 2.0, 3.0))
    before = view.with_kept(("scale",)).with_condition("label", 3).with_tuning("t").with_photo(place).with_scene(scene)
    after = before.with_new_picture(np.zeros(10, np.float32), 5, keep_sliders=keep_sliders)
    assert (after.position_map(), after.kept, after.conditions) == (positions, ("scale",), (("label", 3),))
    assert (after.seed, after.tuning, after.photo, after.scene) == (5, "", None, None)


def test_a_session_has_one_view_in_front_and_keeps_those_beside_it(view: View) -> None:
    other = view.with_position("x", 1.0)
    pair = Session((view, other), front=1)
    assert pair.view == other
    assert pair.with_view(view).views == (view, view)
    for views, front in (((), 0), ((view,), 1), ((view,), -1), ((view,) * (MOST_VIEWS + 1), 0)):
        with pytest.raises(UsageError):
            Session(views, front)
