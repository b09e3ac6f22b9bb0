"""Imports what needs Qt, and turns a Qt that cannot load into one line with the command that mends it."""

from __future__ import annotations

import importlib
from types import ModuleType

from latentstudio.cli.screen import install_command, missing_packages
from latentstudio.errors import DeviceError


def import_studio(name: str) -> ModuleType:
    """The module ``latentstudio.NAME``, one that needs Qt: ``studio.app``, ``stories.benchmarks`` ...

    Raises:
        DeviceError: Qt's libraries cannot be loaded; the message has the command that installs what lacks.
    """
    try:
        return importlib.import_module(f"latentstudio.{name}")
    except ImportError as problem:
        if (problem.name or "").startswith("latentstudio"):
            raise
        missing = missing_packages()
        action = install_command(missing) if missing else "see `latentstudio doctor`"
        raise DeviceError(f"Qt cannot be loaded ({problem})", action=action) from problem
