"""A segmented control: a few names, one of them chosen."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from latentstudio.studio.theme import app_theme
from latentstudio.studio.widgets.base import RingFocus, paint_focus_ring

_LEAST_PADDING = 10.0


class Segmented(RingFocus, QWidget):
    """Names side by side; the chosen one stands on a raised pill. Left and Right change it.

    Signals:
        chosen(str): the person chose another.
    """

    chosen = Signal(str)

    def __init__(
        self, names: tuple[str, ...] = (), *, padding: int = 36, height: int = 30, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme = app_theme()
        self._names: tuple[str, ...] = ()
        self._current = ""
        self._padding = padding
        self._height = height
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.set_names(names)

    @property
    def names(self) -> tuple[str, ...]:
        """All names."""
        return self._names

    @property
    def current(self) -> str:
        """The chosen one."""
        return self._current

    def set_names(self, names: tuple[str, ...]) -> None:
        """Other names; the first is chosen unless the present one is among them."""
        self._names = names
        if self._current not in names:
            self._current = names[0] if names else ""
        self.setAccessibleName(", ".join(names))
        self.setAccessibleDescription(self._current)
        self.updateGeometry()
        self.update()

    def set_current(self, name: str) -> None:
        """Choose without a signal; an unknown name changes nothing."""
        if name in self._names:
            self._current = name
            self.setAccessibleDescription(name)
            self.update()

    def _words(self) -> list[int]:
        metrics = QFontMetrics(self._theme.font("name"))
        return [metrics.horizontalAdvance(name) for name in self._names]

    def _widths(self) -> list[float]:
        words = self._words()
        room = (self.width() - sum(words)) / max(1, 2 * len(words))
        padding = max(_LEAST_PADDING, min(float(self._theme.px(self._padding)), room))
        return [word + 2 * padding for word in words]

    def sizeHint(self) -> QSize:
        """All names side by side."""
        words = self._words()
        return QSize(sum(words) + 2 * len(words) * self._theme.px(self._padding), self._theme.px(self._height))

    def minimumSizeHint(self) -> QSize:
        """The names with little air."""
        words = self._words()
        return QSize(sum(words) + round(2 * len(words) * _LEAST_PADDING), self._theme.px(self._height))

    def area_of(self, name: str) -> QRectF:
        """Where a name stands."""
        index = self._names.index(name)
        widths = self._widths()
        return QRectF(sum(widths[:index]), 0, widths[index], self.height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """The names and the pill."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        tokens = self._theme.tokens
        for name in self._names:
            area = self.area_of(name)
            current = name == self._current
            if current:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(tokens.colour("raised"))
                painter.drawRoundedRect(area, area.height() / 2, area.height() / 2)
            painter.setFont(self._theme.font("name" if current else "body"))
            painter.setPen(tokens.colour("text" if current else "dim"))
            painter.drawText(area, Qt.AlignmentFlag.AlignCenter, name)
            if current and self.ring_shown:
                paint_focus_ring(painter, area, area.height() / 2 - 1, self._theme)

    def _name_at(self, point: QPointF) -> str:
        return next((name for name in self._names if self.area_of(name).contains(point)), "")

    def _choose(self, name: str) -> None:
        if name and name != self._current:
            self.set_current(name)
            self.chosen.emit(name)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._choose(self._name_at(event.position()))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Left and Right."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()), 0)
        if not step or not self._names:
            super().keyPressEvent(event)
            return
        index = self._names.index(self._current) + step
        if 0 <= index < len(self._names):
            self._choose(self._names[index])
