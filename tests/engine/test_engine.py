"""The engine: newest wins, the last is served, jobs go on in between and end once, idle costs nothing."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from latentstudio.engine import Engine, JobEnd, JobStep, Result
from latentstudio.steps import Step

PATIENCE = 10.0


class Desk:
    """An engine in a thread of its own and everything it reported, in order."""

    def __init__(self) -> None:
        self.reports: list[Result | JobStep | JobEnd] = []
        self.changed = threading.Condition()
        self.engine = Engine(on_result=self.note, on_step=self.note, on_end=self.note)
        self.cpu_seconds = 0.0
        self.thread = threading.Thread(target=self.run, name="engine of the test")

    def run(self) -> None:
        self.engine.run()

    def note(self, report: Result | JobStep | JobEnd) -> None:
        with self.changed:
            self.reports.append(report)
            self.changed.notify_all()

    def wait(self, until: Callable[[], object]) -> None:
        with self.changed:
            assert self.changed.wait_for(until, PATIENCE), f"never came true; reports: {self.reports}"

    def results(self) -> list[Result]:
        return [report for report in self.reports if isinstance(report, Result)]

    def steps(self) -> list[JobStep]:
        return [report for report in self.reports if isinstance(report, JobStep)]

    def ends(self) -> list[JobEnd]:
        return [report for report in self.reports if isinstance(report, JobEnd)]

    def result(self, number: int) -> Result:
        self.wait(lambda: any(result.number == number for result in self.results()))
        return next(result for result in self.results() if result.number == number)

    def end(self, id: int) -> JobEnd:
        self.wait(lambda: any(end.id == id for end in self.ends()))
        found = [end for end in self.ends() if end.id == id]
        assert len(found) == 1
        return found[0]

    def stop(self) -> None:
        self.engine.stop()
        if self.thread.is_alive():
            self.thread.join(PATIENCE)
        assert not self.thread.is_alive()


class Gate:
    """Work that says when it began and waits until it is let go."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.leave = threading.Event()

    def __call__(self) -> str:
        self.entered.set()
        assert self.leave.wait(PATIENCE)
        return "gate"


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    made.thread.start()
    yield made
    made.stop()


def counting(count: int) -> Iterator[Step]:
    for index in range(count):
        yield Step((index + 1) / count, f"step {index}")


def endless(closed: threading.Event | None = None) -> Iterator[Step]:
    try:
        while True:
            yield Step(0.5)
    finally:
        if closed is not None:
            closed.set()


def test_the_newest_request_wins_and_the_last_is_served(desk: Desk) -> None:
    gate = Gate()
    first = desk.engine.request("main", gate)
    assert gate.entered.wait(PATIENCE)
    numbers = [desk.engine.request("main", lambda value=value: value) for value in range(1_000)]
    gate.leave.set()
    last = desk.result(numbers[-1])
    assert last.value == 999
    assert [result.number for result in desk.results()] == [first, numbers[-1]]
    assert numbers == sorted(set(numbers))


def test_under_load_numbers_grow_and_the_last_one_comes(desk: Desk) -> None:
    for _ in range(5_000):
        number = desk.engine.request("main", time.perf_counter)
    desk.result(number)
    served = [result.number for result in desk.results()]
    assert served == sorted(served)
    assert served[-1] == number


def test_each_view_has_its_own_slot_and_none_starves(desk: Desk) -> None:
    gate = Gate()
    desk.engine.request("main", gate)
    assert gate.entered.wait(PATIENCE)
    left = desk.engine.request("left", lambda: "left")
    right = desk.engine.request("right", lambda: "right")
    left_again = desk.engine.request("left", lambda: "left again")
    gate.leave.set()
    assert desk.result(left_again).value == "left again"
    assert desk.result(right).value == "right"
    assert left not in [result.number for result in desk.results()]


def test_a_picture_comes_between_two_steps_of_a_job(desk: Desk) -> None:
    numbers: list[int] = []

    def steps() -> Iterator[Step]:
        for index in range(4):
            numbers.append(desk.engine.request("main", lambda: "picture"))
            yield Step(index / 4)

    desk.end(desk.engine.start_job("busy", steps()))
    desk.result(numbers[-1])
    kinds = [type(report).__name__ for report in desk.reports]
    assert kinds == ["JobStep", "Result"] * 4 + ["JobEnd"]


