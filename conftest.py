"""Set-up for the tests of the program and of its plugins: a home of its own for every test."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh user folder: data, cache, state and config lie below it."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("LATENTSTUDIO_HOME", str(folder))
    return folder
