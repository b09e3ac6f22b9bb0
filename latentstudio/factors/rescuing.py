"""Factors that took minutes to learn and are nowhere else yet: written aside until they are kept. numpy only."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from latentstudio.errors import FactorFileError, StorageError
from latentstudio.factors.factor import Factor
from latentstudio.factors.storage import SUFFIX, read_factor, write_factor
from latentstudio.places import state_folder


def rescue_factor(factor: Factor) -> Path:
    """Write a factor to a place of its own, until it is kept or because it could not be written where it should go.

    That is the folder ``rescued`` below the user's state folder, or where that fails the system's temporary folder.

    Raises:
        StorageError: neither can be written.
    """
    try:
        path = _place(factor)
        write_factor(path, factor)
    except StorageError:
        path = Path(tempfile.gettempdir()) / f"latentstudio-{os.getpid()}-{_place(factor).name}"
        write_factor(path, factor)
    return path


def rescued_factors() -> tuple[Factor, ...]:
    """The factors of this user that were learned and not kept, the newest last; broken files are passed over."""
    found = []
    for path in sorted(_folder().glob(f"*{SUFFIX}"), key=lambda path: path.stat().st_mtime):
        with contextlib.suppress(FactorFileError):
            found.append(read_factor(path))
    return tuple(found)


def forget_rescued(factor: Factor) -> None:
    """Delete the copy of a factor that was kept, or thrown away."""
    with contextlib.suppress(OSError):
        _place(factor).unlink(missing_ok=True)


def _folder() -> Path:
    return state_folder() / "rescued"


def _place(factor: Factor) -> Path:
    return _folder() / f"{factor.model}-{factor.name}{SUFFIX}"
