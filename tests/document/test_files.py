"""Session files and recipes: exact both ways, broken ones are refused by name."""

from __future__ import annotations

import base64
import errno
import struct
import zlib
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from latentstudio.document import records, session_file
from latentstudio.document.history import History
from latentstudio.document.origin import Origin
from latentstudio.document.picture_recipe import has_recipe, read_recipe, save_picture
from latentstudio.document.records import from_png, packed, unpacked
from latentstudio.document.session import Session
from latentstudio.document.session_file import Saved, read_session, write_session
from latentstudio.document.view import View
from latentstudio.errors import ChangedOnDiskError, PictureError, SessionFileError, StorageError
from latentstudio.pixels import read_picture, write_png

PICTURE = np.arange(16 * 16 * 3, dtype=np.uint8).reshape(16, 16, 3)


@pytest.fixture
def saved(session: Session) -> Saved:
    reset, moved = (Session((one,)) for one in (session.view.with_reset(), session.view.with_position("y", -3.3)))
    history = History.start(reset, time=1.5, origin=Origin.SAMPLE).commit(session, "x", time=2.25).undo()
    return Saved(moved, history.commit(moved, "y", time=3.0).attach_thumbnail(1, PICTURE), 4.5)


def changed(path: Path, **fields: object) -> None:
    """Overwrite top-level fields of a json file."""
    path.write_bytes(msgspec.json.encode({**msgspec.json.decode(path.read_bytes()), **fields}))


def test_a_session_file_brings_everything_back(tmp_path: Path, saved: Saved) -> None:
    path = tmp_path / "face.latentstudio"
    write_session(path, saved)
    again = read_session(path)
    assert again.session == saved.session
    assert again.written == saved.written
    assert again.history == saved.history
    assert again.history is not None
    assert np.array_equal(again.history.thumbnails[1], PICTURE)
    write_session(path, Saved(saved.session))
    assert read_session(path).history is None


FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(st.lists(FLOATS, min_size=3, max_size=3), st.floats(-1e6, 1e6))
def test_every_number_comes_back_bit_for_bit(numbers: list[float], t: float) -> None:
    latent = np.array(numbers, "<f4")
    session = Session((View("toy", "", latent.tobytes(), (3,)).with_position("x", t).with_condition("a", t),))
    assert unpacked(packed(session), where="", error=SessionFileError) == session


def test_fields_of_a_later_edition_are_passed_over(tmp_path: Path, saved: Saved) -> None:
    path = tmp_path / "a.latentstudio"
    write_session(path, saved)
    changed(path, colour="red")
    assert read_session(path).session == saved.session


def test_a_file_of_the_first_version_opens_with_nothing_locked(tmp_path: Path, saved: Saved) -> None:
    path, view = tmp_path / "a.latentstudio", saved.session.view
    write_session(path, Saved(saved.session))
    (flat,) = msgspec.json.decode(path.read_bytes())["session"]["views"]
    old = {key: value for key, value in flat.items() if key not in ("kept", "conditions", "tuning", "photo", "scene")}
    changed(path, version=1, session={**old, "label": None, "truncation": 0.5, "version": 1})
    assert read_session(path).session.view == view.with_condition("truncation", 0.5)


def test_locked_factors_and_conditions_come_back(tmp_path: Path, saved: Saved) -> None:
    path = tmp_path / "a.latentstudio"
    told = saved.session.view.with_kept(("y",)).with_condition("label", 2).with_condition("content", "me")
    write_session(path, Saved(Session((told,))))
    assert read_session(path).session.view == told
    save_picture(tmp_path / "a.png", PICTURE, told, "", "")
    assert read_recipe(tmp_path / "a.png").view == told


def test_every_view_comes_back_and_the_one_in_front(tmp_path: Path, view: View) -> None:
    path, pair = tmp_path / "a.latentstudio", Session((view, View("other", "", bytes(8), (2,))), front=1)
    write_session(path, Saved(pair, History.start(pair)))
    again = read_session(path)
    assert again.session == pair
    assert again.history is not None
    assert again.history.entries[0].session == pair


def test_very_many_views_are_refused_before_one_is_built(tmp_path: Path, saved: Saved) -> None:
    path = tmp_path / "a.latentstudio"
    write_session(path, saved)
    changed(path, session={"version": 6, "views": ["no view at all"] * 9})
    with pytest.raises(SessionFileError, match="a session of 9 views; expected at most 8"):
        read_session(path)


