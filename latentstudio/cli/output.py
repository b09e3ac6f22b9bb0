"""What a verb says: words or one JSON value on stdout, progress and notes on stderr."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from latentstudio.steps import Step

StepType = TypeVar("StepType", bound="Step")


class _Bar(Protocol):
    def update(self, fraction: float, message: str) -> None: ...
    def close(self) -> None: ...


class Output:
    """The two ways to answer. With ``as_json`` only ``result`` writes to stdout, once; long runs tell lines before it.

    Args:
        as_json: print the result as JSON instead of words.
    """

    def __init__(self, *, as_json: bool = False) -> None:
        self.as_json = as_json
        self._answered = False

    def say(self, text: str = "") -> None:
        """A line for people on stdout; silent with ``--json``."""
        if not self.as_json:
            print(text)

    def note(self, text: str) -> None:
        """A line on stderr: something worth knowing that is not the answer."""
        print(text, file=sys.stderr, flush=True)

    def result(self, value: Any) -> None:
        """The answer as one JSON value; silent without ``--json``."""
        if self.as_json and not self._answered:
            self._answered = True
            print(json.dumps(_plain(value), ensure_ascii=False, allow_nan=False))

    def line(self, value: Any) -> None:
        """One JSON value on a line of its own, before the answer; silent without ``--json``."""
        if self.as_json:
            print(json.dumps(_plain(value), ensure_ascii=False, allow_nan=False), flush=True)

    def follow(
        self, steps: Iterator[StepType], title: str, *, on_step: Callable[[StepType], bool] | None = None
    ) -> StepType | None:
        """Drive a long computation to its end with a progress line on a terminal; returns its last step.

        ``on_step`` sees every step and may end the computation by answering True. The iterator is closed in any case.
        """
        last: StepType | None = None
        bar = _bar(title)
        try:
            with closing(steps):  # type: ignore[type-var]
                for last in steps:
                    bar.update(last.fraction, last.message)
                    if on_step is not None and on_step(last):
                        break
        finally:
            bar.close()
        return last


def _plain(value: Any) -> Any:
    """Containers of ordinary values: numpy's numbers become Python's, and what is not finite becomes null."""
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, Path):
        return str(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _bar(title: str) -> _Bar:
    return _Terminal(title) if sys.stderr.isatty() else _Nothing()


class _Nothing:
    def update(self, fraction: float, message: str) -> None:
        """No terminal, no progress."""

    def close(self) -> None:
        """Nothing was opened."""


class _Terminal:
    def __init__(self, title: str) -> None:
        # rich costs 60 ms to import, and most verbs show no progress
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
            TimeRemainingColumn(), TextColumn("{task.fields[message]}"),
            console=Console(stderr=True), transient=True,
        )
        self._task = self._progress.add_task(title, total=1.0, message="")
        self._progress.start()

    def update(self, fraction: float, message: str) -> None:
        """Move the bar; ``message`` stands behind it."""
        self._progress.update(self._task, completed=fraction, message=message)

    def close(self) -> None:
        """Take the bar away."""
        self._progress.stop()


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of words in aligned columns, two blanks between."""
    if not rows:
        return ""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines)
