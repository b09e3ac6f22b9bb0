"""Writes what took minutes to compute; a disk that is full by then does not take it away."""

from __future__ import annotations

import sys
from pathlib import Path

from latentstudio.cli.output import Output
from latentstudio.errors import StorageError
from latentstudio.factors import Factor, write_factor
from latentstudio.factors.rescuing import rescue_factor


def write_somewhere(path: Path, factor: Factor, output: Output) -> Path:
    """Write a factor file; where that fails a person at a terminal may name another one. Returns where it lies.

    Raises:
        StorageError: it could not be written; the message says where the factor was rescued to, if anywhere.
    """
    while True:
        try:
            write_factor(path, factor)
            return path
        except StorageError as problem:
            other = _other_file(problem, output)
            if other is None:
                raise _rescued(factor, problem) from problem
            path = other


def _other_file(problem: StorageError, output: Output) -> Path | None:
    if not sys.stdin or not sys.stdin.isatty():
        return None
    output.note(f"latentstudio: {problem.found}; the factor is still in memory")
    print("Another file to write it to (Enter gives up): ", end="", file=sys.stderr, flush=True)
    try:
        named = sys.stdin.readline().strip()
    except KeyboardInterrupt:  # first the factor must be safe
        return None
    return Path(named).expanduser() if named else None


def _rescued(factor: Factor, problem: StorageError) -> StorageError:
    try:
        path = rescue_factor(factor)
    except StorageError as another:
        return StorageError(f"{problem.found}; {another.found}", action="free some space and learn the factor again")
    return StorageError(problem.found, action=f"the factor is safe in {path}; copy it from there")
