"""Work for the worker thread, answers in the GUI thread: the only door from presenters to the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from PySide6.QtCore import QObject, QTimer, Signal

from latentstudio.engine import Engine, JobEnd, JobStep, Result
from latentstudio.steps import Step
from latentstudio.studio.thread import Bridge, EngineThread

ResultHandler = Callable[[Result], None]
StepHandler = Callable[[JobStep], None]
EndHandler = Callable[[JobEnd], None]


@dataclass(frozen=True)
class _Job:
    title: str
    quiet: bool
    on_step: StepHandler | None
    on_end: EndHandler | None


class Runner(QObject):
    """Owns engine, bridge and thread; hands every answer to the method that asked for it.

    Handlers must be methods of objects that live as long as the window. ``busy_changed`` tells whether a job that the
    user should know about is running; quiet jobs (thumbnails) are not announced.
    """

    stepped = Signal(object)
    ended = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bridge = Bridge(self)
        self._engine = Engine(
            on_result=self._bridge.result.emit, on_step=self._bridge.step.emit, on_end=self._bridge.ended.emit
        )
        self._thread = EngineThread(self._engine, self)
        self._turn_over = QTimer(self)
        self._turn_over.setSingleShot(True)
        self._turn_over.setInterval(0)
        self._turn_over.timeout.connect(self._engine.wake)
        self._handlers: dict[str, dict[int, ResultHandler]] = {}
        self._jobs: dict[int, _Job] = {}
        self._bridge.result.connect(self._on_result)
        self._bridge.step.connect(self._on_step)
        self._bridge.ended.connect(self._on_end)

    def start(self) -> None:
        """Start the worker; requests made before wait in the engine."""
        self._thread.start()

    @property
    def running(self) -> bool:
        """Whether the worker thread is alive."""
        return self._thread.isRunning()

    @property
    def jobs(self) -> tuple[int, ...]:
        """Ids of the jobs that have not ended."""
        return tuple(self._jobs)

    def request(
        self, view: str, work: Callable[[], object], on_result: ResultHandler, *, input_time: float | None = None
    ) -> int:
        """Ask for ``work()`` in the worker; of the waiting requests of a view only the newest is done.

        The worker is woken when the window has done what the same event brought it (the slider's own paint): two
        threads that want the interpreter at once are both slower than one after the other.
        """
        number = self._engine.request(view, work, input_time=input_time, at_once=False)
        self._turn_over.start()
        self._handlers.setdefault(view, {})[number] = on_result
        return number

    def start_job(
        self,
        title: str,
        steps: Iterator[Step],
        *,
        on_step: StepHandler | None = None,
        on_end: EndHandler | None = None,
        quiet: bool = False,
        background: bool = False,
    ) -> int:
        """Run a long computation; exactly one call of ``on_end`` follows. What is quiet is in the background too."""
        job = self._engine.start_job(title, steps, background=background or quiet)
        self._jobs[job] = _Job(title, quiet, on_step, on_end)
        return job

    def cancel_job(self, job: int) -> None:
        """Ask a job to stop; it still ends by ``on_end``."""
        self._engine.cancel_job(job)

    def shut_down(self) -> None:
        """Cancel what runs and wait for the worker."""
        self._thread.shut_down()

    def _on_result(self, result: Result) -> None:
        waiting = self._handlers.get(result.view, {})
        handler = waiting.get(result.number)
        for number in [number for number in waiting if number <= result.number]:
            del waiting[number]
        if handler is not None:
            handler(result)

    def _on_step(self, step: JobStep) -> None:
        job = self._jobs.get(step.id)
        if job is None:
            return
        if job.on_step is not None:
            job.on_step(step)
        if not job.quiet:
            self.stepped.emit(step)

    def _on_end(self, end: JobEnd) -> None:
        job = self._jobs.pop(end.id, None)
        if job is None:
            return
        if not job.quiet:
            self.ended.emit(end)
        if job.on_end is not None:
            job.on_end(end)
