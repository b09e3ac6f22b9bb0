"""The engine: one worker loop that draws the newest request first and moves jobs on in between."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from latentstudio.engine.messages import JobEnd, JobStep, Outcome, Result, Timing
from latentstudio.steps import Step

Message = TypeVar("Message")

_log = logging.getLogger(__name__)
_FRACTION_TO_FORETELL = 0.02


@dataclass(frozen=True)
class _Request:
    view: str
    number: int
    work: Callable[[], object]
    input: float
    queued: float


class _Job:
    """A job's own state. ``cancelled`` is set under the engine's lock; the rest belongs to the worker."""

    def __init__(self, id: int, title: str, steps: Iterator[Step], background: bool) -> None:
        self.id = id
        self.background = background
        self.title = title
        self.steps = steps
        self.started: float | None = None
        self.last_step: Step | None = None
        self.cancelled = False

    def advance(self) -> Step:
        """The next step; StopIteration at the end."""
        if self.started is None:
            self.started = time.perf_counter()
        self.last_step = next(self.steps)
        return self.last_step

    def close(self) -> None:
        """Let the iterator clean up after itself."""
        close = getattr(self.steps, "close", None)
        if close is not None:
            close()


class Engine:
    """Serves views and jobs in one worker thread, which is whoever calls ``run``.

    Each view has one slot: a newer request takes the place of one that waits, and the last is always served.
    Between two steps of a job every waiting view is served, so sliders stay alive while something long runs.
    One job runs at a time, the others wait in order, those in the background behind all others. Nothing to do costs
    nothing.

    Args:
        on_result: called with each ``Result``.
        on_step: called with each ``JobStep``.
        on_end: called with the one ``JobEnd`` of each job.

    The callbacks are called in the worker's thread and must return soon. Every method but ``run`` may be
    called from any thread.
    """

    def __init__(
        self, *, on_result: Callable[[Result], None], on_step: Callable[[JobStep], None],
        on_end: Callable[[JobEnd], None],
    ) -> None:
        self._on_result = on_result
        self._on_step = on_step
        self._on_end = on_end
        self._changed = threading.Condition()
        self._numbers = itertools.count(1)
        self._waiting: dict[str, _Request] = {}
        self._jobs: deque[_Job] = deque()  # the first one is the one that runs
        self._stopping = False
        self._looping = False

    def request(
        self, view: str, work: Callable[[], object], *, input_time: float | None = None, at_once: bool = True
    ) -> int:
        """Ask for ``work`` to be done for ``view``; an older request of the view that still waits is dropped.

        Args:
            view: the slot's name.
            work: called in the worker; what it returns or raises comes back as a ``Result``.
            input_time: when the hand moved, by ``time.perf_counter``; now, if left out.
            at_once: false leaves a sleeping worker asleep until ``wake``; one that is awake takes it all the same.

        Returns:
            the request's number; later requests have greater ones.
        """
        with self._changed:
            now = time.perf_counter()
            moved = now if input_time is None else min(input_time, now)
            asked = _Request(view, next(self._numbers), work, moved, now)
            if not self._stopping:
                self._waiting[view] = asked
                if at_once:
                    self._changed.notify()
            return asked.number

    def wake(self) -> None:
        """Have what was asked for without ``at_once`` done now."""
        with self._changed:
            self._changed.notify()

    def start_job(self, title: str, steps: Iterator[Step], *, background: bool = False) -> int:
        """Queue a long computation (see ``loading.job``); the worker asks for its steps. Returns the job's id.

        One in the ``background`` that nobody asked for by hand rests, begun or not, while another job is there.
        """
        with self._changed:
            job = _Job(next(self._numbers), title, steps, background)
            over = self._stopping and not self._looping
            if not over:
                ahead = sum(not other.background for other in self._jobs)
                self._jobs.insert(len(self._jobs) if background else ahead, job)
                self._changed.notify()
        if over:
            self._end(job, "cancelled")
        return job.id

    def cancel_job(self, id: int) -> bool:
        """Ask a running or waiting job to end: its iterator is closed before its next step.

        Returns:
            False when there is no such job any more (its end was told, or is being told).
        """
        with self._changed:
            for job in self._jobs:
                if job.id == id:
                    job.cancelled = True
                    self._changed.notify()
                    return True
        return False

    def stop(self) -> None:
        """End ``run``: waiting requests are dropped, the running and the waiting jobs end as cancelled."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
            looping = self._looping
        if not looping:
            self._end_all()

    def run(self) -> None:
        """The worker loop; returns after ``stop``. Call it once, in the thread that shall do all the work."""
        with self._changed:
            self._looping = True
        while self._turn():
            pass
        while True:
            self._end_all()
            with self._changed:
                if not self._jobs:
                    self._looping = False
                    return

    def _turn(self) -> bool:
        """Wait for something to do and do one piece of it; False once stopped."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or self._waiting or self._jobs)
            if self._stopping:
                return False
            unwanted = next((job for job in self._jobs if job.cancelled), None)
            render = unwanted is None and bool(self._waiting)
            asked = self._waiting.pop(next(iter(self._waiting))) if render else None
        if unwanted is not None:
            self._close(unwanted)
        elif asked is not None:
            self._serve(asked)
        else:
            self._advance(self._jobs[0])
        return True

    def _serve(self, asked: _Request) -> None:
        started = time.perf_counter()
        value: object = None
        error: Exception | None = None
        try:
            value = asked.work()
        except BaseException as problem:  # a border: plugins may raise anything, even SystemExit
            error = _as_exception(problem)
        timing = Timing(asked.input, asked.queued, started, time.perf_counter())
        self._tell(self._on_result, Result(asked.view, asked.number, value, error, timing))

    def _advance(self, job: _Job) -> None:
        try:
            step = job.advance()
            share = float(step.fraction)
        except StopIteration:
            self._end(job, "done")
            return
        except BaseException as problem:  # a border, as above
            self._end(job, "failed", _as_exception(problem))
            return
        seconds = time.perf_counter() - (job.started or 0.0)
        left = seconds * (1.0 - share) / share if share >= _FRACTION_TO_FORETELL else None
        self._tell(self._on_step, JobStep(job.id, job.title, step, seconds, left))

    def _close(self, job: _Job) -> None:
        try:
            job.close()
        except BaseException as problem:  # a border: a job that cannot even be cancelled has failed
            self._end(job, "failed", _as_exception(problem))
        else:
            self._end(job, "cancelled")

    def _end(self, job: _Job, outcome: Outcome, error: Exception | None = None) -> None:
        with self._changed:
            if job in self._jobs:
                self._jobs.remove(job)
        self._tell(self._on_end, JobEnd(job.id, job.title, outcome, job.last_step, error))

    def _end_all(self) -> None:
        with self._changed:
            self._waiting.clear()
        while (job := self._take()) is not None:
            self._close(job)

    def _take(self) -> _Job | None:
        with self._changed:
            return self._jobs.popleft() if self._jobs else None

    def _tell(self, callback: Callable[[Message], None], message: Message) -> None:
        try:
            callback(message)
        except Exception:  # a border: a listener's defect must not stop the worker
            _log.exception("a listener of the engine raised on %s", type(message).__name__)


def _as_exception(problem: BaseException) -> Exception:
    if isinstance(problem, Exception):
        return problem
    return RuntimeError(f"the work tried to end the program ({type(problem).__name__}: {problem})")
