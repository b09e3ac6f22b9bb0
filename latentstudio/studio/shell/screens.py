"""The one place that holds windows to the screen: at the start, after a restored layout, when the screens change."""

from __future__ import annotations

from PySide6.QtCore import QObject, QRect, Qt
from PySide6.QtGui import QGuiApplication, QScreen, QWindow
from PySide6.QtWidgets import QApplication, QWidget

_FILLS = Qt.WindowState.WindowMaximized | Qt.WindowState.WindowFullScreen
_PASSING = (Qt.WindowType.Popup, Qt.WindowType.ToolTip, Qt.WindowType.SplashScreen)


def hold_to_screen(window: QWidget, room: QRect | None = None) -> None:
    """Make a top-level widget no larger than the room of its screen, frame included, and move it inside."""
    if room is None:
        if QGuiApplication.platformName() == "offscreen":  # nobody looks at that screen, and its size means nothing
            return
        room = window.screen().availableGeometry()
    frame, inside = window.frameGeometry(), window.geometry()
    if window.windowState() & _FILLS or room.contains(frame):
        return
    around = frame.size() - inside.size()
    window.resize(inside.size().boundedTo(room.size() - around))
    frame = window.frameGeometry()
    frame.moveRight(min(frame.right(), room.right()))
    frame.moveBottom(min(frame.bottom(), room.bottom()))
    frame.moveLeft(max(frame.left(), room.left()))
    frame.moveTop(max(frame.top(), room.top()))
    window.move(frame.topLeft())


class ScreenKeeper(QObject):
    """Holds every window, dialog and floating panel to its screen: when it comes up, and when the screens change."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        app = QApplication.instance()
        assert isinstance(app, QApplication), "windows belong to an application"
        app.focusWindowChanged.connect(self._on_window)
        app.screenRemoved.connect(self.hold_all)
        app.screenAdded.connect(self._on_screen)
        for screen in app.screens():
            self._on_screen(screen)

    def hold_all(self) -> None:
        """Every window that stands now."""
        for window in QApplication.topLevelWidgets():
            if window.isVisible() and window.windowType() not in _PASSING:
                hold_to_screen(window)

    def _on_window(self, window: QWindow | None) -> None:
        if window is not None:
            self.hold_all()

    def _on_screen(self, screen: QScreen) -> None:
        screen.availableGeometryChanged.connect(self.hold_all)
        self.hold_all()
