"""How soon a cancelled job answers, for every kind of job, with torch not yet loaded and with torch there.

Each kind runs in a process of its own, driven as the window drives it: the engine in a thread, the job asked for by
name. Milliseconds throughout.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from latentstudio.document.view import View
from latentstudio.engine import Engine, JobEnd, JobStep
from latentstudio.engine.loading import job
from latentstudio.errors import StudioError, UnknownNameError
from latentstudio.factors import LearnSettings, load_factors
from latentstudio.generators.addons import add_on
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.generators.opening import Model, open_model
from latentstudio.inversion.photos import Photo
from latentstudio.inversion.settings import InversionSettings
from latentstudio.latents import sample_prior
from latentstudio.pixels import BytePictures, to_bytes
from latentstudio.readers import json_from
from latentstudio.steps import Step
from latentstudio.tasks.components import component_steps
from latentstudio.tasks.learn import FOUND_NAMES, Wanted
from latentstudio.tasks.photo import Framed, frame_photo
from latentstudio.tasks.thumbnails import thumbnail_steps

SECONDS = 6.0  # for which a job is watched
EARLY = 0.3  # seconds until the early click: torch is being loaded
PATIENCE = 60.0

T = TypeVar("T")


@dataclass(frozen=True)
class CancelFigures:
    """Of one kind of job.

    Attributes:
        early_ms: from the click to the end, the click in the middle of loading torch; NaN where it was done before.
        cold_ms: the longest time between two steps, during which a click would have waited, in a process in which
            torch was not there; with the answer to the click at the end.
        loaded_ms: the same, once everything is loaded.
        work_ms: the most of the processor's own time that lay between two steps in either run, or in closing: on a
            machine that others use too the times above count their work as well.
    """

    kind: str
    early_ms: float
    cold_ms: float
    loaded_ms: float
    work_ms: float


def _photo(model: Model) -> Framed:
    rows, columns = np.mgrid[0:256, 0:256]
    picture = np.stack([rows, columns, (rows + columns) // 2], axis=2).astype(np.uint8)
    return frame_photo(model, Photo(picture), "photo.png", "auto")


def _picture(model: Model, seed: int = 3) -> BytePictures:
    picture: BytePictures = to_bytes(model.pictures(sample_prior(model.card.spaces[0], count=1, seed=seed)))[0]
    return picture


def _exact(model: Model) -> Iterator[Step]:
    known = load_factors(model.folder, model.card)
    view = View.start(model.card, sample_prior(model.card.spaces[0], count=1, seed=3)[0], 3)
    return job("latentstudio.tasks.factors:exact_steps", model, view, dict.fromkeys(known.names, 0.2), known)


def _train(model: Model) -> Iterator[Step]:
    folder = Path(tempfile.mkdtemp(prefix="latentstudio-cancel-"))
    return job("latentstudio.tasks.train:train_steps", "sprites-b10", folder)


def _latent(model: Model) -> NDArray[np.float32]:
    latent: NDArray[np.float32] = sample_prior(model.card.spaces[0], count=1, seed=3)[0]
    return latent


KINDS: Mapping[str, tuple[str, Callable[[Model], Iterator[Step]]]] = {
    "photo": ("sprites-b10", lambda model: job(
        "latentstudio.tasks.invert:find", model, _photo(model), InversionSettings())),
    "photo, getting ready": ("sprites-b10", lambda model: job("latentstudio.tasks.invert:get_ready", model)),
    "likeness": ("sprites-b10", lambda model: job(
        "latentstudio.tasks.invert:measure_curve", model, _photo(model), InversionSettings())),
    "comparing": ("sprites-b10", lambda model: job("latentstudio.tasks.invert:compare", model, InversionSettings())),
    "tuning": ("sprites-b10", lambda model: job(
        "latentstudio.tasks.invert:tune", model, _photo(model), _latent(model))),
    "learn": ("sprites-b10", lambda model: job(
        "latentstudio.tasks.factors:learn_wanted", model, Wanted("x", LearnSettings()))),
    "find": ("sprites-b10", lambda model: job("latentstudio.tasks.factors:find_steps", model, FOUND_NAMES)),
    "exact": ("sprites-b10", _exact),
    "reconstruct": ("fashion-avae", lambda model: job(
        "latentstudio.tasks.rebuild:rebuild", model.card.name, model.catalogue, "cpu", (_picture(model),) * 16,
        noise_seed=0)),
    "scene": ("scenes", lambda model: job("latentstudio.tasks.decompose:take_apart", model, Photo(_picture(model)))),
    "train": ("sprites-b10", _train),
    "map": ("sprites-b10", lambda model: job(
        "latentstudio.factors.mapping:map_steps", model, space="images", count=5_000)),
    "components": ("sprites-b10", component_steps),
    "runtimes": ("sprites-b10", lambda model: job("latentstudio.tasks.runtimes:measure", model)),
    "thumbnails": ("sprites-b10", lambda model: thumbnail_steps(
        tuple(entry.name for entry in model.catalogue.models), model.catalogue)),
    "fetch": ("sprites-b10", lambda model: job(
        "latentstudio.generators.fetching:fetch", add_on("faces-gan"), catalogue=model.catalogue)),
}


class _Watch:
    """An engine in a thread, and when its job took steps."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._last = 0.0
        self.longest = self.work = 0.0
        self.end: JobEnd | None = None
        self._engine = Engine(on_result=lambda result: None, on_step=self._on_step, on_end=self._on_end)
        self._thread = threading.Thread(target=self._engine.run)
        self._thread.start()

    def cancel_after(self, seconds: float, steps: Iterator[Step]) -> float:
        """Milliseconds from the click to the job's end; NaN for one that ended before."""
        self._over.clear()
        self.longest, self._last = 0.0, time.perf_counter()
        number = self._engine.start_job("watched", self._timed(steps))
        if self._over.wait(seconds):
            return float("nan")
        clicked = time.perf_counter()
        self._engine.cancel_job(number)
        if not self._over.wait(PATIENCE):
            raise StudioError(f"the job did not end within {PATIENCE:g} s of its being cancelled")
        return 1000.0 * (time.perf_counter() - clicked)

    def close(self) -> None:
        self._engine.stop()
        self._thread.join()

    def _timed(self, steps: Iterator[Step]) -> Iterator[Step]:
        """The same steps, in the engine's thread."""
        try:
            while (step := self._spend(lambda: next(steps, None))) is not None:
                yield step
        finally:
            self._spend(getattr(steps, "close", lambda: None))

    def _spend(self, work: Callable[[], T]) -> T:
        began = time.thread_time()
        try:
            return work()
        finally:
            self.work = max(self.work, time.thread_time() - began)

    def _on_step(self, step: JobStep) -> None:
        now = time.perf_counter()
        self.longest, self._last = max(self.longest, now - self._last), now

    def _on_end(self, end: JobEnd) -> None:
        self.longest = max(self.longest, time.perf_counter() - self._last)
        self.end = end
        self._over.set()


