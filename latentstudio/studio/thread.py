"""The one worker thread, and the bridge that carries its reports into the GUI thread.

The bridge stays in the GUI thread; the worker only emits its signals, so Qt queues every call to a QObject's method.
No QObject is ever made or deleted in the worker.
"""

from __future__ import annotations

from PySide6.QtCore import QObject, QThread, Signal

from latentstudio.engine import Engine


class Bridge(QObject):
    """Signals of the GUI thread that the engine's callbacks emit from the worker thread."""

    result = Signal(object)
    step = Signal(object)
    ended = Signal(object)


class EngineThread(QThread):
    """Runs ``engine.run()`` until ``shut_down``; never destroyed while running."""

    def __init__(self, engine: Engine, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("latentstudio-engine")
        self._engine = engine

    def run(self) -> None:
        """The worker loop (called by Qt in the new thread)."""
        self._engine.run()

    def shut_down(self) -> None:
        """Close the running job, end the loop and wait for the thread; safe to call twice."""
        self._engine.stop()
        self.wait()
