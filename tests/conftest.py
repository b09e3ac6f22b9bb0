"""Shared test set-up: a home of its own for every test, no window on the real screen."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A fresh user folder: data, cache, state and config lie below it."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("LATENTSTUDIO_HOME", str(folder))
    yield folder
