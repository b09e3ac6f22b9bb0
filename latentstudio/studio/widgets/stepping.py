"""Steps by wheel or keys: a run of them is one gesture, and small turns of a wheel add up to whole notches."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtGui import QWheelEvent

SETTLE_MS = 350
_NOTCH = 120.0


class Stepping(QObject):
    """A run of steps.

    Signals:
        began(): the first step of a run comes now.
        ended(): the hand rested for 350 ms, or ``finish`` was called.
    """

    began = Signal()
    ended = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._active = False
        self._wheel = 0.0
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(SETTLE_MS)
        self._rest.timeout.connect(self.finish)

    @property
    def active(self) -> bool:
        """Whether a run is going on."""
        return self._active

    def step(self) -> None:
        """One more step is about to be made."""
        if not self._active:
            self._active = True
            self.began.emit()
        self._rest.start()

    def finish(self) -> None:
        """The run ends now, if one is going on."""
        if self._active:
            self.drop()
            self.ended.emit()

    def drop(self) -> None:
        """Forget the run without a word."""
        self._rest.stop()
        self._active = False

    def notches(self, event: QWheelEvent) -> int:
        """Whole notches of a wheel, up or to the left positive; what a touch pad sends in small parts is added up."""
        self._wheel += (event.angleDelta().y() or event.angleDelta().x()) / _NOTCH
        whole = int(self._wheel)
        self._wheel -= whole
        return whole
