"""What presenters need from others, as plain protocols: tests put plain fakes there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from latentstudio.engine import JobEnd, JobStep, Result
from latentstudio.steps import Step


class Worker(Protocol):
    """The door to the worker thread (``studio.runner.Runner``)."""

    def request(
        self,
        view: str,
        work: Callable[[], object],
        on_result: Callable[[Result], None],
        *,
        input_time: float | None = None,
    ) -> int:
        """Do ``work()`` in the worker; only the newest waiting request of a view is done."""
        ...

    def start_job(
        self,
        title: str,
        steps: Iterator[Step],
        *,
        on_step: Callable[[JobStep], None] | None = None,
        on_end: Callable[[JobEnd], None] | None = None,
        quiet: bool = False,
        background: bool = False,
    ) -> int:
        """Run a long computation; jobs that were asked for by hand go before those in the background."""
        ...

    def cancel_job(self, job: int) -> None:
        """Ask a job to stop."""
        ...
