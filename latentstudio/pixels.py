"""THE place for image conventions: inside the program pictures are float32, NCHW, RGB, in [0, 1].

x counts to the right and y downwards, in pixels; (0, 0) is the centre of the top-left pixel. Everything here is numpy
and pillow only, so that the first window needs no torch.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin, UnidentifiedImageError

from latentstudio.errors import PictureError
from latentstudio.files import replacing, storage_error

FloatPictures = NDArray[np.float32]
BytePictures = NDArray[np.uint8]

MAX_PIXELS = 100_000_000
MAX_LOOK = 40_000_000
GAP = 2
DEEP = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")  # pillow's modes of more than 8 bits a channel
_ONE_BYTE = 257.0


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
    return np.rint(sums.astype(np.float32) / np.float32(factor**2)).astype(np.uint8)


def luminance(pictures: FloatPictures) -> FloatPictures:
    """Rec. 709 luma of (N, 3, H, W) as (N, H, W), in [0, 1]."""
    weights = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
    return np.einsum("nchw,c->nhw", pictures, weights)


def read_picture(path: Path) -> BytePictures:
    """Read one picture file as uint8 (H, W, 3); transparency is composited on white, EXIF rotation honoured.

    Raises:
        PictureError: not a picture, truncated, or larger than ``MAX_PIXELS``.
    """
    from PIL import ImageOps

    path = Path(path)
    try:
        with Image.open(path) as opened:
            _check_size(path, opened.width, opened.height)
            upright = ImageOps.exif_transpose(opened)
            if upright.mode in DEEP:  # before transparency, which Pillow would make white of everything
                return np.array(from_deep(upright))
            if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
                layered = upright.convert("RGBA")
                white = Image.new("RGBA", layered.size, "white")
                upright = Image.alpha_composite(white, layered)
            return np.array(upright.convert("RGB"))
    except PictureError:
        raise
    except (UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError) as problem:
        raise PictureError(
            f"{path.name} is not a picture that can be read ({type(problem).__name__})", expected="a PNG or JPEG file"
        ) from problem
    except OSError as problem:
        raise PictureError(
            f"{path.name} cannot be read ({problem.strerror or 'the file is incomplete'})",
            expected="a whole PNG or JPEG file",
        ) from problem


def from_deep(picture: Image.Image) -> Image.Image:
    """Grey of 16 bits or of real numbers, made RGB: 16 bits by their full range, real numbers by that of the finite
    ones among them; what is no number is black.

    Raises:
        PictureError: none is finite.
    """
    values = np.asarray(picture, dtype=np.float32)
    if picture.mode == "F":
        finite = values[np.isfinite(values)]
        if not finite.size:
            raise PictureError("a picture of real numbers of which none is finite", expected="finite numbers")
        low, high = float(finite.min()), float(finite.max())
        limited = np.nan_to_num(values, nan=low, posinf=high, neginf=low)
        half = np.float32(0.5)  # a difference of halves cannot run over
        scaled = (limited * half - np.float32(low) * half) * np.float32(2.0 * 255.0 / max(high - low, 1e-12))
    else:
        scaled = values / _ONE_BYTE
    return Image.fromarray(np.clip(scaled + 0.5, 0.0, 255.0).astype(np.uint8), "L").convert("RGB")


def check_picture(path: Path) -> None:
    """See that a file is a picture, by its beginning; no pixel is read.

    Raises:
        PictureError: not a picture, or larger than ``MAX_PIXELS``.
    """
    try:
        with Image.open(path) as opened:
            width, height = opened.size
    except (UnidentifiedImageError, Image.DecompressionBombError, SyntaxError, ValueError, OSError) as problem:
        raise PictureError(
            f"{Path(path).name} is not a picture that can be read ({type(problem).__name__})",
            expected="a PNG or JPEG file",
        ) from problem
    _check_size(Path(path), width, height)


def _check_size(path: Path, width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise PictureError(
            f"{path.name} has {width} x {height} pixels",
            expected=f"at most {MAX_PIXELS // 1_000_000} million pixels",
            action="make it smaller first",
        )


def write_png(path: Path, picture: BytePictures, *, texts: dict[str, str] | None = None) -> None:
    """Write uint8 (H, W, 3) as PNG, whole or not at all; ``texts`` become compressed iTXt chunks.

    Raises:
        StorageError: the disk is full or the folder may not be written; an old file is as it was.
    """
    information = PngImagePlugin.PngInfo()
    for key, value in (texts or {}).items():
        information.add_itxt(key, value, zip=True)
    path = Path(path)
    with replacing(path) as temporary:
        try:
            Image.fromarray(picture, "RGB").save(temporary, format="PNG", pnginfo=information)
        except OSError as problem:
            raise storage_error(path, problem) from problem


def read_png_text(path: Path, key: str) -> str | None:
    """The text chunk ``key`` of a PNG, or None where there is none; of a very large one only what stands in front.

    Raises:
        PictureError: the file is no readable picture.
    """
    try:
        with Image.open(path) as opened:
            value = opened.info.get(key)
            if opened.width * opened.height <= MAX_LOOK:
                opened.load()  # is it whole? other programs put texts behind the pixels, too
                value = getattr(opened, "text", {}).get(key)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as problem:
        raise PictureError(
            f"{Path(path).name} is not a picture that can be read", expected="a PNG saved by latentstudio"
        ) from problem
    return None if value is None else str(value)


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
