"""What the studio's widgets share: cards, labels, links, icon buttons and the focus ring."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QEnterEvent,
    QFocusEvent,
    QFontMetrics,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QAbstractButton, QLabel, QSizePolicy, QWidget

from latentstudio.studio.shell.icons import icon_pixmap
from latentstudio.studio.theme import Role, Theme, app_theme

CARD_RADIUS = 10.0
THUMBNAIL_RADIUS = 6.0


_KEYBOARD = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason, Qt.FocusReason.ShortcutFocusReason)


class RingFocus:
    """For widgets that show a focus ring: only where the keyboard brought the focus, not after a click."""

    _by_keyboard = False

    @property
    def ring_shown(self) -> bool:
        """Whether the ring is to be painted now."""
        return self._by_keyboard and self.hasFocus()  # type: ignore[attr-defined]  # a QWidget's

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._by_keyboard = event.reason() in _KEYBOARD
        super().focusInEvent(event)  # type: ignore[misc]  # a QWidget's


def paint_focus_ring(painter: QPainter, area: QRectF, radius: float, theme: Theme) -> None:
    """The accent ring just inside ``area`` that shows where the keyboard is."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(theme.tokens.colour("accent"), 1.5))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRoundedRect(area.adjusted(1, 1, -1, -1), radius, radius)


def paint_ground(painter: QPainter, area: QRectF, colour: QColor, radius: float) -> None:
    """A rounded ground without a border: what cards, caps, notices and the plot stand on."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour)
    painter.drawRoundedRect(area, radius, radius)


class AsHighAsWide:
    """For widgets whose height is ``heightForWidth``: set, not hinted, since nested layouts lose such a height.

    Never set inside the resize that asks for it: the new height may bring a scroll bar, that another width and so
    another height, and Qt would call itself until the stack is full.
    """

    def fit_height(self) -> None:
        """Take the height that belongs to the present width."""
        height = self.heightForWidth(self.width())  # type: ignore[attr-defined]  # a QWidget's, here and below
        if not height == self.minimumHeight() == self.maximumHeight():  # type: ignore[attr-defined]
            self.setFixedHeight(height)  # type: ignore[attr-defined]

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)  # type: ignore[misc]
        if self.heightForWidth(event.size().width()) != event.size().height():  # type: ignore[attr-defined]
            QTimer.singleShot(0, self, self.fit_height)  # type: ignore[call-overload]


class Text(QLabel):
    """Words in one of the theme's roles and colours."""

    def __init__(
        self, text: str = "", *, role: Role = "body", colour: str = "text", parent: QWidget | None = None
    ) -> None:
        super().__init__(text, parent)
        self._theme = app_theme()
        self._role = role
        self._colour = colour
        self.setTextFormat(Qt.TextFormat.PlainText)
        self._theme.changed.connect(self._on_theme)
        self._on_theme()

    def set_colour(self, colour: str) -> None:
        """Another token of the theme for the words."""
        self._colour = colour
        self._on_theme()

    def _on_theme(self) -> None:
        self.setFont(self._theme.font(self._role))
        palette = self.palette()
        palette.setColor(self.foregroundRole(), self._theme.tokens.colour(self._colour))
        self.setPalette(palette)


