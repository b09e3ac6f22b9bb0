"""What was saved, read again and opened with the model that drew it: a PNG that carries its recipe, or a session."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentstudio.document.attachments import keep
from latentstudio.document.picture_recipe import read_recipe
from latentstudio.document.session_file import Saved, read_session
from latentstudio.document.view import View
from latentstudio.errors import PictureError, StudioError
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.generators.opening import Model, open_model
from latentstudio.generators.tuned import tuned_model
from latentstudio.generators.tunings import Tuning, find_tuning
from latentstudio.pixels import AS_DRAWN, SavedSize, parse_size, read_picture

_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class SavedPicture:
    """A view, and for a PNG its pixels uint8 (H, W, 3) and what computed them (empty when not known).

    ``folder`` is where the file lies; a tuning that the view names may lie beside it. ``pasted``: the pixels are
    those of the view's photo, with the picture in its frame. ``size``: how the picture was enlarged.
    """

    view: View
    pixels: NDArray[np.uint8] | None
    runtime_name: str
    folder: Path | None = None
    pasted: bool = False
    size: SavedSize = AS_DRAWN


def read_saved(path: Path) -> SavedPicture:
    """Read a PNG with a recipe or a session file.

    Raises:
        PictureError: a picture without a recipe or with a broken one, or no such file.
        SessionFileError: a broken session file, or one of a newer version.
    """
    try:
        with open(path, "rb") as stream:
            start = stream.read(len(_PNG))
    except OSError as problem:
        reason = f"{path} cannot be read ({problem.strerror})"
        raise PictureError(reason, expected="a PNG or a session file") from problem
    if start == _PNG:
        recipe = read_recipe(path)
        shown = read_picture(path, own=True)
        return SavedPicture(recipe.view, shown, recipe.runtime_name, path.parent, recipe.pasted,
                            parse_size(recipe.size))
    return SavedPicture(read_saved_session(path).session.view, None, "", path.parent)


def read_saved_session(path: Path) -> Saved:
    """Read a session file; the photos and tunings in it are kept, so that it can be drawn.

    Raises:
        SessionFileError: as ``read_saved``.
    """
    saved = read_session(path)
    keep(saved.attachments)
    return saved


def open_saved(saved: SavedPicture, *, device: str, tuning: Tuning | None = None) -> Model:
    """Open the model that a saved picture names, with the runtime that drew it where it says so.

    A picture of a tuned model is drawn with its tuning: the one given, else the one that is found by its hash.

    Raises:
        UnknownNameError: the model is not installed.
        ModelFileError: the model of this name has other weights, or the picture's tuning is not to be found.
    """
    view = saved.view
    runtime = "eager" if saved.runtime_name.startswith("torch") else "accelerated" if saved.runtime_name else "auto"
    catalogue = find_catalogue()
    entry = catalogue.model_for(view.model, view.model_sha256)
    place = entry.name if entry in catalogue.models else entry.folder
    try:
        model = open_model(place, catalogue=catalogue, device=device, runtime=runtime)
    except StudioError:
        if runtime == "auto":
            raise
        model = open_model(place, catalogue=catalogue, device=device)
    if tuning is None and view.tuning:
        tuning = find_tuning(view.tuning, saved.folder)
    return model if tuning is None else tuned_model(model, tuning)
