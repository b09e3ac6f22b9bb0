"""One place changes the session, and everybody hears of it in order."""

from __future__ import annotations

import numpy as np
import pytest

from latentstudio.document.history import History
from latentstudio.document.session import Session
from latentstudio.document.view import View
from latentstudio.document.workspace import Change, Workspace

START = View("toy", "", bytes(8), (2,))


def at(t: float) -> View:
    return START.with_position("x", t)


@pytest.fixture
def heard() -> list[Change]:
    return []


@pytest.fixture
def workspace(heard: list[Change]) -> Workspace:
    made = Workspace(START)
    made.subscribe(heard.append)
    return made


def test_a_drag_is_one_entry(workspace: Workspace, heard: list[Change]) -> None:
    for t in (1, 2, 3):
        workspace.apply_preview(at(t))
    assert workspace.has_preview
    workspace.apply(at(3), "x")
    assert not workspace.has_preview
    assert len(workspace.history) == 2
    assert [change.kind for change in heard] == ["preview", "preview", "preview", "apply"]
    assert [change.new.position("x") for change in heard] == [1, 2, 3, 3]
    assert workspace.undo()
    assert workspace.view == START


def test_undo_redo_and_go(workspace: Workspace, heard: list[Change]) -> None:
    workspace.apply(at(1), "one")
    workspace.apply(at(2), "two")
    assert workspace.undo()
    assert workspace.view == at(1)
    assert workspace.redo()
    assert workspace.view == at(2)
    assert workspace.go(0)
    assert workspace.view == START
    assert not workspace.go(0)
    assert not workspace.undo()
    assert [change.kind for change in heard] == ["apply", "apply", "undo", "redo", "go"]


def test_undo_in_the_middle_of_a_drag_loses_nothing(workspace: Workspace) -> None:
    workspace.apply(at(1), "one")
    workspace.apply_preview(at(5))
    workspace.undo()
    assert workspace.view == at(1)
    workspace.redo()
    assert workspace.view == at(5)


def test_the_same_value_is_no_news(workspace: Workspace, heard: list[Change]) -> None:
    workspace.apply_preview(START)
    workspace.apply(START, "nothing")
    assert heard == []
    assert len(workspace.history) == 1


def test_an_empty_workspace_opens_its_first_session() -> None:
    workspace, heard = Workspace(), list[Change]()
    workspace.subscribe(heard.append)
    assert workspace.view is None
    assert not workspace.undo()
    assert not workspace.redo()
    workspace.open(Session((at(1),)), "opened")
    assert heard == [Change(None, at(1), "open")]
    assert workspace.view == at(1)


def test_a_restored_session_keeps_its_history(workspace: Workspace) -> None:
    one, two, three, four = (Session((at(t),)) for t in (1, 2, 3, 4))
    history = History.start(one).commit(two, "two")
    workspace.restore(two, history)
    assert workspace.history == history
    workspace.restore(three, history)
    assert [entry.session for entry in workspace.history.path()] == [one, two, three]
    workspace.restore(four, None)
    assert len(workspace.history) == 1


def test_a_view_beside_the_one_in_front_stays(workspace: Workspace, heard: list[Change]) -> None:
    beside = View("other", "", bytes(12), (3,))
    workspace.open(Session((beside, START), front=1), "two models")
    workspace.apply_preview(at(2))
    workspace.apply(at(3), "x")
    assert workspace.session == Session((beside, at(3)), front=1)
    assert [change.new for change in heard] == [START, at(2), at(3)]


def test_what_a_file_brings_is_a_branch_and_nothing_of_either_history_is_lost(workspace: Workspace) -> None:
    workspace.apply(at(1), "ours")
    workspace.apply_preview(at(2))
    theirs = History.start(Session((at(7),)), time=1.0).commit(Session((at(8),)), "theirs").undo()
    theirs = theirs.attach_thumbnail(1, np.zeros((4, 4, 3), np.uint8))
    workspace.open(Session((at(7),)), "a file", history=theirs)
    walked = [entry.session.view.position("x") for entry in workspace.history.path()]
    assert walked == [0, 1, 2, 7, 8]
    assert workspace.view == at(7)
    assert list(workspace.history.thumbnails) == [4]
    assert workspace.undo()
    assert workspace.view == at(2)


def test_thumbnails_are_news_of_the_history_only(workspace: Workspace, heard: list[Change]) -> None:
    grown: list[History] = []
    end = workspace.subscribe_history(grown.append)
    workspace.attach_thumbnail(0, np.zeros((4, 4, 3), np.uint8))
    assert heard == []
    assert list(grown[-1].thumbnails) == [0]
    end()
    workspace.apply(at(1), "one")
    assert len(grown) == 1


def test_a_change_from_within_a_subscriber_is_told_afterwards() -> None:
    workspace, first, second = Workspace(START), list[float](), list[float]()

    def clamp(change: Change) -> None:
        first.append(change.new.position("x"))
        if change.new.position("x") > 5:
            workspace.apply_preview(at(5))

    workspace.subscribe(clamp)
    workspace.subscribe(lambda change: second.append(change.new.position("x")))
    workspace.apply_preview(at(9))
    assert first == second == [9, 5]
    assert workspace.view == at(5)


def test_a_subscriber_that_raises_is_heard_and_the_workspace_goes_on(workspace: Workspace) -> None:
    def fail(change: Change) -> None:
        raise ValueError("defect")

    end = workspace.subscribe(fail)
    with pytest.raises(ValueError, match="defect"):
        workspace.apply(at(1), "one")
    end()
    workspace.apply(at(2), "two")
    assert workspace.view == at(2)