def test_a_job_that_is_done_hands_over_its_last_step(desk: Desk) -> None:
    id = desk.engine.start_job("count", counting(3))
    end = desk.end(id)
    assert (end.outcome, end.error, end.title) == ("done", None, "count")
    assert end.last_step is not None
    assert end.last_step.message == "step 2"
    steps = desk.steps()
    assert [step.step.fraction for step in steps] == pytest.approx([1 / 3, 2 / 3, 1])
    assert steps[-1].seconds_left == 0
    assert [step.seconds for step in steps] == sorted(step.seconds for step in steps)


def test_nobody_foretells_the_time_of_a_job_that_just_began(desk: Desk) -> None:
    desk.end(desk.engine.start_job("slow", iter([Step(0.001)])))
    assert desk.steps()[0].seconds_left is None


def test_cancel_closes_the_iterator(desk: Desk) -> None:
    closed = threading.Event()
    id = desk.engine.start_job("endless", endless(closed))
    desk.wait(desk.steps)
    assert desk.engine.cancel_job(id)
    end = desk.end(id)
    assert end.outcome == "cancelled"
    assert end.last_step is not None
    assert closed.is_set()
    assert not desk.engine.cancel_job(id)


def test_cancel_reaches_a_job_that_still_waits(desk: Desk) -> None:
    running = desk.engine.start_job("endless", endless())
    made: list[str] = []

    def never() -> Iterator[Step]:
        made.append("made")
        yield from counting(1)

    waiting = desk.engine.start_job("waiting", never())
    third = desk.engine.start_job("third", counting(1))
    assert desk.engine.cancel_job(waiting)
    assert desk.end(waiting).outcome == "cancelled"
    assert desk.end(waiting).last_step is None
    assert made == []
    assert running not in [end.id for end in desk.ends()]
    desk.engine.cancel_job(running)
    assert desk.end(third).outcome == "done"


def test_cancel_answers_while_pictures_flood_in(desk: Desk) -> None:
    id = desk.engine.start_job("endless", endless())
    desk.wait(desk.steps)
    flooding = True

    def draw() -> None:
        if flooding:
            desk.engine.request("main", draw)

    desk.engine.request("main", draw)
    desk.engine.cancel_job(id)
    assert desk.end(id).outcome == "cancelled"
    flooding = False


@pytest.mark.parametrize("problem", [RuntimeError("out of memory"), ValueError("bad"), SystemExit(3)])
def test_a_job_that_raises_fails_once_and_the_loop_goes_on(desk: Desk, problem: BaseException) -> None:
    def steps() -> Iterator[Step]:
        yield Step(0.1, "before")
        raise problem

    end = desk.end(desk.engine.start_job("fails", steps()))
    assert end.outcome == "failed"
    assert str(problem) in str(end.error)
    assert end.last_step is not None
    assert desk.end(desk.engine.start_job("next", counting(1))).outcome == "done"
    assert len(desk.ends()) == 2


def test_a_job_that_cannot_even_begin_fails(desk: Desk) -> None:
    def steps() -> Iterator[Step]:
        raise RuntimeError("no model")
        yield

    end = desk.end(desk.engine.start_job("fails", steps()))
    assert (end.outcome, str(end.error), end.last_step) == ("failed", "no model", None)


def test_a_job_that_yields_no_steps_fails(desk: Desk) -> None:
    end = desk.end(desk.engine.start_job("odd", iter(["not a step"])))  # type: ignore[list-item]
    assert (end.outcome, type(end.error)) == ("failed", AttributeError)


def test_a_job_that_refuses_to_close_fails_once(desk: Desk) -> None:
    def stubborn() -> Iterator[Step]:
        while True:
            try:
                yield Step(0.5)
            except GeneratorExit:
                yield Step(0.6)

    id = desk.engine.start_job("stubborn", stubborn())
    desk.wait(desk.steps)
    desk.engine.cancel_job(id)
    end = desk.end(id)
    assert end.outcome == "failed"
    assert isinstance(end.error, RuntimeError)


@pytest.mark.parametrize("problem", [RuntimeError("shape"), SystemExit(1), MemoryError()])
def test_a_picture_that_fails_is_a_result_and_the_loop_goes_on(desk: Desk, problem: BaseException) -> None:
    def work() -> object:
        raise problem

    failed = desk.result(desk.engine.request("main", work))
    assert failed.value is None
    assert isinstance(failed.error, Exception)
    assert desk.result(desk.engine.request("main", lambda: 5)).value == 5


def test_a_listener_that_raises_does_not_stop_the_worker(caplog: pytest.LogCaptureFixture) -> None:
    ended = threading.Event()

    def fail(report: object) -> None:
        raise RuntimeError("widget deleted")

    engine = Engine(on_result=fail, on_step=fail, on_end=lambda end: ended.set())
    thread = threading.Thread(target=engine.run)
    thread.start()
    with caplog.at_level(logging.CRITICAL):
        engine.request("main", lambda: 1)
        engine.start_job("count", counting(2))
        assert ended.wait(PATIENCE)
        engine.stop()
        thread.join(PATIENCE)
    assert not thread.is_alive()


