"""A message at the top of the panel that it concerns: one sentence, one action, never a modal box."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QPropertyAnimation, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QGraphicsOpacityEffect, QHBoxLayout, QScrollArea, QSizePolicy, QWidget

from latentstudio.studio.shell.icons import icon_pixmap
from latentstudio.studio.theme import app_theme
from latentstudio.studio.widgets.base import CARD_RADIUS, IconButton, Link, Text, paint_ground

Kind = Literal["info", "good", "bad"]
FADE_MS = 120
_ICONS = {"info": "info", "good": "check", "bad": "warning"}
_COLOURS = {"info": "dim", "good": "good", "bad": "bad"}


class _Mark(QWidget):
    """The small icon that tells the kind."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = app_theme()
        self.kind: Kind = "info"
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        side = self._theme.px(20)
        return QSize(side, side)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        colour = getattr(self._theme.tokens, _COLOURS[self.kind])
        painter.drawPixmap(0, 0, icon_pixmap(_ICONS[self.kind], colour, self._theme.px(20), self.devicePixelRatioF()))


class _Words(QScrollArea):
    """The sentence: as high as it needs at its width; in a small window it scrolls instead of being cut off."""

    def __init__(self, label: Text) -> None:
        super().__init__()
        self._label = label
        label.setWordWrap(True)
        self.setWidget(label)
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setAutoFillBackground(False)
        label.setAutoFillBackground(False)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._label.heightForWidth(width)

    def sizeHint(self) -> QSize:
        """What the words want at the present width."""
        return QSize(self._label.sizeHint().width(), self.heightForWidth(max(1, self.width())))

    def minimumSizeHint(self) -> QSize:
        """Two lines, or one where there is no more."""
        line = self._label.fontMetrics().lineSpacing()
        return QSize(8 * self._label.fontMetrics().averageCharWidth(), min(2 * line, self.sizeHint().height()))


class NoticeBar(QWidget):
    """Hidden until there is something to say.

    Signals:
        action_requested(): its action was clicked (the bar closes).
        closed(): it was closed by the person.
        changed(): it says something else, and may want another size.
    """

    action_requested = Signal()
    closed = Signal()
    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = app_theme()
        self._mark = _Mark()
        self._sentence = Text("")
        self._sentence.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.action_link = Link("")
        self.action_link.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.close_button = IconButton("close", "Close this message")
        self.action_link.clicked.connect(self._on_action)
        self.close_button.clicked.connect(self._on_close)
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 8, 8, 8)
        row.setSpacing(10)
        row.addWidget(self._mark)
        self._words = _Words(self._sentence)
        row.addWidget(self._words, 1)
        row.addWidget(self.action_link)
        row.addWidget(self.close_button)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self._fade = QPropertyAnimation(self)
        self._fade.setPropertyName(b"opacity")
        self._fade.setDuration(FADE_MS)
        self._fade.finished.connect(self._on_faded)
        self.hide()

    @property
    def sentence(self) -> str:
        """What it says, empty while hidden."""
        return "" if self.isHidden() else self._sentence.text()

    @property
    def kind(self) -> Kind:
        """info, good or bad."""
        return self._mark.kind

    def show_notice(self, kind: Kind, sentence: str, action_text: str = "") -> None:
        """Say one sentence, with one action where there is one; it replaces what was said before."""
        self._mark.kind = kind
        self._sentence.setText(sentence)
        self._words.updateGeometry()
        self._words.verticalScrollBar().setValue(0)
        self.action_link.setText(action_text)
        self.action_link.setAccessibleName(action_text)
        self.action_link.setVisible(bool(action_text))
        self.action_link.updateGeometry()
        self.setAccessibleName(sentence)
        self.changed.emit()
        was_hidden = self.isHidden()
        self.show()
        self.update()
        if was_hidden:
            self._begin_fade()

    def hide_notice(self) -> None:
        """Nothing to say any more."""
        self._fade.stop()
        self._on_faded()
        self.hide()

    def _begin_fade(self) -> None:
        effect = QGraphicsOpacityEffect(self)
        self.setGraphicsEffect(effect)
        self._fade.setTargetObject(effect)
        self._fade.setStartValue(0.0)
        self._fade.setEndValue(1.0)
        self._fade.start()

    def _on_faded(self) -> None:
        self.setGraphicsEffect(None)  # type: ignore[arg-type]  # None takes an effect away

    def _on_action(self) -> None:
        self.hide_notice()
        self.action_requested.emit()

    def _on_close(self) -> None:
        self.hide_notice()
        self.closed.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._on_close()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """A raised ground with a thin mark of the kind at the left."""
        painter, tokens = QPainter(self), self._theme.tokens
        paint_ground(painter, QRectF(self.rect()), tokens.colour("raised"), CARD_RADIUS)
        mark = QRectF(0, 10, 3, self.height() - 20)
        paint_ground(painter, mark, tokens.colour(_COLOURS[self._mark.kind]), 1.5)
