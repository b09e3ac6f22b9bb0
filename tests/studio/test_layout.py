"""Only a layout that is as it was sealed, for these versions and screens, reaches the toolkit, and only after a start
that went well."""

from __future__ import annotations

from dataclasses import replace

import pytest

from latentstudio.document.autosave import claim_slot
from latentstudio.document.preferences import Layout, Preferences, load_preferences
from latentstudio.studio.app import START_FAILED, build_window
from latentstudio.studio.shell.layout import toolkit_and_screens
from latentstudio.studio.shell.window import MainWindow


@pytest.fixture
def restored(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What the window handed to the toolkit."""
    handed: list[bytes] = []
    for name in ("restoreGeometry", "restoreState"):
        monkeypatch.setattr(MainWindow, name, lambda self, data: handed.append(bytes(data.data())))
    return handed


@pytest.fixture
def start(qtbot, home, tmp_path):
    """Build a window with these preferences and close it again; what it said."""

    def run(preferences=None):
        window = build_window(preferences=preferences, slot=claim_slot(tmp_path / "slots"))
        qtbot.addWidget(window)
        said = [notice.sentence for notice in window.parts.notices.shown]
        window.close()
        return said

    return run


@pytest.fixture
def kept() -> Layout:
    return Layout(b"geometry", b"state", "").sealed()


def test_a_sound_layout_is_restored(start, restored, kept):
    here = replace(kept, made_for=toolkit_and_screens()).sealed()
    assert start(Preferences().with_layout(here)) == []
    assert restored == [b"geometry", b"state"]


def test_a_changed_one_and_one_of_another_screen_are_not_and_that_is_said(start, restored, kept):
    here = replace(kept, made_for=toolkit_and_screens()).sealed()
    (said,) = start(Preferences().with_layout(replace(here, state=b"stale")))
    assert "changed on the disk" in said
    (said,) = start(Preferences().with_layout(replace(kept, made_for="a wall of screens").sealed()))
    assert "for other screens" in said
    assert restored == []


def test_after_a_start_that_failed_the_layout_is_set_aside_once(start, restored, kept, monkeypatch):
    here = replace(kept, made_for=toolkit_and_screens()).sealed()
    preferences = Preferences().with_layout(here)
    with monkeypatch.context() as patched:
        patched.setattr("latentstudio.document.slots.Slot.end_start", lambda self: None)  # as after a crash
        start(preferences)
    restored.clear()
    assert start(preferences) == [START_FAILED]
    assert restored == []
    assert start(preferences) == []
    assert restored == [b"geometry", b"state"]


def test_a_window_that_closes_leaves_a_layout_that_the_next_one_trusts(start):
    start()
    preferences, said = load_preferences()
    assert said == ""
    layout, why = preferences.layout_for(toolkit_and_screens())
    assert layout.is_sound
    assert layout.state
    assert why == ""
