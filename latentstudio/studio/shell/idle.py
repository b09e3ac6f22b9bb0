"""What waits until the hands rest: removing what a killed program left, measuring which runtime is faster, drawing the
library's missing thumbnails, getting ready for photos."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer

from latentstudio.document.workspace import Change
from latentstudio.engine import JobEnd
from latentstudio.engine.loading import job
from latentstudio.studio.canvas.presenter import Painted
from latentstudio.studio.shell.components import Components
from latentstudio.tasks.tidy import tidy_steps

REST_MS = 4_000


class IdleWork(QObject):
    """Starts one quiet job at a time after some seconds without a change."""

    def __init__(self, parts: Components, *, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._parts = parts
        self._tidied = False
        self._asked_thumbnails = False
        self._measuring = 0
        self._measured: set[str] = set()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REST_MS)
        self._timer.timeout.connect(self._on_rest)
        parts.picture.painted.connect(self._on_painted)
        parts.workspace.subscribe(self._on_change)

    def _on_painted(self, painted: Painted) -> None:
        self._timer.start()

    def _on_change(self, change: Change) -> None:
        self._timer.start()

    def _on_rest(self) -> None:
        parts, opened = self._parts, self._parts.desk.current
        if opened is None:
            return
        if parts.runner.jobs:  # a map is drawn at such times too
            self._timer.start()
            return
        if not self._tidied:
            self._tidied = True
            parts.runner.start_job("Tidying", tidy_steps(), quiet=True)
            self._timer.start()
        elif opened.model.needs_calibration and opened.name not in self._measured:
            self._measured.add(opened.name)
            self._measuring = parts.runner.start_job(
                "Measuring the runtimes", job("latentstudio.tasks.runtimes:measure", opened.model),
                on_end=self._on_measured, quiet=True,
            )
        elif not self._asked_thumbnails:
            self._asked_thumbnails = True
            parts.library.request_thumbnails()
            self._timer.start()
        elif not parts.photo.is_ready:
            parts.photo.prepare()

    def _on_measured(self, end: JobEnd) -> None:
        self._measuring = 0
        if end.error is not None:
            self._parts.desk.tell_error(end.error, doing="Measuring the runtimes")
        self._timer.start()
