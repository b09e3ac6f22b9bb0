"""Conditions: what a picture depends on beside its latent, as named values that the model's card declares. No torch.

A card says what may be set (``Condition``); whoever draws says what was set (``Conditions``), and everything else has
the card's default. ``ModelCard.resolve`` checks the one against the other.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from latentstudio.errors import UsageError

LABEL, TRUNCATION, NOISE_SEED = "label", "truncation", "noise_seed"
ConditionValue: TypeAlias = int | float | str | None
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MOST = (1 << 63) - 1


class ConditionKind(StrEnum):
    """What a condition's value is.

    ``label`` is the index of a class, ``number`` a real number, ``seed`` what random numbers are drawn with, and
    ``picture`` a picture that another one follows, named by the hash of its pixels (``picture_name``).
    """

    LABEL = "label"
    NUMBER = "number"
    SEED = "seed"
    PICTURE = "picture"


@dataclass(frozen=True)
class Condition:
    """One condition as a card declares it.

    Attributes:
        name: lower case letters, digits and underscores: ``label``, ``truncation``, ``noise_seed`` ...
        kind: what its values are.
        default: what holds where nothing is set; None leaves the choice to the model.
        least, most: the range of a label, number or seed, both included; None is without a limit.
        words: what it does, for people.
        spaces: (name of a latent space, what the condition means there), where that differs.
    """

    name: str
    kind: ConditionKind
    default: ConditionValue = None
    least: float | None = None
    most: float | None = None
    words: str = ""
    spaces: tuple[tuple[str, str], ...] = ()

    @property
    def expected(self) -> str:
        """The values that it takes, in words."""
        if self.kind is ConditionKind.PICTURE:
            return "the SHA-256 of a picture's pixels, 64 hexadecimal digits"
        noun = "a number" if self.kind is ConditionKind.NUMBER else "a whole number"
        if self.least is None and self.most is None:
            return noun
        if self.most is None:
            return f"{noun} of {self.least:g} or more"
        return f"{noun} of at most {self.most:g}" if self.least is None else f"{self.least:g} to {self.most:g}"

    def check(self, value: ConditionValue) -> ConditionValue:
        """The value itself where it is one of this kind and range; None is the model's own choice.

        Raises:
            UsageError: it is not.
        """
        if value is None or self._takes(value):
            return value
        raise UsageError(f"{self.name} {value}", expected=self.expected)

    def parse(self, text: str) -> ConditionValue:
        """The value that a text gives, as somebody typed it.

        Raises:
            UsageError: it is none of this kind and range.
        """
        if self.kind is ConditionKind.PICTURE:
            return self.check(text.strip().lower())
        try:
            return self.check(float(text) if self.kind is ConditionKind.NUMBER else int(text))
        except ValueError:
            raise UsageError(f"{self.name} {text[:40]}", expected=self.expected) from None

    def meaning(self, space: str) -> str:
        """What it does in the latent space of this name."""
        return dict(self.spaces).get(space, self.words)

    def _takes(self, value: int | float | str) -> bool:
        if isinstance(value, str):
            return self.kind is ConditionKind.PICTURE and _SHA256.fullmatch(value) is not None
        if isinstance(value, bool) or self.kind is ConditionKind.PICTURE:
            return False
        if self.kind is not ConditionKind.NUMBER and (isinstance(value, float) or abs(value) > _MOST):
            return False
        least, most = -math.inf if self.least is None else self.least, math.inf if self.most is None else self.most
        return math.isfinite(value) and least <= value <= most


@dataclass(frozen=True)
class Conditions(Mapping[str, ConditionValue]):
    """Names and values of conditions, sorted by name; what is absent has the card's default. Hashed by content."""

    pairs: tuple[tuple[str, ConditionValue], ...] = ()

    def __post_init__(self) -> None:
        if len(dict(self.pairs)) != len(self.pairs):
            raise UsageError("a condition is set twice", expected="each condition once")
        object.__setattr__(self, "pairs", tuple(sorted(self.pairs, key=lambda pair: pair[0])))

    @classmethod
    def of(cls, **values: ConditionValue) -> Conditions:
        """These conditions; a value of None counts as not set."""
        return cls(tuple((name, value) for name, value in values.items() if value is not None))

    def __getitem__(self, name: str) -> ConditionValue:
        for own, value in self.pairs:
            if own == name:
                return value
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    def over(self, others: Conditions) -> Conditions:
        """These, and of ``others`` what is not set here."""
        return Conditions(tuple({**dict(others.pairs), **dict(self.pairs)}.items())) if others.pairs else self

    def number(self, name: str) -> float:
        """The value of a number that a card has resolved.

        Raises:
            UsageError: it is none.
        """
        value = self.get(name)
        if value is None or isinstance(value, str):
            raise UsageError(f"{name} {value}", expected="a number")
        return float(value)

    def whole(self, name: str) -> int | None:
        """The value of a label or seed; None where the choice is the model's.

        Raises:
            UsageError: it is another kind of value.
        """
        value = self.get(name)
        if isinstance(value, str | float):
            raise UsageError(f"{name} {value}", expected="a whole number")
        return value


NONE = Conditions()


def label_in_turn(labels: Sequence[int], index: int) -> Conditions:
    """One of the classes after another, as ``index`` grows; nothing set where there are none."""
    return Conditions.of(label=labels[index % len(labels)]) if labels else NONE


def picture_name(picture: NDArray[np.uint8]) -> str:
    """What a condition of the kind ``picture`` calls a picture uint8 (H, W, 3): SHA-256 of its size and pixels."""
    height, width = picture.shape[:2]
    return hashlib.sha256(f"{height} {width} ".encode() + np.ascontiguousarray(picture).tobytes()).hexdigest()


def offered(
    declared: Sequence[Condition], *, classes: Sequence[str], truncation: float
) -> tuple[Condition, ...]:
    """All conditions of a card: those that it declares, and those that every card has or that its classes bring."""
    named = {condition.name for condition in declared}
    own = tuple(
        replace(condition, default=truncation) if condition.name == TRUNCATION else condition for condition in declared
    )
    if TRUNCATION not in named:
        own += (Condition(TRUNCATION, ConditionKind.NUMBER, truncation, least=0.0,
                          words="scales the latent towards the prior's mean"),)
    if classes and LABEL not in named:
        own += (Condition(LABEL, ConditionKind.LABEL, least=0, most=len(classes) - 1, words="the class"),)
    return own


def check_declared(declared: Sequence[Condition], truncation: float, spaces: Sequence[str]) -> str:
    """What is wrong with the conditions of a card, in words; empty for nothing."""
    names = [condition.name for condition in declared]
    for name in names:
        if not _NAME.fullmatch(name):
            return f"names the condition '{name[:40]}'"
        if names.count(name) > 1:
            return f"names the condition '{name}' twice"
    for condition in declared:
        if condition.default is not None and condition.name != TRUNCATION:
            try:
                condition.check(condition.default)
            except UsageError:
                return f"gives the condition '{condition.name}' a default out of its range"
        for space, _ in condition.spaces:
            if space not in spaces:
                return f"says what '{condition.name}' means in the space '{space[:40]}', which it does not have"
    everywhere = offered(declared, classes=(), truncation=truncation)
    limits = next(condition for condition in everywhere if condition.name == TRUNCATION)
    try:
        limits.check(truncation)
    except UsageError:
        return f"gives the truncation {truncation}"
    own = next((condition.default for condition in declared if condition.name == TRUNCATION), None)
    return "" if own in (None, truncation) else f"gives two truncations, {truncation} and {own}"
