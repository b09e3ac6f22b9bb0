"""Set-up for the tests of the program and of its plugins: a home of its own for every test."""

from __future__ import annotations

import gc
import itertools
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

# the same examples every time, however busy the machine is: a failure is a change's doing
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh user folder: data, cache, state and config lie below it."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("LATENTSTUDIO_HOME", str(folder))
    return folder


_THOROUGHLY_EVERY = 50
_count = itertools.count(1)


def pytest_sessionstart() -> None:
    """Python's collector runs between tests only, as it runs between events only in the program.

    Left alone it may run while Qt holds the lock of its connections, and a widget that dies then waits for it forever.
    """
    gc.disable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Generator[None, object, object]:
    """Collect what a test left: its young objects, and now and then everything."""
    result = yield
    gc.collect(1 if next(_count) % _THOROUGHLY_EVERY else 2)
    return result