def test_stop_ends_the_running_and_the_waiting_jobs_once() -> None:
    desk, closed = Desk(), threading.Event()
    desk.thread.start()
    running = desk.engine.start_job("endless", endless(closed))
    waiting = desk.engine.start_job("waiting", counting(1))
    desk.wait(desk.steps)
    desk.stop()
    assert [(end.id, end.outcome) for end in desk.ends()] == [(running, "cancelled"), (waiting, "cancelled")]
    assert closed.is_set()
    late = desk.engine.start_job("late", counting(1))
    assert desk.end(late).outcome == "cancelled"
    desk.engine.request("main", lambda: 1)
    desk.engine.stop()
    assert desk.results() == []
    assert len(desk.ends()) == 3


def test_stop_before_run_ends_what_waits() -> None:
    desk = Desk()
    id = desk.engine.start_job("waiting", counting(1))
    desk.engine.stop()
    assert desk.end(id).outcome == "cancelled"
    desk.engine.run()
    assert len(desk.ends()) == 1


def test_idle_blocks() -> None:
    desk, used = Desk(), list[float]()

    def measured() -> None:
        desk.engine.run()
        used.append(time.thread_time())

    desk.thread = threading.Thread(target=measured)
    desk.thread.start()
    number = desk.engine.request("main", time.thread_time)
    busy = desk.result(number).value
    threading.Event().wait(0.5)  # the span that is measured, not a wait for something
    desk.stop()
    assert isinstance(busy, float)
    assert used[0] - busy < 0.01


def test_timings_never_go_backwards(desk: Desk) -> None:
    moved = time.perf_counter()
    asked = [
        desk.engine.request("past", lambda: 1, input_time=moved),
        desk.engine.request("future", lambda: 2, input_time=moved + 1_000.0),
        desk.engine.request("now", lambda: 3),
    ]
    for number in asked:
        timing = desk.result(number).timing
        assert timing.input <= timing.queued <= timing.started <= timing.finished
    assert desk.result(asked[0]).timing.input == moved


def test_everything_is_called_back_in_the_workers_thread() -> None:
    threads: set[int] = set()
    ended = threading.Event()

    def note(report: object) -> None:
        threads.add(threading.get_ident())
        if isinstance(report, JobEnd):
            ended.set()

    engine = Engine(on_result=note, on_step=note, on_end=note)
    worker = threading.Thread(target=engine.run)
    worker.start()
    engine.request("main", lambda: 1)
    engine.start_job("count", counting(2))
    assert ended.wait(PATIENCE)
    assert threads == {worker.ident}
    engine.stop()
    worker.join(PATIENCE)


def test_a_served_value_is_not_held(desk: Desk) -> None:
    class Heavy:
        gone = threading.Event()

        def __del__(self) -> None:
            self.gone.set()

    number = desk.engine.request("main", Heavy)
    desk.result(number)
    with desk.changed:
        desk.reports.clear()
    desk.result(desk.engine.request("other", lambda: None))
    assert Heavy.gone.wait(PATIENCE)


def test_a_request_that_may_wait_is_done_when_the_worker_is_woken(desk: Desk) -> None:
    desk.result(desk.engine.request("view", lambda: "first"))
    later = desk.engine.request("view", lambda: "later", at_once=False)
    desk.engine.wake()
    assert desk.result(later).value == "later"


def test_a_request_that_may_wait_is_taken_by_a_worker_that_is_awake(desk: Desk) -> None:
    later: list[int] = []

    def work() -> None:
        later.append(desk.engine.request("other", lambda: "taken", at_once=False))

    desk.result(desk.engine.request("view", work))
    assert desk.result(later[0]).value == "taken"


def test_a_job_asked_for_by_hand_goes_before_one_in_the_background(desk: Desk) -> None:
    gate = Gate()

    def background() -> Iterator[Step]:
        gate()
        yield Step(0.1, "map")
        yield Step(1.0, "map")

    map_job = desk.engine.start_job("map", background(), background=True)
    assert gate.entered.wait(PATIENCE)
    asked = desk.engine.start_job("asked", iter([Step(0.5, "asked"), Step(1.0, "asked")]))
    gate.leave.set()
    desk.end(map_job)
    assert desk.end(asked).outcome == "done"
    assert [step.step.message for step in desk.steps()] == ["map", "asked", "asked", "map"]
