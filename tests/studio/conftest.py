"""Plain fakes for presenters, and a guard: a test that leaves a window or a thread behind fails itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtWidgets import QApplication

from latentstudio.document.workspace import Workspace
from latentstudio.engine import JobEnd, JobStep, Result, Timing
from latentstudio.engine.loading import wait_for_imports
from latentstudio.errors import UnknownNameError
from latentstudio.factors import Evidence, FactorSet, MeasuredCalibration, MonotoneCurve
from latentstudio.generators.card import ModelCard
from latentstudio.generators.catalogue import Catalogue, ModelEntry
from latentstudio.generators.conditions import NONE, Conditions
from latentstudio.latents import LatentSpace
from latentstudio.steps import Step
from latentstudio.studio import desk as desk_module
from latentstudio.studio.desk import Desk
from latentstudio.studio.theme import apply_theme
from latentstudio.tasks import draw
from latentstudio.tasks.draw import OpenModel
from latentstudio.units import PIXELS, TIMES, Unit

SIZE = 4


@pytest.fixture(autouse=True)
def no_leftovers(qapp: QApplication) -> Iterator[None]:
    """Fail the test that leaves a visible top-level widget or a thread."""
    threads = set(threading.enumerate())
    yield
    QApplication.sendPostedEvents(None, 0)
    qapp.processEvents()
    windows = [widget for widget in qapp.topLevelWidgets() if widget.isVisible()]
    wait_for_imports()  # given up, they run to their end
    left = [thread for thread in threading.enumerate() if thread not in threads and thread.is_alive()]
    for widget in windows:
        widget.close()
    assert not windows, f"the test left windows: {windows}"
    assert not left, f"the test left threads: {left}"


class FakeWorker:
    """Does requests when ``work`` is called and drives jobs step by step, in the test's own thread."""

    def __init__(self) -> None:
        self.number = 0
        self.waiting: dict[str, tuple[int, Callable[[], object], Callable[[Result], None]]] = {}
        self.jobs: dict[int, SimpleNamespace] = {}
        self.asked: list[str] = []

    def request(
        self,
        view: str,
        work: Callable[[], object],
        on_result: Callable[[Result], None],
        *,
        input_time: float | None = None,
    ) -> int:
        self.number += 1
        self.waiting[view] = (self.number, work, on_result)
        self.asked.append(view)
        return self.number

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
        self.number += 1
        self.jobs[self.number] = SimpleNamespace(
            title=title, steps=steps, on_step=on_step, on_end=on_end, quiet=quiet, background=background,
            cancelled=False,
        )
        return self.number

    def cancel_job(self, job: int) -> None:
        self.jobs[job].cancelled = True

    def work(self) -> None:
        """Serve everything that waits, also what the answers ask for."""
        while self.waiting:
            view, (number, work, on_result) = next(iter(self.waiting.items()))
            del self.waiting[view]
            value: object = None
            error: Exception | None = None
            try:
                value = work()
            except Exception as problem:
                error = problem
            on_result(Result(view, number, value, error, Timing(0.0, 0.0, 1.0, 2.0)))

    def run_jobs(self) -> None:
        """Run every job to its end."""
        while self.jobs:
            number, job = next(iter(self.jobs.items()))
            self._run(number, job)

    def _run(self, number: int, job: SimpleNamespace) -> None:
        outcome, error, last = "done", None, None
        steps = job.steps
        while True:
            if job.cancelled:
                steps.close()
                outcome = "cancelled"
                break
            try:
                last = next(steps)
            except StopIteration:
                break
            except Exception as problem:
                outcome, error = "failed", problem
                break
            if job.on_step is not None:
                job.on_step(JobStep(number, job.title, last, 1.0, None))
        del self.jobs[number]
        if job.on_end is not None:
            job.on_end(JobEnd(number, job.title, outcome, last, error))


