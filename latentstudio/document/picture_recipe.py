"""The recipe inside a saved picture: everything that is needed to make it again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from latentstudio.document.records import decode, packed, unpacked
from latentstudio.document.session import SESSION_VERSION, Session
from latentstudio.document.view import View
from latentstudio.errors import PictureError
from latentstudio.pixels import AS_DRAWN, SavedSize, enlarge, read_png_text, write_png
from latentstudio.version import VERSION

TEXT_KEY = "latentstudio"
FORMAT = "latentstudio recipe"


@dataclass(frozen=True)
class Recipe:
    """What a picture was made from: its view, and what drew it (runtime, device, version of the program).

    ``pasted``: the picture is the view's photo, with the model's picture back in its frame. ``size``: how it was
    enlarged after it was drawn, as ``pixels.parse_size`` reads it.
    """

    view: View
    runtime_name: str = ""
    device: str = ""
    program: str = VERSION
    pasted: bool = False
    size: str = "1x"


class _Record(msgspec.Struct):
    session: msgspec.Raw
    runtime_name: str = ""
    device: str = ""
    program: str = ""
    pasted: bool = False
    size: str = "1x"
    format: str = FORMAT
    version: int = SESSION_VERSION


def save_picture(
    path: Path, picture: NDArray[np.uint8], view: View, runtime_name: str, device: str, *, pasted: bool = False,
    profile: bytes = b"", size: SavedSize = AS_DRAWN,
) -> None:
    """Save uint8 (H, W, 3) as a PNG that carries its recipe, in the colours of the ICC ``profile`` (sRGB when empty).

    Raises:
        UsageError: it would have too many pixels at this ``size``.
        StorageError: the disk is full or the folder may not be written; an old file is as it was.
    """
    recipe = msgspec.json.encode(_Record(packed(Session((view,))), runtime_name, device, VERSION, pasted,
                                         str(size)))
    write_png(path, enlarge(picture, size), texts={TEXT_KEY: recipe.decode("utf-8")}, profile=profile)


def has_recipe(path: Path) -> bool:
    """Whether the picture carries a recipe, be it sound or broken.

    Raises:
        PictureError: the file is no readable picture.
    """
    return read_png_text(path, TEXT_KEY) is not None


def read_recipe(path: Path) -> Recipe:
    """The recipe of a picture; its latent is the saved one bit for bit.

    Raises:
        PictureError: no readable picture, no recipe, a broken one, or one of a newer version.
    """
    path = Path(path)
    text = read_png_text(path, TEXT_KEY)
    if text is None:
        raise PictureError(f"{path.name} carries no recipe", expected="a PNG saved by latentstudio")
    where = f"the recipe in {path.name}"
    record = decode(text.encode("utf-8"), _Record, format=FORMAT, where=where, error=PictureError)
    session = unpacked(record.session, where=where, error=PictureError)
    return Recipe(session.view, record.runtime_name, record.device, record.program, record.pasted, record.size)
