"""What the user chose once: theme, folders, the window's layout. A broken file never stops the program."""

from __future__ import annotations

import contextlib
import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import msgspec

from latentstudio import places
from latentstudio.errors import UsageError
from latentstudio.files import read_limited, write_whole
from latentstudio.pixels import parse_size
from latentstudio.readers import json_from

PREFERENCES_FILE = "preferences.json"
PREFERENCES_VERSION = 2
MOST_BYTES = 1 << 20
MOST_LAYOUTS = 8


@dataclass(frozen=True)
class Layout:
    """How the window stood, in bytes that only the toolkit understands and that it reads without checking them.

    Attributes:
        geometry: the window's place and size.
        state: its docks and bars.
        made_for: versions of the program and the toolkit, and the screens.
        seal: SHA-256 of all three: bytes without it are never handed to the toolkit.
    """

    geometry: bytes = b""
    state: bytes = b""
    made_for: str = ""
    seal: str = ""

    def sealed(self) -> Layout:
        """The layout with its seal."""
        return replace(self, seal=self._expected_seal())

    @property
    def is_sound(self) -> bool:
        """Whether it is as it was sealed, to the bit."""
        return bool(self.seal) and self.seal == self._expected_seal()

    def _expected_seal(self) -> str:
        return hashlib.sha256(msgspec.json.encode((self.geometry, self.state, self.made_for))).hexdigest()


@dataclass(frozen=True)
class Preferences:
    """The user's choices.

    Attributes:
        theme: follow the system, or always dark or light.
        last_folder: where the last file was saved or opened; empty at first.
        layouts: how the window stood, the newest first, one for each set of screens.
        workspace: name of the arrangement of panels.
        hints_seen: the hints of the first start were read or skipped.
        smooth: pictures are enlarged smoothly instead of by nearest pixel.
        last_model: the model that was open last; empty at first.
        keep_sliders: slider positions carry over to new samples and photos.
        saved_size: how large pictures were saved last, as ``pixels.parse_size`` reads it.
    """

    theme: Literal["system", "dark", "light"] = "system"
    last_folder: str = ""
    layouts: tuple[Layout, ...] = ()
    workspace: str = "Play"
    hints_seen: bool = False
    smooth: bool = True
    last_model: str = ""
    keep_sliders: bool = False
    saved_size: str = "1x"
    version: int = PREFERENCES_VERSION

    def with_layout(self, layout: Layout) -> Preferences:
        """The same choices with another layout for its screens."""
        others = (one for one in self.layouts if one.made_for != layout.made_for)
        return replace(self, layouts=(layout, *others)[:MOST_LAYOUTS])

    def layout_for(self, made_for: str) -> tuple[Layout, str]:
        """The layout that was kept for these versions and screens, an empty one where none can be trusted; and why."""
        found = next((layout for layout in self.layouts if layout.made_for == made_for), None)
        if found is not None and found.is_sound:
            return found, ""
        if found is not None or any(not layout.is_sound for layout in self.layouts):
            return Layout(), "The window's layout was changed on the disk; it starts with the usual one"
        if self.layouts:
            return Layout(), ("The window's layout was kept by another version or for other screens; it starts with "
                              "the usual one")
        return Layout(), ""


def load_preferences(folder: Path | None = None) -> tuple[Preferences, str]:
    """The stored choices, and a sentence where they could not be read: then the defaults serve.

    Args:
        folder: where to look; the user's config folder, if left out. A broken file is kept in it as .broken.
    """
    path = (folder or places.config_folder()) / PREFERENCES_FILE
    try:
        return preferences_from(read_limited(path, MOST_BYTES)), ""
    except FileNotFoundError:
        return Preferences(), ""
    except UsageError as problem:
        aside = path.with_name(path.name + ".broken")
        with contextlib.suppress(OSError):
            os.replace(path, aside)
        return Preferences(), f"The preferences are not usable ({problem.found}); the defaults serve, see {aside}"
    except OSError as problem:
        return Preferences(), f"{path} cannot be read ({problem.strerror}); the defaults serve"


def preferences_from(data: bytes) -> Preferences:
    """The choices in the bytes of their file; fields that this version does not know are passed over.

    Raises:
        UsageError: broken, of a newer version, or a value of another kind.
    """

    def broken(reason: str) -> UsageError:
        return UsageError(reason, expected="preferences")

    version = json_from(data, _Header, broken).version
    if version > PREFERENCES_VERSION:
        raise UsageError(f"they have version {version}", expected=f"at most {PREFERENCES_VERSION}")
    found = json_from(data, Preferences, broken)
    parse_size(found.saved_size)
    return replace(found, version=PREFERENCES_VERSION)


class _Header(msgspec.Struct):
    version: int = 1


def save_preferences(preferences: Preferences, folder: Path | None = None) -> None:
    """Store the choices, whole or not at all.

    Raises:
        StorageError: the disk is full or the folder may not be written; the old file is as it was.
    """
    data = msgspec.json.format(msgspec.json.encode(preferences), indent=1)
    write_whole((folder or places.config_folder()) / PREFERENCES_FILE, data + b"\n", durable=False)
