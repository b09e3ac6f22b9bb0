"""What a verb says: words or one JSON value on stdout, progress and notes on stderr."""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from latentstudio.errors import StorageError, StudioError
from latentstudio.files import sha256_of, write_whole
from latentstudio.version import VERSION

if TYPE_CHECKING:
    from latentstudio.steps import Step

ABOUT, PROVENANCE = "about.json", "provenance"
RESULTS = ("out", "pasted", "records", "run", "open")  # what is made, a run's own files, what the window may save over
_MOST_HASHED = 1 << 30
USER_ERROR = 2

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
        self._asked: argparse.Namespace | None = None
        self._seed: int | None = None

    def begin(self, asked: argparse.Namespace) -> None:
        """From here on results tell with what they were made: see ``provenance``."""
        self._asked = asked

    def drew(self, seed: int) -> int:
        """Something is drawn at random from ``seed``, which the provenance tells; answers with it."""
        self._seed = seed
        return seed

    def say(self, text: str = "") -> None:
        """A line for people on stdout; silent with ``--json``."""
        if not self.as_json:
            self._print(text)

    def note(self, text: str) -> None:
        """A line on stderr: something worth knowing that is not the answer; lost where nobody takes it."""
        with contextlib.suppress(OSError, ValueError):
            print(text, file=sys.stderr, flush=True)

    def result(self, value: Mapping[str, object]) -> None:
        """The answer as one JSON value, with its ``provenance``; silent without ``--json``."""
        if self.as_json and not self._answered:
            self._answered = True
            more = {} if self._asked is None else {PROVENANCE: provenance(self._asked, value, self._seed)}
            self._print(_json({**value, **more}))

    def line(self, value: object) -> None:
        """One JSON value on a line of its own, before the answer; silent without ``--json``."""
        if self.as_json:
            self._print(_json(value), flush=True)

    def about(self, folder: Path, **more: object) -> None:
        """Write what a study was made with beside its tables, as ``about.json``.

        Raises:
            StorageError: the disk is full or the folder may not be written.
        """
        assert self._asked is not None, "a verb has begun"
        value = _plain({**provenance(self._asked, more, self._seed), **more})
        write_whole(folder / ABOUT, json.dumps(value, indent=1, ensure_ascii=False).encode("utf-8", "replace") + b"\n")

    def _print(self, text: str, *, flush: bool = False) -> None:
        try:
            print(text, flush=flush)
        except BrokenPipeError:
            raise
        except OSError as problem:
            raise StorageError(f"the answer cannot be written ({problem.strerror})",
                               action="give stdout somewhere to go") from problem

    def in_turn(
        self, paths: Sequence[Path], key: str, work: Callable[[Path], dict[str, object]], *,
        until: Callable[[dict[str, object]], bool] = lambda told: False,
    ) -> list[dict[str, object]]:
        """What ``work`` tells of each file. One of several that cannot be used does not stop the others: it is noted
        under ``key``, with its ``error``."""
        answers: list[dict[str, object]] = []
        for path in paths:
            try:
                answers.append(work(path))
            except StudioError as problem:
                if len(paths) == 1:
                    raise
                self.note(problem.sentence)
                answers.append({key: str(path), "error": problem.sentence})
            if until(answers[-1]):
                break
        return answers

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


def exit_code(answers: Sequence[Mapping[str, object]]) -> int:
    """That of a verb whose files were taken ``in_turn``."""
    return USER_ERROR if any("error" in answer for answer in answers) else 0


def provenance(asked: argparse.Namespace, told: Mapping[str, object], drew: int | None) -> dict[str, object]:
    """What an answer was made with: version, seed, SHA-256 of the weights of every model in it and of its input files.

    The seed is the one that was drawn from, given or not. Weights stand by the model's name, files by the path that was
    given; a file of more than 1 GB has none.
    """
    named = [getattr(asked, "model", None), *(getattr(asked, "models", None) or ()), told.get("model")]
    files = [path for path in named_inputs(asked) if path.is_file() and path.stat().st_size <= _MOST_HASHED]
    return {
        "version": VERSION, "seed": told.get("seed", getattr(asked, "seed", None)) if drew is None else drew,
        "weights": {name: found for name in dict.fromkeys(map(str, filter(None, named)))
                    if (found := _weights_of(name))},
        "inputs": {str(path): sha256_of(path) for path in files},
    }


def _weights_of(model: str) -> str:
    # the catalogue reads every card, which an answer in words does without
    from latentstudio.generators.card import read_card
    from latentstudio.generators.catalogue import find_catalogue

    try:
        card = read_card(Path(model)) if Path(model).is_dir() else find_catalogue().model(model).card
    except (StudioError, OSError):
        return ""
    return "" if card is None else card.weights_sha256


def named_inputs(asked: argparse.Namespace) -> tuple[Path, ...]:
    """Files and folders that exist and that an option or argument other than those for results names."""
    found: list[Path] = []
    for name, value in vars(asked).items():
        if name in RESULTS:
            continue
        for one in value if isinstance(value, list | tuple) else (value,):
            if not isinstance(one, str | Path) or not str(one):
                continue
            for path in (Path(one), Path(str(one).rpartition(":")[0] or "/")):  # FILE.py:name names a file, too
                with contextlib.suppress(OSError, ValueError):
                    if path.exists() and path != Path("/"):
                        found.append(path)
                        break
    return tuple(found)


def numbered_names(paths: Sequence[Path]) -> list[str]:
    """The name of each file without its ending, behind its number where there are several."""
    return [f"{index:03d}-{path.stem}" if len(paths) > 1 else path.stem for index, path in enumerate(paths)]


def distinct_names(paths: Sequence[Path]) -> list[str]:
    """A name for what is made of each file: its own without the ending, with a number where another one has it already.

    Capitals make no difference, as on some disks.
    """
    stems = [path.stem if path.stem.strip(".") else "picture" for path in paths]
    taken = {stem.casefold() for stem in stems}
    seen: set[str] = set()
    names = []
    for stem in stems:
        name, number = stem, 1
        while name.casefold() in (seen if number == 1 else taken):
            number += 1
            name = f"{stem}-{number}"
        seen.add(name.casefold())
        taken.add(name.casefold())
        names.append(name)
    return names


def _json(value: object) -> str:
    """One line of JSON that stdout can take: letters that its encoding lacks are written by their numbers."""
    plain = _plain(value)
    text = json.dumps(plain, ensure_ascii=False, allow_nan=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except (UnicodeError, LookupError):
        return json.dumps(plain, allow_nan=False)
    return text


def _plain(value: object) -> object:
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
