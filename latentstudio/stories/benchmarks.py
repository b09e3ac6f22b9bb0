"""Measures the real window: how old pictures are when they are painted, what the engine costs, what idling costs.

Slider moves are real mouse events at 60 Hz. All times are in milliseconds.
"""

from __future__ import annotations

import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEventLoop, QObject, Qt, QTimer

from latentstudio.engine import JobEnd, Result
from latentstudio.errors import StudioError
from latentstudio.generators.opening import Model
from latentstudio.latents import sample_prior
from latentstudio.pixels import to_bytes
from latentstudio.readers import MOST_KEPT, read_json
from latentstudio.stories.driver import Driver, story_window
from latentstudio.studio.canvas.presenter import Painted

HERTZ = 60.0
MOVES = 300
BUSY_MOVES = 240
GESTURES = 24
ROUNDS = 6
BARE_RUNS = 50
IDLE_SECONDS = 4.0
STARTUP_RUNS = 3
STARTUP_SECONDS = 60.0
BEAT_MS = 1


@dataclass(frozen=True)
class RenderReport:
    """Figures of ``bench_render``, milliseconds unless named otherwise.

    Attributes:
        eager_ms, accelerated_ms: one picture by torch and by ONNX Runtime, measured at batch 1 when the model was
            calibrated; 0 where it has no such runtime.
        bare_ms: median of the model's picture and its conversion to bytes, in the worker thread, at the same 60 Hz.
        engine_ms: median from started to finished of the pictures of a drag.
        ratio: engine_ms / bare_ms.
        age_p50_ms, age_p95_ms: from the mouse event to the paint.
        settle_p95_ms: from the last move of a gesture to the paint of its picture.
        gui_block_max_ms: the longest time for which the window's event loop did not come round during a drag.
        idle_cpu_percent: processor time while nothing happens, per cent of one core.
        busy_age_p95_ms: age while a factor is being learned; 0 where the model cannot learn.
        moves, pictures: slider moves of the drag, and pictures painted for them.
    """

    model: str
    runtime: str
    eager_ms: float
    accelerated_ms: float
    bare_ms: float
    engine_ms: float
    ratio: float
    age_p50_ms: float
    age_p95_ms: float
    settle_p95_ms: float
    gui_block_max_ms: float
    idle_cpu_percent: float
    busy_age_p95_ms: float
    moves: int
    pictures: int


@dataclass(frozen=True)
class StartupReport:
    """Medians over the runs: process start to the first paint, and to the first generated picture, milliseconds."""

    window_ms: float
    picture_ms: float
    runs: int


