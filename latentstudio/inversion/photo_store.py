"""Photos that sessions refer to, kept so that an edited face can go back into its photo another day. No torch here."""

from __future__ import annotations

import contextlib
import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from latentstudio.errors import PictureError, UsageError
from latentstudio.files import write_whole
from latentstudio.inversion.frames import Frame
from latentstudio.inversion.photos import MOST_KEPT_BYTES, Photo, read_photo
from latentstudio.places import data_folder

STORE_BYTES = 1 << 30
_HEX = frozenset("0123456789abcdef")
_MOST_NAME = 200


@dataclass(frozen=True)
class PhotoPlace:
    """The photo that a latent was found for, and where the model's picture lies on it.

    Attributes:
        sha256: of the photo's file as the store keeps it.
        name: what the photo was called.
        frame: the square that was cut out, in pixels of the photo.

    Raises:
        UsageError: no hash, or a name that cannot be shown.
    """

    sha256: str
    name: str
    frame: Frame

    def __post_init__(self) -> None:
        if len(self.sha256) != 64 or not _HEX.issuperset(self.sha256):
            raise UsageError(f"the photo '{self.sha256[:40]}'", expected="the SHA-256 of a photo, 64 hex digits")
        if len(self.name) > _MOST_NAME or not self.name.isprintable():
            raise UsageError(f"the photo's name '{self.name[:40]}'", expected=f"at most {_MOST_NAME} signs")


def photo_store() -> Path:
    """The user's folder of photos that sessions refer to, one file each, named by its hash."""
    return data_folder() / "photos"


def kept_bytes(photo: Photo) -> bytes:
    """The bytes to keep for a photo: its own file's, or a PNG of its pixels where that file was very large."""
    if 0 < len(photo.data) <= MOST_KEPT_BYTES:
        return photo.data
    stream = io.BytesIO()
    shown = photo.pixels if photo.own is None else photo.own
    Image.fromarray(shown, "RGB").save(stream, format="PNG", compress_level=1, icc_profile=photo.profile or None)
    return stream.getvalue()


def sha256_of(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def keep_photo(data: bytes) -> str:
    """Put a photo's bytes into the store, and tell its hash; photos longest unused go when there are too many.

    Raises:
        StorageError: the disk is full or the folder may not be written.
    """
    name = sha256_of(data)
    path = photo_store() / name
    if path.is_file():
        with contextlib.suppress(OSError):
            path.touch()
    else:
        write_whole(path, data)
        _bound(keep=path)
    return name


def photo_place(name: str, photo: Photo, frame: Frame) -> PhotoPlace:
    """Keep the photo, and say where the model's picture lies on it; for a session.

    Raises:
        StorageError: the disk is full or the folder may not be written.
    """
    return PhotoPlace(keep_photo(kept_bytes(photo)), _shown(name), frame)


def _shown(name: str) -> str:
    return "".join(sign for sign in name if sign.isprintable())[:_MOST_NAME]


def photo_bytes(sha256: str) -> bytes:
    """The kept bytes of a photo.

    Raises:
        PictureError: it is not here, or is not what it was.
    """
    path = photo_store() / sha256
    try:
        data = path.read_bytes()
    except OSError:
        raise PictureError(f"the photo {sha256[:12]} that this was made from is not here",
                           action="drop the photo again, or name it with --photo") from None
    if sha256_of(data) != sha256:
        raise PictureError(f"the kept photo {sha256[:12]} was changed on the disk", action="drop the photo again")
    return data


def find_photo(place: PhotoPlace) -> Photo:
    """The photo of a session, read again as it was the first time.

    Raises:
        PictureError: it is not here, or is not what it was.
    """
    photo_bytes(place.sha256)
    return read_photo(photo_store() / place.sha256)


def _bound(keep: Path) -> None:
    """Photos used last stay; the store holds at most ``STORE_BYTES``."""
    with contextlib.suppress(OSError):
        files = sorted((path for path in photo_store().iterdir() if path != keep and path.is_file()),
                       key=lambda path: path.stat().st_mtime, reverse=True)
        held = keep.stat().st_size
        for path in files:
            held += path.stat().st_size
            if held > STORE_BYTES:
                path.unlink()
