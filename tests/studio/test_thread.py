"""The bridge: work in the worker thread, answers in the GUI thread, one end for each job."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
from PySide6.QtCore import QObject, QThread

from latentstudio.steps import Step
from latentstudio.studio.runner import Runner
from latentstudio.studio.thread import Bridge


class Listener(QObject):
    """Notes what it hears and in which thread."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[object] = []
        self.threads: set[QThread] = set()

    def on_anything(self, message: object) -> None:
        self.heard.append(message)
        self.threads.add(QThread.currentThread())


@pytest.fixture
def runner(qapp):
    made = Runner()
    made.start()
    yield made
    made.shut_down()
    assert not made.running
    made.deleteLater()


def test_answers_come_into_the_gui_thread_and_work_is_done_in_the_worker(runner, qtbot):
    listener, workers = Listener(), []

    def work() -> str:
        workers.append(threading.get_ident())
        return "done"

    runner.request("main", work, listener.on_anything)
    qtbot.waitUntil(lambda: len(listener.heard) == 1)
    assert listener.heard[0].value == "done"
    assert listener.threads == {listener.thread()}
    assert workers != [threading.get_ident()]


def test_all_answers_come_from_one_long_lived_thread(runner, qtbot):
    listener = Listener()
    for index in range(5):
        runner.request(f"view {index}", threading.get_ident, listener.on_anything)
    qtbot.waitUntil(lambda: len(listener.heard) == 5)
    assert len({result.value for result in listener.heard}) == 1


def test_an_error_is_an_answer_too(runner, qtbot):
    listener = Listener()
    runner.request("main", lambda: 1 / 0, listener.on_anything)
    qtbot.waitUntil(lambda: len(listener.heard) == 1)
    assert isinstance(listener.heard[0].error, ZeroDivisionError)


def test_a_job_steps_and_ends_once_and_a_quiet_one_is_not_announced(runner, qtbot):
    steps, ends, loud = Listener(), Listener(), Listener()
    runner.ended.connect(loud.on_anything)
    make = lambda: iter([Step(0.5, "half"), Step(1.0, "whole")])  # noqa: E731
    runner.start_job("quiet", make(), on_step=steps.on_anything, on_end=ends.on_anything, quiet=True)
    runner.start_job("loud", make(), on_end=ends.on_anything)
    qtbot.waitUntil(lambda: len(ends.heard) == 2)
    assert [step.step.message for step in steps.heard] == ["half", "whole"]
    assert [end.outcome for end in ends.heard] == ["done", "done"]
    assert [end.title for end in loud.heard] == ["loud"]
    assert runner.jobs == ()


def test_closing_in_the_middle_of_a_job_ends_it_as_cancelled(qapp, qtbot):
    runner, ends, steps = Runner(), Listener(), Listener()
    runner.start()

    def forever():
        while True:
            yield Step(0.0, "on and on")

    runner.start_job("long", forever(), on_step=steps.on_anything, on_end=ends.on_anything)
    qtbot.waitUntil(lambda: len(steps.heard) > 3)
    runner.shut_down()
    qtbot.waitUntil(lambda: len(ends.heard) == 1)
    assert ends.heard[0].outcome == "cancelled"
    assert not runner.running
    runner.deleteLater()


def test_the_bridge_survives_five_thousand_emits():
    """A wrong pair of Qt and Python aborts after some hundred emits of a bool; see the pinned versions."""
    code = (
        "from PySide6.QtCore import QCoreApplication, QObject, Signal\n"
        "app = QCoreApplication([])\n"
        "class Emitter(QObject):\n    said = Signal(bool)\n"
        "emitter = Emitter()\nheard = []\nemitter.said.connect(heard.append)\n"
        "for _ in range(5000):\n    emitter.said.emit(True)\n"
        "print(len(heard))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode, run.stdout.strip()) == (0, "5000"), run.stderr


def test_the_bridge_belongs_to_the_thread_that_made_it(qapp):
    bridge = Bridge()
    assert bridge.thread() is qapp.thread()