class LoopProbe(QObject):
    """Longest time in seconds for which the window's event loop did not come round.

    A timer of the window's own thread beats every millisecond; what makes a beat late keeps every other event waiting
    as well: a long slot, a long paint, or the worker holding the interpreter. Qt's own ``awake`` and ``aboutToBlock``
    do not tell it, since some event dispatchers handle the events between them the other way round.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.longest = 0.0
        self._last = 0.0
        self._beat = QTimer(self)
        self._beat.setTimerType(Qt.TimerType.PreciseTimer)
        self._beat.setInterval(BEAT_MS)
        self._beat.timeout.connect(self._on_beat)

    def start(self) -> None:
        """Measure from now on."""
        self._last = time.perf_counter()
        self._beat.start()

    def stop(self) -> None:
        """Measure no more; what blocks at this moment still counts."""
        self._beat.stop()
        self._on_beat()

    def _on_beat(self) -> None:
        now = time.perf_counter()
        self.longest = max(self.longest, now - self._last - BEAT_MS / 1000)
        self._last = now


class Hand(QObject):
    """Moves a slider at 60 Hz inside a running event loop and notes when each picture was asked for and painted."""

    def __init__(self, driver: Driver, name: str) -> None:
        super().__init__(driver.window)
        self._driver = driver
        self._name = name
        self._range = _range_of(driver, name)
        self._asked: dict[int, float] = {}
        self._made = 0
        self._wanted = 0
        self._go_on: Callable[[], bool] = lambda: True
        self.ages: list[float] = []
        self.painted: list[Painted] = []
        self._loop = QEventLoop(self)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(round(1000 / HERTZ))
        self._timer.timeout.connect(self._on_tick)
        driver.parts.picture.painted.connect(self._on_painted)

    def drag(self, moves: int, *, go_on: Callable[[], bool] = lambda: True) -> None:
        """Press, make ``moves`` moves (fewer when ``go_on`` turns false), let go, and wait for the last picture."""
        self._made, self._wanted, self._go_on = 0, moves, go_on
        self._driver.press(self._name)
        self._timer.start()
        self._loop.exec()
        self._driver.release(self._name, self._value(self._made))
        self._driver.settle()

    def close(self) -> None:
        """Let the window go."""
        self._driver.parts.picture.painted.disconnect(self._on_painted)
        self.deleteLater()

    def _value(self, step: int) -> float:
        low, high = self._range
        return low + (high - low) * (0.5 + 0.45 * math.sin(step / 9.0))

    def _on_tick(self) -> None:
        if self._made >= self._wanted or not self._go_on():
            self._timer.stop()
            self._loop.quit()
            return
        self._made += 1
        before = self._driver.parts.picture.last_requested
        moment = time.perf_counter()
        self._driver.move_silently(self._name, self._value(self._made))
        number = self._driver.parts.picture.last_requested
        if number != before:
            self._asked[number] = moment

    def _on_painted(self, painted: Painted) -> None:
        asked = self._asked.pop(painted.number, None)
        if asked is not None:
            self.ages.append(painted.painted - asked)
            self.painted.append(painted)


def bench_render(model: str) -> RenderReport:
    """Measure a model in the real window (on the screen, or offscreen).

    Raises:
        StudioError: the model cannot be opened, or has no factors to drag.
    """
    with tempfile.TemporaryDirectory(prefix="latentstudio-bench-") as folder, story_window(
        Path(folder), model=model
    ) as driver:
        opened = driver.parts.desk.current
        assert opened is not None
        if not opened.factors.names:
            raise StudioError(f"{model} has no factors, so there is no slider to drag", action="learn one first")
        _calibrate(driver, opened.model)
        name = opened.factors.names[0]
        hand = Hand(driver, name)
        hand.drag(30)
        hand.ages.clear()
        hand.painted.clear()
        probe = LoopProbe(driver.window)
        bare: list[float] = []
        for _ in range(ROUNDS):  # by turns, so that what else the machine does meets both alike
            hand.drag(MOVES // ROUNDS)
            bare += _bare(driver, opened.model)
        ages, engine = list(hand.ages), [times.finished - times.started for times in hand.painted]
        probe.start()  # by itself: a thousand beats a second would make the pictures above slower
        hand.drag(MOVES)
        probe.stop()
        settles = _settles(driver, hand)
        idle = _idle(driver)
        busy = _busy(driver, hand)
        hand.close()
        report = opened.model.report
        engine_ms, bare_ms = 1000 * statistics.median(engine), 1000 * statistics.median(bare)
        return RenderReport(
            model=opened.name,
            runtime=opened.model.runtime_name,
            eager_ms=_known(None if report is None else report.eager_ms),
            accelerated_ms=_known(None if report is None else report.accelerated_ms),
            bare_ms=round(bare_ms, 3),
            engine_ms=round(engine_ms, 3),
            ratio=round(engine_ms / bare_ms, 3),
            age_p50_ms=_percentile(ages, 50),
            age_p95_ms=_percentile(ages, 95),
            settle_p95_ms=_percentile(settles, 95),
            gui_block_max_ms=round(1000 * probe.longest, 2),
            idle_cpu_percent=round(idle, 2),
            busy_age_p95_ms=_percentile(busy, 95),
            moves=MOVES,
            pictures=len(ages),
        )


def _range_of(driver: Driver, name: str) -> tuple[float, float]:
    """The t that can be asked of the sample in front."""
    factor = driver.parts.factors.factor(name)
    assert factor is not None
    return factor.range_at(driver.view.latent_array().reshape(-1))


def _known(value: float | None) -> float:
    return 0.0 if value is None else round(value, 3)


def _percentile(seconds: list[float], share: float) -> float:
    return round(1000 * float(np.percentile(seconds, share)), 2) if seconds else 0.0


def _calibrate(driver: Driver, model: Model) -> None:
    """Measure both runtimes now, so that nothing starts by itself during the measurement."""
    ended: list[JobEnd] = []
    driver.parts.runner.start_job("Measuring the runtimes", model.calibration(), on_end=ended.append, quiet=True)
    driver.wait(lambda: bool(ended), "the calibration", seconds=120)
    if ended[0].error is not None:
        raise ended[0].error
    driver.parts.library.request_thumbnails()
    driver.wait(lambda: not driver.parts.runner.jobs, "the thumbnails", seconds=120)


def _bare(driver: Driver, model: Model) -> list[float]:
    """Seconds of single pictures in the worker thread in a plain loop, paced like the drag."""
    latents = sample_prior(model.card.spaces[0], count=16, seed=5)

    def work() -> list[float]:
        spent = []
        for index in range(BARE_RUNS):
            began = time.perf_counter()
            to_bytes(model.pictures(latents[index % 16 : index % 16 + 1]))
            spent.append(time.perf_counter() - began)
            time.sleep(max(0.0, 1 / HERTZ - spent[-1]))
        return spent

    answers: list[Result] = []
    driver.parts.runner.request("bare", work, answers.append)
    driver.wait(lambda: bool(answers), "the bare loop", seconds=120)
    if answers[0].error is not None:
        raise answers[0].error
    found = answers[0].value
    assert isinstance(found, list)
    return found


def _settles(driver: Driver, hand: Hand) -> list[float]:
    found = []
    for gesture in range(GESTURES):
        hand.drag(6 + gesture % 5)
        found.append(hand.ages[-1])
    return found


def _idle(driver: Driver) -> float:
    """Per cent of one core while nothing happens."""
    driver.live(1.0)
    loop = QEventLoop(driver.window)
    QTimer.singleShot(round(1000 * IDLE_SECONDS), loop.quit)
    began, used = time.perf_counter(), time.process_time()
    loop.exec()
    return 100.0 * (time.process_time() - used) / (time.perf_counter() - began)


def _busy(driver: Driver, hand: Hand) -> list[float]:
    """Ages while a factor is being learned."""
    learn = driver.parts.learn
    learn.start("x", "thorough")
    status = driver.parts.learn_panel.run_view.message
    driver.wait(
        lambda: not learn.running or not status.text().startswith(("Waiting", "loading")), "learning", seconds=120
    )
    hand.ages.clear()
    hand.drag(BUSY_MOVES, go_on=lambda: learn.running)
    ages = list(hand.ages)
    learn.cancel()
    driver.wait(lambda: not learn.running, "the end of learning", seconds=60)
    return ages


def bench_startup(runs: int = STARTUP_RUNS) -> StartupReport:
    """Start the program ``runs`` times (after one start that warms the disk) and take the medians.

    Raises:
        StudioError: the program did not come to its first picture.
    """
    stamps = [_start_once() for _ in range(runs + 1)][1:]
    return StartupReport(
        window_ms=round(statistics.median(1000 * window for window, _ in stamps), 1),
        picture_ms=round(statistics.median(1000 * picture for _, picture in stamps), 1),
        runs=runs,
    )


def _start_once() -> tuple[float, float]:
    with tempfile.TemporaryDirectory(prefix="latentstudio-startup-") as folder:
        trace = Path(folder) / "trace.json"
        environment = {**os.environ, "LATENTSTUDIO_TRACE_STARTUP": str(trace)}
        began = time.time()
        run = subprocess.run(
            [sys.executable, "-m", "latentstudio"], env=environment, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=STARTUP_SECONDS, check=False,
        )
        if run.returncode != 0 or not trace.is_file():
            raise StudioError(f"the program did not start well ({run.stderr.strip()[-200:]})")
        stamps = read_json(trace, dict[str, float], StudioError, most=MOST_KEPT)
    return stamps["window"] - began, stamps["picture"] - began
