"""Values of a known kind out of what a file holds: a config, a recipe, figures. No torch here."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping

from latentstudio.errors import ModelFileError


def whole(values: Mapping[str, object], name: str, default: int) -> int:
    """The whole number of this name in a config.

    Raises:
        ModelFileError: something else stands there.
    """
    value = values.get(name, default)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ModelFileError(f"the config gives {name} {value!r}", expected="a whole number")
    return value


def wholes(values: Mapping[str, object], name: str, default: tuple[int, ...]) -> tuple[int, ...]:
    """The whole numbers of this name in a config.

    Raises:
        ModelFileError: something else stands there.
    """
    value = values.get(name, default)
    if not isinstance(value, list | tuple) or not all(type(one) is int for one in value):
        raise ModelFileError(f"the config gives {name} {value!r}", expected="a list of whole numbers")
    return tuple(value)


def number(values: Mapping[str, object], name: str) -> float:
    """The figure of this name; NaN where there is none, or it is no number or too large a one."""
    value = values.get(name)
    with contextlib.suppress(OverflowError):
        return float(value) if isinstance(value, int | float) else math.nan
    return math.nan


def below(values: Mapping[str, object], name: str) -> Mapping[str, object]:
    """The figures or settings below this name; none where there is no such table."""
    value = values.get(name)
    return value if isinstance(value, Mapping) else {}


def texts(values: Mapping[str, object], name: str) -> tuple[str, ...]:
    """The texts of this name; none where there is no list."""
    value = values.get(name)
    return tuple(str(one) for one in value) if isinstance(value, list | tuple) else ()
