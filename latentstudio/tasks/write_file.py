"""Writing what the window saves: pictures with their recipe and rows of pictures, at a chosen size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from latentstudio.document.session_file import Saved, Written, write_session
from latentstudio.document.view import View
from latentstudio.errors import StorageError
from latentstudio.pixels import BytePictures, SavedSize, enlarge, grid, write_png
from latentstudio.tasks.draw import OpenModel

DrawRow = Callable[[OpenModel, View, str], BytePictures]


@dataclass(frozen=True)
class SaveChoice:
    """Where a picture goes, and how large it is there."""

    path: Path
    size: SavedSize


def with_suffix(path: Path, suffix: str) -> Path:
    """The path as it is where it ends so, else with the suffix behind its name."""
    return path if path.suffix.lower() == suffix else path.with_name(f"{path.name}{suffix}")


def named(chosen: Path, suffix: str, write: Callable[[Path], object]) -> tuple[Path, Callable[[], object]]:
    """Where to write, and how: a suffix that was left out is put behind, but no other file is replaced so."""
    path = with_suffix(chosen, suffix)
    return path, partial(_write_new, path, write) if path != chosen else partial(write, path)


def _write_new(path: Path, write: Callable[[Path], object]) -> object:
    if path.exists():
        raise StorageError(f"{path.name} is there already", action="choose it by its full name to replace it")
    return write(path)


def write_picture(opened: OpenModel, view: View, size: SavedSize, path: Path) -> str:
    """Draw a session's picture and save it with its recipe; answers with a sentence."""
    opened.check_whole(view)
    opened.draw(view).save(path, size=size)
    return f"Saved {path.name}"


def write_over(saved: Saved, known: str, path: Path) -> Written:
    """Save a session; ``known`` is the SHA-256 of the file that may be replaced."""
    return write_session(path, saved, known=known)


def write_row(
    opened: OpenModel, view: View, name: str, kind: str, draw_row: DrawRow, size: SavedSize, path: Path
) -> str:
    """Save pictures of one factor side by side; answers with a sentence."""
    frames = enlarge(draw_row(opened, view, name), size)
    write_png(path, grid(frames, columns=len(frames)))
    return f"Saved the {kind} of {name} as {path.name}"
