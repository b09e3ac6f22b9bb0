"""Where things lie: what travels with the program, and the user's own folders.

``plugins/``, ``models/`` and ``resources/`` stand beside the package in a checkout and inside it in an installed wheel;
``bundled`` finds them in both. The user's folders follow the platform's habits and can be moved with the environment
variable ``LATENTSTUDIO_HOME`` (tests, portable installations).
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

from latentstudio.errors import StorageError

_APPLICATION = "latentstudio"
_PACKAGE = Path(__file__).resolve().parent


def bundled(name: str) -> Path:
    """The folder ``plugins``, ``models`` or ``resources`` that travels with the program, installed or in a checkout."""
    inside = _PACKAGE / "_bundled" / name
    return inside if inside.is_dir() else _PACKAGE.parent / name


def _own(kind: str, standard: str) -> Path:
    home = os.environ.get("LATENTSTUDIO_HOME")
    if not home and standard.startswith("~"):  # nobody knows this user's home: no folder of that name is made here
        raise StorageError("this user has no home folder", action="set HOME or LATENTSTUDIO_HOME to a folder")
    return Path(home) / kind if home else Path(standard)


def data_folder() -> Path:
    """Installed add-on models, plugins and learned factors of this user."""
    return _own("data", platformdirs.user_data_dir(_APPLICATION, appauthor=False))


def cache_folder() -> Path:
    """What can be made again: exported graphs, thumbnails, measured speeds."""
    return _own("cache", platformdirs.user_cache_dir(_APPLICATION, appauthor=False))


def state_folder() -> Path:
    """Autosaved sessions, history, logs."""
    return _own("state", platformdirs.user_state_dir(_APPLICATION, appauthor=False))


def config_folder() -> Path:
    """Preferences and window layout."""
    return _own("config", platformdirs.user_config_dir(_APPLICATION, appauthor=False))


def own_folders() -> tuple[Path, ...]:
    """All that is this user's; each of them holds folders in turn."""
    return data_folder(), state_folder(), cache_folder(), config_folder()


def user_models() -> Path:
    """Add-on and imported models of this user, one folder each."""
    return data_folder() / "models"


def user_plugins() -> Path:
    """Backend plugins of this user, one folder each."""
    return data_folder() / "plugins"


def user_factors(model: str) -> Path:
    """Factors that this user learned for the model of this name, one file each."""
    return data_folder() / "factors" / model


def records_folder(model: str, factor: str) -> Path:
    """Where the trajectories of a learning run are kept, so that a killed one can go on."""
    return state_folder() / "records" / model / factor
