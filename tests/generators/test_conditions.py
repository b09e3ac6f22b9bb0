"""Conditions: what a card declares, what it takes, and what old cards that declare nothing mean."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from latentstudio.errors import ModelFileError, UsageError
from latentstudio.generators.card import CARD_FILE, ModelCard, check_card, read_card, write_card
from latentstudio.generators.conditions import (
    NONE,
    Condition,
    ConditionKind,
    Conditions,
    label_in_turn,
    picture_name,
)

NOISE = Condition("noise_seed", ConditionKind.SEED, 0, least=0)
CONTENT = Condition("content", ConditionKind.PICTURE)
PLAIN = ModelCard("plain", "none")
RICH = ModelCard("rich", "none", classes=("cat", "dog"), conditions=(NOISE, CONTENT), truncation=0.7)


def test_what_was_not_set_has_the_cards_default() -> None:
    assert PLAIN.resolve() == Conditions.of(truncation=1.0)
    settled = RICH.resolve(Conditions.of(label=1))
    assert dict(settled) == {"content": None, "label": 1, "noise_seed": 0, "truncation": 0.7}
    assert (settled.whole("label"), settled.number("truncation"), settled.whole("content")) == (1, 0.7, None)


def test_an_old_card_with_classes_has_a_label_and_none_has_it_without() -> None:
    assert [condition.name for condition in replace(PLAIN, classes=("one",)).offered] == ["truncation", "label"]
    with pytest.raises(UsageError, match="has no classes"):
        PLAIN.resolve(Conditions.of(label=0))


@pytest.mark.parametrize(("values", "told"), [
    ({"label": 2}, "0 to 1"), ({"label": -1}, "0 to 1"), ({"label": 1.0}, "0 to 1"), ({"label": True}, "0 to 1"),
    ({"label": "cat"}, "0 to 1"), ({"truncation": float("nan")}, "0 or more"), ({"truncation": -0.1}, "0 or more"),
    ({"truncation": "much"}, "0 or more"), ({"noise_seed": -1}, "0 or more"), ({"noise_seed": 1 << 70}, "0 or more"),
    ({"content": "face.png"}, "64 hexadecimal"), ({"content": 3}, "64 hexadecimal"),
    ({"colour": 3}, "truncation or label"),
])
def test_wrong_names_kinds_and_ranges_are_refused(values: dict[str, int | float | str], told: str) -> None:
    with pytest.raises(UsageError) as caught:
        RICH.resolve(Conditions.of(**values))
    assert next(iter(values)) in caught.value.found
    assert told in caught.value.expected or "noise_seed or content or truncation or label" in caught.value.expected


def test_a_picture_is_named_by_its_pixels() -> None:
    picture = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    name = picture_name(picture)
    assert RICH.resolve(Conditions.of(content=name))["content"] == name
    assert picture_name(picture.reshape(2, 8, 3)) != name
    assert picture_name(picture.copy()) == name


def test_conditions_are_values() -> None:
    one, other = Conditions.of(truncation=0.5, label=3), Conditions.of(label=3, truncation=0.5)
    assert one == other
    assert hash(one) == hash(other)
    assert Conditions.of(label=None) == NONE
    assert not NONE
    assert dict(Conditions.of(label=1).over(one)) == {"label": 1, "truncation": 0.5}
    with pytest.raises(UsageError):
        Conditions((("label", 1), ("label", 2)))
    assert [label_in_turn((4, 7), index).get("label") for index in range(3)] == [4, 7, 4]
    assert label_in_turn((), 5) == NONE


def test_text_becomes_the_kind_of_the_condition() -> None:
    kinds = {condition.name: condition for condition in RICH.offered}
    assert kinds["label"].parse("1") == 1
    assert kinds["truncation"].parse("0.25") == 0.25
    for name, text in (("label", "cat"), ("label", "1.5"), ("truncation", "much"), ("content", "x.png")):
        with pytest.raises(UsageError, match=name):
            kinds[name].parse(text)


def test_a_card_keeps_its_conditions(tmp_path: Path) -> None:
    w_too = Condition("truncation", ConditionKind.NUMBER, least=0, most=1, words="towards the mean",
                      spaces=(("z", "shortens z"),))
    card = replace(RICH, conditions=(NOISE, w_too))
    write_card(tmp_path, check_card(card, where="here"))
    assert read_card(tmp_path) == card
    declared = next(condition for condition in card.offered if condition.name == "truncation")
    assert (declared.default, declared.meaning("z"), declared.meaning("w")) == (0.7, "shortens z", "towards the mean")


def test_a_card_of_before_opens(tmp_path: Path) -> None:
    write_card(tmp_path, replace(PLAIN, classes=("one", "other")))
    told = json.loads((tmp_path / CARD_FILE).read_text(encoding="utf-8"))
    del told["conditions"], told["truncation"]
    (tmp_path / CARD_FILE).write_text(json.dumps(told), encoding="utf-8")
    assert read_card(tmp_path).resolve() == Conditions.of(truncation=1.0).over(Conditions((("label", None),)))


@pytest.mark.parametrize("card", [
    replace(PLAIN, truncation=-1.0), replace(PLAIN, truncation=float("inf")), replace(PLAIN, conditions=(NOISE, NOISE)),
    replace(PLAIN, conditions=(Condition("Noise seed", ConditionKind.SEED),)),
    replace(PLAIN, conditions=(replace(NOISE, default=-3),)), replace(PLAIN, conditions=(replace(NOISE, default="0"),)),
    replace(PLAIN, conditions=(replace(NOISE, spaces=(("w", "nothing"),)),)),
    replace(PLAIN, conditions=(Condition("truncation", ConditionKind.NUMBER, 0.5),)),
    replace(PLAIN, conditions=(Condition("truncation", ConditionKind.NUMBER, most=0.5),)),
])
def test_a_card_that_contradicts_itself_is_refused(card: ModelCard) -> None:
    with pytest.raises(ModelFileError, match="a card"):
        check_card(card, where="a card")
