"""What a session file brings along: photos and tunings, whole or not at all, wherever the file goes."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from latentstudio.document import attachments
from latentstudio.document.attachments import gather, keep, needs
from latentstudio.document.session import Session
from latentstudio.document.session_file import Saved, read_session, write_session
from latentstudio.document.view import View
from latentstudio.errors import ModelFileError, PictureError, SessionFileError, UsageError
from latentstudio.generators.card import ModelCard
from latentstudio.generators.tunings import find_tuning, keep_tuning, make_tuning
from latentstudio.inversion import photo_store as store_module
from latentstudio.inversion.frames import Frame
from latentstudio.inversion.photo_store import PhotoPlace, find_photo, photo_place, photo_store
from latentstudio.inversion.photos import Photo, read_photo


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LATENTSTUDIO_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def photo(tmp_path: Path) -> Photo:
    path = tmp_path / "me.jpg"
    pixels = np.random.default_rng(1).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, quality=80)
    return read_photo(path)


@pytest.fixture
def whole(view: View, card: ModelCard, photo: Photo) -> View:
    """A session with a photo and a tuning, both in the store."""
    place = photo_place("me.jpg", photo, Frame(20.0, 21.0, 30.0, 12.5))
    tuning = make_tuning(card, np.zeros(4, np.float32), {}, {"mse": 0.5})
    keep_tuning(tuning)
    return view.with_photo(place).with_tuning(tuning.sha256)


def test_the_photo_comes_back_pixel_for_pixel_from_the_bytes_of_its_file(photo: Photo) -> None:
    place = photo_place("me.jpg", photo, Frame(1, 2, 3))
    assert (photo_store() / place.sha256).read_bytes() == photo.data
    assert np.array_equal(find_photo(place).pixels, photo.pixels)


def test_a_very_large_file_is_kept_as_its_pixels(photo: Photo) -> None:
    place = photo_place("me.tif", replace(photo, data=b""), Frame(1, 2, 3))
    assert np.array_equal(find_photo(place).pixels, photo.pixels)


def test_a_session_file_carries_photo_and_tuning_to_another_machine(
    whole: View, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, photo: Photo
) -> None:
    path = tmp_path / "face.latentstudio"
    assert write_session(path, Saved(Session((whole,)))).notes == ()
    monkeypatch.setenv("LATENTSTUDIO_HOME", str(tmp_path / "elsewhere"))
    again = read_session(path)
    assert again.session.view == whole
    with pytest.raises(PictureError, match="is not here"):
        find_photo(again.session.view.photo)
    keep(again.attachments)
    assert np.array_equal(find_photo(again.session.view.photo).pixels, photo.pixels)
    assert find_tuning(whole.tuning).sha256 == whole.tuning


def test_what_is_lost_is_said_and_the_rest_is_saved(whole: View, tmp_path: Path) -> None:
    (photo_store() / whole.photo.sha256).unlink()
    notes = write_session(tmp_path / "face.latentstudio", Saved(Session((whole,)))).notes
    assert [note for note in notes if "is not here" in note] == list(notes)
    assert len(notes) == 1
    assert list(read_session(tmp_path / "face.latentstudio").attachments) == [f"tuning:{whole.tuning}"]


def test_more_than_a_file_may_hold_is_left_out_and_said(whole: View, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "MOST_ATTACHED_BYTES", 2000)
    found, notes = gather([Session((whole,))])
    assert list(found) == [f"tuning:{whole.tuning}"]
    assert notes == (f"the photo {whole.photo.sha256[:14]} did not fit into the session file",)


@pytest.mark.parametrize("name", ["photo:" + "0" * 64, "script:" + "0" * 64, "../../x"])
def test_an_attachment_that_is_not_what_its_name_says_is_refused(whole: View, tmp_path: Path, name: str) -> None:
    path = tmp_path / "face.latentstudio"
    write_session(path, Saved(Session((whole,))))
    told = msgspec.json.decode(path.read_bytes())
    told["attachments"] = {name: base64.b64encode(b"something else").decode()}
    path.write_bytes(msgspec.json.encode(told))
    with pytest.raises(SessionFileError, match="not what its name says"):
        read_session(path)


def test_a_tuning_that_is_none_is_not_kept(home: Path) -> None:
    with pytest.raises(ModelFileError, match="is no tuning"):
        keep({f"tuning:{store_module.sha256_of(b'no')}": b"no"})


def test_a_photo_that_was_changed_on_the_disk_is_not_taken_for_it(photo: Photo) -> None:
    place = photo_place("me.jpg", photo, Frame(1, 2, 3))
    (photo_store() / place.sha256).write_bytes(b"another")
    with pytest.raises(PictureError, match="was changed on the disk"):
        find_photo(place)


def test_the_store_forgets_what_was_longest_unused(photo: Photo, monkeypatch: pytest.MonkeyPatch) -> None:
    first = photo_place("a", photo, Frame(1, 2, 3))
    monkeypatch.setattr(store_module, "STORE_BYTES", len(photo.data) + 10)
    second = photo_place("b", replace(photo, data=photo.data + b"more"), Frame(1, 2, 3))
    assert [path.name for path in photo_store().iterdir()] == [second.sha256]
    assert first.sha256 != second.sha256


@pytest.mark.parametrize(("sha256", "name"), [("../../etc/passwd", "a"), ("ab" * 32, "a\x07b"), ("AB" * 32, "a")])
def test_a_hostile_place_is_refused(sha256: str, name: str) -> None:
    with pytest.raises(UsageError):
        PhotoPlace(sha256, name, Frame(1, 2, 3))


def test_a_session_without_photo_and_tuning_needs_nothing(view: View) -> None:
    assert needs(view.with_tuning("")) == ()


def test_a_tuning_in_float8_is_refused_in_a_sentence() -> None:
    saved = read_session(Path(__file__).with_name("fixtures") / "att_bias_f8.latentstudio")
    with pytest.raises(ModelFileError, match="is no tuning"):
        keep(saved.attachments)
