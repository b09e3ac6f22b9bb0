"""A value that looks like a label and becomes an editor when it is clicked or reached by Tab."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QFontMetrics, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QSizePolicy, QWidget

from latentstudio.studio.theme import Role, app_theme


class ValueEdit(QLineEdit):
    """Shows a text; while edited it takes a new one.

    Signals:
        entered(str): what was typed, at Enter or when the keyboard goes elsewhere after a change.
        cancelled(): Esc, or nothing was changed.
    """

    entered = Signal(str)
    cancelled = Signal()

    def __init__(
        self, *, role: Role = "value", colour: str = "text", widest: str = "+00.0 px", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme = app_theme()
        self._role: Role = role
        self._widest = widest
        self._shown = ""
        self.setProperty("colour", colour)  # the style sheet knows it
        self.setFrame(False)
        self.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self._theme.changed.connect(self._on_theme)
        self._on_theme()

    def set_shown(self, text: str) -> None:
        """The text of the resting field; an edit that is going on is left alone."""
        self._shown = text
        if not self.hasFocus():
            self.setText(text)

    @property
    def shown(self) -> str:
        """The text of the resting field."""
        return self._shown

    def sizeHint(self) -> QSize:
        metrics = QFontMetrics(self._theme.font(self._role))
        return QSize(metrics.horizontalAdvance(self._widest) + 14, metrics.height() + 6)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def finish(self) -> None:
        """Back to the resting text, as after a value that was taken."""
        self.setText(self._shown)
        self.deselect()
        self.clearFocus()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        QTimer.singleShot(0, self, self._on_focused)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() == Qt.FocusReason.PopupFocusReason:
            return
        changed = self.text().strip() != self._shown.strip()
        if changed:
            self.entered.emit(self.text())
        else:
            self.cancelled.emit()
        self.setText(self._shown)
        self.deselect()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter takes the text, Esc gives it up."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.entered.emit(self.text())
        elif event.key() == Qt.Key.Key_Escape:
            self.setText(self._shown)
            self.clearFocus()
        else:
            super().keyPressEvent(event)

    def _on_focused(self) -> None:
        if self.hasFocus():
            self.selectAll()

    def _on_theme(self) -> None:
        self.setFont(self._theme.font(self._role))
