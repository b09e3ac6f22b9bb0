"""The middle of the window: one dim line, the picture, and the history as a film strip."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from latentstudio.studio.canvas.view import Canvas
from latentstudio.studio.panels.pieces import dim, line_of
from latentstudio.studio.widgets.base import Heading
from latentstudio.studio.widgets.film_strip import FilmStrip
from latentstudio.studio.widgets.notice_bar import NoticeBar


class PicturePanel(QWidget):
    """Lays out ``notices``, ``header``, ``canvas`` and ``strip``."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("picturePanel")
        self.notices = NoticeBar(self)
        self.header = dim("", self)
        self.before_hint = dim("hold B: before", self)
        self.canvas = Canvas(self)
        self.strip = FilmStrip(self)
        self._build_layout()

    def _build_layout(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(44, 12, 44, 12)
        layout.setSpacing(8)
        layout.addWidget(self.notices)
        layout.addLayout(line_of(self.header, self.before_hint))
        layout.addWidget(self.canvas, 1)
        layout.addLayout(line_of(Heading("History", self), dim("Ctrl Z   Ctrl Shift Z", self)))
        layout.addWidget(self.strip)
