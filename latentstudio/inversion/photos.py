"""Reads anybody's photograph: upright, RGB, of a size that fits into memory, with a word on whatever was changed."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from latentstudio.errors import PictureError
from latentstudio.pixels import DEEP, from_deep

MOST_PIXELS = 24_000_000
MOST_KEPT_BYTES = 24 << 20
SMALLEST = 8
_MOST_TO_DECODE = 120_000_000
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")


@dataclass(frozen=True)
class Photo:
    """A photograph: ``pixels`` uint8 (H, W, 3), and one sentence for everything that was done to it.

    ``data`` are the bytes of its file; empty where that is larger than ``MOST_KEPT_BYTES``, or where there is none.
    """

    pixels: NDArray[np.uint8]
    notes: tuple[str, ...] = ()
    data: bytes = field(default=b"", repr=False)


def read_photo(path: Path) -> Photo:
    """Read a photograph of any kind that pillow knows.

    EXIF rotation is honoured, transparency composited on white, 16 bits and CMYK brought to 8 bits RGB, of an animation
    the first frame is taken, and more than ``MOST_PIXELS`` are made fewer; the notes say so.

    Raises:
        PictureError: missing, no picture, cut off, too small or too large, or in need of a codec that is not there.
    """
    path = Path(path)
    notes: list[str] = []
    with _readable(path), Image.open(path) as opened:
        _check_size(path, opened)
        if getattr(opened, "n_frames", 1) > 1:
            notes.append(f"{path.name} is animated: its first frame is taken")
        fitting = _fitting(opened, notes)
        upright = ImageOps.exif_transpose(fitting)
        if upright.size != fitting.size or opened.getexif().get(0x0112, 1) not in (0, 1):
            notes.append(f"{path.name} was turned upright, as its EXIF data says")
        data = path.read_bytes() if path.stat().st_size <= MOST_KEPT_BYTES else b""
        return Photo(np.array(_as_rgb(upright, path, notes)), tuple(notes), data)


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Whatever pillow raises becomes one line that says what is wrong with the file."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            yield
    except PictureError:
        raise
    except FileNotFoundError:
        raise PictureError(f"there is no file {path}", expected="a picture") from None
    except IsADirectoryError:
        raise PictureError(f"{path} is a folder", expected="a picture") from None
    except (UnidentifiedImageError, Image.DecompressionBombError) as problem:
        raise _unknown(path, problem) from problem
    except OSError as problem:
        cut = "truncated" in str(problem) or "incomplete" in str(problem)
        reason = "the file ends in the middle of the picture" if cut else problem.strerror or str(problem)
        raise PictureError(f"{path.name} cannot be read ({reason})", expected="a whole picture file",
                           action="copy or download it again") from problem
    except (SyntaxError, ValueError, EOFError, IndexError, TypeError, OverflowError) as problem:
        raise PictureError(f"{path.name} is broken ({problem})", expected="a whole picture file",
                           action="copy or download it again") from problem


def _unknown(path: Path, problem: Exception) -> PictureError:
    if isinstance(problem, Image.DecompressionBombError):
        return PictureError(f"{path.name} is far too large ({problem})", action="make it smaller first")
    with open(path, "rb") as stream:
        head = stream.read(32)
    if not head:
        return PictureError(f"{path.name} is empty", expected="a picture", action="copy or download it again")
    if head[4:8] == b"ftyp" and (head[8:12] in _HEIF_BRANDS or head[16:20] in _HEIF_BRANDS):
        return PictureError(f"{path.name} is a HEIC photograph, and no codec for it is installed",
                            action="save it as JPEG or PNG, or `pip install pillow-heif`")
    return PictureError(f"{path.name} is not a picture", expected="a JPEG, PNG, WebP, GIF, TIFF or BMP file")


def _check_size(path: Path, opened: Image.Image) -> None:
    width, height = opened.size
    if min(width, height) < SMALLEST:
        raise PictureError(f"{path.name} has {width} x {height} pixels", expected=f"at least {SMALLEST} a side")
    reducible = opened.format == "JPEG" and width * height <= 64 * _MOST_TO_DECODE
    if width * height > _MOST_TO_DECODE and not reducible:
        raise PictureError(
            f"{path.name} has {width:,} x {height:,} pixels",
            expected=f"at most {_MOST_TO_DECODE // 1_000_000} million", action="make it smaller first",
        )


def _fitting(opened: Image.Image, notes: list[str]) -> Image.Image:
    """The picture with at most ``MOST_PIXELS``; a JPEG is decoded small at once, so memory stays small too."""
    width, height = opened.size
    if width * height <= MOST_PIXELS:
        return opened
    share = (MOST_PIXELS / (width * height)) ** 0.5
    wanted = (max(1, int(width * share)), max(1, int(height * share)))
    opened.draft(None, wanted)
    if opened.size[0] * opened.size[1] > _MOST_TO_DECODE:
        raise PictureError(f"the picture has {width:,} x {height:,} pixels", expected="fewer",
                           action="make it smaller first")
    exif = opened.getexif()
    small = opened.resize(wanted, Image.Resampling.BOX, reducing_gap=2.0) if opened.mode not in ("P", "1") else (
        opened.resize(wanted, Image.Resampling.NEAREST))
    small.info["exif"] = exif.tobytes() if exif else b""
    if not small.info["exif"]:
        del small.info["exif"]
    notes.append(f"{width:,} x {height:,} pixels were made {wanted[0]:,} x {wanted[1]:,}")
    return small


def _as_rgb(picture: Image.Image, path: Path, notes: list[str]) -> Image.Image:
    mode = picture.mode
    if mode in DEEP:
        notes.append(f"{path.name} has {'32' if mode == 'F' else '16'} bits a channel; 8 are kept")
        return from_deep(picture)
    if mode == "CMYK":
        notes.append(f"{path.name} has printing colours (CMYK), converted without its colour profile")
    if mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info:
        layered = picture.convert("RGBA")
        if int(np.asarray(layered.getchannel("A")).min()) < 255:
            notes.append(f"{path.name} is transparent in places; it was put on white")
        white = Image.new("RGBA", layered.size, "white")
        return Image.alpha_composite(white, layered).convert("RGB")
    return picture.convert("RGB")
