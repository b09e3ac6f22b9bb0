"""Python's cyclic collector, kept in the GUI thread.

Left alone it runs in whichever thread allocates, so a widget in a cycle could be destroyed in the worker. Automatic
collection is therefore off while a window stands: a timer of the GUI thread collects the young objects, and everything
when the hands have rested for a while.
"""

from __future__ import annotations

import gc

from PySide6.QtCore import QObject, QTimer

_YOUNG_EVERY_MS = 2_000
_ALL_AFTER_MS = 6_000
_BULK = 20_000


class Housekeeper(QObject):
    """Collects garbage from GUI timers; ``stop`` gives the collector back to Python."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._was_enabled = gc.isenabled()
        self._young = QTimer(self)
        self._young.setInterval(_YOUNG_EVERY_MS)
        self._young.timeout.connect(self._collect_young)
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(_ALL_AFTER_MS)
        self._rest.timeout.connect(self._collect_all)

    def start(self) -> None:
        """Take the collector over; what exists now (modules, types) is set aside and never scanned again."""
        gc.freeze()
        gc.disable()
        self._young.start()

    def stir(self) -> None:
        """Somebody is at work: the thorough collection waits until it is quiet."""
        self._rest.start()

    def stop(self) -> None:
        """Give automatic collection back."""
        self._young.stop()
        self._rest.stop()
        gc.unfreeze()
        if self._was_enabled:
            gc.enable()

    def _collect_young(self) -> None:
        """So many new objects at once are modules that were imported: to scan them would take 100 ms and find nothing.

        They are set aside instead, as what existed at the start.
        """
        if gc.get_count()[0] > _BULK:
            gc.freeze()
        else:
            gc.collect(0)

    def _collect_all(self) -> None:
        gc.collect()
        gc.freeze()
