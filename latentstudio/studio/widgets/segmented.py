"""A segmented control: a few names, one of them chosen."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from latentstudio.studio.widgets.base import paint_focus_ring, paint_ground
from latentstudio.studio.widgets.name_row import NameRow

_LEAST_PADDING = 10.0


class Segmented(NameRow):
    """Names side by side; the chosen one stands on a raised pill. Left and Right change it."""

    def __init__(
        self, names: tuple[str, ...] = (), *, padding: int = 36, height: int = 30, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._padding = padding
        self._height = height
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.set_names(names)

    def set_names(self, names: tuple[str, ...]) -> None:
        """Other names; the first is chosen unless the present one is among them."""
        self._take_names(names, ", ".join(names))

    def _words(self) -> list[int]:
        metrics = QFontMetrics(self._theme.font("name"))
        return [metrics.horizontalAdvance(name) for name in self._names]

    def _widths(self) -> list[float]:
        words = self._words()
        room = (self.width() - sum(words)) / max(1, 2 * len(words))
        padding = max(_LEAST_PADDING, min(float(self._theme.px(self._padding)), room))
        return [word + 2 * padding for word in words]

    def sizeHint(self) -> QSize:
        words = self._words()
        return QSize(sum(words) + 2 * len(words) * self._theme.px(self._padding), self._theme.px(self._height))

    def minimumSizeHint(self) -> QSize:
        words = self._words()
        return QSize(sum(words) + round(2 * len(words) * _LEAST_PADDING), self._theme.px(self._height))

    def area_of(self, name: str) -> QRectF:
        """Where a name stands."""
        index = self._names.index(name)
        widths = self._widths()
        return QRectF(sum(widths[:index]), 0, widths[index], self.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tokens = self._theme.tokens
        for name in self._names:
            area = self.area_of(name)
            current = name == self._current
            if current:
                paint_ground(painter, area, tokens.colour("raised"), area.height() / 2)
            painter.setFont(self._theme.font("name" if current else "body"))
            painter.setPen(tokens.colour("text" if current else "dim"))
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, name)
            if current and self.ring_shown:
                paint_focus_ring(painter, area, area.height() / 2 - 1, self._theme)

    def _name_at(self, point: QPointF) -> str:
        return next((name for name in self._names if self.area_of(name).contains(point)), "")
