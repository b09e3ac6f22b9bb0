"""Where the face is: scikit-image's frontal face cascade (local binary patterns), and a frame like the model's own."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from latentstudio.generators.card import ModelCard
from latentstudio.inversion.frames import Frame, centre_frame

SHARE = 0.80
BELOW = 0.076
_SIDE = 320
_CASCADE = "lbpcascade_frontalface_opencv.xml"


def expects_faces(card: ModelCard) -> bool:
    """Whether the model says that it draws faces."""
    return "face" in f"{card.name} {card.title} {card.data}".lower()


def automatic_frame(photo: NDArray[np.uint8], card: ModelCard) -> tuple[Frame, str]:
    """The frame where the model expects its subject, and a sentence where it is only the middle of the photo.

    A face is framed as the cascade sees the faces that faces-gan draws: its box has ``SHARE`` of the frame's side, and
    its middle lies ``BELOW`` of it below the frame's (medians of the 54 faces found on 80 samples of seed 3).
    """
    if not expects_faces(card):
        return centre_frame(photo, card.image_size), ""
    if importlib.util.find_spec("skimage") is None:
        return centre_frame(photo, card.image_size), (
            "scikit-image is not installed, so no face was looked for and the frame stands in the middle; "
            "`pip install scikit-image`, or place the frame by hand"
        )
    box = find_face(photo)
    if box is None:
        return centre_frame(photo, card.image_size), (
            "no face was found, so the frame stands in the middle; place it by hand"
        )
    x, y, side = box
    size = side / SHARE
    return Frame(x, y - BELOW * size, size), ""


def find_face(photo: NDArray[np.uint8]) -> tuple[float, float, float] | None:
    """Centre x, y and side of the largest face's box in pixels of a photo (H, W, 3), or None."""
    import skimage  # a second of loading, and only photographs need it
    from skimage.feature import Cascade

    height, width = photo.shape[:2]
    shrink = min(1.0, _SIDE / max(height, width))
    small = Image.fromarray(photo, "RGB").resize(
        (max(1, round(width * shrink)), max(1, round(height * shrink))), Image.Resampling.BOX
    )
    least, most = 32, min(small.size)
    if most < least:
        return None
    cascade = Cascade(str(Path(skimage.__file__).parent / "data" / _CASCADE))
    boxes = cascade.detect_multi_scale(
        img=np.asarray(small), scale_factor=1.15, step_ratio=1, min_size=(least, least), max_size=(most, most),
        min_neighbor_number=3,
    )
    if not boxes:
        return None
    largest = max(boxes, key=lambda box: box["width"])
    side = float(largest["width"])
    x, y = (float(largest[name]) + (side - 1) / 2 for name in ("c", "r"))
    # the middle of a small pixel is not the middle of the first of those it was made from
    return (x + 0.5) / shrink - 0.5, (y + 0.5) / shrink - 0.5, side / shrink
