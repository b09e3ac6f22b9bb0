"""Heavy imports in a thread of their own: whoever waits goes on meanwhile, and nothing is left behind."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from latentstudio.generators.arriving import arriving

NAME = "a_module_that_takes_its_time"


@pytest.fixture
def slow_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A module on the path whose import waits for the event."""
    go = threading.Event()
    monkeypatch.setattr(sys, "_a_gate_for_the_test", go, raising=False)
    code = "import sys\nsys._a_gate_for_the_test.wait(30)\nhere = True\n"
    (tmp_path / f"{NAME}.py").write_text(code, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield go
    go.set()
    sys.modules.pop(NAME, None)


def test_others_are_served_until_the_module_is_there(slow_module: threading.Event) -> None:
    turns = 0
    for _ in arriving(NAME):
        turns += 1
        if turns == 3:
            slow_module.set()
    assert turns >= 3
    assert sys.modules[NAME].here is True
    assert list(arriving(NAME)) == []


def test_a_module_that_cannot_be_imported_is_left_to_the_one_who_needs_it() -> None:
    list(arriving("there_is_no_such_module_here", "json"))
    assert "there_is_no_such_module_here" not in sys.modules


def test_closing_waits_for_the_thread(slow_module: threading.Event) -> None:
    waiting = arriving(NAME)
    next(waiting)
    assert any(thread.name == "latentstudio-imports" for thread in threading.enumerate())
    slow_module.set()
    waiting.close()
    assert not any(thread.name == "latentstudio-imports" for thread in threading.enumerate())
