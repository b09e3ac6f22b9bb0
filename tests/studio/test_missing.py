"""What a session needs and this machine does not have: it opens as far as possible, says so, and loses nothing."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from latentstudio.document.session import Session
from latentstudio.document.session_file import Saved, read_session, write_session
from latentstudio.inversion.frames import Frame
from latentstudio.inversion.photo_store import PhotoPlace
from latentstudio.pixels import AS_DRAWN
from latentstudio.studio.canvas.presenter import PicturePresenter
from latentstudio.studio.canvas.view import Canvas
from latentstudio.studio.shell.files import FilesPresenter
from latentstudio.tasks.write_file import SaveChoice

PLACE = PhotoPlace("cd" * 32, "me.jpg", Frame(1.0, 2.0, 3.0))


@pytest.fixture
def window(desk, worker, qtbot, home):
    """Canvas and files of the model "one", and the sentences that were said."""
    canvas, said = Canvas(), []
    qtbot.addWidget(canvas)
    desk.noticed.connect(said.append)
    picture = PicturePresenter(desk, canvas)
    files = FilesPresenter(desk, fetch=lambda name: None, renew=lambda: None, take_photo=lambda name, photo: None,
                           take_scene=lambda name, scene: None)
    desk.request_model("one")
    worker.work()
    said.clear()
    return SimpleNamespace(picture=picture, files=files, said=said)


def test_a_session_is_drawn_without_what_is_gone_and_says_what_to_do(desk, worker, window, tmp_path):
    plain = desk.workspace.view.with_position("x", 1.0)
    whole = plain.with_position("gone", 3.0).with_tuning("ab" * 32).with_photo(PLACE)
    write_session(tmp_path / "a.latentstudio", Saved(Session((whole,))))
    window.files.request_open(tmp_path / "a.latentstudio")
    worker.work()
    (notice,) = window.said
    assert "without the slider gone and the tuning abababababab" in notice.sentence
    assert "open the file that brought it, or make it again" in notice.sentence
    assert np.array_equal(window.picture.last_drawn.pixels, desk.current.draw(plain).pixels)
    desk.workspace.apply(desk.workspace.view.with_position("x", 2.0), "x")
    worker.work()
    assert len(window.said) == 1
    window.files.request_save_session(tmp_path / "b.latentstudio")
    worker.work()
    assert read_session(tmp_path / "b.latentstudio").session.view == whole.with_position("x", 2.0)
    assert "the tuning" in window.said[-1].sentence
    assert "the photo" in window.said[-1].sentence


def test_a_picture_is_not_saved_with_a_recipe_that_would_draw_another(desk, worker, window, tmp_path):
    desk.workspace.apply(desk.workspace.view.with_position("gone", 3.0), "x")
    window.files.request_save_picture(SaveChoice(tmp_path / "a.png", AS_DRAWN))
    worker.work()
    assert "without the slider gone" in window.said[-1].sentence
    assert not (tmp_path / "a.png").exists()


def test_a_session_of_a_model_that_is_gone_says_which_and_changes_nothing(desk, worker, window, tmp_path):
    before = desk.workspace.session
    path = tmp_path / "a.latentstudio"
    write_session(path, Saved(Session((replace(before.view, model="no-such-model", model_sha256="0" * 64),))))
    data = path.read_bytes()
    window.files.request_open(path)
    worker.work()
    (notice,) = window.said
    assert notice.sentence.startswith("This was made with the model no-such-model, which is not installed; add it")
    assert (desk.workspace.session, path.read_bytes()) == (before, data)


def test_two_windows_that_save_one_file(desk, worker, window, tmp_path):
    path, theirs = tmp_path / "a.latentstudio", Session((desk.workspace.view.with_position("scale", 0.5),))
    for t in (1.0, 2.0):  # one window alone may save as often as it likes
        desk.workspace.apply(desk.workspace.view.with_position("x", t), "x")
        window.files.request_save_session(path)
        worker.work()
        assert read_session(path).session == desk.workspace.session
    write_session(path, Saved(theirs))
    window.files.request_save_session(tmp_path / "a")  # the suffix is put behind it
    window.files.request_save_session(path)
    worker.work()
    asked = window.said[-1]
    assert "changed by another window" in asked.sentence
    assert asked.action_text == "Replace a.latentstudio"
    assert read_session(path).session == theirs
    asked.action()
    worker.work()
    assert read_session(path).session == desk.workspace.session
    assert window.said[-1].sentence == "Saved a.latentstudio"


def test_a_session_of_a_model_that_bears_another_name_here_is_opened_with_it(desk, worker, window, tmp_path):
    before = desk.workspace.session
    path = tmp_path / "a.latentstudio"
    write_session(path, Saved(Session((replace(before.view, model="its-old-name"),))))
    window.files.request_open(path)
    worker.work()
    assert not [notice for notice in window.said if notice.kind == "bad"]
    assert desk.workspace.session.view.model == before.view.model
