"""THE place where picture files are opened: kinds allowed by name, limits before decoding, colours brought to sRGB.

Whatever a file holds, the answer is a picture or a ``PictureError``. Only the kinds in ``KINDS`` are ever handed to
pillow, recognised by their first bytes, never by their names: pillow would start a program on a PostScript file, and
has readers that nobody has looked at for years.
"""

from __future__ import annotations

import io
import math
import stat
import struct
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, UnidentifiedImageError

from latentstudio.errors import PictureError

BytePicture = NDArray[np.uint8]

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".avif",
            ".heic", ".heif")
KINDS = "a PNG, JPEG, WebP, AVIF, GIF, TIFF, BMP or PPM file"
MAX_PIXELS = 100_000_000
MAX_BYTES = 768 << 20  # 100 million pixels of 16 bits and three channels, uncompressed
_HEAVY_PIXELS = 64_000_000  # WebP and AVIF hold three copies while they decode
_JPEG_PIXELS = 120_000_000  # decoded at half the size, so no larger in memory
_SLOW_PIXELS = 2_000_000  # of kinds that pillow decodes in Python, about a microsecond a pixel
_MOST_CHUNKS = 100_000  # of a PNG; a writer that cuts a hundred megabytes into pieces of 4 kB stays below
_MOST_IN_FRONT = 4 << 20  # bytes of a GIF before its first picture, and values of one field of a TIFF
_MOST_SCANS = 2_000  # scans of a progressive JPEG times its millions of pixels
_MOST_PROFILE = 8 << 20
_HEAD = 64
_BAND = 1 << 20  # pixels that are converted at once
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"hevm", b"hevs", b"mif1", b"msf1")
_DEEP = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")  # pillow's modes of more than 8 bits a channel
_ONE_BYTE = 257.0
_INTENT, _FLAGS = ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.Flags.BLACKPOINTCOMPENSATION
_FOR_SPACE = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK"}
_UPRIGHT: dict[int, Callable[[BytePicture], BytePicture]] = {  # by the number that EXIF gives an orientation
    2: lambda shown: shown[:, ::-1], 3: lambda shown: shown[::-1, ::-1], 4: lambda shown: shown[::-1],
    5: lambda shown: shown.transpose(1, 0, 2), 6: lambda shown: shown.transpose(1, 0, 2)[:, ::-1],
    7: lambda shown: shown.transpose(1, 0, 2)[::-1, ::-1], 8: lambda shown: shown.transpose(1, 0, 2)[::-1],
}


@dataclass(frozen=True)
class PictureFile:
    """What a file held: ``pixels`` uint8 (H, W, 3) in sRGB, and one sentence for everything that was done to them.

    ``own`` are the same pixels as the file holds them, in the colours of its ``profile`` (an ICC profile for RGB);
    both are empty where the file is in sRGB.
    """

    pixels: BytePicture
    notes: tuple[str, ...] = ()
    own: BytePicture | None = None
    profile: bytes = b""


def open_picture(source: Path | bytes, *, name: str = "", most: int = MAX_PIXELS, smallest: int = 1) -> PictureFile:
    """Read a picture of any allowed kind: upright as EXIF says, in sRGB as its profile says, transparency on white.

    Of 16 bits the upper 8 are kept, CMYK becomes RGB, of an animation the first frame is taken.

    Args:
        source: the file, or its bytes.
        name: what to call it in words; the file's name when empty.
        most: pixels; a larger picture is made smaller, with a note.
        smallest: pixels a side, at least.

    Raises:
        PictureError: missing, of no allowed kind, broken, cut off, too small or too large.
    """
    name, notes = name or _name(source), []
    with _opened(source, name) as (opened, stream):
        _check_size(opened, name, smallest)
        _check_scans(opened, stream, name)
        width, height = opened.size
        jpeg = opened.format in ("JPEG", "MPO")  # pillow calls a JPEG of several views MPO
        if jpeg and width * height > most:
            share = min((most / (width * height)) ** 0.5, 1.0 if width * height <= MAX_PIXELS else 0.5)
            opened.draft(None, (max(1, int(width * share)), max(1, int(height * share))))
        if not jpeg and getattr(opened, "is_animated", False):
            several = "has several pages: the first one" if opened.format == "TIFF" else "is animated: its first frame"
            notes.append(f"{name} {several} is taken")
        orientation = _orientation(opened, name, notes)
        opened.load()
        colours = _Colours.of(opened, name, notes)
        share = min(1.0, (most / (width * height)) ** 0.5)
        size = (max(1, int(width * share)), max(1, int(height * share)))
        shown, own = _decoded(opened, size, colours, name, notes)
    if turn := _UPRIGHT.get(orientation):
        notes.append(f"{name} was turned upright, as its EXIF data says")
        shown = np.ascontiguousarray(turn(shown))
        own = None if own is None else np.ascontiguousarray(turn(own))
    if size != (width, height):
        rows, columns, _ = shown.shape
        first, second = (height, width) if orientation >= 5 else (width, height)
        notes.append(f"{first:,} x {second:,} pixels were made {columns:,} x {rows:,}")
    return PictureFile(shown, tuple(notes), own, colours.profile if own is not None and colours is not None else b"")


