"""Whatever a picture file holds: it is read in sRGB, or one sentence says why not, within seconds."""

from __future__ import annotations

import ast
import contextlib
import io
import os
import random
import struct
import sys
import time
import types
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFile

from latentstudio import picture_files
from latentstudio.errors import PictureError
from latentstudio.picture_files import SUFFIXES, open_picture, picture_size, read_texts, to_profile
from latentstudio.pixels import read_picture, write_png
from tests.icc import rgb_profile

ROOT = Path(__file__).resolve().parent.parent
RAMP = np.linspace(0, 255, 40 * 30 * 3).reshape(30, 40, 3).astype(np.uint8)
POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n%%EndComments\n"


def saved(kind: str, picture: Image.Image | None = None, **options: object) -> bytes:
    stream = io.BytesIO()
    (picture or Image.fromarray(RAMP)).save(stream, format=kind, **options)
    return stream.getvalue()


def test_pictures_are_opened_in_one_place_only() -> None:
    places = []
    for path in sorted((*(ROOT / "latentstudio").rglob("*.py"), *(ROOT / "plugins").rglob("*.py"))):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            named = isinstance(node, ast.Attribute) and node.attr == "open" and isinstance(node.value, ast.Name) \
                and node.value.id in ("Image", "PIL")
            brought = isinstance(node, ast.ImportFrom) and node.module == "PIL.Image" \
                and any(name.name == "open" for name in node.names)
            if named or brought:
                places.append(str(path.relative_to(ROOT)))
    assert places == ["latentstudio/picture_files.py"]


@pytest.mark.parametrize("kind", ["PNG", "BMP", "PPM", "TIFF", "WEBP", "GIF", "JPEG", "AVIF"])
def test_every_allowed_kind_is_recognised_by_its_content(tmp_path: Path, kind: str) -> None:
    options = {"WEBP": {"lossless": True}, "JPEG": {"quality": 98}, "AVIF": {"quality": 98}}.get(kind, {})
    path = tmp_path / "picture.dat"
    path.write_bytes(saved(kind, **options))
    found = open_picture(path)
    assert np.abs(found.pixels.astype(int) - RAMP).max() <= {"GIF": 60, "JPEG": 12, "AVIF": 14}.get(kind, 0)
    assert found.notes == ()
    assert found.own is None
    assert picture_size(path) == (40, 30)
    assert f".{kind.lower()}" in SUFFIXES


@pytest.mark.parametrize("ending", [b"showpage\n", b"{} loop\n"])
def test_a_program_in_postscript_is_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: bytes) -> None:
    path = tmp_path / "face.jpg"
    path.write_bytes(POSTSCRIPT + ending)
    monkeypatch.setattr("subprocess.Popen", lambda *_, **__: pytest.fail("a program was started"))
    with pytest.raises(PictureError, match="not a picture of a known kind"):
        open_picture(path)


@pytest.mark.parametrize("kind", ["ICO", "TGA", "PCX", "DDS", "SGI", "JPEG2000", "PDF"])
def test_other_kinds_are_refused_by_name(kind: str) -> None:
    with pytest.raises(PictureError, match=r"known kind; expected a PNG, JPEG"):
        open_picture(saved(kind), name="a")


def test_what_is_no_ordinary_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(PictureError, match="no ordinary file"):
        open_picture(tmp_path / "pipe.png")


@pytest.mark.parametrize("problem", [
    KeyError("x"), struct.error("x"), SyntaxError("x"), RecursionError("x"), MemoryError(), ZeroDivisionError("x"),
    Image.DecompressionBombError("x"), OverflowError("x"), AttributeError("x"), EOFError(),
])  # fmt: skip
def test_whatever_pillow_raises_becomes_a_sentence(monkeypatch: pytest.MonkeyPatch, problem: Exception) -> None:
    def load(*_: object) -> None:
        raise problem

    monkeypatch.setattr(ImageFile.ImageFile, "load", load)
    with pytest.raises(PictureError, match=r"face\.bmp"):
        open_picture(saved("BMP"), name="face.bmp")


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "GIF", "WEBP", "BMP", "PPM", "AVIF"])
def test_damaged_files_are_read_or_refused_and_nothing_else(kind: str) -> None:
    options = {"icc_profile": rgb_profile()} if kind in ("PNG", "JPEG", "TIFF", "WEBP") else {}
    whole, chance = saved(kind, **options), random.Random(7)
    began = time.perf_counter()
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 6)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        with contextlib.suppress(PictureError):
            open_picture(bytes(data[: chance.randint(1, len(data))] if chance.random() < 0.2 else data))
    assert time.perf_counter() - began < 30.0


def test_the_colours_of_a_phone_are_converted_and_said(tmp_path: Path) -> None:
    # sRGB's red, as Display P3 writes it (Apple's own converter says 234, 51, 35)
    red = Image.new("RGB", (16, 16), (234, 51, 35))
    found = open_picture(saved("PNG", red, icc_profile=rgb_profile()), name="phone.png")
    assert np.abs(found.pixels.astype(int) - (255, 0, 0)).max() <= 3
    assert found.notes == ("phone.png: colours converted from Display P3",)
    assert found.own is not None
    assert (found.own == (234, 51, 35)).all()
    assert np.abs(to_profile(found.pixels, found.profile).astype(int) - found.own).max() <= 2


def test_a_profile_that_is_srgb_by_what_it_does_changes_no_bit() -> None:
    found = open_picture(saved("PNG", icc_profile=rgb_profile("sRGB by another name")))
    assert np.array_equal(found.pixels, RAMP)
    assert (found.notes, found.own, found.profile) == ((), None, b"")


