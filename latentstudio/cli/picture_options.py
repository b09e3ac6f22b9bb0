"""Options and checks that several verbs which draw pictures share."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from latentstudio import pixels
from latentstudio.api import factors_of
from latentstudio.cli.options import positive_number, whole_number
from latentstudio.errors import UsageError
from latentstudio.factors import Factor, read_factor
from latentstudio.generators.opening import Model
from latentstudio.picture_files import MAX_PIXELS

_NEGATIVE = re.compile(r"^-\.?\d")


def add_condition(action: argparse.ArgumentParser) -> None:
    """Add ``--label`` and ``--truncation``: the class of a conditional model, and the factor on its prior."""
    action.add_argument("--label", type=whole_number, default=None, help="class of a conditional model")
    action.add_argument("--truncation", type=positive_number, default=1.0, help="scale the latents (default 1)")


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


def check_sheet(count: int, image_size: tuple[int, int]) -> None:
    """Refuse a sheet that the program itself could not read again, before anything is drawn.

    Raises:
        UsageError: too many pictures of this size.
    """
    height, width = image_size
    most = max(1, MAX_PIXELS // ((height + pixels.GAP) * (width + pixels.GAP)))
    if count > most:
        raise UsageError(f"{count:,} pictures of {width} x {height} pixels", expected=f"at most {most:,} on one sheet",
                         action="draw fewer, with several seeds")
