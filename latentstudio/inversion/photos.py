"""Reads anybody's photograph: upright, RGB, of a size that fits into memory, with a word on whatever was changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentstudio.picture_files import open_picture

MOST_PIXELS = 24_000_000
MOST_KEPT_BYTES = 24 << 20
SMALLEST = 8


@dataclass(frozen=True)
class Photo:
    """A photograph: ``pixels`` uint8 (H, W, 3) in sRGB, and one sentence for everything that was done to it.

    ``data`` are the bytes of its file; empty where that is larger than ``MOST_KEPT_BYTES``, or where there is none.
    ``own`` are the pixels in the colours of the photo's own ICC ``profile``; both are empty where that is sRGB.
    """

    pixels: NDArray[np.uint8]
    notes: tuple[str, ...] = ()
    data: bytes = field(default=b"", repr=False)
    own: NDArray[np.uint8] | None = None
    profile: bytes = field(default=b"", repr=False)


def read_photo(path: Path) -> Photo:
    """Read a photograph of any kind that is allowed; more than ``MOST_PIXELS`` are made fewer. The notes tell.

    Raises:
        PictureError: missing, no picture, cut off, too small or too large, or in need of a codec that is not there.
    """
    path = Path(path)
    found = open_picture(path, most=MOST_PIXELS, smallest=SMALLEST)
    data = path.read_bytes() if path.stat().st_size <= MOST_KEPT_BYTES else b""
    return Photo(found.pixels, found.notes, data, found.own, found.profile)
