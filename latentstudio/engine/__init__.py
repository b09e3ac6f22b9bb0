"""Runs work off the window's thread: newest-wins pictures and jobs that yield steps. No Qt, no torch."""

from latentstudio.engine.engine import Engine
from latentstudio.engine.messages import JobEnd, JobStep, Outcome, Result, Timing

__all__ = ["Engine", "JobEnd", "JobStep", "Outcome", "Result", "Timing"]
