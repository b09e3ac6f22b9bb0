"""Options that every verb has, and a parser whose complaints are ordinary user errors."""

from __future__ import annotations

import argparse
from typing import NoReturn

from latentstudio.errors import UsageError

DEVICES = ("auto", "cpu", "cuda")
_MOST = 1 << 63


class Parser(argparse.ArgumentParser):
    """argparse that raises ``UsageError`` instead of printing its usage and leaving the process."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}", action=f"see `{self.prog} --help`")


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
