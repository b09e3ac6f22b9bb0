"""Typed errors. Each says in one line what was found, what was expected and what to do.

They are the only exceptions that the three borders (job engine, command line, window) show to the user as they are;
anything else is a defect of the program and is reported as such.
"""

from __future__ import annotations

LONGEST = 700


class StudioError(Exception):
    """Something the user can understand and mend.

    Args:
        found: what was met, as a short clause ("the file ends after 12 bytes").
        expected: what would have been right ("a safetensors file of a beta-VAE"); may be empty.
        action: what to do now ("fetch it again with `latentstudio models get faces-gan`"); may be empty.
    """

    def __init__(self, found: str, *, expected: str = "", action: str = "") -> None:
        self.found = found
        self.expected = expected
        self.action = action
        super().__init__(self.sentence)

    @property
    def sentence(self) -> str:
        """One line of signs that can be shown: found; expected; what to do. What comes from a file may be anything."""
        parts = [_shown(self.found)]
        if self.expected:
            parts.append(f"expected {_shown(self.expected)}")
        if self.action:
            parts.append(_shown(self.action))
        return "; ".join(parts)


def _shown(clause: str) -> str:
    line = " ".join(clause.split()).rstrip(".")
    shown = "".join(sign if sign.isprintable() else "?" for sign in line[:LONGEST])
    return shown if len(line) <= LONGEST else f"{shown}…"


class UsageError(StudioError):
    """A wrong name, number or combination of options."""


class UnknownNameError(UsageError):
    """A model, factor, plugin or transformation that does not exist."""


class ModelFileError(StudioError):
    """A model file or folder that cannot be read, is of another kind, or is not safe to read."""


class UnsafeFileError(ModelFileError):
    """A file that would run code if it were opened the ordinary way."""


class PluginError(StudioError):
    """A backend plugin that is broken or breaks the contract."""


class CapabilityError(StudioError):
    """The model does not offer what was asked of it."""


class FactorFileError(StudioError):
    """A factor file that is broken or belongs to another model."""


class SessionFileError(StudioError):
    """A session file that is broken or was written by a newer version."""


class PictureError(StudioError):
    """A picture that cannot be read, or that carries no usable recipe."""


class AddOnError(StudioError):
    """An add-on that cannot be fetched, checked or converted."""


class StorageError(StudioError):
    """The disk is full, the folder is missing or may not be written."""


class ChangedOnDiskError(StorageError):
    """A file that somebody else has written since it was opened or saved here; it was left as it is."""


class DeviceError(StudioError):
    """The asked-for device or runtime is not available on this machine."""


class TrainingError(StudioError):
    """A training run that cannot start, go on or be resumed."""


class TransformationError(StudioError):
    """A transformation that cannot be loaded, or that gave no usable pictures and mask."""


class LearningError(StudioError):
    """A factor that could not be learned from this model."""