@pytest.mark.parametrize("profile", [b"x" * 200, rgb_profile()[:300], bytes(9 << 20)], ids=["words", "cut", "large"])
def test_a_broken_profile_is_said_and_taken_as_srgb(tmp_path: Path, profile: bytes) -> None:
    found = open_picture(saved("TIFF", icc_profile=profile), name="a.tif")
    assert np.array_equal(found.pixels, RAMP)
    assert found.notes == ("a.tif: its colour profile is broken or does not fit; its colours are taken as sRGB",)


def test_grey_and_see_through_pictures_have_profiles_too() -> None:
    grey = open_picture(saved("PNG", Image.fromarray(RAMP[:, :, 0], "L"), icc_profile=rgb_profile()))
    assert "Display P3" in grey.notes[0]
    assert np.abs(grey.pixels.astype(int) - RAMP[:, :, :1]).max() <= 2
    clear = Image.new("RGBA", (8, 8), (234, 51, 35, 0))
    clear.paste((234, 51, 35, 255), (0, 0, 4, 8))
    found = open_picture(saved("PNG", clear, icc_profile=rgb_profile()))
    assert np.abs(found.pixels[:, :4].astype(int) - (255, 0, 0)).max() <= 3
    assert (found.pixels[:, 4:] == 255).all()


def test_a_profile_goes_into_a_png_and_comes_back(tmp_path: Path) -> None:
    picture = np.full((4, 4, 3), (234, 51, 35), np.uint8)
    write_png(tmp_path / "a.png", picture, profile=rgb_profile())
    assert np.array_equal(read_picture(tmp_path / "a.png", own=True), picture)
    assert np.abs(read_picture(tmp_path / "a.png").astype(int) - (255, 0, 0)).max() <= 3


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_set_upright(orientation: int) -> None:
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved("PNG", exif=exif)
    with Image.open(io.BytesIO(data)) as opened:
        assert np.array_equal(open_picture(data).pixels, np.array(ImageOps.exif_transpose(opened)))


def test_a_broken_remark_of_the_camera_breaks_no_picture() -> None:
    found = open_picture(saved("JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(40)))
    assert found.pixels.shape == (30, 40, 3)


def _gif_of(frames: int) -> bytes:
    whole = saved("GIF", Image.new("P", (16, 16)))
    start = whole.index(b",\0\0\0\0")
    return whole[:-1] + whole[start:-1] * (frames - 1) + b";"


def test_the_frames_of_an_animation_are_not_counted() -> None:
    began = time.perf_counter()
    assert "animated" in open_picture(_gif_of(400_000)).notes[0]
    assert time.perf_counter() - began < 2.0


def test_much_in_front_of_a_gif_is_refused_in_time() -> None:
    whole = saved("GIF")
    remark = b"!\xfe" + (b"\xff" + bytes(255)) * 40_000 + b"\0"
    start = whole.index(b",\0\0\0\0")
    began = time.perf_counter()
    with pytest.raises(PictureError, match="remarks"):
        open_picture(whole[:start] + remark + whole[start:])
    assert time.perf_counter() - began < 2.0


def test_a_png_of_very_many_pieces_is_refused_in_time() -> None:
    whole = saved("PNG")
    piece = b"\0\0\0\0teST" + bytes(4)
    began = time.perf_counter()
    with pytest.raises(PictureError, match="100,000 pieces"):
        open_picture(whole[:33] + piece * 300_000 + whole[33:])
    assert time.perf_counter() - began < 2.0


def test_a_field_of_a_tiff_with_millions_of_values_is_refused() -> None:
    fields = struct.pack("<HHII", 273, 4, 5_000_000, 8)
    with pytest.raises(PictureError, match="tag 273"):
        open_picture(b"II*\0\x08\0\0\0\x01\0" + fields + bytes(200))


def test_kinds_that_are_decoded_slowly_have_a_lower_limit() -> None:
    with pytest.raises(PictureError, match="at most 2 million"):
        open_picture(b"P2\n3000 3000\n255\n" + b"0 " * 100)
    assert open_picture(b"P2\n2 2\n255\n0 255 0 255\n").pixels[0, 1, 0] == 255


def test_a_file_of_far_too_many_bytes_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n")
    os.truncate(path, picture_files.MAX_BYTES + 1)
    with pytest.raises(PictureError, match="at most 768"):
        open_picture(path)


def test_texts_are_read_from_png_alone(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(saved("JPEG", comment=b"mine"))
    assert read_texts(tmp_path / "a.png", most=1000) == {}


HEIC_HEAD = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"


def test_heic_opens_with_the_extra_and_names_it_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(PictureError, match=r"HEIC photograph.*latentstudio\[heic\]"):
        open_picture(HEIC_HEAD, name="phone.heic")

    class _Heif(ImageFile.ImageFile):
        format = "HEIF"

        def _open(self) -> None:
            self._size, self._mode, self.tile = (4, 4), "RGB", []

        def load(self) -> None:
            self.im = Image.new("RGB", (4, 4), "red").im

    extra = types.ModuleType("pillow_heif")
    extra.register_heif_opener = lambda: Image.register_open(  # type: ignore[attr-defined]
        "HEIF", _Heif, lambda head: head[4:12] == b"ftypheic")
    monkeypatch.setitem(sys.modules, "pillow_heif", extra)
    try:
        assert (open_picture(HEIC_HEAD, name="phone.heic").pixels == (255, 0, 0)).all()
    finally:
        Image.OPEN.pop("HEIF", None)
        Image.ID.remove("HEIF")
