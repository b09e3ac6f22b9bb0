"""The one door to what is heavy: whoever waits goes on meanwhile, whoever gives up is answered at once."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from latentstudio.engine.loading import call, job, load, wait_for_imports
from latentstudio.steps import Step

NAME = "a_module_that_takes_its_time"
CODE = """
import sys
from latentstudio.steps import Step
sys._a_gate_for_the_test.wait(30)

def count(most, *, word="step"):
    for number in range(most):
        yield Step((number + 1) / most, f"{word} {number + 1}")

def double(number):
    return 2 * number
"""


@pytest.fixture
def slow_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A module on the path whose import waits for the event."""
    go = threading.Event()
    monkeypatch.setattr(sys, "_a_gate_for_the_test", go, raising=False)
    (tmp_path / f"{NAME}.py").write_text(CODE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield go
    go.set()
    wait_for_imports()
    sys.modules.pop(NAME, None)


def test_a_job_says_that_it_loads_until_its_module_is_there_and_then_does_its_own_steps(
    slow_module: threading.Event,
) -> None:
    told = []
    for step in job(f"{NAME}:count", 2, word="turn"):
        told.append(step.message)
        if len(told) == 3:
            slow_module.set()
    assert told[:3] == ["loading"] * 3
    assert [words for words in told if words != "loading"] == ["turn 1", "turn 2"]
    assert [step.message for step in job(f"{NAME}:count", 1)] == ["step 1"]  # no waiting the second time


def test_a_call_answers_what_the_function_answers(slow_module: threading.Event) -> None:
    slow_module.set()
    assert call(f"{NAME}:double", 21) == 42


def test_nothing_is_imported_before_the_first_step_is_asked_for(slow_module: threading.Event) -> None:
    job(f"{NAME}:count", 1)
    assert not [thread for thread in threading.enumerate() if NAME in thread.name]
    assert NAME not in sys.modules


def test_a_module_that_cannot_be_imported_is_an_error_of_the_job_and_passed_over_by_load() -> None:
    assert all(step.message == "loading" for step in load("there_is_no_such_module_here"))
    with pytest.raises(ModuleNotFoundError, match="there_is_no_such_module_here"):
        list(job("there_is_no_such_module_here:anything"))


def test_giving_up_while_the_module_loads_is_answered_at_once_and_the_next_one_waits_for_the_same_import(
    slow_module: threading.Event,
) -> None:
    given_up = job(f"{NAME}:count", 1)
    assert next(given_up).message == "loading"
    began = time.perf_counter()
    given_up.close()  # type: ignore[attr-defined]
    assert time.perf_counter() - began < 0.2
    again = job(f"{NAME}:count", 1)
    assert next(again) == Step(0.0, "loading")
    assert len([thread for thread in threading.enumerate() if NAME in thread.name]) == 1
    slow_module.set()
    assert [step.message for step in again][-1] == "step 1"
    assert not [thread for thread in threading.enumerate() if NAME in thread.name]


def test_the_step_that_is_waited_for_is_no_steps_of_a_module_that_is_half_there(slow_module: threading.Event) -> None:
    waiting = job(f"{NAME}:count", 1)
    next(waiting)
    deadline = time.monotonic() + 10
    while NAME not in sys.modules and time.monotonic() < deadline:
        next(waiting)
    assert NAME in sys.modules  # half of it
    assert next(job(f"{NAME}:count", 1)).message == "loading"
    slow_module.set()
    assert [step.message for step in waiting][-1] == "step 1"


def test_a_program_that_ends_while_torch_is_being_loaded_ends_well() -> None:
    code = (
        "import sys\n"
        "from latentstudio.engine.loading import job\n"
        "steps = job('latentstudio.optimisation.second_order:none')\n"
        "print(next(steps).message, 'torch' in sys.modules and hasattr(sys.modules['torch'], 'Tensor'))\n"
        "steps.close()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "loading False\n", "")