def picture_size(source: Path | bytes, *, name: str = "") -> tuple[int, int]:
    """Width and height of a picture by its first bytes; no pixel is read.

    Raises:
        PictureError: as ``open_picture``, as far as the beginning tells.
    """
    with _opened(source, name or _name(source)) as (opened, _):
        _check_size(opened, name or _name(source), 1)
        return opened.size


def read_texts(path: Path, *, most: int) -> dict[str, str]:
    """The texts of a PNG by their keys; none of another kind. Of one with more than ``most`` pixels only those that
    stand before its pixels.

    Raises:
        PictureError: as ``open_picture``.
    """
    with _opened(path, path.name) as (opened, _):
        if opened.format != "PNG":
            return {}
        found = dict(opened.info)
        if opened.width * opened.height <= most:
            opened.load()  # is it whole? other programs put texts behind the pixels, too
            found |= dict(getattr(opened, "text", {}))
        return {str(key): str(value) for key, value in found.items() if isinstance(value, str)}


def to_profile(picture: BytePicture, profile: bytes) -> BytePicture:
    """uint8 (H, W, 3) in sRGB as the same colours in an RGB profile that ``open_picture`` answered."""
    change = ImageCms.buildTransform(_srgb(), ImageCms.ImageCmsProfile(io.BytesIO(profile)), "RGB", "RGB", _INTENT,
                                     _FLAGS)
    return np.array(ImageCms.applyTransform(Image.fromarray(picture, "RGB"), change))


def _name(source: Path | bytes) -> str:
    return "the picture" if isinstance(source, bytes) else Path(source).name


@contextmanager
def _opened(source: Path | bytes, name: str) -> Iterator[tuple[Image.Image, BinaryIO]]:
    """The border to pillow: an opened picture of an allowed kind; whatever goes wrong with it is a PictureError."""
    try:
        with _stream(source, name) as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of broken tags and large sizes, which are judged here
            kind = _kind(stream, name)
            with Image.open(stream, formats=[kind]) as opened:
                yield opened, stream
    except PictureError:
        raise
    except FileNotFoundError:
        raise PictureError(f"there is no file {source!s}", expected="a picture") from None
    except MemoryError as problem:
        raise PictureError(f"there is not enough memory for {name}", action="make it smaller first") from problem
    except Image.DecompressionBombError as problem:
        raise PictureError(f"{name} has far too many pixels", action="make it smaller first") from problem
    except Exception as problem:  # foreign readers raise anything; the file is at fault, not the program
        raise _broken(name, problem) from problem


def _stream(source: Path | bytes, name: str) -> BinaryIO:
    if isinstance(source, bytes):
        return io.BytesIO(source)
    about = Path(source).stat()
    if stat.S_ISDIR(about.st_mode):
        raise PictureError(f"{source} is a folder", expected="a picture")
    if not stat.S_ISREG(about.st_mode):  # a pipe would be waited for
        raise PictureError(f"{source} is no ordinary file", expected="a picture")
    if about.st_size > MAX_BYTES:
        raise PictureError(f"{name} has {about.st_size >> 20:,} MB", expected=f"at most {MAX_BYTES >> 20}",
                           action="make it smaller first")
    return open(source, "rb")


