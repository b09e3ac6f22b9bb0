"""From a photograph to what an inversion works on: the frame, the crop, and what to say about both. No torch here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from latentstudio.generators.card import ModelCard
from latentstudio.inversion.faces import automatic_frame
from latentstudio.inversion.frames import Frame, centre_frame, crop, parse_frame
from latentstudio.inversion.photos import Photo
from latentstudio.pixels import from_bytes

AUTO, NONE = "auto", "none"
_LEAST = 0.25


@dataclass(frozen=True)
class Placed:
    """A photograph at the model's size: ``picture`` float32 (3, H, W), ``inside`` (H, W) where the photo reaches.

    ``frame`` is None where the whole photo was taken; ``notes`` are sentences for the user.
    """

    picture: NDArray[np.float32]
    inside: NDArray[np.float32]
    frame: Frame | None
    notes: tuple[str, ...] = ()


def place(photo: Photo, card: ModelCard, frame: Frame | str = AUTO) -> Placed:
    """Cut the photo for the model: by a frame, by ``x,y,size,angle``, automatically, or (``none``) all of it.

    Raises:
        UsageError: a frame that is none.
    """
    shape, pixels = card.image_size, photo.pixels
    if frame == NONE:
        notes: tuple[str, ...] = ()
        if pixels.shape[0] * shape[1] != pixels.shape[1] * shape[0]:
            notes = ("the whole photo was squeezed into the model's shape",)
        whole = Image.fromarray(pixels, "RGB").resize((shape[1], shape[0]), Image.Resampling.BICUBIC)
        return Placed(from_bytes(np.asarray(whole)[None])[0], np.ones(shape, np.float32), None, notes)
    note = ""
    if isinstance(frame, str) and frame == AUTO:
        # a picture of the model's own size is taken to be framed already
        already = pixels.shape[:2] == shape
        chosen, note = (centre_frame(pixels, shape), "") if already else automatic_frame(pixels, card)
    else:
        chosen = parse_frame(frame) if isinstance(frame, str) else frame
    picture, inside = crop(pixels, chosen, shape)
    notes = (note,) if note else ()
    share = float(inside.mean())
    if share < _LEAST:
        notes = (*notes, f"only {100 * share:.0f} % of the frame lies on the photo")
    return Placed(picture, inside, chosen, notes)
