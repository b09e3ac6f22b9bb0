"""THE place for image conventions: inside the program pictures are float32, NCHW, RGB, in [0, 1].

x counts to the right and y downwards, in pixels; (0, 0) is the centre of the top-left pixel. Everything here is numpy
and pillow only, so that the first window needs no torch.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from latentstudio.errors import PictureError, UsageError
from latentstudio.files import replacing, storage_error
from latentstudio.picture_files import MAX_PIXELS, open_picture, read_texts

FloatPictures = NDArray[np.float32]
BytePictures = NDArray[np.uint8]

MAX_LOOK = 40_000_000
GAP = 2


def to_bytes(pictures: FloatPictures) -> BytePictures:
    """float32 (N, 3, H, W) in [0, 1] to uint8 (N, H, W, 3), rounded to nearest; values outside are clipped."""
    scaled = np.clip(pictures, 0.0, 1.0) * np.float32(255.0) + np.float32(0.5)
    return np.ascontiguousarray(scaled.astype(np.uint8).transpose(0, 2, 3, 1))


def from_bytes(pictures: BytePictures) -> FloatPictures:
    """uint8 (N, H, W, 3) to float32 (N, 3, H, W) in [0, 1]."""
    scaled: FloatPictures = pictures.astype(np.float32) / np.float32(255.0)
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))


def shrink(pictures: BytePictures, most: int) -> BytePictures:
    """uint8 (..., H, W, 3) with sides of at most ``most`` pixels, by averaging whole blocks; small ones as they are."""
    *others, height, width, channels = pictures.shape
    factor = -(-max(height, width) // most)
    if factor <= 1:
        return pictures
    height, width = height // factor, width // factor
    whole = pictures[..., : height * factor, : width * factor, :]
    rows = np.zeros((*others, height, width * factor, channels), np.uint32)
    sums = np.zeros((*others, height, width, channels), np.uint32)
    for offset in range(factor):  # whole slices are added ten times faster than blocks are averaged
        rows += whole[..., offset::factor, :, :]
    for offset in range(factor):
        sums += rows[..., offset::factor, :]
    found: BytePictures = np.rint(sums.astype(np.float32) / np.float32(factor**2)).astype(np.uint8)
    return found


@dataclass(frozen=True)
class SavedSize:
    """How large pictures are saved: ``times`` their size, or ``side`` pixels on their longer side where that is not 0;
    by bicubic interpolation, or with every pixel as a square.
    """

    times: int = 1
    side: int = 0
    nearest: bool = False

    def __str__(self) -> str:
        return (f"{self.side}" if self.side else f"{self.times}x") + (" nearest" if self.nearest else "")


AS_DRAWN = SavedSize()


def parse_size(text: str) -> SavedSize:
    """``4x``, or ``512`` for pixels on the longer side, with `` nearest`` behind it where that is wanted.

    Raises:
        UsageError: something else.
    """
    found = re.fullmatch(r"(?:([1-9]\d{0,1})x|([1-9]\d{0,4}))( nearest| bicubic)?", text.strip())
    if found is None:
        raise UsageError(f"the size '{text[:40]}'", expected="1x, 4x, 8x or pixels such as 512")
    return SavedSize(int(found[1] or 1), int(found[2] or 0), found[3] == " nearest")


def saved_shape(height: int, width: int, size: SavedSize) -> tuple[int, int]:
    """Height and width of a picture at the size in which it is saved."""
    share = size.side / max(height, width) if size.side else float(size.times)
    return max(1, round(height * share)), max(1, round(width * share))


def enlarge(pictures: BytePictures, size: SavedSize) -> BytePictures:
    """uint8 (..., H, W, 3) at the size in which they are saved; at 1x the very same.

    Raises:
        UsageError: a picture would have more pixels than the program itself reads.
    """
    *others, height, width, _ = pictures.shape
    rows, columns = saved_shape(height, width, size)
    if (rows, columns) == (height, width):
        return pictures
    if rows * columns > MAX_PIXELS:
        raise UsageError(f"pictures of {columns:,} x {rows:,} pixels",
                         expected=f"at most {MAX_PIXELS // 1_000_000} million pixels", action="choose a smaller size")
    how = Image.Resampling.NEAREST if size.nearest else Image.Resampling.BICUBIC
    flat = pictures.reshape(-1, height, width, 3)
    made = np.stack([np.asarray(Image.fromarray(one, "RGB").resize((columns, rows), how)) for one in flat])
    return made.reshape(*others, rows, columns, 3)


def luminance(pictures: FloatPictures) -> FloatPictures:
    """Rec. 709 luma of (N, 3, H, W) as (N, H, W), in [0, 1]."""
    weights = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
    found: FloatPictures = np.einsum("nchw,c->nhw", pictures, weights)
    return found


def read_picture(path: Path, *, own: bool = False) -> BytePictures:
    """One picture file as uint8 (H, W, 3), in sRGB or, with ``own``, in the colours that it holds.

    Raises:
        PictureError: see ``picture_files.open_picture``.
    """
    found = open_picture(Path(path))
    return found.own if own and found.own is not None else found.pixels


def write_png(
    path: Path, picture: BytePictures, *, texts: dict[str, str] | None = None, profile: bytes = b""
) -> None:
    """Write uint8 (H, W, 3) as PNG, whole or not at all; ``texts`` become compressed iTXt chunks.

    ``profile``: the ICC profile whose colours the picture is in; sRGB when empty.

    Raises:
        StorageError: the disk is full or the folder may not be written; an old file is as it was.
    """
    information = PngImagePlugin.PngInfo()
    for key, value in (texts or {}).items():
        information.add_itxt(key, value, zip=True)
    path = Path(path)
    with replacing(path) as temporary:
        try:
            Image.fromarray(picture, "RGB").save(
                temporary, format="PNG", pnginfo=information, icc_profile=profile or None)
        except OSError as problem:
            raise storage_error(path, problem) from problem


def read_png_text(path: Path, key: str) -> str | None:
    """The text chunk ``key`` of a PNG, or None where there is none; of a very large one only what stands in front.

    Raises:
        PictureError: the file is no readable picture.
    """
    return read_texts(Path(path), most=MAX_LOOK).get(key)


def grid(pictures: BytePictures, *, columns: int, gap: int = GAP) -> BytePictures:
    """Lay uint8 (N, H, W, 3) out in rows of ``columns`` with ``gap`` dark grey pixels between: (H', W', 3)."""
    count, height, width, _ = pictures.shape
    columns = min(columns, count)
    rows = -(-count // columns)
    sheet = np.full((rows * (height + gap) - gap, columns * (width + gap) - gap, 3), 40, dtype=np.uint8)
    for index, picture in enumerate(pictures):
        row, column = divmod(index, columns)
        top, left = row * (height + gap), column * (width + gap)
        sheet[top : top + height, left : left + width] = picture
    return sheet


def largest_difference(one: BytePictures, other: BytePictures) -> int:
    """The largest absolute difference of two uint8 pictures of the same shape, 0 to 255."""
    if one.shape != other.shape:
        raise PictureError(f"the pictures measure {one.shape} and {other.shape}", expected="two of the same size")
    return int(np.abs(one.astype(np.int16) - other.astype(np.int16)).max(initial=0))
