"""The status line: what goes on, how old the last picture was when it was painted, and the running job."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer

from latentstudio.engine import JobEnd, JobStep
from latentstudio.studio.canvas.presenter import Painted
from latentstudio.studio.desk import Desk
from latentstudio.studio.runner import Runner
from latentstudio.studio.shell.status_line import StatusLine
from latentstudio.studio.widgets.job_strip import JobLine

MIDDLE_EVERY_MS = 150


class StatusPresenter(QObject):
    """Writes the three zones; the middle at most a few times a second, so that it can be read and costs nothing."""

    def __init__(self, desk: Desk, runner: Runner, line: StatusLine, *, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._runner = runner
        self._line = line
        self._job = 0
        self._newest: Painted | None = None
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.setInterval(MIDDLE_EVERY_MS)
        self._later.timeout.connect(self._show_middle)
        desk.activity.connect(self._on_activity)
        runner.stepped.connect(self._on_step)
        runner.ended.connect(self._on_end)
        line.job.cancel_requested.connect(self.cancel)
        self._on_activity("")

    def cancel(self) -> None:
        """Cancel the job that is shown."""
        if self._job:
            self._runner.cancel_job(self._job)

    def on_painted(self, painted: Painted) -> None:
        """A picture was painted."""
        self._newest = painted
        if not self._later.isActive():
            self._later.start()

    def _show_middle(self) -> None:
        opened = self._desk.current
        if self._newest is not None and opened is not None:
            self._line.set_render(middle_text(self._newest, opened.model.runtime_name))

    def _on_activity(self, text: str) -> None:
        self._line.set_state(text or "Ready")

    def _on_step(self, step: JobStep) -> None:
        self._job = step.id
        self._line.job.show_job(JobLine(step.title, step.step.fraction, step.seconds_left))
        self._on_activity(step.step.message)

    def _on_end(self, end: JobEnd) -> None:
        if end.id == self._job or not self._runner.jobs:
            self._job = 0
            self._line.job.clear()
            self._on_activity("")


def middle_text(painted: Painted, runtime: str) -> str:
    """``input to picture 9 ms  ·  ONNX Runtime, CPU  ·  full quality``."""
    return f"input to picture {painted.age * 1000:.0f} ms  ·  {runtime}  ·  full quality"
