"""Values of a known kind out of what a file holds."""

from __future__ import annotations

import math

import pytest

from latentstudio.errors import ModelFileError, StudioError
from latentstudio.generators.card import ModelCard, card_with, read_card
from latentstudio.generators.values import below, number, texts, whole, wholes
from latentstudio.places import bundled


def test_what_is_there_is_read_and_what_is_not_has_a_default() -> None:
    held = {"size": 7, "widths": [4, 8], "mse": 0.5, "names": ["a", 2], "held_out": {"mse": 1}}
    assert whole(held, "size", 3) == 7
    assert whole(held, "side", 3) == 3
    assert wholes(held, "widths", ()) == (4, 8)
    assert wholes(held, "sides", (1,)) == (1,)
    assert texts(held, "names") == ("a", "2")
    assert number(below(held, "held_out"), "mse") == 1.0


@pytest.mark.parametrize("value", ["7", 7.0, True, None, [7]])
def test_a_config_that_holds_something_else_is_refused_with_its_name(value: object) -> None:
    with pytest.raises(ModelFileError, match="the config gives size"):
        whole({"size": value}, "size", 3)
    with pytest.raises(ModelFileError, match="the config gives widths"):
        wholes({"widths": [4, value] if value != [7] else "47"}, "widths", ())


@pytest.mark.parametrize("value", ["7", None, [7], 10**400])
def test_a_figure_that_is_no_number_is_none(value: object) -> None:
    assert math.isnan(number({"mse": value}, "mse"))
    assert below({"mse": value}, "mse") == {}


def test_a_card_takes_other_values_and_refuses_what_cards_do_not_have() -> None:
    card = read_card(bundled("models") / "sprites-b1")
    assert card_with(card, {}, StudioError) == card
    assert card_with(card, {"classes": ["a", "b"]}, StudioError).classes == ("a", "b")
    for values in ({"clases": []}, {"classes": 3}):
        with pytest.raises(StudioError, match="clas"):
            card_with(ModelCard("x", "y"), values, StudioError)