def watch(kind: str, seconds: float, *, again: bool) -> dict[str, float]:
    """Run one kind of job in this process and cancel it after ``seconds``; with ``again`` once more, all loaded."""
    if kind not in KINDS:
        raise UnknownNameError(f"there is no kind of job '{kind}'", expected=f"one of: {', '.join(KINDS)}")
    name, steps = KINDS[kind]
    model = open_model(name, catalogue=find_catalogue())
    watched = _Watch()
    try:
        answer = watched.cancel_after(seconds, steps(model))
        told = {"answer": answer, "longest": 1000.0 * watched.longest}
        if watched.end is not None and watched.end.error is not None:
            raise watched.end.error
        if again:
            watched.cancel_after(seconds, steps(model))
            told["loaded"] = 1000.0 * watched.longest
        told["work"] = 1000.0 * watched.work
    finally:
        watched.close()
        model.close()
    return told


def measure_cancel(kinds: tuple[str, ...] = tuple(KINDS)) -> Iterator[CancelStep]:
    """The steps of watching every kind of job; the last one's ``figures`` tell of all (``CancelStep``)."""
    found: list[CancelFigures] = []
    for number, kind in enumerate(kinds):
        yield CancelStep(number / len(kinds), kind, figures=tuple(found))
        early, whole = _in_a_process(kind, EARLY, again=False), _in_a_process(kind, SECONDS, again=True)
        found.append(CancelFigures(kind, early["answer"], whole["longest"], whole["loaded"], whole["work"]))
    yield CancelStep(1.0, "measured", figures=tuple(found))


@dataclass(frozen=True)
class CancelStep(Step):
    """Progress; ``figures`` of the kinds that were watched so far."""

    figures: tuple[CancelFigures, ...] = ()

    @property
    def worst(self) -> float:
        """The longest of all, in milliseconds."""
        return _most(value for one in self.figures for value in (one.early_ms, one.cold_ms, one.loaded_ms))

    @property
    def most_work(self) -> float:
        """The most of the processor's time between two steps, in milliseconds."""
        return _most(one.work_ms for one in self.figures)


def _most(values: Iterable[float]) -> float:
    return max((value for value in values if not math.isnan(value)), default=math.nan)


def _in_a_process(kind: str, seconds: float, *, again: bool) -> dict[str, float]:
    """As ``watch``, in a fresh process with a user folder of its own.

    Raises:
        StudioError: the process or the job failed.
    """
    with tempfile.TemporaryDirectory(prefix="latentstudio-cancel-") as home:
        done = subprocess.run(
            [sys.executable, "-m", "latentstudio", "bench", "cancel", "--kind", kind, "--seconds", str(seconds),
             "--json", *(["--again"] if again else [])],
            capture_output=True, text=True, timeout=10 * PATIENCE, check=False,
            env={**os.environ, "LATENTSTUDIO_HOME": home},
        )
    try:
        told = json_from(done.stdout, dict[str, object], StudioError, lenient=True)
        return {name: float("nan") if value is None else value for name, value in told.items()
                if value is None or isinstance(value, float)}  # its provenance stands there as well
    except StudioError:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise StudioError(f"the job '{kind}' could not be watched ({last})") from None
