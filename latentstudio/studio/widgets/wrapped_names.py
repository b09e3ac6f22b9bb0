"""Names in as many lines as they need, one of them chosen."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from latentstudio.studio.widgets.base import AsHighAsWide, paint_focus_ring, paint_ground
from latentstudio.studio.widgets.name_row import NameRow

_PADDING, _HEIGHT, _GAP = 10, 28, 4


class WrappedNames(AsHighAsWide, NameRow):
    """Names on quiet pills that wrap; the chosen one stands in the accent. Left and Right change it."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._theme.changed.connect(self.fit_height)

    def set_names(self, names: tuple[str, ...]) -> None:
        """Other names; the first is chosen unless the present one is among them."""
        self._take_names(names, ", ".join(names))
        self.fit_height()

    def area_of(self, name: str) -> QRectF:
        """Where a name stands."""
        return self._areas(self.width())[self._names.index(name)]

    def heightForWidth(self, width: int) -> int:
        areas = self._areas(width)
        return round(areas[-1].bottom()) if areas else 0

    def sizeHint(self) -> QSize:
        width = self._theme.px(380)
        return QSize(width, self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:
        metrics = QFontMetrics(self._theme.font("name"))
        widest = max((metrics.horizontalAdvance(name) for name in self._names), default=0)
        return QSize(widest + 2 * self._theme.px(_PADDING), self._theme.px(_HEIGHT))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        tokens = self._theme.tokens
        for name, area in zip(self._names, self._areas(self.width()), strict=True):
            current = name == self._current
            if current:
                paint_ground(painter, area, tokens.colour("accent", 1.0 if self.isEnabled() else 0.4), 6)
            else:
                paint_ground(painter, area, tokens.colour("raised"), 6)
            painter.setFont(self._theme.font("name" if current else "body"))
            painter.setPen(tokens.colour("on_accent" if current else "text" if self.isEnabled() else "dim"))
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, name)
            if current and self.ring_shown:
                paint_focus_ring(painter, area, 6, self._theme)

    def _areas(self, width: int) -> list[QRectF]:
        metrics = QFontMetrics(self._theme.font("name"))
        padding, height, gap = (self._theme.px(size) for size in (_PADDING, _HEIGHT, _GAP))
        areas: list[QRectF] = []
        left = top = 0
        for name in self._names:
            wide = metrics.horizontalAdvance(name) + 2 * padding
            if left and left + wide > width:
                left, top = 0, top + height + gap
            areas.append(QRectF(left, top, wide, height))
            left += wide + gap
        return areas

    def _name_at(self, point: QPointF) -> str:
        areas = self._areas(self.width())
        return next((name for name, area in zip(self._names, areas, strict=True) if area.contains(point)), "")