@dataclass(frozen=True)
class FakeFactor:
    """Moves along one coordinate, a tenth of a latent unit for each t; known from -8 to 8."""

    name: str
    unit: Unit
    index: int
    grade: str = "C"
    closeness: str = "A"
    label: str = ""
    is_learned: bool = True
    evidence: Evidence | None = None
    figures: dict[str, object] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        return self.label or self.name

    @property
    def reach(self) -> tuple[float, float]:
        return (-8.0, 8.0)

    def range_at(self, latent: np.ndarray) -> tuple[float, float]:
        return (-8.0, 8.0)

    @property
    def measured(self) -> MeasuredCalibration:
        p = np.linspace(-0.8, 0.8, 9)
        return MeasuredCalibration(p, 10 * p, np.full(9, 0.5), (-0.8, 0.8))

    @property
    def paper(self) -> MonotoneCurve:
        p = np.linspace(-0.8, 0.8, 9)
        return MonotoneCurve(p, 9 * p)

    def describe(self) -> str:
        return f"{self.name} is known from -8 to 8"


@dataclass
class FakeModel:
    """Paints the first three coordinates as one colour."""

    card: ModelCard
    folder: Path = Path("nowhere")
    sources: tuple[Path, ...] = ()
    device: str = "cpu"
    tuning: str = ""
    runtime_name: str = "a fake, CPU"
    needs_calibration: bool = False
    closed: bool = False
    fails: Exception | None = None
    drawn: list[np.ndarray] = field(default_factory=list)

    def pictures(self, latents: np.ndarray, *, space: str | None = None, conditions: Conditions = NONE) -> np.ndarray:
        if self.fails is not None:
            raise self.fails
        self.drawn.append(latents.copy())
        colours = np.clip(0.5 + latents[:, :3, None, None] / 8.0, 0, 1)
        return np.broadcast_to(colours, (len(latents), 3, 16, 16)).astype(np.float32)

    def close(self) -> None:
        self.closed = True


def fake_apply(
    latent: np.ndarray, positions: dict[str, float], factors: FactorSet, *, keep: Collection[str] = ()
) -> SimpleNamespace:
    """What apply_factors promises, for fakes."""
    moved, reached, clamped = latent.copy(), {}, []
    for name, t in positions.items():
        low, high = factors.get(name).range_at(latent)
        reached[name] = min(max(t, low), high)
        if reached[name] != t:
            clamped.append(name)
        moved[factors.get(name).index] += reached[name] / 10.0
    return SimpleNamespace(latent=moved, reached=reached, clamped=tuple(clamped), notes=())


def fake_standing(
    latent: np.ndarray, name: str, positions: dict[str, float], factors: FactorSet, *, keep: Collection[str] = ()
) -> float:
    """As if every factor that stands elsewhere had moved this one along by a tenth of its t."""
    return positions.get(name, sum(0.1 * t for t in positions.values()))


def card_named(name: str) -> ModelCard:
    return ModelCard(name=name, backend="fake", kind="fake", image_size=(16, 16), spaces=(LatentSpace("z", (SIZE,)),),
                     licence="MIT", weights_sha256=f"hash of {name}")


@pytest.fixture
def dressed(qapp: QApplication) -> QApplication:
    """The application in the dark theme."""
    apply_theme(qapp, "dark")
    return qapp


@pytest.fixture
def worker() -> FakeWorker:
    return FakeWorker()


@pytest.fixture
def models() -> dict[str, FakeModel]:
    """The models that can be opened by name; a test may add or break some."""
    return {name: FakeModel(card_named(name)) for name in ("one", "two")}


@pytest.fixture
def desk(
    dressed: QApplication, worker: FakeWorker, models: dict[str, FakeModel], monkeypatch: pytest.MonkeyPatch, home: Path
) -> Desk:
    """A desk over fake models with the factors x and scale."""
    x = FakeFactor("x", PIXELS, 0, figures={"leak": {"scale": 2.0}})
    factors = FactorSet((x, FakeFactor("scale", TIMES, 1, "B")))

    def open_fake(name: str, catalogue: Catalogue, device: str) -> OpenModel:
        if name not in models:
            raise UnknownNameError(f"there is no model '{name}'")
        return OpenModel(name, models[name], factors)  # type: ignore[arg-type]

    monkeypatch.setattr(desk_module, "open_for_window", open_fake)
    monkeypatch.setattr(draw, "apply_factors", fake_apply)
    monkeypatch.setattr(draw, "standing", fake_standing)
    entries = tuple(ModelEntry(name, model.card, Path("nowhere"), True) for name, model in models.items())
    seeds = iter(range(100, 200))
    return Desk(Workspace(), worker, next_seed=lambda: next(seeds), catalogue=Catalogue((), entries))
