"""The undo tree: no value is lost, redo follows the latest branch, the size is bounded."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentstudio.document.history import THUMBNAIL_LIMIT, THUMBNAIL_SIDE, Entry, History, rebuilt
from latentstudio.document.origin import Origin
from latentstudio.document.session import Session
from latentstudio.document.view import View
from latentstudio.errors import UnknownNameError, UsageError

VIEW = View("toy", "", bytes(8), (2,))
BASE = Session((VIEW,))
Move = tuple[str, int]
MOVES = st.lists(
    st.tuples(st.sampled_from(["commit", "undo", "redo", "go"]), st.integers(0, 1_000)), max_size=60
)


def at(t: float) -> Session:
    return Session((VIEW.with_position("x", t),))


def play(history: History, moves: list[Move]) -> list[History]:
    """All states that these moves lead through."""
    states = [history]
    for count, (verb, number) in enumerate(moves, start=1):
        now = states[-1]
        if verb == "commit":
            states.append(now.commit(at(count), f"move {count}", time=float(count)))
        elif verb == "go":
            states.append(now.go(now.entries[number % len(now)].id))
        else:
            states.append(now.undo() if verb == "undo" else now.redo())
    return states


def is_one_tree(history: History) -> bool:
    ids = [entry.id for entry in history.entries]
    roots = [entry for entry in history.entries if entry.parent is None]
    parents = {entry.parent for entry in history.entries if entry.parent is not None}
    return ids == sorted(set(ids)) and len(roots) == 1 and parents <= set(ids) and history.current in ids


@given(MOVES)
def test_no_value_is_lost_and_every_value_can_be_reached(moves: list[Move]) -> None:
    states = play(History.start(BASE), moves)
    last = states[-1]
    for state in states:
        assert set(state.entries) <= set(last.entries)
        standing = state.current_entry
        assert standing is not None
        assert last.go(standing.id).current_entry == standing
    assert is_one_tree(last)


@given(MOVES)
def test_undo_then_redo_comes_back(moves: list[Move]) -> None:
    for state in play(History.start(BASE), moves):
        if state.can_undo:
            assert state.undo().redo().current == state.current
            assert state.undo().current != state.current
        else:
            assert state.undo() is state
        if state.can_redo:
            assert state.redo().undo().current == state.current
        else:
            assert state.redo() is state


@given(MOVES)
def test_the_path_is_what_undo_and_redo_walk(moves: list[Move]) -> None:
    state = play(History.start(BASE), moves)[-1]
    path = [entry.id for entry in state.path()]
    place = path.index(state.current)
    walked = state
    for id in reversed(path[:place]):
        walked = walked.undo()
        assert walked.current == id
    assert not walked.can_undo
    for id in path[1:]:
        walked = walked.redo()
        assert walked.current == id
    assert not walked.can_redo


@given(MOVES, st.integers(1, 12))
def test_it_is_bounded_and_stays_one_tree(moves: list[Move], limit: int) -> None:
    for state in play(History(limit=limit).commit(BASE, "start"), moves):
        assert 1 <= len(state) <= limit
        assert is_one_tree(state)
        assert state.path()[0].parent is None
        assert state.current_entry in state.path()


@given(MOVES, st.integers(1, 12))
def test_stored_parts_give_the_same_tree(moves: list[Move], limit: int) -> None:
    state = play(History(limit=limit).commit(BASE, "start"), moves)[-1]
    again = rebuilt(state.entries, state.current, state.latest, {}, limit=limit)
    assert again.entries == state.entries
    assert again.path() == state.path()


def test_a_full_chain_drops_its_oldest_value_first() -> None:
    history = History(limit=3)
    for t in range(5):
        history = history.commit(at(t), str(t))
    assert [entry.session.view.position("x") for entry in history.entries] == [2, 3, 4]
    assert history.undo().undo().undo().current == 2


def test_a_full_tree_drops_its_oldest_leaf_first() -> None:
    branched = History.start(at(0)).commit(at(1), "old branch").undo()
    history = branched.commit(at(2), "new").commit(at(3), "newer")
    assert [entry.id for entry in history.bounded(3).entries] == [0, 2, 3]


def test_redo_follows_the_branch_visited_last() -> None:
    history = History.start(at(0)).commit(at(1), "one").undo().commit(at(2), "two").undo()
    assert history.redo().current == 2
    assert history.go(1).undo().redo().current == 1


def test_the_same_value_again_is_no_entry() -> None:
    history = History.start(at(1))
    assert history.commit(at(1), "again") is history


def test_an_empty_history_stands_nowhere() -> None:
    empty = History()
    assert (empty.current, empty.current_entry, empty.path()) == (None, None, ())
    assert empty.undo() is empty
    assert empty.redo() is empty


def test_an_unknown_entry_is_named() -> None:
    with pytest.raises(UnknownNameError, match="no entry 9"):
        History.start(BASE).go(9)


def test_thumbnails_are_small_copies_and_go_with_their_entry() -> None:
    picture = np.full((256, 128, 3), 77, np.uint8)
    history = History(limit=1).commit(at(0), "a").attach_thumbnail(0, picture)
    kept = history.thumbnails[0]
    picture[:] = 0
    assert kept.shape == (THUMBNAIL_SIDE, THUMBNAIL_SIDE // 2, 3)
    assert int(kept.min()) == 77
    with pytest.raises(ValueError, match="read-only"):
        kept[0, 0, 0] = 1
    assert history.commit(at(1), "b").thumbnails == {}
    assert history.attach_thumbnail(99, picture) is history
    with pytest.raises(UsageError, match="float32"):
        history.attach_thumbnail(0, np.zeros((4, 4, 3), np.float32))  # type: ignore[arg-type]


def test_only_the_newest_thumbnails_are_kept() -> None:
    history, picture = History(), np.zeros((2, 2, 3), np.uint8)
    for t in range(THUMBNAIL_LIMIT + 2):
        history = history.commit(at(t), "x").attach_thumbnail(t, picture)
    assert list(history.thumbnails) == list(range(2, THUMBNAIL_LIMIT + 2))
    assert list(history.attach_thumbnail(0, picture).thumbnails)[-1] == 0
    again = rebuilt(history.entries, history.current, history.latest, history.thumbnails)
    assert list(again.thumbnails) == list(history.thumbnails)


@pytest.mark.parametrize(
    ("parents", "current"),
    [([None, None], 0), ([None, 1], 0), ([None, 5], 0), ([0], 0), ([None, 0], 7), ([None], None), ([], 0)],
)
def test_parts_that_are_no_tree_are_refused(parents: list[int | None], current: int | None) -> None:
    entries = [Entry(id, parent, at(id), "", 0.0) for id, parent in enumerate(parents)]
    with pytest.raises(UsageError):
        rebuilt(entries, current, {}, {})


def test_a_clock_that_is_set_back_never_puts_an_entry_before_its_elders() -> None:
    history = History.start(at(0), time=100.0).commit(at(1), "x", time=50.0).undo().commit(at(2), "x", time=200.0)
    assert [entry.time for entry in history.entries] == [100.0, 100.0, 200.0]


@pytest.mark.parametrize("origin", [one for one in Origin if one is not Origin.EDIT])
def test_the_picture_before_editing_is_the_nearest_that_was_no_edit(origin: Origin) -> None:
    fresh = VIEW.with_latent(np.array([1.0, 2.0], np.float32), 4)
    raw = fresh.with_latent(np.array([5.0, 2.0], np.float32)).with_tuning("t")
    history = History.start(at(3)).commit(Session((fresh,)), "words that tell nothing", origin=origin)
    history = history.commit(Session((raw,)), "raw").commit(Session((raw.with_position("x", 2.0),)), "x")
    assert history.original(raw.with_position("x", 9.0)) == fresh.with_tuning("t")
    assert history.go(0).original(VIEW.with_position("x", 3.0)) == VIEW


def test_another_model_or_photo_than_the_history_knows_is_its_own_original() -> None:
    other = View("other", "", bytes(12), (3,), positions=(("x", 1.0),))
    assert History.start(BASE).original(other) == other.with_reset()
    assert History().original(other) == other.with_reset()
