"""Preferences come back; a broken file is set aside and the defaults serve; a changed layout is never trusted."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from latentstudio import places
from latentstudio.document import preferences as preferences_module
from latentstudio.document.preferences import (
    MOST_BYTES,
    MOST_LAYOUTS,
    PREFERENCES_FILE,
    Layout,
    Preferences,
    load_preferences,
    preferences_from,
    save_preferences,
)
from latentstudio.errors import StorageError, UsageError

HERE = "latentstudio 0.2.0, Qt 6.8, 1440 x 900 at 1"
LAYOUT = Layout(bytes(range(66)), b"\x00\xff" * 100, HERE).sealed()


def test_they_come_back(home: Path) -> None:
    assert load_preferences() == (Preferences(), "")
    chosen = replace(Preferences(), theme="dark", hints_seen=True, last_folder="/a b/ç").with_layout(LAYOUT)
    save_preferences(chosen)
    assert load_preferences() == (chosen, "")
    assert chosen.layout_for(HERE) == (LAYOUT, "")
    assert list(places.config_folder().iterdir()) == [places.config_folder() / PREFERENCES_FILE]


@pytest.mark.parametrize(
    "data",
    [
        b"", b"{", b'{"theme": "pink"}', b'{"smooth": "yes"}', b'{"saved_size": "vast"}', b"\xff", b"[" * 100_000,
        b'{"version": 3}',
        b'{"layouts": {"a": 1}}', b'{"layouts": [{"state": "*"}]}', b"null", b'{"version": ' + b"9" * 5_000 + b"}",
    ],
)
def test_a_broken_file_is_kept_beside_and_said(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / PREFERENCES_FILE
    path.write_bytes(data)
    preferences, said = load_preferences(tmp_path)
    assert preferences == Preferences()
    assert "the defaults serve" in said
    assert not path.exists()
    assert path.with_name(PREFERENCES_FILE + ".broken").read_bytes() == data


def test_fields_of_another_edition_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / PREFERENCES_FILE).write_bytes(b'{"smooth": true, "gone": 1, "window_state": "AAAA"}')
    assert load_preferences(tmp_path) == (Preferences(smooth=True), "")


def test_a_folder_or_a_giant_in_the_way_leaves_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / PREFERENCES_FILE
    path.mkdir()
    preferences, said = load_preferences(tmp_path)
    assert preferences == Preferences()
    assert "Is a directory" in said
    with pytest.raises(StorageError, match="a folder is in the way"):
        save_preferences(preferences, tmp_path)
    path.rmdir()
    with open(path, "wb") as stream:
        stream.truncate(10 << 30)
    preferences, said = load_preferences(tmp_path)
    assert preferences == Preferences()
    assert f"more than {MOST_BYTES:,} bytes" in said


def test_preferences_that_may_not_be_read_leave_the_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, most: int) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(preferences_module, "read_limited", refuse)
    preferences, said = load_preferences(tmp_path)
    assert preferences == Preferences()
    assert "Permission denied" in said


def test_no_changed_bit_of_a_stored_layout_reaches_the_toolkit() -> None:
    data = msgspec.json.encode(Preferences().with_layout(LAYOUT))
    trusted = 0
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        try:
            layout, _ = preferences_from(bytes(changed)).layout_for(HERE)
        except UsageError:
            continue
        assert (layout.geometry, layout.state) in ((LAYOUT.geometry, LAYOUT.state), (b"", b""))
        trusted += bool(layout.state)
    assert trusted < 0.2 * 8 * len(data)  # what lies beside it: the theme, the folder


@pytest.mark.parametrize("field", ["geometry", "state"])
def test_no_changed_byte_of_a_layout_is_sound(field: str) -> None:
    stored = getattr(LAYOUT, field)
    for place in range(len(stored)):
        for value in (0, 1, 127, 255):
            changed = stored[:place] + bytes([value]) + stored[place + 1 :]
            assert replace(LAYOUT, **{field: changed}).is_sound == (changed == stored)
    assert not replace(LAYOUT, **{field: stored[:-1]}).is_sound
    assert not replace(LAYOUT, seal="").is_sound


def test_another_version_or_screen_starts_with_the_usual_layout_and_says_so() -> None:
    chosen = Preferences().with_layout(LAYOUT)
    layout, said = chosen.layout_for("latentstudio 0.3.0, Qt 6.8, 1440 x 900 at 1")
    assert layout == Layout()
    assert "another version or for other screens" in said
    moved = Preferences(layouts=(replace(LAYOUT, made_for="elsewhere"),))
    assert "changed on the disk" in moved.layout_for("elsewhere")[1]


def test_each_set_of_screens_keeps_its_own_layout() -> None:
    docked = replace(LAYOUT, state=b"docked", made_for="two screens").sealed()
    chosen = Preferences().with_layout(LAYOUT).with_layout(docked)
    assert chosen.layout_for(HERE)[0] == LAYOUT
    assert chosen.layout_for("two screens")[0] == docked
    for number in range(20):
        chosen = chosen.with_layout(replace(LAYOUT, made_for=str(number)).sealed())
    assert len(chosen.layouts) == MOST_LAYOUTS
