"""A hand that never tires: random sensible actions over all panels of the real window, by real events.

    make soak                                   100,000 actions
    python -m latentstudio.stories.soak --actions 3000 --seed 7

Clicks, drags, wheels, keys, typing, menus, dialogs, dropped files (sound and broken ones), resized windows, moved
docks, changed models and begun jobs, chosen by a seed, in a home of its own without a network. Every 1,000 actions a
line tells of memory, threads, exceptions and what was logged. A window that dies or stands still for a minute is a
failure too: the hand plays in a child process, which writes down each action before it does it.

Memory is compared at rest: all jobs ended, all models closed, after the first 2,000 actions and at the end.
"""

from __future__ import annotations

import argparse
import ctypes
import faulthandler
import gc
import json
import logging
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import TracebackType

import numpy as np
import onnxruntime
import psutil
import shiboken6
import torch
from PIL import Image
from PySide6.QtCore import QPoint, QPointF, Qt, QTimer, QUrl, qInstallMessageHandler
from PySide6.QtGui import QContextMenuEvent, QDesktopServices, QGuiApplication, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QLineEdit, QMenu, QPushButton, QWidget

from latentstudio.document.autosave import claim_slot
from latentstudio.document.preferences import Preferences
from latentstudio.pixels import parse_size
from latentstudio.stories.driver import Driver, close_window
from latentstudio.studio.app import build_window, make_application
from latentstudio.studio.features import FEATURES
from latentstudio.studio.shell.actions import ACTIONS
from latentstudio.studio.shell.dialogs import Dialogs
from latentstudio.studio.shell.docks import WORKSPACES
from latentstudio.studio.shell.window import MainWindow

REST_AFTER, EVERY = 2_000, 1_000
MOST_MORE = 50 << 20  # bytes at rest, at the end against after the first actions
STILL_SECONDS = 60
MODELS = ("sprites-b10", "faces", "fashion-avae", "scenes", "fashion-vaegan")
UNTOUCHED = ("quit",)
SIZES_SAVED = ("1x", "4x", "8x nearest", "300")
SIZES = ((880, 560), (1024, 700), (1280, 720), (1440, 900), (1600, 1000))
KEYS = (Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Tab, Qt.Key.Key_Return,
        Qt.Key.Key_Escape, Qt.Key.Key_Space, Qt.Key.Key_Delete, Qt.Key.Key_B, Qt.Key.Key_N, Qt.Key.Key_Home,
        Qt.Key.Key_End, Qt.Key.Key_PageUp)
TEXTS = ("8px", "-3", "1.2x", "+10%", "", "nonsense", "1e99", "-0", "🙂", "x" * 300, "0.5", "12")
NOISE = ("propagateSizeHints",)  # what the offscreen platform always says


@dataclass
class Record:
    """What went wrong so far."""

    exceptions: list[str] = field(default_factory=list)
    logged: int = 0


def main(arguments: list[str] | None = None) -> int:
    """Play in a child; 0 when nothing went wrong."""
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    options.add_argument("--actions", type=int, default=100_000)
    options.add_argument("--seed", type=int, default=12)
    options.add_argument("--out", type=Path, help="folder for the list of actions and the report")
    options.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    chosen = options.parse_args(arguments)
    if chosen.child:
        return _play(chosen.actions, chosen.seed, chosen.out)
    with tempfile.TemporaryDirectory(prefix="latentstudio-soak-") as scratch:
        out = chosen.out or Path(scratch) / "out"
        out.mkdir(parents=True, exist_ok=True)
        environment = {**os.environ, "LATENTSTUDIO_HOME": str(Path(scratch) / "home"), "PIP_NO_INDEX": "1",
                       "QT_QPA_PLATFORM": os.environ.get("QT_QPA_PLATFORM", "offscreen"), "OMP_NUM_THREADS": "1"}
        call = [sys.executable, "-X", "faulthandler", "-m", "latentstudio.stories.soak", "--child", "--actions",
                str(chosen.actions), "--seed", str(chosen.seed), "--out", str(out)]
        code = subprocess.run(call, env=environment, check=False).returncode
        if code not in (0, 1):
            print(f"the window died (exit {code}); its last actions:")
            print("\n".join((out / "actions.txt").read_text(encoding="utf-8").splitlines()[-12:]))
        return 0 if code == 0 else 1