def _broken(name: str, problem: Exception) -> PictureError:
    words = " ".join(str(problem).split())
    if isinstance(problem, OSError) and problem.errno is not None:
        return PictureError(f"{name} cannot be read ({problem.strerror or words})", expected="a picture")
    if isinstance(problem, EOFError) or "truncated" in words or "incomplete" in words:
        return PictureError(f"{name} cannot be read (the file ends in the middle of the picture)",
                            expected="a whole picture file", action="copy or download it again")
    if isinstance(problem, UnidentifiedImageError):
        words = "its beginning is damaged"  # pillow's own words name an object in memory
    return PictureError(f"{name} is broken ({words or type(problem).__name__})", expected="a whole picture file",
                        action="copy or download it again")


def _kind(stream: BinaryIO, name: str) -> str:
    """Pillow's name of the file's kind, by its first bytes; the stream stands at its beginning again."""
    head = stream.read(_HEAD)
    kind = _recognised(head, name)
    if kind == "PNG":
        _check_chunks(stream, name)
    elif kind == "GIF":
        _check_front(stream, name)
    elif kind == "TIFF":
        _check_fields(stream, name)
    stream.seek(0)
    return kind


def _recognised(head: bytes, name: str) -> str:
    if not head:
        raise PictureError(f"{name} is empty", expected="a picture", action="copy or download it again")
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if head.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WEBP"
    if head.startswith((b"II*\0", b"MM\0*")):
        return "TIFF"
    if head.startswith(b"BM"):
        return "BMP"
    if head[:1] == b"P" and head[1:2] in b"123456" and head[2:3].isspace():
        return "PPM"
    if head[4:8] == b"ftyp":
        brands = [head[8:12], *(head[at : at + 4] for at in range(16, min(len(head), head[3]), 4))]
        if b"avif" in brands or b"avis" in brands:
            return "AVIF"
        if any(brand in _HEIF_BRANDS for brand in brands):
            return _heif(name)
    raise PictureError(f"{name} is not a picture of a known kind", expected=KINDS, action="save it as PNG or JPEG")


def _heif(name: str) -> str:
    """HEIC photographs need pillow-heif, which is brought in when the first one is met."""
    try:
        # an extra of the package: its wheel carries code under the GPL, so it is not installed unasked
        from pillow_heif import register_heif_opener
    except ImportError:
        raise PictureError(f"{name} is a HEIC photograph, and no codec for it is installed",
                           action="save it as JPEG or PNG, or `pip install 'latentstudio[heic]'`") from None
    register_heif_opener()
    return "HEIF"


def _check_chunks(stream: BinaryIO, name: str) -> None:
    """Refuse a PNG of very many pieces, each of which costs pillow more than its bytes."""
    stream.seek(8)
    for _ in range(_MOST_CHUNKS):
        front = stream.read(8)
        if len(front) < 8 or front[4:] == b"IEND":
            return
        stream.seek(int.from_bytes(front[:4], "big") + 4, 1)
    raise PictureError(f"{name} has more than {_MOST_CHUNKS:,} pieces", action="save it again with another program")


def _check_front(stream: BinaryIO, name: str) -> None:
    """Refuse a GIF with very much before its first picture; pillow's time grows with the square of it."""
    stream.seek(10)
    flags = stream.read(3)[:1]
    table = 3 << ((flags[0] & 7) + 1) if flags and flags[0] & 128 else 0
    stream.seek(13 + table)
    while stream.read(1) == b"!":
        stream.seek(1, 1)
        while (size := stream.read(1)) not in (b"", b"\0"):
            stream.seek(size[0], 1)
        if stream.tell() > _MOST_IN_FRONT:
            raise PictureError(f"{name} has megabytes of remarks before its picture",
                               action="save it again with another program")


