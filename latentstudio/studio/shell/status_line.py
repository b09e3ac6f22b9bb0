"""The status bar in three zones: what is going on, the last picture's figures, the running job."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from latentstudio.studio.theme import app_theme
from latentstudio.studio.widgets.base import Steady
from latentstudio.studio.widgets.job_strip import JobStrip


class StatusLine(QWidget):
    """``set_state`` at the left, ``set_render`` in the middle, ``job`` at the right."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = app_theme()
        self._state = Steady("Ready", role="small", colour="dim")
        self._render = Steady("", role="small", colour="dim")
        self.job = JobStrip()
        row = QGridLayout(self)
        row.setContentsMargins(20, 0, 20, 0)
        row.setHorizontalSpacing(16)
        row.addWidget(self._state, 0, 0)
        row.addWidget(self._render, 0, 1)
        row.addWidget(self.job, 0, 2, Qt.AlignmentFlag.AlignRight)
        self._row = row
        self.job.shown.connect(self._on_job)
        self._on_job(False)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(self._theme.px(28))
        self._theme.changed.connect(self._on_theme)
        self.setAccessibleName("Status")

    @property
    def state_text(self) -> str:
        """What the left zone says."""
        return self._state.text()

    @property
    def render_text(self) -> str:
        """What the middle zone says."""
        return self._render.text()

    def set_state(self, text: str) -> None:
        """What is going on ("Ready")."""
        self._state.setText(text)

    def set_render(self, text: str) -> None:
        """The last picture ("input to picture 9 ms  ·  ONNX Runtime, CPU  ·  full quality")."""
        self._render.setText(text)

    def _on_job(self, shown: bool) -> None:
        """The room of the right zone belongs to the middle one while no job runs."""
        for column, stretch in enumerate((2, 4, 4) if shown else (2, 8, 0)):
            self._row.setColumnStretch(column, stretch)

    def _on_theme(self) -> None:
        self.setFixedHeight(self._theme.px(28))

    def paintEvent(self, event: QPaintEvent) -> None:
        """The panel's ground and a line above."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.tokens.colour("panel"))
        painter.fillRect(0, 0, self.width(), 1, self._theme.tokens.colour("line"))
