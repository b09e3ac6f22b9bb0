"""A setting is said once: type, default, range, label and reason stand on one annotated field.

    sigma: Annotated[float, Setting("Blur, share of the height", 0, 1, why="what is finer counts for little")] = 0.03

Checks, flags of the command line, rows of a form and the words of help are read from that field. No torch and no Qt.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import MISSING, dataclass, fields, replace
from functools import cache
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from latentstudio.errors import StudioError, UsageError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Value = float | int | bool | str | tuple[int, ...] | None


@dataclass(frozen=True)
class Setting:
    """What a person must know of a setting; it stands in the ``Annotated`` type of a dataclass field.

    Attributes:
        label: a few words, also without the reason.
        least, most: its range, both ends allowed; ``above`` and ``below`` leave an end itself out. None is no end.
        why: the reason for the default, or when another value is better; one sentence or two.
        usual: what None means, in words, where the field is optional.
        offers: values to choose from in a form where others may be written as well.
        flag: its name on the command line where it is another one than the field's.
        part: what is computed from it: whoever keeps results asks for the fields of a part.
    """

    label: str
    least: float | None = None
    most: float | None = None
    why: str = ""
    above: bool = False
    below: bool = False
    usual: str = ""
    offers: tuple[str, ...] = ()
    flag: str = ""
    part: str = ""


@dataclass(frozen=True)
class Field:
    """One setting of a class, as it was read from its annotation.

    ``kind`` is float, int, bool, str or tuple (of whole numbers); ``choices`` are all values of a ``Literal``. What is
    ``required`` has no default.
    """

    name: str
    setting: Setting
    kind: type[object]
    default: Value
    choices: tuple[str, ...] = ()
    optional: bool = False
    required: bool = False

    @property
    def expected(self) -> str:
        """What it takes, in words."""
        if self.kind is bool:
            words = "yes or no"
        elif self.kind is tuple:
            words = "whole numbers with commas between"
        elif self.choices:
            words = f"one of: {', '.join(self.choices)}"
        elif self.kind is str:
            words = "a text"
        else:
            words = ("a whole number" if self.kind is int else "a number") + self._range
        return f"{words}, or none" if self.optional else words

    @property
    def _range(self) -> str:
        least, most = (None if end is None else f"{end:,.15g}" for end in (self.setting.least, self.setting.most))
        above, below = self.setting.above, self.setting.below
        if least is None or most is None:
            lower = "" if least is None else f" above {least}" if above else f" of {least} or more"
            return lower if most is None else f" below {most}" if below else f" of at most {most}"
        if above and below:
            return f" between {least} and {most}"
        return (f" above {least}" if above else f" from {least}") + (
            f" and below {most}" if below else f" and up to {most}" if above else f" to {most}")

    @property
    def help(self) -> str:
        """Label, reason and default in one line."""
        words = f"{self.setting.label}: {self.setting.why}" if self.setting.why else self.setting.label
        return f"{words.removesuffix('.')} (default {self.written(self.default) or self.setting.usual or 'none'})"

    def written(self, value: object) -> str:
        """A value as a person writes it; None is the empty text."""
        if value is None:
            return ""
        if isinstance(value, bool):
            return "yes" if value else "no"
        if isinstance(value, tuple | list):
            return ",".join(map(str, value))
        return f"{value:g}" if isinstance(value, float) else str(value)

    def read(self, text: str, *, called: str = "") -> Value:
        """The value that ``text`` writes; ``called`` is the setting's name for the message.

        Raises:
            UsageError: it writes none that this setting takes.
        """
        text = text.strip()
        value: Value = text
        try:
            if not text and self.optional:
                value = None
            elif self.kind is tuple:
                value = tuple(int(part) for part in text.split(",") if part.strip())
            elif self.kind is bool:
                value = {"yes": True, "no": False}[text.lower()]
            elif self.kind is not str:
                value = int(text) if self.kind is int else float(text)
        except (ValueError, KeyError):
            pass  # the check below says it
        self.check(value, called=called)
        return value

    def check(self, value: object, *, called: str = "", error: type[StudioError] = UsageError) -> None:
        """See that the setting takes ``value``.

        Raises:
            StudioError: it does not; of the class ``error``.
        """
        if not self._takes(value):
            shown = f"'{value}'" if isinstance(value, str) else f"{value}"
            usual = self.written(self.default) or self.setting.usual or "none"
            raise error(f"{called or self.name.replace('_', ' ')} is {shown}", expected=self.expected,
                        action="" if self.required else f"leave it out for {usual}")

    def _takes(self, value: object) -> bool:
        if value is None:
            return self.optional
        if self.kind is bool:
            return isinstance(value, bool)
        if self.kind is str:
            return isinstance(value, str) and (not self.choices or value in self.choices)
        if self.kind is tuple:
            return isinstance(value, tuple | list) and all(_is_whole(one) for one in value)
        if isinstance(value, bool) or not isinstance(value, Integral if self.kind is int else Real):
            return False
        number, setting = float(value), self.setting
        low = setting.least is None or (number > setting.least if setting.above else number >= setting.least)
        high = setting.most is None or (number < setting.most if setting.below else number <= setting.most)
        return math.isfinite(number) and low and high


@dataclass(frozen=True)
class Settings:
    """Base of frozen dataclasses of settings; values are checked when one is made.

    Raises:
        UsageError: a value that its field does not take.
    """

    def __post_init__(self) -> None:
        for field in fields_of(type(self)):
            field.check(getattr(self, field.name))


AnySettings = TypeVar("AnySettings", bound=Settings)


def fields_of(kind: type[DataclassInstance]) -> tuple[Field, ...]:
    """The settings of a dataclass, in order; fields without a ``Setting`` are none."""
    return _fields_of(kind)


@cache
def _fields_of(kind: type[DataclassInstance]) -> tuple[Field, ...]:
    hints = get_type_hints(kind, include_extras=True)
    found = []
    for field in fields(kind):
        hint = hints[field.name]
        told = [one for one in getattr(hint, "__metadata__", ()) if isinstance(one, Setting)]
        if get_origin(hint) is Annotated and told:
            found.append(_field(field.name, get_args(hint)[0], told[0], field.default))
    return tuple(found)


def _field(name: str, hint: object, setting: Setting, default: object) -> Field:
    optional = get_origin(hint) in (UnionType, Union)
    inner = next(one for one in get_args(hint) if one is not NoneType) if optional else hint
    usual, required = default if isinstance(default, float | int | str | tuple) else None, default is MISSING
    if get_origin(inner) is Literal:
        return Field(name, setting, str, usual, get_args(inner), optional, required)
    kind = get_origin(inner) or inner
    if kind not in (float, int, bool, str, tuple):
        raise TypeError(f"the setting {name} has the type {hint}")
    return Field(name, setting, kind, usual, optional=optional, required=required)


def settings_from(
    kind: type[AnySettings], values: Mapping[str, object], *, where: str, error: type[StudioError] = UsageError
) -> AnySettings:
    """The settings that a file's table gives; whole numbers may be written as ``6.0`` there, and yes as ``1``.

    Raises:
        StudioError: an unknown name, or a value that is not taken; of the class ``error``, after the words ``where``.
    """
    known = {field.name: field for field in fields_of(kind)}
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise error(f"{where} the setting '{unknown[0]}'", expected=f"one of: {', '.join(known)}")
    read: dict[str, object] = {}
    for name, value in values.items():
        wanted = known[name].kind
        if wanted is int and isinstance(value, float) and value.is_integer():
            value = int(value)
        elif wanted is bool and isinstance(value, int | float) and value in (0, 1):
            value = bool(value)
        read[name] = value
        known[name].check(read[name], called=f"{where} a setting {name} that", error=error)
    return kind(**read)


def part_of(settings: Settings, part: str) -> dict[str, Value]:
    """Names and values of the settings from which ``part`` is computed."""
    return {one.name: getattr(settings, one.name) for one in fields_of(type(settings)) if one.setting.part == part}


def changed(settings: AnySettings, **changes: object) -> AnySettings:
    """``settings`` with single ones changed to what a person or a script gave, whatever it is.

    Raises:
        UsageError: an unknown name, or a value that is not taken.
    """
    known = [field.name for field in fields_of(type(settings))]
    for name in changes:
        if name not in known:
            raise UsageError(f"there is no setting '{name}'", expected=f"one of: {', '.join(known)}")
    return replace(settings, **changes)


def without(kind: type[DataclassInstance], names: Collection[str]) -> tuple[Field, ...]:
    """The settings of a class but those named."""
    return tuple(field for field in fields_of(kind) if field.name not in names)


def _is_whole(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)
