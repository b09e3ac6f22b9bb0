"""What the engine reports: frozen values, called back in the worker's thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from latentstudio.steps import Step

Outcome = Literal["done", "failed", "cancelled"]


@dataclass(frozen=True)
class Timing:
    """Moments of one request, in seconds of ``time.perf_counter``; they never decrease from left to right.

    Attributes:
        input: when the hand moved.
        queued: when the engine took the request.
        started: when the work began.
        finished: when it ended.
    """

    input: float
    queued: float
    started: float
    finished: float


@dataclass(frozen=True)
class Result:
    """The answer to one request of a view: ``value``, or ``error`` when the work raised."""

    view: str
    number: int
    value: object
    error: Exception | None
    timing: Timing


@dataclass(frozen=True)
class JobStep:
    """A job got on: its newest step, the seconds since it began, those left (None while nobody can tell)."""

    id: int
    title: str
    step: Step
    seconds: float
    seconds_left: float | None


@dataclass(frozen=True)
class JobEnd:
    """A job is over, told once a job. ``last_step`` carries what it made, ``error`` why it failed."""

    id: int
    title: str
    outcome: Outcome
    last_step: Step | None
    error: Exception | None