@pytest.mark.parametrize("newer", [{"version": 9, "session": {"quite": "different"}}, {"session": {"version": 9}}])
def test_a_newer_version_is_refused_with_both_versions(tmp_path: Path, saved: Saved, newer: dict[str, object]) -> None:
    path = tmp_path / "a.latentstudio"
    write_session(path, saved)
    changed(path, **newer)
    with pytest.raises(SessionFileError, match=r"version 9; expected at most 6; update latentstudio"):
        read_session(path)


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b"null", b"\xff\xfe\x00", b"{}", b'{"format": "something else"}', b"[" * 200_000,
        b'{"format": "latentstudio session", "version": "1"}', b'{"format": "latentstudio session", "version": 1}',
    ],
)
def test_a_broken_session_file_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "broken.latentstudio"
    path.write_bytes(data)
    with pytest.raises(SessionFileError, match=r"broken\.latentstudio"):
        read_session(path)


@pytest.mark.parametrize(
    "fields",
    [
        {"latent": base64.b64encode(b"\0" * 36).decode()}, {"latent": "*"}, {"shape": [-10]},
        {"conditions": [["truncation", -1]]}, {"conditions": [["a", []]]},
        {"latent": base64.b64encode(np.full(10, np.inf, "<f4").tobytes()).decode()}, {"positions": [["x", "8"]]},
        {"positions": [["x", 1e999]]}, {"seed": -5}, {"seed": 10**30}, {"model": 3}, {"model": ""},
    ],
)
def test_values_out_of_range_are_refused(tmp_path: Path, saved: Saved, fields: dict[str, object]) -> None:
    path = tmp_path / "a.latentstudio"
    write_session(path, saved)
    record = msgspec.json.decode(path.read_bytes())["session"]
    changed(path, session={**record, "views": [{**record["views"][0], **fields}]})
    with pytest.raises(SessionFileError, match=r"a\.latentstudio"):
        read_session(path)


def test_a_history_that_is_no_tree_is_refused(tmp_path: Path, saved: Saved) -> None:
    path = tmp_path / "a.latentstudio"
    write_session(path, saved)
    changed(path, history={**msgspec.json.decode(path.read_bytes())["history"], "current": 77})
    with pytest.raises(SessionFileError, match="stands at entry 77"):
        read_session(path)


@pytest.mark.parametrize("count", [5_000, 50_000])
def test_a_history_of_very_many_entries_is_refused_before_it_is_built(
    tmp_path: Path, saved: Saved, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    path = tmp_path / "a.latentstudio"
    write_session(path, saved)
    entry = msgspec.json.decode(path.read_bytes())["history"]["entries"][0]
    changed(path, history={"current": 0, "entries": [{**entry, "id": number} for number in range(count)]})
    monkeypatch.setattr(session_file, "history_from", lambda *_, **__: pytest.fail("the entries were built"))
    with pytest.raises(SessionFileError, match=f"a history of {count:,} entries; expected at most 4,000"):
        read_session(path)


def test_a_missing_file_a_folder_and_a_giant_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SessionFileError, match="cannot be read"):
        read_session(tmp_path / "nowhere.latentstudio")
    with pytest.raises(SessionFileError, match="cannot be read"):
        read_session(tmp_path)
    giant = tmp_path / "giant.latentstudio"
    with open(giant, "wb") as stream:
        stream.truncate(10 << 30)
    with pytest.raises(SessionFileError, match="at most"):
        read_session(giant)


