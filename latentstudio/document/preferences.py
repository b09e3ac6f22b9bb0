"""What the user chose once: theme, folders, the window's layout. A broken file never stops the program."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from latentstudio import places
from latentstudio.files import write_whole

PREFERENCES_FILE = "preferences.json"
_MAX_BYTES = 4 << 20


@dataclass(frozen=True)
class Preferences:
    """The user's choices.

    Attributes:
        theme: follow the system, or always dark or light.
        last_folder: where the last file was saved or opened; empty at first.
        window_geometry: the window's place and size, opaque bytes of the toolkit.
        window_state: its docks and bars, likewise.
        workspace: name of the arrangement of panels.
        hints_seen: the hints of the first start were read or skipped.
        smooth: pictures are enlarged smoothly instead of by nearest pixel.
        last_model: the model that was open last; empty at first.
    """

    theme: Literal["system", "dark", "light"] = "system"
    last_folder: str = ""
    window_geometry: bytes = b""
    window_state: bytes = b""
    workspace: str = "Play"
    hints_seen: bool = False
    smooth: bool = True
    last_model: str = ""


def load_preferences(folder: Path | None = None) -> Preferences:
    """The stored choices; the defaults where there is no file, or a broken one (then kept as .broken).

    Args:
        folder: where to look; the user's config folder, if left out.
    """
    path = (folder or places.config_folder()) / PREFERENCES_FILE
    try:
        with open(path, "rb") as stream:
            return msgspec.json.decode(stream.read(_MAX_BYTES), type=Preferences)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        with contextlib.suppress(OSError):
            os.replace(path, path.with_name(path.name + ".broken"))
    except OSError:
        pass  # no file yet, or not ours to read: the defaults serve
    return Preferences()


def save_preferences(preferences: Preferences, folder: Path | None = None) -> None:
    """Store the choices, whole or not at all.

    Raises:
        StorageError: the disk is full or the folder may not be written; the old file is as it was.
    """
    data = msgspec.json.format(msgspec.json.encode(preferences), indent=1)
    write_whole((folder or places.config_folder()) / PREFERENCES_FILE, data + b"\n", durable=False)
