"""What the window took in is not written over, however it is saved: the worker's own thread keeps it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from latentstudio.document.workspace import Workspace
from latentstudio.pixels import AS_DRAWN, write_png
from latentstudio.studio.desk import Desk, Notice
from latentstudio.studio.runner import Runner
from latentstudio.studio.shell.files import FilesPresenter
from latentstudio.tasks.write_file import SaveChoice

SAVED = (lambda files, path: files.request_save_picture(SaveChoice(path, AS_DRAWN)),
         lambda files, path: files.request_strip(SaveChoice(path, AS_DRAWN), "x"))


class Window:
    """A desk with the real worker thread, its files, and what was said."""

    def __init__(self, desk: Desk, runner: Runner, qtbot) -> None:
        self._qtbot = qtbot
        self.desk = Desk(Workspace(), runner, next_seed=lambda: 5, catalogue=desk.catalogue)
        self.said: list[Notice] = []
        self.taken: list[str] = []
        self.desk.noticed.connect(self.said.append)
        self.files = FilesPresenter(
            self.desk, fetch=lambda name: None, renew=lambda: None,
            take_photo=lambda name, photo: self.taken.append(name),
            take_scene=lambda name, scene: self.taken.append(name),
        )
        self.desk.request_model("one")
        qtbot.waitUntil(lambda: self.desk.workspace.view is not None)

    def hear(self, ask: Callable[[], None]) -> Notice:
        """What is said after something was asked for."""
        self.said.clear()
        ask()
        self._qtbot.waitUntil(lambda: bool(self.said))
        return self.said[-1]

    def open(self, path: Path) -> None:
        """Drop a photo."""
        self.taken.clear()
        self.files.request_open(path)
        self._qtbot.waitUntil(lambda: bool(self.taken))


@pytest.fixture
def window(desk: Desk, qtbot):
    runner = Runner()
    runner.start()
    yield Window(desk, runner, qtbot)
    runner.shut_down()
    runner.deleteLater()


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    write_png(path, np.full((40, 40, 3), 90, np.uint8))
    return path


@pytest.mark.parametrize("save", SAVED)
def test_a_picture_is_not_saved_over_the_photo_that_was_dropped(window: Window, photo: Path, save) -> None:
    before = photo.read_bytes()
    window.open(photo)
    linked = photo.with_name("linked.png")
    linked.symlink_to(photo)
    for target in (photo, linked, Path(os.path.relpath(photo)), photo.with_name("PHOTO.png")):
        told = window.hear(lambda target=target: save(window.files, target))
        assert told.kind == "bad"
        assert "is read here, it is not written over" in told.sentence
    assert photo.read_bytes() == before
    told = window.hear(lambda: save(window.files, photo.with_name("other.png")))
    assert (told.kind, photo.with_name("other.png").is_file()) == ("good", True), told.sentence


def test_a_session_is_saved_over_the_file_that_it_was_opened_from(window: Window, photo: Path) -> None:
    path = photo.with_name("mine.latentstudio")
    assert window.hear(lambda: window.files.request_save_session(path)).kind == "good"
    window.open(photo)
    window.files.request_open(path)
    window.desk.request_sample(9)
    told = window.hear(lambda: window.files.request_save_session(path))
    assert (told.kind, told.sentence) == ("good", "Saved mine.latentstudio")


def test_what_lies_in_a_folder_that_was_taken_in_stays(window: Window, photo: Path) -> None:
    window.desk.took_in(photo.parent)
    assert window.hear(lambda: window.files.request_save_picture(SaveChoice(photo, AS_DRAWN))).kind == "bad"
    assert window.hear(lambda: window.files.request_save_picture(
        SaveChoice(photo.with_name("new.png"), AS_DRAWN))).kind == "good"
