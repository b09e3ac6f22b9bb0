"""Every bad photograph: it is read, or one line says why not."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latentstudio.errors import PictureError
from latentstudio.inversion.photos import MOST_PIXELS, read_photo

RAMP = np.linspace(0, 255, 40 * 30 * 3).reshape(30, 40, 3).astype(np.uint8)


def _saved(path: Path, picture: Image.Image, **options) -> Path:
    picture.save(path, **options)
    return path


def test_an_ordinary_picture_is_read_without_a_word(tmp_path):
    photo = read_photo(_saved(tmp_path / "a.png", Image.fromarray(RAMP)))
    assert np.array_equal(photo.pixels, RAMP)
    assert photo.notes == ()


@pytest.mark.parametrize(("content", "words"), [
    (b"", "is empty"), (b"hello, world", "is not a picture"), (b"\x89PNG\r\n\x1a\n" + bytes(40), "broken|not a pic"),
    (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC.*no codec"),
])  # fmt: skip
def test_what_is_no_picture_is_named(tmp_path, content, words):
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(PictureError, match=words):
        read_photo(path)


def test_a_missing_file_and_a_folder_are_named(tmp_path):
    with pytest.raises(PictureError, match="no file"):
        read_photo(tmp_path / "none.png")
    with pytest.raises(PictureError, match="is a folder"):
        read_photo(tmp_path)


@pytest.mark.parametrize("kind", ["jpg", "png", "gif"])
def test_a_truncated_file_is_refused(tmp_path, kind):
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8)
    path = _saved(tmp_path / f"a.{kind}", Image.fromarray(noise))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(PictureError, match=r"ends in the middle|broken"):
        read_photo(path)


def test_one_pixel_is_too_few(tmp_path):
    with pytest.raises(PictureError, match="1 x 1 pixels"):
        read_photo(_saved(tmp_path / "a.png", Image.new("RGB", (1, 1))))


def _huge_png(path: Path, width: int, height: int) -> Path:
    """A one-bit PNG of this size, written row by row: a small file that would be large in memory."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    pack, row = zlib.compressobj(1), bytes(1 + (width + 7) // 8)
    packed = b"".join(pack.compress(row) for _ in range(height)) + pack.flush()
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b""))
    return path


def test_a_huge_picture_is_refused_before_it_is_decoded(tmp_path):
    path = _huge_png(tmp_path / "huge.png", 30_000, 20_000)
    code = (
        "import re, resource, sys; from pathlib import Path\n"
        "from latentstudio.inversion.photos import read_photo\n"
        "from latentstudio.errors import PictureError\n"
        "try: read_photo(Path(sys.argv[1]))\n"
        "except PictureError as problem: print(problem.sentence)\n"
        "status = Path('/proc/self/status')\n"  # the other one remembers the parent's size from before the exec
        "print(re.search(r'VmHWM:\\s*(\\d+)', status.read_text())[1] if status.is_file()\n"
        "      else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    answer = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    *words, kilobytes = answer.stdout.splitlines()
    assert "30,000 x 20,000 pixels" in " ".join(words) or "far too many pixels" in " ".join(words)
    assert int(kilobytes) < 1_000_000


def test_a_large_picture_is_made_smaller_with_a_word(tmp_path):
    for kind in ("jpg", "png"):
        photo = read_photo(_saved(tmp_path / f"large.{kind}", Image.new("RGB", (7000, 5000), (10, 200, 30))))
        height, width, _ = photo.pixels.shape
        assert height * width <= MOST_PIXELS
        assert width / height == pytest.approx(1.4, rel=1e-3)
        assert np.abs(photo.pixels[5, 5].astype(int) - (10, 200, 30)).max() <= 3
        assert "7,000 x 5,000 pixels were made" in photo.notes[0]


def test_grey_and_palette_become_rgb(tmp_path):
    grey = read_photo(_saved(tmp_path / "grey.png", Image.fromarray(RAMP[:, :, 0], "L")))
    assert np.array_equal(grey.pixels, np.repeat(RAMP[:, :, :1], 3, axis=2))
    palette = Image.fromarray(RAMP).quantize(16)
    read = read_photo(_saved(tmp_path / "palette.png", palette))
    assert np.array_equal(read.pixels, np.array(palette.convert("RGB")))


@pytest.mark.parametrize("kind", ["rgba", "palette", "grey"])
def test_transparency_is_put_on_white_and_said(tmp_path, kind):
    picture = Image.new("RGBA", (16, 16), (200, 0, 0, 255))
    picture.paste((0, 0, 0, 0), (0, 0, 8, 16))
    if kind == "palette":
        picture = picture.quantize(8)
    if kind == "grey":
        picture = picture.convert("LA")
    photo = read_photo(_saved(tmp_path / "a.png", picture))
    assert (photo.pixels[:, :8] == 255).all()
    assert (photo.pixels[:, 8:, 1] < 100).all()
    assert "put on white" in photo.notes[0]


def test_an_alpha_channel_without_transparency_is_not_worth_a_word(tmp_path):
    assert read_photo(_saved(tmp_path / "a.png", Image.new("RGBA", (16, 16), (1, 2, 3, 255)))).notes == ()


def test_sixteen_bits_keep_their_range(tmp_path):
    deep = np.linspace(0, 65535, 30 * 40).reshape(30, 40).astype(np.uint16)
    photo = read_photo(_saved(tmp_path / "deep.png", Image.fromarray(deep)))
    assert np.abs(photo.pixels[:, :, 0].astype(float) - deep / 257.0).max() <= 0.51
    assert "16 bits" in photo.notes[0]


def test_real_numbers_are_stretched(tmp_path):
    values = np.linspace(-1.0, 3.0, 30 * 40).reshape(30, 40).astype(np.float32)
    photo = read_photo(_saved(tmp_path / "real.tif", Image.fromarray(values)))
    assert (photo.pixels.min(), photo.pixels.max()) == (0, 255)


def test_cmyk_becomes_rgb_and_is_said(tmp_path):
    photo = read_photo(_saved(tmp_path / "a.jpg", Image.new("CMYK", (32, 32), (0, 255, 255, 0)), quality=95))
    assert photo.pixels[16, 16, 0] > 200 > 60 > photo.pixels[16, 16, 1]
    assert "CMYK" in photo.notes[0]


def test_of_an_animation_the_first_frame_is_taken_and_said(tmp_path):
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    photo = read_photo(tmp_path / "a.gif")
    assert tuple(photo.pixels[8, 8]) == (255, 0, 0)
    assert "first frame" in photo.notes[0]


@pytest.mark.parametrize("size", [(40, 30), (7000, 4000)])
def test_exif_rotation_is_honoured(tmp_path, size):
    picture = Image.new("RGB", size, "black")
    picture.paste("white", (0, 0, size[0] // 4, size[1]))
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = read_photo(_saved(tmp_path / "a.jpg", picture, exif=exif, quality=95))
    assert photo.pixels.shape[0] > photo.pixels.shape[1]
    assert photo.pixels[0].mean() > 240
    assert photo.pixels[-1].mean() < 15
    assert any("upright" in note for note in photo.notes)