def _play(actions: int, seed: int, out: Path) -> int:
    record = _watch()
    make_application()
    QDesktopServices.openUrl = _open_nothing  # type: ignore[assignment,method-assign]  # no programs beside the window
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="latentstudio-soak-files-") as folder:
        files = _files(Path(folder), seed)
        window = build_window(
            preferences=Preferences(hints_seen=True), model=MODELS[0],
            next_seed=partial(random.Random(seed).randrange, 10_000), slot=claim_slot(Path(folder) / "slots"),
            remembers=True, dialogs=_dialogs(Path(folder), files, seed),
        )
        window.show()
        driver = Driver(window, out)
        driver.wait_for_start(MODELS[0])
        threads_first, rested = set(threading.enumerate()), 0
        hand = Hand(driver, files, random.Random(seed), out / "actions.txt")
        for number in range(1, actions + 1):
            faulthandler.dump_traceback_later(STILL_SECONDS, exit=True)
            hand.act(number)
            if number == min(REST_AFTER, actions // 2):
                rested = hand.rest()
                hand.reopen()
            if number % EVERY == 0 or number == actions:
                print(f"{number:>7} actions  {time.monotonic() - began:6.0f} s  {_memory() >> 20} MB  "
                      f"{threading.active_count()} threads  {len(record.exceptions)} exceptions  "
                      f"{record.logged} lines logged", flush=True)
        faulthandler.dump_traceback_later(STILL_SECONDS, exit=True)
        more = hand.rest() - rested
        window.close()
        driver.live(0.5)
        leaked = [thread.name for thread in threading.enumerate()
                  if thread not in threads_first and not thread.name.startswith("Dummy")]  # Qt's, told by the runner
        leaked += ["the worker"] if window.parts.runner.running else []
        close_window(window)
        faulthandler.cancel_dump_traceback_later()
    told = {"actions": actions, "seed": seed, "seconds": round(time.monotonic() - began),
            "exceptions": record.exceptions, "lines_logged": record.logged,
            "rest_mb": rested >> 20, "more_mb": round(more / (1 << 20), 1),
            "leaked_threads": leaked}
    (out / "report.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    sound = not record.exceptions and not leaked and more <= MOST_MORE
    print(f"soak: {actions:,} actions, seed {seed}, {time.strftime('%Y-%m-%d')}: {len(record.exceptions)} exceptions, "
          f"{len(leaked)} leaked threads, at rest {more / (1 << 20):+.0f} MB against after the first actions")
    for text in record.exceptions[:5]:
        print(text)
    print(f"{int(sound)} passed, {int(not sound)} failed", flush=True)
    return 0 if sound else 1


def _open_nothing(url: QUrl) -> bool:
    return True


class Hand:
    """Does one random thing after the other; the same seed begins with the same things."""

    def __init__(self, driver: Driver, files: list[Path], source: random.Random, log: Path) -> None:
        self._driver = driver
        self._window: MainWindow = driver.window
        self._files = files
        self._source = source
        self._log = open(log, "w", encoding="utf-8", buffering=1)  # noqa: SIM115 (open as long as the process)
        self._widgets: list[QWidget] = []
        self._seen_popup = 0
        self._look_for_popup()
        kinds: tuple[tuple[int, Callable[[], str]], ...] = (
            (24, self._click), (4, self._double_click), (5, self._right_click), (18, self._drag), (8, self._wheel),
            (10, self._key), (4, self._type), (8, self._trigger), (3, self._resize), (3, self._panel),
            (2, self._arrange), (3, self._drop), (1, self._model), (4, self._undo), (2, self._wait), (1, self._cancel),
        )
        self._kinds = [kind for weight, kind in kinds for _ in range(weight)]

    def act(self, number: int) -> None:
        """One action; it is written down before it is done."""
        kind = self._source.choice(self._kinds)
        self._log.write(f"{number} {kind.__name__[1:]}\n")
        said = kind()
        self._log.write(f"    {said}\n")
        QApplication.processEvents()
        if number % 25 == 0:
            self._driver.live(0.02)

    def rest(self) -> int:
        """End all jobs, close all models, and tell the bytes that are left."""
        parts = self._window.parts
        for job in parts.runner.jobs:
            parts.runner.cancel_job(job)
        parts.train.close()
        self._driver.wait(lambda: not parts.runner.jobs, "all jobs to end", seconds=50.0)
        for entry in parts.desk.catalogue.models:
            parts.desk.forget(entry.name)
        self._driver.live(1.5)
        gc.collect()
        torch.set_num_threads(1)
        with_trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform.startswith("linux") else None
        if with_trim is not None:
            with_trim(0)  # what the allocator keeps for later is no leak
        return _memory()

    def reopen(self) -> None:
        """Go on with a model."""
        self._window.parts.desk.request_model(MODELS[0])
        self._driver.live(0.5)

    def _widget(self) -> QWidget:
        """Any widget that can be seen; the window where there is none."""
        if self._source.random() < 0.1 or not self._widgets:
            top = QApplication.activeModalWidget() or self._source.choice(
                [one for one in QApplication.topLevelWidgets() if one.isVisible()] or [self._window])
            self._widgets = [one for one in top.findChildren(QWidget) if one.isVisible() and one.width() > 3]
        there = [one for one in self._source.sample(self._widgets, min(8, len(self._widgets)))
                 if shiboken6.isValid(one) and one.isVisible() and one.isEnabled()]
        return there[0] if there else self._window

    def _place(self, widget: QWidget) -> QPoint:
        return QPoint(self._source.randrange(max(1, widget.width())), self._source.randrange(max(1, widget.height())))

    def _click(self) -> str:
        widget = self._widget()
        modifier = self._source.choice((Qt.KeyboardModifier.NoModifier,) * 6 + (
            Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier))
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton, modifier, self._place(widget))
        return _name(widget)

    def _double_click(self) -> str:
        widget = self._widget()
        QTest.mouseDClick(widget, Qt.MouseButton.LeftButton, pos=self._place(widget))
        return _name(widget)

    def _right_click(self) -> str:
        widget = self._widget()
        place, name = self._place(widget), _name(widget)
        QTest.mouseClick(widget, Qt.MouseButton.RightButton, pos=place)
        if shiboken6.isValid(widget):  # a platform turns a right click into this event; QTest does not
            event = QContextMenuEvent(QContextMenuEvent.Reason.Mouse, place, widget.mapToGlobal(place))
            QApplication.sendEvent(widget, event)
        return name

    def _drag(self) -> str:
        widget = self._widget()
        name, start, goal = _name(widget), self._place(widget), self._place(widget)
        self._log.write(f"    {name}\n")
        modifier = self._source.choice((Qt.KeyboardModifier.NoModifier,) * 4 + (
            Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier))
        QTest.mousePress(widget, Qt.MouseButton.LeftButton, modifier, start)
        steps = self._source.randint(2, 8)
        for step in range(1, steps + 1):
            if not shiboken6.isValid(widget):
                return name
            QTest.mouseMove(widget, start + (goal - start) * step / steps)
            QApplication.processEvents()
        if shiboken6.isValid(widget):
            QTest.mouseRelease(widget, Qt.MouseButton.LeftButton, modifier, goal)
        return name

    def _wheel(self) -> str:
        widget = self._widget()
        place = QPointF(self._place(widget))
        event = QWheelEvent(
            place, QPointF(widget.mapToGlobal(place.toPoint())), QPoint(), QPoint(0, self._source.choice((-120, 120))),
            Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )
        QApplication.sendEvent(widget, event)
        return _name(widget)

    def _key(self) -> str:
        widget = QApplication.focusWidget() or self._window
        key = self._source.choice(KEYS)
        QTest.keyClick(widget, key)
        return f"{key.name} on {_name(widget) if shiboken6.isValid(widget) else 'what is gone'}"

    def _type(self) -> str:
        fields = [one for one in self._window.findChildren(QLineEdit) if one.isVisible() and one.isEnabled()]
        if not fields:
            return "no field"
        chosen, text = self._source.choice(fields), self._source.choice(TEXTS)
        chosen.setFocus()
        chosen.selectAll()
        if text.isascii():
            QTest.keyClicks(chosen, text)
        else:
            chosen.insert(text)  # QTest types ASCII only
        if shiboken6.isValid(chosen):
            QTest.keyClick(chosen, self._source.choice((Qt.Key.Key_Return, Qt.Key.Key_Tab, Qt.Key.Key_Escape)))
        return text[:20]

    def _trigger(self) -> str:
        name = self._source.choice([action.id for action in ACTIONS if action.id not in UNTOUCHED])
        self._log.write(f"    {name}\n")
        self._window.menus.trigger(name)
        return ""

    def _resize(self) -> str:
        size = self._source.choice(SIZES)
        self._window.setWindowState(Qt.WindowState.WindowNoState)
        self._window.resize(*size)
        return str(size)

    def _panel(self) -> str:
        name = self._source.choice(FEATURES).id
        self._source.choice((self._window.docks.bring_forward, self._window.docks.toggle,
                             self._window.docks.toggle_floating))(name)
        return name

    def _arrange(self) -> str:
        name = self._source.choice(WORKSPACES)
        self._window.arrange(name)
        return name

    def _drop(self) -> str:
        paths = self._source.sample(self._files, self._source.choice((1, 1, 1, 3)))
        for path in paths:
            self._driver.drop(path)
        return ", ".join(path.name for path in paths)

    def _model(self) -> str:
        name = self._source.choice(MODELS)
        self._window.parts.desk.request_model(name)
        return name

    def _undo(self) -> str:
        name = self._source.choice(("undo", "undo", "redo"))
        self._window.menus.trigger(name)
        return name

    def _wait(self) -> str:
        seconds = self._source.uniform(0.0, 0.2)
        self._driver.live(seconds)
        return f"{seconds:.2f} s"

    def _cancel(self) -> str:
        self._window.menus.trigger("cancel_job")
        return ""

    def _look_for_popup(self) -> None:
        # one timer after the other: what is chosen may open a dialog, in whose own loop the same timer stands still
        QTimer.singleShot(30, self._window, self._answer_popup)

    def _answer_popup(self) -> None:
        """A menu or dialog that stands open holds the hand: choose in it, or send it away."""
        self._look_for_popup()
        popup = QApplication.activePopupWidget() or QApplication.activeModalWidget()
        self._seen_popup = self._seen_popup + 1 if popup is not None else 0
        if popup is None or self._seen_popup < 2:
            return
        if isinstance(popup, QMenu):
            for _ in range(self._source.randrange(6)):
                QTest.keyClick(popup, Qt.Key.Key_Down)
            chosen = popup.activeAction()
            quits = chosen is not None and "quit" in chosen.text().lower()
            QTest.keyClick(popup, Qt.Key.Key_Escape if quits or self._source.random() < 0.5 else Qt.Key.Key_Return)
        elif isinstance(popup, QDialog) and self._source.random() < 0.5:
            buttons = [one for one in popup.findChildren(QPushButton) if one.isVisible() and one.isEnabled()]
            if buttons:
                QTest.mouseClick(self._source.choice(buttons), Qt.MouseButton.LeftButton)
            elif self._seen_popup > 10:
                popup.reject()
        else:
            QTest.keyClick(popup, Qt.Key.Key_Escape)
            if self._seen_popup > 10:
                popup.close()


def _name(widget: QWidget) -> str:
    if not shiboken6.isValid(widget):
        return "a widget that went away"
    return f"{type(widget).__name__} {widget.objectName()}".strip()


def _memory() -> int:
    return int(psutil.Process().memory_info().rss)


def _watch() -> Record:
    """Count what is raised anywhere and logged at all; libraries that are loaded late would look like a leak."""
    record = Record()
    torch.zeros(1)
    onnxruntime.get_available_providers()

    def take(kind: type[BaseException], problem: BaseException | None, trace: TracebackType | None) -> None:
        told = "".join(traceback.format_exception(kind, problem, trace))[-3_000:]
        record.exceptions.append(told)
        print(told, file=sys.stderr, flush=True)

    sys.excepthook = take
    threading.excepthook = lambda told: take(told.exc_type, told.exc_value, told.exc_traceback)

    class Counting(logging.Handler):
        def emit(self, entry: logging.LogRecord) -> None:
            record.logged += 1
            if entry.levelno >= logging.ERROR:
                record.exceptions.append(f"logged: {entry.getMessage()} {entry.exc_text or ''}")

    logging.getLogger().addHandler(Counting())

    def on_qt(kind: object, context: object, text: str) -> None:
        if not any(noise in text for noise in NOISE):
            record.logged += 1
            recent.append(text)

    recent: deque[str] = deque(maxlen=20)
    qInstallMessageHandler(on_qt)
    return record


def _dialogs(folder: Path, files: list[Path], seed: int) -> Dialogs:
    source = random.Random(seed + 1)

    def place(name: str) -> str:
        return source.choice(("", str(folder / "saved" / f"{source.randrange(5)}-{Path(name).name}")))

    return Dialogs(
        open_file=lambda parent, title, last: source.choice(("", str(source.choice(files)))),
        save_file=lambda parent, title, path, kinds: place(path),
        choose_folder=lambda parent, title, last: source.choice(("", str(folder / "pictures"))),
        open_files=lambda parent, title, last: [str(one) for one in source.sample(files, 2)],
        ask_size=lambda parent, title, shape, size: source.choice((None, size, *map(parse_size, SIZES_SAVED))),
        ask_words=lambda parent, title, question, words: source.choice((words, *TEXTS)),
    )


def _files(folder: Path, seed: int) -> list[Path]:
    """Sound and broken files of many kinds."""
    source = np.random.default_rng(seed)
    pictures = folder / "pictures"
    pictures.mkdir()
    found = []
    kinds = (("png", 64), ("jpg", 300), ("png", 512), ("webp", 128), ("gif", 40), ("bmp", 90))
    for number, (kind, size) in enumerate(kinds):
        coarse = source.integers(0, 255, (8, 8, 3), dtype=np.uint8)
        path = pictures / f"picture{number}.{kind}"
        Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC).save(path)
        found.append(path)
    broken = {
        "cut.png": found[0].read_bytes()[:200], "empty.png": b"", "wrong.jpg": b"%!PS-Adobe-3.0\n",
        "noise.safetensors": source.bytes(400), "plain.txt": b"hello", "scene.json": b'{"objects": [',
        "session.latentstudio": b'{"format": "latentstudio session", "version": 99}',
        "weights.pt": b"PK\x03\x04broken", "own.py": b"raise SystemExit(1)\n",
    }
    for name, data in broken.items():
        (folder / name).write_bytes(data)
        found.append(folder / name)
    return [*found, pictures, folder / "not-there.png"]


if __name__ == "__main__":
    QGuiApplication.setAttribute(Qt.ApplicationAttribute.AA_DontUseNativeDialogs)
    sys.exit(main())
