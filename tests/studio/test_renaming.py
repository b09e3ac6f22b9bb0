"""A model that is called otherwise: what stands on the canvas, what stood there, and what was kept follow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from latentstudio.document.history import History
from latentstudio.document.session import Session
from latentstudio.document.session_file import Saved
from latentstudio.errors import UsageError
from latentstudio.studio.library import presenter as library_module
from latentstudio.studio.library.panel import LibraryPanel
from latentstudio.studio.library.presenter import LibraryPresenter
from latentstudio.studio.shell import files as files_module
from latentstudio.studio.shell.autosave import AutosavePresenter
from latentstudio.studio.shell.files import FilesPresenter
from latentstudio.tasks.read_file import DroppedFile


@pytest.fixture
def notices(desk):
    found = []
    desk.noticed.connect(found.append)
    return found


@pytest.fixture
def library(desk, worker, qtbot, monkeypatch):
    """The library beside the model "one", an edit of which stands on the canvas."""
    monkeypatch.setattr(library_module.addons, "list_add_ons", lambda: ())
    panel = LibraryPanel()
    qtbot.addWidget(panel)
    presenter = LibraryPresenter(desk, panel)
    desk.request_model("one")
    worker.work()
    desk.workspace.apply(desk.workspace.view.with_position("x", 1.0), "x")
    return presenter


def models_of(history: History) -> set[str]:
    return {view.model for entry in history.entries for view in entry.session.views}


def test_canvas_and_history_of_a_renamed_model_go_on(desk, worker, models, library, notices, monkeypatch):
    before = desk.workspace.view

    def rename(entry, new):
        models[new] = type(models["one"])(replace(models.pop(entry.name).card, name=new))

    monkeypatch.setattr(library_module, "rename_model", rename)
    monkeypatch.setattr(library, "renew", lambda: None)
    library.apply_rename("one", "mine")
    worker.work()
    assert (desk.current.name, desk.workspace.view) == ("mine", replace(before, model="mine"))
    assert models_of(desk.workspace.history) == {"mine"}
    assert desk.workspace.undo()
    assert desk.opened_for(desk.workspace.view) is desk.current
    assert notices[-1].sentence == "one is called mine now"


def test_a_name_that_is_refused_changes_nothing(desk, worker, library, notices, monkeypatch):
    def refuse(entry, new):
        raise UsageError(f"there is a model '{new}' already", action="choose another name")

    before, current = desk.workspace.session, desk.current
    monkeypatch.setattr(library_module, "rename_model", refuse)
    library.apply_rename("one", "two")
    assert (desk.workspace.session, desk.current) == (before, current)
    assert notices[-1].sentence == "there is a model 'two' already; choose another name"


def test_what_was_kept_under_an_older_name_is_found_by_the_hash_of_the_weights(desk, worker, library, tmp_path):
    view = replace(desk.workspace.view, model="its-old-name")
    history = History.start(Session((view,))).commit(Session((view.with_position("x", 2.0),)), "x")
    slot = SimpleNamespace(
        notice="", folder=tmp_path, end_start=lambda: None, release=lambda: None,
        recover=lambda: SimpleNamespace(notice="", saved=Saved(history.current_entry.session, history)),
    )
    keeping = AutosavePresenter(desk, slot)
    try:
        assert keeping.restore()
        worker.work()
        assert desk.workspace.view == replace(view.with_position("x", 2.0), model="one")
        assert desk.workspace.undo()
        assert desk.opened_for(desk.workspace.view).name == "one"
    finally:
        keeping.close()


def test_a_file_with_an_older_name_in_its_history_is_opened_with_all_of_it(desk, worker, library, monkeypatch):
    old = replace(desk.workspace.view, model="its-old-name")
    history = History.start(Session((old,))).commit(Session((old.with_position("x", 2.0),)), "x")
    files = files_with(desk, monkeypatch, DroppedFile(
        "session", "a", session=history.current_entry.session, history=history, model=old.model))
    files.request_open(Path("a.latentstudio"))
    worker.work()
    assert models_of(desk.workspace.history) == {"one"}


def test_weights_that_are_here_already_are_said_to_be(desk, worker, library, notices, monkeypatch):
    files = files_with(desk, monkeypatch, DroppedFile(
        "model", "gan.pt", model="two", known="these weights are already here as two"))
    files.request_open(Path("gan.pt"))
    worker.work()
    assert desk.current.name == "two"
    assert notices[-1].sentence == "gan.pt: these weights are already here as two"


def files_with(desk, monkeypatch, brought: DroppedFile) -> FilesPresenter:
    """A presenter of files for which every file brings the same."""
    monkeypatch.setattr(files_module, "read_file", lambda path, catalogue: brought)
    return FilesPresenter(desk, fetch=print, renew=lambda: None, take_photo=print, take_scene=print)
