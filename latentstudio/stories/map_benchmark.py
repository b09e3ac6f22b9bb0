"""Measures the map in the real window: how many frames a second a pan of 20,000 points gets, and what a frame costs."""

from __future__ import annotations

import math
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEvent, QEventLoop, QObject, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication

from latentstudio.errors import StudioError
from latentstudio.stories.driver import Driver, story_window
from latentstudio.studio.map.panel import LATENTS
from latentstudio.studio.map.plot import MapPlot

HERTZ = 125.0
LARGEST_COUNT = 20_000  # the largest map that may be asked for
SECONDS = 4.0
STEPS = 120
FLOATING = (1_200, 800)
LEFT, NONE = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton


@dataclass(frozen=True)
class MapReport:
    """Figures of ``bench_map``: the map where it stands in Play, and floating (``large_``).

    Attributes:
        points: samples on the map.
        moves_a_second: mouse moves that the script made while it dragged.
        frames_a_second: frames that were painted for them.
        frame_p50_ms, frame_p95_ms: milliseconds of one pan step with its paint.
        width, height: pixels of the plane.
    """

    model: str
    points: int
    moves_a_second: float
    frames_a_second: float
    frame_p50_ms: float
    frame_p95_ms: float
    width: int
    height: int
    large_moves_a_second: float
    large_frames_a_second: float
    large_frame_p50_ms: float
    large_frame_p95_ms: float
    large_width: int
    large_height: int


def bench_map(model: str, *, seconds: float = SECONDS) -> MapReport:
    """Pan 20,000 points of a model's map of z by mouse (on the screen, or offscreen).

    Raises:
        StudioError: the model cannot be opened or mapped.
    """
    with tempfile.TemporaryDirectory(prefix="latentstudio-bench-") as folder, story_window(
        Path(folder), model=model
    ) as driver:
        show_points(driver, LARGEST_COUNT)
        small = _figures(driver, seconds)
        driver.window.docks.toggle_floating("map")
        driver.window.docks.docks["map"].resize(*FLOATING)
        driver.live(0.5)
        large = {f"large_{name}": value for name, value in _figures(driver, seconds).items()}
        points = len(plot_of(driver).scene_shown.cloud)
        return MapReport(model=model, points=points, **small, **large)  # type: ignore[arg-type]  # named as fields


def show_points(driver: Driver, count: int) -> None:
    """Bring the map of z with so many samples up and wait until nothing else is going on."""
    panel, presenter = driver.parts.map_panel, driver.parts.map
    panel.show_choices(LATENTS)
    panel.view_chosen.emit(LATENTS)
    panel.count_chosen.emit(count)
    driver.wait(lambda: presenter.data is not None and len(presenter.data.cloud) == count, "the map", seconds=120)
    driver.wait(lambda: not driver.parts.runner.jobs, "the other work", seconds=120)
    driver.live(0.5)


def plot_of(driver: Driver) -> MapPlot:
    """The plane that is on the screen.

    Raises:
        StudioError: it is not.
    """
    plot = driver.parts.map_panel.plot
    if plot is None or not plot.isVisible():
        raise StudioError("the map is not on the screen", action="show it with Ctrl+5")
    return plot


class PanHand(QObject):
    """Drags the plane about by mouse moves inside a running event loop."""

    def __init__(self, plot: MapPlot) -> None:
        super().__init__()
        self._plot = plot
        self._made = 0
        self._loop = QEventLoop(self)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(round(1000 / HERTZ))
        self._timer.timeout.connect(self._on_tick)

    def drag(self, seconds: float) -> tuple[float, float]:
        """Moves and frames a second."""
        middle, self._made = self._plot.viewport().rect().center(), 0
        frames, began = self._plot.frames, time.perf_counter()
        QTimer.singleShot(round(1000 * seconds), self._loop.quit)
        self._send(QEvent.Type.MouseButtonPress, middle, LEFT, LEFT)
        self._timer.start()
        self._loop.exec()
        self._timer.stop()
        spent = time.perf_counter() - began
        self._send(QEvent.Type.MouseButtonRelease, middle, LEFT, NONE)
        return self._made / spent, (self._plot.frames - frames) / spent

    def _on_tick(self) -> None:
        self._made += 1
        middle = self._plot.viewport().rect().center()
        place = QPoint(round(80 * math.sin(self._made / 9.0)), round(30 * math.cos(self._made / 11.0)))
        self._send(QEvent.Type.MouseMove, middle + place, NONE, LEFT)

    def _send(self, kind: QEvent.Type, place: QPoint, button: Qt.MouseButton, held: Qt.MouseButton) -> None:
        viewport = self._plot.viewport()
        there = QPointF(viewport.mapToGlobal(place))
        keys = Qt.KeyboardModifier.NoModifier
        QApplication.sendEvent(viewport, QMouseEvent(kind, QPointF(place), there, button, held, keys))


def _figures(driver: Driver, seconds: float) -> dict[str, float | int]:
    plot = plot_of(driver)
    moves, frames = PanHand(plot).drag(seconds)
    spent = []
    for step in range(STEPS):
        began = time.perf_counter()
        plot.pan_by(3.0 if (step // 30) % 2 == 0 else -3.0, 1.0)
        plot.viewport().repaint()
        spent.append(1000 * (time.perf_counter() - began))
    return {
        "moves_a_second": round(moves, 1), "frames_a_second": round(frames, 1),
        "frame_p50_ms": round(float(np.median(spent)), 2), "frame_p95_ms": round(float(np.percentile(spent, 95)), 2),
        "width": plot.width(), "height": plot.height(),
    }