def _check_fields(stream: BinaryIO, name: str) -> None:
    """Refuse a TIFF of whose picture one field says more than a picture can need; pillow makes objects of all."""
    stream.seek(0)
    order = "<" if stream.read(2) == b"II" else ">"
    stream.seek(4)
    offset = stream.read(4)
    stream.seek(struct.unpack(order + "I", offset)[0] if len(offset) == 4 else 0)
    front = stream.read(2)
    count = struct.unpack(order + "H", front)[0] if len(front) == 2 else 0
    for _ in range(count):
        entry = stream.read(12)
        if len(entry) < 12:
            return
        tag, kind, values, _ = struct.unpack(order + "HHII", entry)
        if kind not in (1, 2, 7) and values > _MOST_IN_FRONT // 16:
            raise PictureError(f"{name} has a field (tag {tag}) of {values:,} values",
                               action="save it again with another program")


def _check_size(opened: Image.Image, name: str, smallest: int) -> None:
    width, height = opened.size
    if min(width, height) < smallest:
        raise PictureError(f"{name} has {width} x {height} pixels", expected=f"at least {smallest} a side")
    most = MAX_PIXELS
    if opened.format in ("JPEG", "MPO"):
        most = _JPEG_PIXELS
    elif opened.format in ("WEBP", "AVIF", "HEIF"):
        most = _HEAVY_PIXELS
    tile = getattr(opened, "tile", ())
    if tile and tile[0][0] in Image.DECODERS:
        most = _SLOW_PIXELS
    if width * height > most:
        raise PictureError(f"{name} has {width:,} x {height:,} pixels",
                           expected=f"at most {most // 1_000_000} million of this kind", action="make it smaller first")


def _check_scans(opened: Image.Image, stream: BinaryIO, name: str) -> None:
    """Refuse a progressive JPEG that goes over its pixels very many times."""
    if not opened.info.get("progressive"):
        return
    here = stream.tell()
    stream.seek(0)
    scans = stream.read().count(b"\xff\xda")
    stream.seek(here)
    if scans * opened.width * opened.height > _MOST_SCANS * 1_000_000:
        raise PictureError(f"{name} goes over its pixels {scans:,} times", action="save it again with another program")


def _orientation(opened: Image.Image, name: str, notes: list[str]) -> int:
    try:
        found = opened.getexif().get(0x0112, 1)
    except Exception:  # a broken note about the picture is no broken picture
        notes.append(f"{name}: its EXIF data is broken; it is taken as upright")
        return 1
    return found if found in _UPRIGHT else 1


@dataclass(frozen=True)
class _Colours:
    """The way to sRGB from a picture's profile, for pictures of pillow's ``mode``; ``profile`` is empty but for RGB."""

    mode: str
    change: ImageCms.ImageCmsTransform
    profile: bytes = b""

    @staticmethod
    def of(opened: Image.Image, name: str, notes: list[str]) -> _Colours | None:
        """None where there is no profile, or one that changes nothing; the notes say what is done with it."""
        data = opened.info.get("icc_profile")
        if not data or opened.mode in _DEEP:
            if opened.mode == "CMYK":
                notes.append(f"{name} has printing colours (CMYK), converted without a colour profile")
            return None
        try:
            if len(data) > _MOST_PROFILE:
                raise ValueError("far too large")
            profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
            mode = _FOR_SPACE[profile.profile.xcolor_space]
            if (mode == "CMYK") != (opened.mode == "CMYK") or (mode == "L" and opened.mode not in ("L", "LA", "1")):
                raise ValueError("for other colours than the picture's")
            change = ImageCms.buildTransform(profile, _srgb(), mode, "RGB", _INTENT, _FLAGS)
            if mode == "RGB" and _changes_nothing(change):
                return None
            title = " ".join((profile.profile.profile_description or "another colour profile").split())
            if mode == "RGB":  # the way back is needed to paste into it
                ImageCms.buildTransform(_srgb(), profile, mode, mode, _INTENT, _FLAGS)
        except Exception:  # lcms raises anything on a broken one
            notes.append(f"{name}: its colour profile is broken or does not fit; its colours are taken as sRGB")
            return None
        notes.append(f"{name}: colours converted from {title}")
        return _Colours(mode, change, bytes(data) if mode == "RGB" else b"")


