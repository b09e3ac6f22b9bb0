"""The bar at the top: the program's name, the workspaces, the search field for actions."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetrics, QKeyEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QGridLayout, QHBoxLayout, QMenuBar, QSizePolicy, QWidget

from latentstudio.studio.theme import app_theme
from latentstudio.studio.widgets.base import RingFocus, Text, paint_focus_ring, paint_ground
from latentstudio.studio.widgets.segmented import Segmented

ROOM_FOR_NAME = 1060


class SearchButton(RingFocus, QAbstractButton):
    """Looks like a search field and opens the search."""

    def __init__(self, words: str, shortcut: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = app_theme()
        self._words = words
        self._shortcut = shortcut
        self.setAccessibleName(words)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def sizeHint(self) -> QSize:
        """As wide as in the drawing, wider with large text."""
        metrics = QFontMetrics(self._theme.font("small"))
        words = metrics.horizontalAdvance(self._words + self._shortcut) + self._theme.px(72)
        return QSize(max(self._theme.px(240), words), self._theme.px(30))

    def minimumSizeHint(self) -> QSize:
        metrics = QFontMetrics(self._theme.font("small"))
        words = metrics.horizontalAdvance(self._words + self._shortcut)
        return QSize(words + self._theme.px(44), self._theme.px(30))

    def paintEvent(self, event: QPaintEvent) -> None:
        """A raised pill with the words and the shortcut."""
        painter = QPainter(self)
        tokens, area = self._theme.tokens, QRectF(self.rect())
        paint_ground(painter, area, tokens.colour("raised"), area.height() / 2)
        painter.setFont(self._theme.font("small"))
        painter.setPen(tokens.colour("text" if self.underMouse() else "dim"))
        inner = area.adjusted(self._theme.px(16), 0, -self._theme.px(16), 0)
        painter.drawText(inner, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, self._words)
        painter.setPen(tokens.colour("dim"))
        painter.drawText(inner, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, self._shortcut)
        if self.ring_shown:
            paint_focus_ring(painter, area, area.height() / 2 - 1, self._theme)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.click()
            return
        super().keyPressEvent(event)


class TopBar(QWidget):
    """The top bar.

    Signals:
        workspace_chosen(str): another workspace.
        search_requested(): the search field was clicked.
    """

    workspace_chosen = Signal(str)
    search_requested = Signal()

    def __init__(
        self, workspaces: tuple[str, ...] = (), *, shortcut: str = "Ctrl K", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._theme = app_theme()
        self._name = Text("latentstudio", role="title")
        self.workspaces = Segmented(workspaces)
        self.search = SearchButton("Search actions", shortcut)
        self.workspaces.chosen.connect(self.workspace_chosen)
        self.search.clicked.connect(self.search_requested)
        row = QGridLayout(self)
        row.setContentsMargins(20, 0, 20, 0)
        self._left = QHBoxLayout()
        self._left.setSpacing(16)
        self._left.addWidget(self._name)
        row.addLayout(self._left, 0, 0, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self.workspaces, 0, 1, Qt.AlignmentFlag.AlignCenter)
        row.addWidget(self.search, 0, 2, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row.setColumnStretch(0, 1)
        row.setColumnStretch(2, 1)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._theme.changed.connect(self._on_theme)
        self._on_theme()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where there is little room the menus have it."""
        super().resizeEvent(event)
        self._name.setVisible(self.width() >= self._theme.px(ROOM_FOR_NAME))

    def add_menu_bar(self, bar: QMenuBar) -> None:
        """Put the menus beside the program's name."""
        bar.setNativeMenuBar(False)
        self._left.addWidget(bar)

    def set_workspace(self, name: str) -> None:
        """Mark the workspace without a signal."""
        self.workspaces.set_current(name)

    def _on_theme(self) -> None:
        self.setFixedHeight(self._theme.px(48))

    def paintEvent(self, event: QPaintEvent) -> None:
        """The panel's ground and a line below."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.tokens.colour("panel"))
        painter.fillRect(0, self.height() - 1, self.width(), 1, self._theme.tokens.colour("line"))