class Elided(Text):
    """One line that is shortened with an ellipsis where there is no room; the whole text is its tool tip."""

    def minimumSizeHint(self) -> QSize:
        words = min(4 * self.fontMetrics().averageCharWidth(), self.fontMetrics().horizontalAdvance(self.text()) + 2)
        return QSize(words, self.fontMetrics().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        room = self.contentsRect()
        words = self.fontMetrics().elidedText(self.text(), Qt.TextElideMode.ElideRight, room.width())
        self.setToolTip(self.text() if words != self.text() else "")
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(room, int(self.alignment()), words)


class Steady(Elided):
    """An elided line whose words may change with every picture: a label would lay out the whole window anew each time.

    Its room is given by the layout around it alone.
    """

    def __init__(
        self, text: str = "", *, role: Role = "body", colour: str = "text", parent: QWidget | None = None
    ) -> None:
        super().__init__("", role=role, colour=colour, parent=parent)
        self._words = text
        self.setAccessibleName(text)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def text(self) -> str:
        """What it says."""
        return self._words

    def setText(self, text: str) -> None:
        """Say something else."""
        if text != self._words:
            self._words = text
            self.setAccessibleName(text)
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(0, self.fontMetrics().height())

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()


class Heading(Text):
    """Small capitals in dim above a part of a panel."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(text, role="heading", colour="dim", parent=parent)


class Link(RingFocus, QAbstractButton):
    """Words in the accent that do something when clicked."""

    def __init__(
        self, text: str, *, role: Role = "name", colour: str = "accent", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme = app_theme()
        self._role: Role = role
        self._colour = colour
        self.setText(text)
        self.setAccessibleName(text)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._theme.changed.connect(self.updateGeometry)

    def sizeHint(self) -> QSize:
        """The words with a little air for the focus ring."""
        metrics = QFontMetrics(self._theme.font(self._role))
        return QSize(metrics.horizontalAdvance(self.text()) + 8, metrics.height() + 6)

    def minimumSizeHint(self) -> QSize:
        """The first letters, where there is no room for more."""
        metrics = QFontMetrics(self._theme.font(self._role))
        return QSize(min(self.sizeHint().width(), 5 * metrics.averageCharWidth()), metrics.height() + 6)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        font = self._theme.font(self._role)
        font.setUnderline(self.underMouse() and self.isEnabled())
        painter.setFont(font)
        tokens = self._theme.tokens
        painter.setPen(tokens.colour(self._colour if self.isEnabled() else "dim"))
        words = QFontMetrics(font).elidedText(self.text(), Qt.TextElideMode.ElideRight, self.width() - 6)
        painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter, words)
        if self.ring_shown:
            paint_focus_ring(painter, QRectF(self.rect()), 5, self._theme)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
            return
        super().keyPressEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        self.update()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self.update()
        super().leaveEvent(event)


class IconButton(RingFocus, QAbstractButton):
    """One of our icons as a quiet button; ``set_quiet(True)`` paints it only under the mouse or the keyboard."""

    def __init__(self, name: str, label: str, *, size: int = 16, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = app_theme()
        self._name = name
        self._size = size
        self._quiet = False
        self._colour = "dim"
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.set_icon(name, label)

    def set_icon(self, name: str, label: str) -> None:
        """Another icon with its tool tip and accessible name."""
        self._name = name
        self.setToolTip(label)
        self.setAccessibleName(label)
        self.update()

    def set_quiet(self, quiet: bool) -> None:
        """Paint nothing unless hovered or focused."""
        if quiet != self._quiet:
            self._quiet = quiet
            self.update()

    def set_colour(self, colour: str) -> None:
        """Another token for the resting icon."""
        self._colour = colour
        self.update()

    def sizeHint(self) -> QSize:
        """The icon with room for a finger."""
        side = self._theme.px(self._size) + 8
        return QSize(side, side)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The icon in dim, in text under the mouse; nothing where a layout left no room for all of it."""
        too_narrow = self.width() < self._theme.px(self._size)
        if too_narrow or (self._quiet and not self.underMouse() and not self.hasFocus()):
            return
        painter = QPainter(self)
        tokens = self._theme.tokens
        if self.underMouse() and self.isEnabled():
            paint_ground(painter, QRectF(self.rect()), tokens.colour("track"), 6)
        colour = "text" if self.underMouse() or self.isChecked() else self._colour
        side = self._theme.px(self._size)
        pixmap = icon_pixmap(self._name, getattr(tokens, colour), side, self.devicePixelRatioF())
        painter.drawPixmap((self.width() - side) // 2, (self.height() - side) // 2, pixmap)
        if self.ring_shown:
            paint_focus_ring(painter, QRectF(self.rect()), 6, self._theme)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
            return
        super().keyPressEvent(event)


class Card(QWidget):
    """A raised, rounded ground without a border; ``pressed`` when its empty part is clicked."""

    pressed_ground = Signal()

    def __init__(self, parent: QWidget | None = None, *, token: str = "raised", radius: float = CARD_RADIUS) -> None:
        super().__init__(parent)
        self._theme = app_theme()
        self._token = token
        self._radius = radius

    def ground(self) -> QColor:
        """The colour of the card."""
        return self._theme.tokens.colour(self._token)

    def paintEvent(self, event: QPaintEvent) -> None:
        paint_ground(QPainter(self), QRectF(self.rect()), self.ground(), self._radius)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take the keyboard away from an editor elsewhere."""
        if event.button() == Qt.MouseButton.LeftButton:
            self.pressed_ground.emit()
        super().mousePressEvent(event)
