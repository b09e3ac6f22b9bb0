"""A hand for the real window: presses, drags, types, drops and photographs, and waits for what must come."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QEventLoop, QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from latentstudio.document.autosave import Slot, claim_slot
from latentstudio.document.preferences import Preferences
from latentstudio.document.view import View
from latentstudio.errors import StudioError
from latentstudio.studio.app import build_window, first_model, make_application
from latentstudio.studio.factors.card import FactorCard
from latentstudio.studio.shell.window import MainWindow

SECONDS = 30.0
LOOK_MS = 4
LOOKS = 12
BETWEEN_LOOKS = 0.03
SIZE = (1440, 900)


class Driver:
    """Drives one window; pictures are numbered in the order in which they are taken."""

    def __init__(self, window: MainWindow, out: Path, *, first_number: int = 1) -> None:
        self.window = window
        self.parts = window.parts
        self.pictures: list[Path] = []
        self._out = out
        self._numbers = itertools.count(first_number)

    @property
    def view(self) -> View:
        """The session that stands."""
        view = self.parts.workspace.view
        assert view is not None
        return view

    def wait(self, condition: Callable[[], bool], what: str, *, seconds: float = SECONDS) -> None:
        """Let the window live until ``condition`` holds.

        Raises:
            StudioError: it did not hold in time; the last notice of the window is told too.
        """
        end = time.monotonic() + seconds
        loop, look = QEventLoop(), QTimer()
        look.setInterval(LOOK_MS)
        look.timeout.connect(loop.quit)
        look.start()
        while not condition():
            if time.monotonic() > end:
                said = "; ".join(notice.sentence for notice in self.parts.notices.shown[-2:])
                raise StudioError(
                    f"the story waited {seconds:.0f} s for {what}" + (f" (the window said: {said})" if said else "")
                )
            loop.exec()
        look.stop()

    def live(self, seconds: float) -> None:
        """Let the window live for a while, as a hand that rests; ``QTest.qWait`` would keep the worker from working."""
        loop = QEventLoop()
        QTimer.singleShot(round(1000 * seconds), loop.quit)
        loop.exec()

    def wait_for_start(self, model: str) -> None:
        """Wait for the first picture (or, where no model is installed at all, for the empty window).

        Raises:
            StudioError: ``model`` was asked for and another one, or none, was opened.
        """
        parts = self.parts
        self.wait(lambda: parts.runner.running, "the worker")
        if first_model(parts.desk.catalogue):
            self.wait(lambda: parts.picture.last_painted > 0, "the first picture")
            self.settle()
        current = parts.desk.current
        if model and (current is None or current.name != Path(model).name):
            said = parts.notices.last
            raise StudioError("" if said is None else said.sentence, action="choose an installed model")

    def settle(self) -> None:
        """Wait until the newest picture that was asked for was painted and nothing is being opened."""
        picture, desk = self.parts.picture, self.parts.desk
        self.wait(
            lambda: not desk.opening and picture.last_requested > 0 and picture.last_painted == picture.last_requested,
            "the newest picture",
        )

    def shoot(self, name: str) -> Path:
        """Photograph the window once it stands still."""
        path = self._out / f"{next(self._numbers):02d}-{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        if not self._still().save(str(path)):
            raise StudioError(f"{path} could not be written", action="choose another folder")
        self.pictures.append(path)
        return path

    def _still(self) -> QImage:
        """The window as soon as two looks at it agree: layouts take a turn or two of the loop to settle.

        What moves all the time (the progress of a job) is photographed after ``LOOKS`` looks.
        """
        seen = self.window.grab().toImage()
        for _ in range(LOOKS):
            self.live(BETWEEN_LOOKS)
            before, seen = seen, self.window.grab().toImage()
            if seen == before:
                break
        return seen

    def card(self, name: str) -> FactorCard:
        """The card of a factor."""
        cards = self.parts.factors_panel.cards
        if name not in cards:
            raise StudioError(f"the window shows no slider '{name}'", expected=", ".join(cards) or "a factor")
        return cards[name]

    def press(self, name: str) -> None:
        """Take a factor's knob."""
        slider = self.card(name).slider
        QTest.mousePress(slider, Qt.MouseButton.LeftButton, pos=self._at(slider, slider.value()))

    def move(self, name: str, t: float) -> None:
        """Move the held knob to ``t`` and let the window answer."""
        self.move_silently(name, t)
        QApplication.processEvents()

    def move_silently(self, name: str, t: float) -> None:
        """Move the held knob to ``t``; whoever calls runs the event loop."""
        slider = self.card(name).slider
        QTest.mouseMove(slider, self._at(slider, t))

    def release(self, name: str, t: float) -> None:
        """Let go at ``t``."""
        slider = self.card(name).slider
        QTest.mouseRelease(slider, Qt.MouseButton.LeftButton, pos=self._at(slider, t))

    def drag(self, name: str, t: float, *, steps: int = 24, seconds: float = 0.4, meanwhile: str = "") -> float:
        """Drag a factor to ``t`` by mouse; ``meanwhile`` photographs before letting go. Returns where it stands."""
        start = float(self.card(name).slider.value())
        self.press(name)
        for step in range(1, steps + 1):
            self.move(name, start + (t - start) * step / steps)
            self.live(seconds / steps)
        if meanwhile:
            self.settle()
            self.shoot(meanwhile)
        self.release(name, t)
        self.settle()
        return self.view.position(name)

    def key(self, keys: str) -> None:
        """Type a shortcut such as ``Ctrl+Z`` into the window (which must have the keyboard for that)."""
        if not self.window.isActiveWindow() and QApplication.activeModalWidget() is None:
            self.window.activateWindow()
            self.wait(lambda: QApplication.activeWindow() is not None, "the keyboard")
        QTest.keySequence(self.window, keys)
        QApplication.processEvents()

    def key_down(self, key: Qt.Key) -> None:
        """Press a key and keep it down."""
        QTest.keyPress(self.window, key)
        QApplication.processEvents()

    def key_up(self, key: Qt.Key) -> None:
        """Let a key go."""
        QTest.keyRelease(self.window, key)
        QApplication.processEvents()

    def drop(self, path: Path, *, on: QWidget | None = None) -> None:
        """Drop a file on the middle of the window, or of a widget."""
        target = self.window if on is None else on
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path))])
        place = target.rect().center()
        kind, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        QApplication.sendEvent(target, QDragEnterEvent(place, kind, data, left, none))
        QApplication.sendEvent(target, QDropEvent(QPointF(place), kind, data, left, none))

    def click(self, widget: QWidget, place: QPoint | None = None) -> None:
        """Click a widget in its middle, or at a place of it."""
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=place or widget.rect().center())
        QApplication.processEvents()

    def check(self, holds: bool, what: str) -> None:
        """Something that must be so.

        Raises:
            StudioError: it is not.
        """
        if not holds:
            raise StudioError(f"the story found that {what} is not so")

    def _at(self, slider: QWidget, t: float) -> QPoint:
        position = slider.position_of(t)  # type: ignore[attr-defined]
        return QPoint(round(position), slider.height() // 2)


@contextmanager
def story_window(
    out: Path, *, model: str | None = None, theme: str = "dark", slot: Slot | None = None, first_number: int = 1
) -> Iterator[Driver]:
    """A real window with a session of its own (the user's session and layout stay as they are), closed at the end."""
    make_application()
    seeds = itertools.count(84)
    with tempfile.TemporaryDirectory(prefix="latentstudio-story-") as folder:
        preferences = Preferences(theme="light" if theme == "light" else "dark", hints_seen=True)
        window = build_window(
            preferences=preferences,
            model=model or "",
            next_seed=lambda: next(seeds),
            slot=slot or claim_slot(Path(folder)),
            remembers=False,
        )
        window.resize(*SIZE)
        driver = Driver(window, out, first_number=first_number)
        try:
            window.show()
            driver.wait_for_start(model or "")
            yield driver
        finally:
            close_window(window)


def close_window(window: MainWindow) -> None:
    """Close a window for good and let Qt delete it."""
    window.close()
    window.deleteLater()
    QApplication.sendPostedEvents(None, 0)
    QApplication.processEvents()