@lru_cache(maxsize=1)
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))


def _changes_nothing(change: ImageCms.ImageCmsTransform) -> bool:
    """Whether a profile is sRGB by what it does, whatever it is called; pictures in sRGB stay equal to the bit."""
    steps = np.linspace(0, 255, 9).astype(np.uint8)
    probe = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(27, 27, 3)
    after = np.asarray(ImageCms.applyTransform(Image.fromarray(probe, "RGB"), change), dtype=np.int16)
    return int(np.abs(after - probe).max()) <= 2


def _decoded(
    picture: Image.Image, size: tuple[int, int], colours: _Colours | None, name: str, notes: list[str]
) -> tuple[BytePicture, BytePicture | None]:
    """uint8 (H, W, 3) of this ``size`` (W, H) in sRGB, and where there is a profile for RGB in its own colours.

    Both are made in bands, so that no second whole picture stands in memory.
    """
    deep, (columns, rows) = picture.mode in _DEEP, size
    span = _range(picture, name, notes) if deep else (0.0, 0.0)
    layered = not deep and (picture.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in picture.info)
    mode = "RGBA" if layered else "CMYK" if picture.mode == "CMYK" else "RGB"
    found, clear = np.empty((rows, columns, 3), np.uint8), False
    own = np.empty_like(found) if colours is not None and colours.profile else None
    step = picture.height / rows
    high = max(1, int(_BAND / (step * picture.width)))
    for top in range(0, rows, high):
        end = min(rows, top + high)
        first, last = int(top * step), min(picture.height, math.ceil(end * step))
        band = picture.crop((0, first, picture.width, last))
        band = Image.fromarray(_tones(band, span)).convert(mode) if deep else band.convert(mode)
        if size != picture.size:
            part = (0.0, top * step - first, float(picture.width), min(end * step, picture.height) - first)
            band = band.resize((columns, end - top), Image.Resampling.BOX, box=part)
        alpha = np.asarray(band.getchannel("A"), dtype=np.uint16)[:, :, None] if layered else None
        clear = clear or (alpha is not None and int(alpha.min()) < 255)
        shown = band.convert("RGB") if colours is None else (
            ImageCms.applyTransform(band.convert(colours.mode), colours.change))
        found[top:end] = _on_white(shown, alpha)
        if own is not None:
            own[top:end] = _on_white(band.convert("RGB"), alpha)
    if clear:
        notes.append(f"{name} is transparent in places; it was put on white")
    return found, own


def _on_white(shown: Image.Image | None, alpha: NDArray[np.uint16] | None) -> BytePicture:
    assert shown is not None, "only a change in place answers with nothing"
    solid = np.asarray(shown)
    if alpha is None or int(alpha.min()) == 255:
        return solid
    return ((solid * alpha + (255 - alpha) * np.uint16(255) + 127) // 255).astype(np.uint8)


def _range(picture: Image.Image, name: str, notes: list[str]) -> tuple[float, float]:
    """What is black and what is white in a deep picture: the whole range of 16 bits, of real numbers their own."""
    notes.append(f"{name} has {'32' if picture.mode == 'F' else '16'} bits a channel; 8 are kept")
    if picture.mode != "F":
        return 0.0, 255.0 * _ONE_BYTE
    values = np.asarray(picture)
    finite = np.isfinite(values)
    if not finite.any():
        raise PictureError(f"{name} is a picture of real numbers of which none is finite", expected="finite numbers")
    return (float(values.min(where=finite, initial=np.float32(np.inf))),
            float(values.max(where=finite, initial=np.float32(-np.inf))))


def _tones(band: Image.Image, span: tuple[float, float]) -> BytePicture:
    low, high = span
    values = np.nan_to_num(np.asarray(band, dtype=np.float32), nan=low, posinf=high, neginf=low)
    half = np.float32(0.5)  # a difference of halves cannot run over
    scaled = (values * half - np.float32(low) * half) * np.float32(2.0 * 255.0 / max(high - low, 1e-12))
    found: BytePicture = np.clip(scaled + half, 0.0, 255.0).astype(np.uint8)
    return found
