"""Options that every verb has, and a parser whose complaints are ordinary user errors."""

from __future__ import annotations

import argparse
from collections.abc import Collection
from typing import NoReturn

from latentstudio.errors import UsageError
from latentstudio.settings import AnySettings, Field, Settings, Value, changed, without

DEVICES = ("auto", "cpu", "cuda")
_MOST = 1 << 63


class Parser(argparse.ArgumentParser):
    """argparse that raises ``UsageError`` instead of printing its usage and leaving the process."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message, action=f"see `{self.prog} --help`")


def verb_parser(verb: str, summary: str) -> Parser:
    """The parser of one verb, still without options."""
    return Parser(prog=f"latentstudio {verb}", description=summary, allow_abbrev=False)


def add_common(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``, ``--seed`` and ``--device``."""
    group = parser.add_argument_group("options of every verb")
    group.add_argument("--json", action="store_true", help="print one JSON value on stdout and nothing else there")
    group.add_argument("--seed", type=whole_number, default=None,
                       help="seed of everything drawn at random (default 0)")
    group.add_argument("--device", choices=DEVICES, default="auto", help="where to compute (default: the best)")


def whole_number(text: str) -> int:
    """A whole number of 0 or more, for argparse."""
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number") from None
    if value < 0:
        raise argparse.ArgumentTypeError(f"{value} is below 0")
    if value >= _MOST:
        raise argparse.ArgumentTypeError(f"{text} is too large: at most 2^63 - 1")
    return value


def count_from_one(text: str) -> int:
    """A whole number of 1 or more, for argparse."""
    value = whole_number(text)
    if value < 1:
        raise argparse.ArgumentTypeError("0 is too few, at least 1 is needed")
    return value


def positive_number(text: str) -> float:
    """A finite number above 0, for argparse."""
    try:
        value = float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number") from None
    if not 0.0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a finite number above 0")
    return value


def add_settings(
    parser: argparse.ArgumentParser, kind: type[Settings], *, title: str, elsewhere: Collection[str] = ("seed",),
    prefix: str = "",
) -> None:
    """One option for each setting of ``kind`` but those that are given ``elsewhere``; ``settings_of`` reads them."""
    group = parser.add_argument_group(title)
    for field in without(kind, elsewhere):
        option = "--" + (prefix + (field.setting.flag or field.name)).replace("_", "-")
        dest, words = prefix + field.name, field.help.replace("%", "%%")
        if field.kind is bool:
            group.add_argument(option, dest=dest, action=argparse.BooleanOptionalAction, default=None, help=words)
        else:
            group.add_argument(option, dest=dest, type=_Reads(field, option), default=None, metavar=_metavar(field),
                               help=words)


def settings_of(
    arguments: argparse.Namespace, usual: AnySettings, *, elsewhere: Collection[str] = (), prefix: str = ""
) -> AnySettings:
    """``usual`` with the options that were given but those read ``elsewhere``; the common ``--seed`` is every seed.

    Raises:
        UsageError: values that do not go together.
    """
    given = {
        field.name: getattr(arguments, field.name if field.name == "seed" else prefix + field.name, None)
        for field in without(type(usual), elsewhere)
    }
    return changed(usual, **{name: value for name, value in given.items() if value is not None})


class _Reads:
    """Reads an option's text as its setting does; the error is the setting's own."""

    def __init__(self, field: Field, option: str) -> None:
        self._field, self._option = field, option

    def __call__(self, text: str) -> Value:
        return self._field.read(text, called=self._option)


def _metavar(field: Field) -> str:
    offered = field.choices or field.setting.offers
    if offered:
        return "|".join(offered)
    return "NAME" if field.kind is str else "N,N" if field.kind is tuple else "N"
