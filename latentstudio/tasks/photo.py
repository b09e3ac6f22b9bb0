"""A photo and the model: cut for it, what is found of it in frozen values, and put back. No torch: see ``invert``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latentstudio.document.view import View
from latentstudio.generators.conditions import NONE, Conditions
from latentstudio.generators.opening import Model
from latentstudio.inversion.cropping import Placed
from latentstudio.inversion.frames import Frame
from latentstudio.inversion.models import place_photo
from latentstudio.inversion.photo_store import PhotoPlace, find_photo, photo_place
from latentstudio.inversion.photos import Photo
from latentstudio.pixels import BytePictures
from latentstudio.steps import Step
from latentstudio.tasks.draw import OpenModel, draw_pasted

if TYPE_CHECKING:  # imports torch
    from latentstudio.inversion.results import Inversion, Verdict

SHOWN_SIDE = 720


@dataclass(frozen=True)
class Framed:
    """A photo cut for a model: ``shown`` is the photo, small enough to be painted; ``shrunk`` its share of the size.

    ``place`` is what a session says of it; the photo itself is in the store by then. ``conditions`` are what the model
    is told beside every latent that is tried for it.
    """

    photo: Photo
    placed: Placed
    shown: BytePictures
    shrunk: float
    place: PhotoPlace | None = None
    conditions: Conditions = NONE


@dataclass(frozen=True)
class PhotoStep(Step):
    """Progress of an inversion.

    Attributes:
        latent: float32 (*shape), the best so far; None before the start was found.
        step, seconds: how many steps of the optimiser were made, in what time.
        result: how it ended, with the ``verdict``, on the last step only. The verdict has no percentile (None) for a
            model whose own samples were not measured yet.
    """

    latent: NDArray[np.float32] | None = None
    step: int = 0
    seconds: float = 0.0
    result: Concluded | None = None


@dataclass(frozen=True)
class Concluded:
    """An inversion and what there is to say of it; ``sheet``: the photo, the model's picture, where they differ."""

    inversion: Inversion
    verdict: Verdict | None
    sheet: BytePictures


def frame_photo(
    model: Model, photo: Photo, name: str, frame: Frame | str, conditions: Conditions = NONE
) -> Framed:
    """Cut a photo for the model by a frame, or ``auto``matically, and keep the photo for the sessions that name it.

    Raises:
        UsageError: a frame that is none.
        StorageError: the photo cannot be kept.
    """
    side = max(photo.pixels.shape[:2])
    step = max(1, -(-side // SHOWN_SIDE))
    shown = np.ascontiguousarray(photo.pixels[::step, ::step])
    placed = place_photo(model, photo, frame)
    place = None if placed.frame is None else photo_place(name, photo, placed.frame)
    return Framed(photo, placed, shown, 1.0 / step, place, conditions)


def find_framed(model: Model, place: PhotoPlace, conditions: Conditions = NONE) -> Framed:
    """The photo that a session was found for, cut as it was then.

    Raises:
        PictureError: it is not here any more.
    """
    return frame_photo(model, find_photo(place), place.name, place.frame, conditions)


def write_pasted(opened: OpenModel, view: View, framed: Framed, path: Path) -> str:
    """Put the edited crop back into the photo at its full size and write it as PNG; answers with a sentence.

    Raises:
        StudioError: the picture cannot be drawn, or the disk is full.
    """
    opened.check_whole(view)
    here = framed.place is not None and view.photo is not None and framed.place.sha256 == view.photo.sha256
    model = opened.model_for(view)
    picture = draw_pasted(model, view, opened.factors, photo=framed.photo if here else None)
    picture.save(path)
    height, width = picture.pixels.shape[:2]
    return f"The face is back in the photo, {width} x {height} pixels: {path.name}"


def title_of(concluded: Concluded) -> str:
    """The verdict in words, with a capital letter."""
    verdict, mse = concluded.verdict, concluded.inversion.mse
    text = f"squared error {mse:.4f}" if verdict is None else verdict.words
    return text[:1].upper() + text[1:]


def facts_of(concluded: Concluded, view: View | None) -> str:
    """Errors, percentile, length against the prior's shell, steps and seconds."""
    found, verdict = concluded.inversion, concluded.verdict
    shell = "" if view is None else f" (samples: about {float(np.sqrt(np.prod(view.shape))):.1f})"
    rank = "not compared with the model's own samples" if verdict is None else (
        f"worse than {verdict.percentile:.0f} % of the model's own samples")
    how = f"{found.steps} steps in {found.seconds:.1f} s" if found.steps else found.ended
    notes = "".join(f" {note[:1].upper() + note[1:]}." for note in found.notes)
    return (f"MSE {found.mse:.4f}, DSSIM {found.dssim:.3f}; {rank}; length {found.norm:.1f}{shell}; {how}.{notes}")
