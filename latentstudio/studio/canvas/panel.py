"""The middle of the window: one dim line, the picture, and the history as a film strip."""

from __future__ import annotations

from PySide6.QtCore import QEvent
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from latentstudio.studio.canvas.film_strip import FilmStrip
from latentstudio.studio.canvas.view import Canvas
from latentstudio.studio.theme import app_theme
from latentstudio.studio.widgets.notice_bar import NoticeBar
from latentstudio.studio.widgets.pieces import dim, line_of

MARGIN = 24
EDGE = 12
ROOM_FOR_HINTS = 340
ROOM_FOR_STRIP = 590


class PicturePanel(QWidget):
    """Lays out ``header``, ``canvas`` and ``strip`` in one column as wide as the picture is high."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("picturePanel")
        self._theme = app_theme()
        self.notices = NoticeBar(self)
        self.header = dim("", self)
        self.before_hint = dim("hold B: before", self)
        self.canvas = Canvas(self)
        self.strip = FilmStrip(self)
        self._build_layout()

    def _build_layout(self) -> None:
        self._column = QVBoxLayout(self)
        self._column.setSpacing(8)
        self._column.addLayout(line_of(self.header, self.before_hint))
        self._column.addWidget(self.canvas, 1)
        self._column.addWidget(self.strip)
        self._column.addStretch(0)
        self.notices.raise_()
        self.notices.changed.connect(self._place_notice)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Make the column as wide as the largest square that fits, so that words and strip stand under the picture."""
        super().resizeEvent(event)
        least = min(MARGIN, self.width() // 14)
        shows_strip = self.height() >= self._theme.px(ROOM_FOR_STRIP)
        others = 2 * self._theme.px(EDGE) + self.header.sizeHint().height() + self._column.spacing()
        others += self.strip.sizeHint().height() + self._column.spacing() if shows_strip else 0
        side = max(self.canvas.minimumSizeHint().width(), min(self.width() - 2 * least, self.height() - others))
        beside = max(least, (self.width() - side) // 2)
        self._column.setContentsMargins(beside, self._theme.px(EDGE), beside, self._theme.px(EDGE))
        self.canvas.setMaximumHeight(self.width() - 2 * beside)
        self.before_hint.setVisible(side >= self._theme.px(ROOM_FOR_HINTS))
        self.strip.setVisible(shows_strip)

    def event(self, event: QEvent) -> bool:
        """Another layout, another place of the message: over the picture's lower edge, where it moves nothing."""
        done = super().event(event)
        if event.type() in (QEvent.Type.LayoutRequest, QEvent.Type.Resize):
            self._place_notice()
        return done

    def _place_notice(self) -> None:
        area = self.canvas.geometry().adjusted(12, 12, -12, -12)
        wanted = max(self.notices.minimumSizeHint().height(), self.notices.heightForWidth(area.width()))
        high = min(area.height(), wanted)
        self.notices.setGeometry(area.left(), area.bottom() - high + 1, area.width(), high)

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), self._theme.tokens.colour("background"))