def test_a_history_too_large_for_a_file_loses_its_oldest(
    tmp_path: Path, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = History.start(session)
    for t in range(50):
        history = history.commit(Session((session.view.with_position("x", t + 0.5),)), "x")
    monkeypatch.setattr(records, "MAX_FILE_BYTES", 8_000)
    path = tmp_path / "a.latentstudio"
    write_session(path, Saved(session, history))
    kept = read_session(path).history
    assert kept is not None
    assert 1 < len(kept) < 51
    assert kept.current_entry == history.current_entry


def test_a_full_disk_leaves_the_old_file_whole(
    tmp_path: Path, saved: Saved, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.latentstudio"
    write_session(path, saved)
    before = path.read_bytes()

    def full(self: Path, data: bytes) -> int:
        with open(self, "wb") as stream:
            stream.write(data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StorageError, match="no space left"):
        write_session(path, Saved(Session((saved.session.view.with_reset(),))))
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_picture_carries_its_recipe(tmp_path: Path, view: View) -> None:
    path = tmp_path / "face.png"
    save_picture(path, PICTURE, view, "ONNX Runtime, CPU", "cpu")
    recipe = read_recipe(path)
    assert recipe.view == view
    assert recipe.view.latent == view.latent
    assert (recipe.runtime_name, recipe.device) == ("ONNX Runtime, CPU", "cpu")
    assert has_recipe(path)
    assert np.array_equal(read_picture(path), PICTURE)


def test_a_picture_without_a_recipe_says_so(tmp_path: Path) -> None:
    for name in ("photo.png", "photo.jpg"):
        Image.fromarray(PICTURE).save(tmp_path / name)
        assert not has_recipe(tmp_path / name)
        with pytest.raises(PictureError, match="carries no recipe"):
            read_recipe(tmp_path / name)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "broken"), ("{", "broken"), ("{}", "no latentstudio recipe"), ("[]", "broken"),
        ('{"format": "latentstudio recipe", "version": 7}', "version 7; expected at most 6"),
        ('{"format": "latentstudio recipe", "version": 1}', "session"),
        ('{"format": "latentstudio recipe", "version": 1, "session": {"model": 5}}', "model"),
    ],
)
def test_a_broken_recipe_is_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "face.png"
    write_png(path, PICTURE, texts={"latentstudio": text})
    with pytest.raises(PictureError, match=rf"face\.png.*{says}"):
        read_recipe(path)


def test_a_truncated_picture_is_refused(tmp_path: Path, view: View) -> None:
    path = tmp_path / "face.png"
    save_picture(path, PICTURE, view, "", "")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(PictureError, match=r"face\.png"):
        read_recipe(path)
    path.write_bytes(b"")
    with pytest.raises(PictureError, match=r"face\.png"):
        read_recipe(path)


def test_a_thumbnail_that_would_unpack_to_gigabytes_is_only_a_lost_picture() -> None:
    def part(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    start = part(b"IHDR", struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0))
    assert from_png(b"\x89PNG\r\n\x1a\n" + start + part(b"IDAT", zlib.compress(bytes(9))) + part(b"IEND", b"")) is None


def test_a_file_that_somebody_else_wrote_meanwhile_is_not_replaced_unasked(tmp_path: Path, saved: Saved) -> None:
    path, theirs = tmp_path / "a.latentstudio", Saved(Session((saved.session.view.with_reset(),)))
    first = write_session(path, saved)
    assert read_session(path).sha256 == first.sha256
    ours = write_session(path, saved, known=first.sha256)
    write_session(path, theirs)
    with pytest.raises(ChangedOnDiskError, match=r"a\.latentstudio was changed .* save under another name, or replace"):
        write_session(path, saved, known=ours.sha256)
    assert read_session(path).session == theirs.session
    write_session(path, saved)
    assert read_session(path).session == saved.session
    path.unlink()
    write_session(path, saved, known="0" * 64)  # gone is no other file


def test_a_latent_that_many_entries_share_stands_once_in_the_file(tmp_path: Path) -> None:
    shared, other = (View("toy", "", np.full(3000, fill, "<f4").tobytes(), (3000,)) for fill in (1.5, 2.5))
    history = History()
    for t in range(1, 200):
        pair = Session((shared.with_position('"latent":3,', t), other), front=t % 2)
        history = history.commit(pair, '"latent":0}')
    path = tmp_path / "a.latentstudio"
    write_session(path, Saved(pair, history))
    assert path.stat().st_size < 200_000  # 199 pairs of 32,000 signs each, if each stood for itself
    assert read_session(path).history == history


@pytest.mark.parametrize("latents", [[], ["*"], ["AAAA" * 4_000]])
def test_latents_that_are_missing_or_wrong_or_unfold_to_very_many_are_refused(
    tmp_path: Path, saved: Saved, monkeypatch: pytest.MonkeyPatch, latents: list[str]
) -> None:
    path = tmp_path / "a.latentstudio"
    write_session(path, saved)
    record = msgspec.json.decode(path.read_bytes())["history"]
    changed(path, history={**record, "latents": latents})
    monkeypatch.setattr(records, "MAX_FILE_BYTES", 10_000)
    with pytest.raises(SessionFileError, match=r"a\.latentstudio"):
        read_session(path)
