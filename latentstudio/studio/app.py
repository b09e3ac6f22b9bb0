"""Starts the window: first the window, then the worker, then the model and the first picture."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication

from latentstudio.document.autosave import Slot, claim_slot
from latentstudio.document.preferences import Layout, Preferences, load_preferences
from latentstudio.files import write_whole
from latentstudio.generators.catalogue import Catalogue
from latentstudio.studio.canvas.presenter import Painted
from latentstudio.studio.shell.components import Components
from latentstudio.studio.shell.dialogs import Dialogs
from latentstudio.studio.shell.idle import IdleWork
from latentstudio.studio.shell.layout import toolkit_and_screens
from latentstudio.studio.shell.window import MainWindow
from latentstudio.studio.theme import apply_theme
from latentstudio.version import VERSION

TRACE_VARIABLE = "LATENTSTUDIO_TRACE_STARTUP"
SWITCH_SECONDS = 0.0001  # how long the worker may keep the interpreter when the window asks for it
START_FAILED = "The last start did not come to its first picture; the window starts with the usual layout"
FIRST_MODELS = ("faces-gan", "sprites-b10")  # what ships: x reaches 13 px of 64, where that of faces stands still


class Starter(QObject):
    """Brings the first picture, the last session or a new sample of the best model, and then the files that were named.

    The files wait for the first model: a photo is of no use to a window that has none.
    """

    def __init__(self, window: MainWindow, *, paths: Sequence[Path] = (), model: str = "") -> None:
        super().__init__(window)
        self._window = window
        self._paths = tuple(paths)
        self._model = model
        self._trace = os.environ.get(TRACE_VARIABLE, "")
        self._stamps: dict[str, float] = {}
        self._idle = IdleWork(window.parts, parent=self)
        window.first_painted.connect(self._on_first_paint)
        window.parts.picture.painted.connect(self._on_painted)
        window.parts.desk.open_failed.connect(self._on_open_failed)
        window.parts.desk.model_changed.connect(self._take_files)

    def _on_first_paint(self) -> None:
        self._stamps["window"] = time.time()
        parts = self._window.parts
        parts.runner.start()
        restored = parts.keeping.restore() if not self._model else False
        if not restored:
            self._open_first()
        parts.library.show_rows()
        parts.unkept.recover()
        self._window.housekeeper.start()
        if not self._window.preferences.hints_seen and not self._trace:
            self._window.on_hints()

    def _open_first(self) -> None:
        parts = self._window.parts
        name = self._model or first_model(parts.desk.catalogue)
        if name:
            parts.desk.request_model(name)
        else:
            parts.picture_panel.canvas.set_empty_text("Drop a model folder here, or fetch one from the library")
            self._take_files()

    def _take_files(self, _: object = None) -> None:
        paths, self._paths = self._paths, ()
        for path in paths:
            self._window.parts.files.request_open(path)

    def _on_open_failed(self, name: str) -> None:
        parts = self._window.parts
        other = first_model(parts.desk.catalogue, without=name)
        if parts.desk.current is None and other and not self._stamps.get("fallback"):
            self._stamps["fallback"] = time.time()
            parts.desk.request_model(other)
        else:
            self._take_files()

    def _on_painted(self, painted: Painted) -> None:
        self._window.parts.picture.painted.disconnect(self._on_painted)
        self._window.parts.keeping.end_start()
        self._stamps["picture"] = time.time()
        if self._trace:
            write_whole(Path(self._trace), json.dumps(self._stamps).encode(), durable=False)
            QTimer.singleShot(0, self._window.close)


def first_model(catalogue: Catalogue, *, without: str = "") -> str:
    """The name of the model to begin with: the one whose sliders reach furthest, else whatever opens."""
    sound = [entry.name for entry in catalogue.models if not entry.error and entry.name != without]
    return next((name for name in FIRST_MODELS if name in sound), sound[0] if sound else "")


def make_application(arguments: Sequence[str] = ()) -> QApplication:
    """The one QApplication, made at first need and dressed."""
    running = QApplication.instance()
    if isinstance(running, QApplication):
        return running
    app = QApplication([sys.argv[0] or "latentstudio", *arguments])
    app.setApplicationName("latentstudio")
    app.setApplicationDisplayName("latentstudio")
    app.setApplicationVersion(VERSION)
    app.setDesktopFileName("latentstudio")
    return app


def build_window(
    *,
    preferences: Preferences | None = None,
    catalogue: Catalogue | None = None,
    device: str = "auto",
    paths: Sequence[Path] = (),
    model: str = "",
    next_seed: Callable[[], int] | None = None,
    dialogs: Dialogs | None = None,
    slot: Slot | None = None,
    remembers: bool = True,
) -> MainWindow:
    """A window that is not shown yet; once it was painted, it opens ``model``, or the last session, or the best model.

    Args:
        preferences: the user's choices; read from their folder when None.
        paths: files to take in once a model is open.
        model: begin with a new sample of this model and leave the last session alone.
        next_seed: draws the seeds of new samples.
        slot: where the session is autosaved; the user's first free slot when None.
        remembers: write layout and choices when the window closes.
    """
    app = make_application()
    sys.setswitchinterval(SWITCH_SECONDS)
    chosen, unread = (preferences, "") if preferences is not None else load_preferences()
    own_slot = slot or claim_slot()
    layout, changed = chosen.layout_for(toolkit_and_screens())
    if own_slot.begin_start():
        layout, changed = Layout(), START_FAILED
    theme = apply_theme(app, chosen.theme)
    parts = Components(own_slot, catalogue=catalogue, device=device, next_seed=next_seed)
    window = MainWindow(parts, theme, chosen, layout, dialogs=dialogs, remembers=remembers)
    parts.setParent(window)
    for sentence in filter(None, (unread, changed)):
        parts.desk.notice("info", sentence)
    Starter(window, paths=paths, model=model)
    return window


def run_window(paths: Sequence[Path] = (), *, device: str = "auto", model: str = "") -> int:
    """Show the window and stay until it is closed; the exit code of the program."""
    app = make_application()
    window = build_window(paths=paths, device=device, model=model)
    heartbeat = _close_on_interrupt(window)
    window.show()
    code = app.exec()
    heartbeat.stop()
    window.deleteLater()
    return int(code)


def _close_on_interrupt(window: MainWindow) -> QTimer:
    """Ctrl+C in the terminal closes the window in good order; Python sees the signal at the next beat."""
    with contextlib.suppress(ValueError):
        signal.signal(signal.SIGINT, lambda *_: window.close())
        signal.signal(signal.SIGTERM, lambda *_: window.close())
    heartbeat = QTimer(window)
    heartbeat.setInterval(500)
    heartbeat.timeout.connect(_nothing)
    heartbeat.start()
    return heartbeat


def _nothing() -> None:
    """Gives Python a moment to run signal handlers."""
