"""A training run in a process of its own: it survives nothing that it need not, and the window never waits for it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment, Signal

from latentstudio.errors import StudioError
from latentstudio.readers import json_from
from latentstudio.training.runs import RECIPE_FILE, TrainingRun

STOP_MS = 8_000
CAN_PAUSE = hasattr(signal, "SIGSTOP")


class TrainProcess(QObject):
    """Starts ``python -m latentstudio train`` and passes on what it says.

    Signals:
        told(dict): a line of losses (``step``, ``seconds``, ``losses``), or the answer at the end.
        noted(str): a sentence of the run.
        ended(int): the exit code; 130 after a stop, negative where it could not be started or was killed.
    """

    told = Signal(object)
    noted = Signal(str)
    ended = Signal(int)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process: QProcess | None = None
        self._rest = b""
        self._rest_of_notes = b""
        self.paused = False

    @property
    def running(self) -> bool:
        """Whether a process is there."""
        return self._process is not None

    def start(self, run: TrainingRun) -> None:
        """Train, or go on from the run's checkpoint."""
        process = QProcess(self)
        environment = QProcessEnvironment.systemEnvironment()
        cores = os.cpu_count() or 2
        environment.insert("OMP_NUM_THREADS", str(max(1, cores - 1)))
        process.setProcessEnvironment(environment)
        process.readyReadStandardOutput.connect(self._on_output)
        process.readyReadStandardError.connect(self._on_notes)
        process.finished.connect(self._on_finished)
        process.errorOccurred.connect(self._on_error)
        self._process, self._rest, self._rest_of_notes, self.paused = process, b"", b"", False
        process.start(sys.executable, [
            "-m", "latentstudio", "train", str(run.folder / RECIPE_FILE), "--run", str(run.folder), "--out",
            str(run.out), "--resume", "--json", "--beside", str(os.getpid()),
        ])

    def pause(self, paused: bool) -> None:
        """Hold the process where it is, or let it go on."""
        if self._process is not None and CAN_PAUSE and paused != self.paused:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(self._process.processId()), signal.SIGSTOP if paused else signal.SIGCONT)
                self.paused = paused

    def stop(self) -> None:
        """Ask it to keep a checkpoint and end."""
        if self._process is not None:
            self.pause(False)
            self._process.terminate()

    def close(self) -> None:
        """The window goes: give the run a moment to keep its checkpoint."""
        if self._process is None:
            return
        process = self._process
        self.stop()
        if not process.waitForFinished(STOP_MS):
            process.kill()
            process.waitForFinished(STOP_MS)

    def _on_output(self) -> None:
        assert self._process is not None
        *lines, self._rest = (self._rest + bytes(self._process.readAllStandardOutput().data())).split(b"\n")
        for line in lines:
            with contextlib.suppress(StudioError):
                self.told.emit(json_from(line, dict[str, object], StudioError, lenient=True))

    def _on_notes(self) -> None:
        assert self._process is not None
        data = self._rest_of_notes + bytes(self._process.readAllStandardError().data())
        *lines, self._rest_of_notes = data.split(b"\n")
        for line in lines:
            if line.strip():
                self.noted.emit(line.decode("utf-8", errors="replace").strip())

    def _on_finished(self, code: int, status: QProcess.ExitStatus) -> None:
        if self._process is None:
            return
        self._process.deleteLater()
        self._process = None
        self.ended.emit(code if status == QProcess.ExitStatus.NormalExit else -1)

    def _on_error(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart and self._process is not None:
            self._process.deleteLater()
            self._process = None
            self.ended.emit(-2)
