"""Three short hints at the first start, each pointing at what it speaks of."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPainterPath, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from latentstudio.studio.theme import app_theme
from latentstudio.studio.widgets.base import Card, Link, Text

_WIDTH = 300
_MARGIN = 12


@dataclass(frozen=True)
class Hint:
    """One hint: the widget it points at, a title and one sentence."""

    target: QWidget
    title: str
    sentence: str


class Hints(QWidget):
    """An overlay over the whole window that darkens everything but the target.

    Signals:
        finished(): the last hint was read, or the rest skipped.
    """

    finished = Signal()

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._theme = app_theme()
        self._window = window
        self._hints: tuple[Hint, ...] = ()
        self._index = 0
        self._card = Card(self, token="raised")
        self._title = Text("", role="value")
        self._sentence = Text("")
        self._sentence.setWordWrap(True)
        self._count = Text("", role="small", colour="dim")
        self.skip_link = Link("Skip", role="small", colour="dim")
        self.next_button = QPushButton("Next")
        self.next_button.setDefault(True)
        self.next_button.clicked.connect(self._on_next)
        self.skip_link.clicked.connect(self.finish)
        foot = QHBoxLayout()
        foot.addWidget(self._count)
        foot.addStretch(1)
        foot.addWidget(self.skip_link)
        foot.addWidget(self.next_button)
        column = self._layout = QVBoxLayout(self._card)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(8)
        column.addWidget(self._title)
        column.addWidget(self._sentence)
        column.addLayout(foot)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        window.installEventFilter(self)
        self.hide()

    @property
    def index(self) -> int:
        """Which hint is shown, from 0."""
        return self._index

    def start(self, hints: tuple[Hint, ...]) -> None:
        """Show the first one over the window."""
        if not hints:
            self.finished.emit()
            return
        self._hints = hints
        self._index = 0
        self.setGeometry(self._window.rect())
        self.show()
        self.raise_()
        self._show_hint()

    def _show_hint(self) -> None:
        hint = self._hints[self._index]
        self._title.setText(hint.title)
        self._sentence.setText(hint.sentence)
        self._count.setText(f"{self._index + 1} of {len(self._hints)}")
        self.next_button.setText("Done" if self._index == len(self._hints) - 1 else "Next")
        self.setAccessibleName(f"{hint.title}. {hint.sentence}")
        self._place()
        self.next_button.setFocus(Qt.FocusReason.OtherFocusReason)
        self.update()

    def _target_area(self) -> QRect:
        target = self._hints[self._index].target
        corner = target.mapTo(self._window, QPoint(0, 0)) if target.isVisible() else self.rect().center()
        size = target.size() if target.isVisible() else self._card.size() * 0
        return QRect(corner, size).adjusted(-6, -6, 6, 6).intersected(self.rect())

    def _place(self) -> None:
        width = min(self._theme.px(_WIDTH), self.width() - 2 * _MARGIN)
        self._card.setFixedWidth(width)
        self._layout.activate()
        height = max(self._layout.heightForWidth(width), self._card.sizeHint().height())
        self._card.resize(width, height)
        area = self._target_area()
        x, y = card_place(area, self.rect(), width, height)
        self._card.move(x, y)

    def _on_next(self) -> None:
        if self._index + 1 < len(self._hints):
            self._index += 1
            self._show_hint()
        else:
            self.finish()

    def finish(self) -> None:
        """No more hints."""
        self.hide()
        self.finished.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.finish()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Right):
            self._on_next()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self.setGeometry(self._window.rect())
            self._place()
        return super().eventFilter(watched, event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Dark over everything but the target, which gets a ring."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self._target_area())
        shade = QPainterPath()
        shade.addRect(QRectF(self.rect()))
        shade.addRoundedRect(area, 12, 12)
        colour = self._theme.tokens.colour("background" if self._theme.tokens.dark else "text", 0.62)
        painter.fillPath(shade, colour)
        painter.setPen(QPen(self._theme.tokens.colour("accent"), 2))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(area, 12, 12)


def card_place(target: QRect, window: QRect, width: int, height: int) -> tuple[int, int]:
    """Where a card of this size goes: beside the target where there is room, else over its middle."""
    middle_y = target.center().y() - height // 2
    middle_x = target.center().x() - width // 2
    if target.right() + _MARGIN + width <= window.right():
        x, y = target.right() + _MARGIN, middle_y
    elif target.left() - _MARGIN - width >= window.left():
        x, y = target.left() - _MARGIN - width, middle_y
    elif target.bottom() + _MARGIN + height <= window.bottom():
        x, y = middle_x, target.bottom() + _MARGIN
    elif target.top() - _MARGIN - height >= window.top():
        x, y = middle_x, target.top() - _MARGIN - height
    else:
        x, y = middle_x, middle_y
    x = max(window.left() + _MARGIN, min(x, window.right() - width - _MARGIN))
    y = max(window.top() + _MARGIN, min(y, window.bottom() - height - _MARGIN))
    return x, y
