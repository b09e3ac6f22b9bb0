"""Image conventions: bytes and floats, pictures read and written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from latentstudio.errors import PictureError, StorageError
from latentstudio.picture_files import picture_size
from latentstudio.pixels import (
    from_bytes,
    grid,
    largest_difference,
    luminance,
    read_picture,
    read_png_text,
    to_bytes,
    write_png,
)


def test_bytes_and_floats_are_inverse():
    every = np.arange(256, dtype=np.uint8).reshape(1, 16, 16, 1).repeat(3, axis=3)
    assert np.array_equal(to_bytes(from_bytes(every)), every)


def test_out_of_range_values_are_clipped():
    pictures = np.array([-0.5, 0.0, 1.0, 7.0], np.float32).reshape(1, 1, 2, 2).repeat(3, axis=1)
    assert to_bytes(pictures)[0, :, :, 0].tolist() == [[0, 0], [255, 255]]


def test_luminance_of_pure_green():
    green = np.zeros((1, 3, 2, 2), np.float32)
    green[:, 1] = 1.0
    assert luminance(green) == pytest.approx(np.full((1, 2, 2), 0.7152))


def test_png_with_text_comes_back(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    write_png(tmp_path / "a.png", picture, texts={"recipe": "ünï" * 500})
    assert np.array_equal(read_picture(tmp_path / "a.png"), picture)
    assert read_png_text(tmp_path / "a.png", "recipe") == "ünï" * 500
    assert read_png_text(tmp_path / "a.png", "other") is None


def test_transparency_is_composited_on_white(tmp_path):
    Image.new("RGBA", (2, 2), (255, 0, 0, 0)).save(tmp_path / "clear.png")
    assert (read_picture(tmp_path / "clear.png") == 255).all()


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n\x00\x00"])
def test_broken_pictures_say_so(tmp_path, content):
    (tmp_path / "b.png").write_bytes(content)
    with pytest.raises(PictureError, match=r"b\.png"):
        read_picture(tmp_path / "b.png")


def test_truncated_picture_says_so(tmp_path):
    write_png(tmp_path / "t.png", np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    whole = (tmp_path / "t.png").read_bytes()
    (tmp_path / "t.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(PictureError, match=r"t\.png"):
        read_picture(tmp_path / "t.png")


def test_writing_into_a_file_as_folder_leaves_it(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(StorageError):
        write_png(tmp_path / "file" / "x.png", np.zeros((2, 2, 3), np.uint8))
    assert (tmp_path / "file").read_text() == "mine"


def test_grid_and_difference():
    pictures = np.stack([np.full((4, 4, 3), value, np.uint8) for value in (10, 20, 30)])
    sheet = grid(pictures, columns=2, gap=1)
    assert sheet.shape == (9, 9, 3)
    assert sheet[0, 0, 0] == 10
    assert sheet[0, 5, 0] == 20
    assert sheet[5, 0, 0] == 30
    assert largest_difference(pictures[0], pictures[2]) == 20
    with pytest.raises(PictureError):
        largest_difference(pictures[0], sheet)


def test_a_grid_is_no_wider_than_its_pictures() -> None:
    assert grid(np.zeros((3, 4, 5, 3), np.uint8), columns=10**12).shape == (4, 3 * 5 + 2 * 2, 3)


def test_a_very_large_picture_is_judged_by_its_first_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "large.png"
    info = PngImagePlugin.PngInfo()
    info.add_itxt("key", "value", zip=True)
    Image.new("1", (9_000, 9_000)).save(path, pnginfo=info)
    monkeypatch.setattr(Image.Image, "load", lambda *_: pytest.fail("the pixels were read"))
    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", lambda *_: pytest.fail("the pixels were read"))
    assert picture_size(path) == (9_000, 9_000)
    assert read_png_text(path, "key") == "value"
    assert read_png_text(path, "other") is None
    monkeypatch.setattr("latentstudio.picture_files.MAX_PIXELS", 1_000_000)
    with pytest.raises(PictureError, match="9,000 x 9,000 pixels"):
        picture_size(path)


def test_a_text_that_would_unpack_to_much_more_is_no_text(tmp_path: Path) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_itxt("key", "x" * (32 << 20), zip=True)
    Image.new("RGB", (8, 8)).save(tmp_path / "bomb.png", pnginfo=info)
    assert (tmp_path / "bomb.png").stat().st_size < 100_000
    with pytest.raises(PictureError, match="broken"):
        read_png_text(tmp_path / "bomb.png", "key")


def test_deep_pictures_keep_their_tones(tmp_path: Path) -> None:
    levels = np.linspace(0, 65535, 256).astype(np.uint16).reshape(16, 16)
    Image.fromarray(levels).save(tmp_path / "deep.png")
    told = read_picture(tmp_path / "deep.png")
    assert np.abs(told[:, :, 0].ravel().astype(int) - np.arange(256)).max() <= 1
    Image.fromarray(levels).save(tmp_path / "pierced.png", transparency=5)
    assert np.array_equal(read_picture(tmp_path / "pierced.png"), told)


def test_real_numbers_are_shown_by_the_range_of_the_finite_ones(tmp_path: Path) -> None:
    values = np.linspace(-3.0, 5.0, 256, dtype=np.float32).reshape(16, 16)
    values[0, :3] = np.nan, np.inf, -np.inf
    Image.fromarray(values).save(tmp_path / "real.tif")
    told = read_picture(tmp_path / "real.tif")[:, :, 0]
    assert told[0, :3].tolist() == [0, 255, 0]
    assert np.abs(told.ravel()[3:].astype(int) - np.arange(3, 256)).max() <= 3
    Image.fromarray(np.full((4, 4), np.nan, np.float32)).save(tmp_path / "none.tif")
    with pytest.raises(PictureError, match="none is finite"):
        read_picture(tmp_path / "none.tif")
