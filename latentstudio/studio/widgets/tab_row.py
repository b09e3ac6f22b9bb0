"""Tabs as plain words, the chosen one underlined in the accent."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from latentstudio.studio.widgets.base import paint_focus_ring
from latentstudio.studio.widgets.name_row import NameRow

_GAP = 22


class TabRow(NameRow):
    """A row of text tabs; where the room is short the gaps shrink first."""

    def __init__(self, names: tuple[str, ...] = (), parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._hover = ""
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.set_tabs(names)

    def set_tabs(self, names: tuple[str, ...]) -> None:
        """Other tabs; the first is chosen unless the present one is among them."""
        self._take_names(names, "tabs " + ", ".join(names))

    def _widths(self) -> list[int]:
        metrics = QFontMetrics(self._theme.font("name"))
        return [metrics.horizontalAdvance(name) for name in self._names]

    def _gap(self) -> float:
        room = self.width() - 8 - sum(self._widths())
        return min(float(self._theme.px(_GAP)), max(6.0, room / max(1, len(self._names) - 1)))

    def sizeHint(self) -> QSize:
        widths = self._widths()
        gaps = self._theme.px(_GAP) * max(0, len(widths) - 1)
        return QSize(sum(widths) + gaps + 8, self._theme.px(36))

    def minimumSizeHint(self) -> QSize:
        widths = self._widths()
        return QSize(sum(widths) + 6 * max(0, len(widths) - 1) + 8, self._theme.px(36))

    def area_of(self, name: str) -> QRectF:
        """Where a tab stands."""
        index = self._names.index(name)
        widths = self._widths()
        left = 4 + sum(widths[:index]) + index * self._gap()
        return QRectF(left, 0, widths[index], self.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tokens = self._theme.tokens
        for name in self._names:
            area = self.area_of(name)
            current = name == self._current
            painter.setFont(self._theme.font("name" if current else "body"))
            painter.setPen(tokens.colour("text" if current or name == self._hover else "dim"))
            words = area.adjusted(0, 0, 4, -4)
            painter.drawText(words, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, name)
            if current:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(tokens.colour("accent"))
                painter.drawRoundedRect(QRectF(area.left(), area.bottom() - 3, area.width(), 2), 1, 1)
            if current and self.ring_shown:
                paint_focus_ring(painter, area.adjusted(-6, 4, 6, -5), 5, self._theme)

    def _name_at(self, point: QPointF) -> str:
        half = self._gap() / 2
        return next((n for n in self._names if self.area_of(n).adjusted(-half, 0, half, 0).contains(point)), "")

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Light up what is under the mouse."""
        name = self._name_at(event.position())
        if name != self._hover:
            self._hover = name
            self.update()

    def leaveEvent(self, event: object) -> None:
        self._hover = ""
        self.update()
