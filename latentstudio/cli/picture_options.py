"""Options and checks that several verbs which draw pictures share."""

from __future__ import annotations

import argparse
import re
from dataclasses import replace
from pathlib import Path

from latentstudio import pixels
from latentstudio.cli.options import positive_number, whole_number
from latentstudio.errors import UsageError
from latentstudio.factors import Factor, read_factor
from latentstudio.generators.conditions import LABEL, NOISE_SEED, TRUNCATION, Conditions
from latentstudio.generators.opening import Model
from latentstudio.picture_files import MAX_PIXELS
from latentstudio.pixels import AS_DRAWN, SavedSize, parse_size, saved_shape
from latentstudio.tasks.draw import factors_of

_FLAGS = (LABEL, TRUNCATION, NOISE_SEED)
_NEGATIVE = re.compile(r"^-\.?\d")


def add_conditions(action: argparse.ArgumentParser) -> None:
    """Add ``--label``, ``--truncation``, ``--noise-seed`` and ``--condition``, whose defaults are those of the card."""
    action.add_argument("--label", type=whole_number, default=None, help="class of a conditional model")
    action.add_argument("--truncation", type=positive_number, default=None,
                        help="scale the latents (default: what the model's card says, mostly 1)")
    action.add_argument("--noise-seed", type=whole_number, default=None,
                        help="seed of what varies beside the latent, where the model has it")
    action.add_argument("--condition", dest="conditions", action="append", default=[], metavar="NAME=VALUE",
                        help="any other condition that the model's card declares; may be repeated")


def add_size(action: argparse.ArgumentParser) -> None:
    """Add ``--size`` and ``--enlarge``: how large pictures are saved."""
    action.add_argument("--size", type=_size, default=None, metavar="1x|4x|8x|PIXELS",
                        help="save pictures so many times their size, or with so many pixels on the longer side")
    action.add_argument("--enlarge", choices=("bicubic", "nearest"), default=None,
                        help="smooth, or every pixel as a square (default bicubic)")


def _size(text: str) -> SavedSize:
    try:
        return parse_size(text)
    except UsageError as problem:
        raise argparse.ArgumentTypeError(problem.sentence) from None


def saved_size(arguments: argparse.Namespace, usual: SavedSize = AS_DRAWN) -> SavedSize:
    """What the options of ``add_size`` ask for; ``usual`` where neither is given."""
    size = usual if arguments.size is None else arguments.size
    return size if arguments.enlarge is None else replace(size, nearest=arguments.enlarge == "nearest")


def given_conditions(arguments: argparse.Namespace) -> tuple[str, ...]:
    """The options of ``add_conditions`` that were used, as they were typed."""
    flags = tuple(f"--{name.replace('_', '-')}" for name in _FLAGS if getattr(arguments, name) is not None)
    return (*flags, "--condition") if arguments.conditions else flags


def read_conditions(arguments: argparse.Namespace, model: Model) -> Conditions:
    """What the options of ``add_conditions`` set, checked against the model.

    Raises:
        UsageError: a condition that the model does not have, one that is set twice, or a value that it does not take.
    """
    texts = dict(_split(text) for text in arguments.conditions)
    typed = {name: getattr(arguments, name) for name in _FLAGS if getattr(arguments, name) is not None}
    twice = sorted(set(texts) & set(typed))
    if twice or len(texts) < len(arguments.conditions):
        raise UsageError("a condition is set twice", expected="each condition once")
    card = model.card_for((*texts, *typed))
    kinds = {condition.name: condition for condition in card.offered}
    card.resolve(Conditions(tuple((name, None) for name in texts)))  # names first: only a known one can read its value
    found = Conditions.of(**typed, **{name: kinds[name].parse(text) for name, text in texts.items()})
    card.resolve(found)
    return found


def _split(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"'{text}' is no condition", expected="NAME=VALUE, for example noise_seed=3")
    return name.strip().replace("-", "_"), value


def allow_negative_values(action: argparse.ArgumentParser) -> None:
    """Let an option's value begin with a minus and a digit, as in ``--alphas -5..5/11``: it is no option's name."""
    action._negative_number_matcher = _NEGATIVE


def find_factor(model: Model, named: str) -> Factor:
    """The factor that ``--factor NAME|FILE`` names.

    Raises:
        UnknownNameError: the model has no factor of this name.
        FactorFileError: the file is broken or belongs to another model.
    """
    path = Path(named)
    return read_factor(path, card=model.card) if path.suffix else factors_of(model).get(named)


def check_sheet(count: int, image_size: tuple[int, int], size: SavedSize = AS_DRAWN) -> None:
    """Refuse a sheet that the program itself could not read again, before anything is drawn.

    Raises:
        UsageError: too many pictures of this size.
    """
    height, width = saved_shape(*image_size, size)
    most = max(1, MAX_PIXELS // ((height + pixels.GAP) * (width + pixels.GAP)))
    if count > most:
        raise UsageError(f"{count:,} pictures of {width} x {height} pixels", expected=f"at most {most:,} on one sheet",
                         action="draw fewer, with several seeds")
