"""Preferences come back; a broken file is set aside and the defaults serve."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from latentstudio import places
from latentstudio.document.preferences import PREFERENCES_FILE, Preferences, load_preferences, save_preferences


def test_they_come_back(home: Path) -> None:
    assert load_preferences() == Preferences()
    chosen = replace(Preferences(), theme="dark", window_state=b"\x00\xff", hints_seen=True, last_folder="/a b/ç")
    save_preferences(chosen)
    assert load_preferences() == chosen
    assert list(places.config_folder().iterdir()) == [places.config_folder() / PREFERENCES_FILE]


@pytest.mark.parametrize("data", [b"", b"{", b'{"theme": "pink"}', b'{"smooth": "yes"}', b"\xff", b"[" * 100_000])
def test_a_broken_file_is_kept_beside(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / PREFERENCES_FILE
    path.write_bytes(data)
    assert load_preferences(tmp_path) == Preferences()
    assert not path.exists()
    assert path.with_name(PREFERENCES_FILE + ".broken").read_bytes() == data


def test_fields_of_another_edition_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / PREFERENCES_FILE).write_bytes(b'{"smooth": true, "gone": 1}')
    assert load_preferences(tmp_path) == Preferences(smooth=True)


def test_a_folder_in_the_way_leaves_the_defaults(tmp_path: Path) -> None:
    (tmp_path / PREFERENCES_FILE).mkdir()
    assert load_preferences(tmp_path) == Preferences()
