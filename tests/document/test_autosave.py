"""Autosave: newest wins, at most a second behind, outlives kill -9, never shared by two windows."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

from latentstudio.document import autosave as autosave_module
from latentstudio.document.autosave import Autosave, Slot, claim_slot
from latentstudio.document.history import History
from latentstudio.document.session import Session
from latentstudio.document.slot_files import HISTORY_FILE, SESSION_FILE, THUMBNAILS
from latentstudio.document.view import View
from latentstudio.document.workspace import Workspace
from latentstudio.errors import StorageError

VIEW = View("toy", "", bytes(400), (100,))
START = Session((VIEW,))
CHECKOUT = Path(__file__).resolve().parents[2]


def at(t: float) -> Session:
    return Session((VIEW.with_position("x", t),))


@pytest.fixture
def slot(home: Path) -> Iterator[Slot]:
    claimed = claim_slot()
    yield claimed
    claimed.release()


def test_everything_stands_as_it_stood(slot: Slot) -> None:
    history = History.start(START).commit(at(1), "x").undo().commit(at(2), "other branch").undo()
    history = history.attach_thumbnail(0, np.full((64, 64, 3), 9, np.uint8))
    writer = Autosave(slot.folder)
    writer.save(START, history)
    assert writer.close()
    saved = slot.restore()
    assert saved is not None
    assert saved.session == START
    assert saved.history == history
    assert saved.history is not None
    assert int(saved.history.thumbnails[0][0, 0, 0]) == 9


def test_a_first_start_finds_nothing_and_says_nothing(slot: Slot) -> None:
    assert slot.restore() is None
    assert slot.recover().notice == ""


def test_a_burst_is_written_a_few_times_and_the_newest_stays(slot: Slot, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Session] = []
    real = autosave_module.write_session_part

    def counted(folder: Path, session: Session, *, durable: bool) -> None:
        written.append(session)
        real(folder, session, durable=durable)

    monkeypatch.setattr(autosave_module, "write_session_part", counted)
    writer = Autosave(slot.folder, interval=0.05)
    for t in range(2_000):
        writer.save(at(t))
    assert writer.flush()
    assert written[-1] == at(1_999)
    assert len(written) < 50
    assert writer.close()


def test_a_drag_leaves_the_history_alone(slot: Slot) -> None:
    history = History.start(START)
    writer = Autosave(slot.folder, interval=0.01)
    writer.save(START, history)
    assert writer.flush()
    stamp = (slot.folder / HISTORY_FILE).stat().st_mtime_ns
    writer.save(at(3), history)
    assert writer.flush()
    assert (slot.folder / HISTORY_FILE).stat().st_mtime_ns == stamp
    saved = slot.restore()
    assert saved is not None
    assert saved.session == at(3)
    workspace = Workspace()
    workspace.restore(saved.session, saved.history)
    assert [entry.session for entry in workspace.history.path()] == [START, at(3)]
    writer.close()


def test_thumbnails_of_dropped_entries_go(slot: Slot) -> None:
    writer = Autosave(slot.folder, interval=0.01)
    history = History(limit=2)
    for t in range(1, 6):
        history = history.commit(at(t), "x")
        history = history.attach_thumbnail(history.current or 0, np.full((8, 8, 3), t, np.uint8))
        writer.save(at(t), history)
        assert writer.flush()
    assert len(list((slot.folder / THUMBNAILS).glob("*.png"))) == 2
    writer.close()


@pytest.mark.parametrize("name", [SESSION_FILE, HISTORY_FILE])
@pytest.mark.parametrize("data", [b"", b"{", b"\x00" * 100])
def test_a_broken_part_is_set_aside_and_the_other_serves(slot: Slot, name: str, data: bytes) -> None:
    writer = Autosave(slot.folder)
    writer.save(at(4), History.start(at(4)))
    writer.close()
    (slot.folder / name).write_bytes(data)
    recovered = slot.recover()
    assert recovered.saved is not None
    assert recovered.saved.session == at(4)
    assert (recovered.saved.history is None) == (name == HISTORY_FILE)
    assert f"{name}.broken" in recovered.notice
    assert (slot.folder / f"{name}.broken").read_bytes() == data
    assert slot.recover().notice == ""


def test_both_parts_broken_start_fresh(slot: Slot) -> None:
    for name in (SESSION_FILE, HISTORY_FILE):
        (slot.folder / name).write_bytes(b"?")
    recovered = slot.recover()
    assert recovered.saved is None
    assert recovered.notice.count(".broken") == 2


def test_an_autosave_of_a_newer_version_is_set_aside(slot: Slot) -> None:
    record = {"format": "latentstudio autosave", "version": 7}
    (slot.folder / SESSION_FILE).write_bytes(msgspec.json.encode(record))
    assert "version 7" in slot.recover().notice


def test_a_lost_thumbnail_is_only_a_picture(slot: Slot) -> None:
    writer = Autosave(slot.folder)
    writer.save(START, History.start(START).attach_thumbnail(0, np.zeros((8, 8, 3), np.uint8)))
    writer.close()
    for path in (slot.folder / THUMBNAILS).iterdir():
        path.write_bytes(b"no picture")
    saved = slot.restore()
    assert saved is not None
    assert saved.history is not None
    assert saved.history.thumbnails == {}


def test_a_full_disk_is_told_once_and_writing_goes_on_afterwards(slot: Slot, monkeypatch: pytest.MonkeyPatch) -> None:
    problems: list[StorageError] = []
    told = threading.Event()

    def tell(problem: StorageError) -> None:
        problems.append(problem)
        told.set()

    monkeypatch.setattr(autosave_module, "RETRY", 0.01)
    writer = Autosave(slot.folder, on_problem=tell, interval=0.01)
    writer.save(at(1))
    assert writer.flush()

    def full(self: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        writer.save(at(2))
        assert told.wait(10)
        assert not writer.flush(0.1)
        restored = slot.restore()
        assert restored is not None
        assert restored.session == at(1)
    assert writer.flush()
    restored = slot.restore()
    assert restored is not None
    assert restored.session == at(2)
    assert len(problems) == 1
    assert "no space left" in problems[0].sentence
    assert writer.close()


def test_close_says_when_something_could_not_be_written(slot: Slot, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Autosave(slot.folder)

    def full(self: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    writer.save(at(1))
    assert not writer.close()


@pytest.mark.skipif(sys.platform == "win32", reason="the limit on file sizes is POSIX's")
def test_a_real_write_failure_leaves_the_old_file(home: Path) -> None:
    program = """
import resource, signal, sys
from latentstudio.document.autosave import Autosave, claim_slot
from latentstudio.document.session import Session
from latentstudio.document.view import View
slot, problems = claim_slot(), []
writer = Autosave(slot.folder, on_problem=problems.append, interval=0.01)
writer.save(Session((View("small", "", bytes(400), (100,)),)))
assert writer.flush()
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
writer.save(Session((View("large", "", bytes(40000), (10000,)),)))
print(writer.flush(0.3), len(problems), slot.restore().session.view.model)
"""
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=CHECKOUT, env=child_environment(), capture_output=True, text=True,
        timeout=60, check=True,
    )
    assert run.stdout.split() == ["False", "1", "small"]


def child_environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(CHECKOUT)}


def test_two_windows_never_share_a_slot(home: Path) -> None:
    first, second = claim_slot(), claim_slot()
    assert (first.number, first.first, first.notice) == (0, True, "")
    assert (second.number, second.first) == (1, False)
    assert "open already" in second.notice
    first.release()
    third = claim_slot()
    assert third.number == 0
    second.release()
    third.release()


def test_the_lock_holds_across_processes_and_ends_with_kill(home: Path) -> None:
    program = """
from latentstudio.document.autosave import claim_slot
slot = claim_slot()
print(slot.number, flush=True)
input()
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=CHECKOUT, env=child_environment(), stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline().strip() == b"0"
        ours = claim_slot()
        assert ours.number == 1
        child.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
        child.wait(30)
    again = claim_slot()
    assert again.number == 0
    ours.release()
    again.release()


def test_a_folder_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    with pytest.raises(StorageError, match="cannot be written"):
        claim_slot(blocked / "sessions")


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="kill -9 is POSIX's")
def test_after_kill_9_in_a_burst_the_session_is_at_most_a_second_old(home: Path) -> None:
    program = Path(__file__).with_name("drag_until_killed.py")
    with subprocess.Popen(
        [sys.executable, str(program)], cwd=CHECKOUT, env=child_environment(), stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        first = last = float(child.stdout.readline())
        while last < first + 2.0:
            last = float(child.stdout.readline())
        child.kill()
        for line in child.stdout:
            last = float(line) if line.endswith("\n") else last
    killed = time.time()
    slot = claim_slot()
    recovered = slot.recover()
    assert slot.number == 0
    assert recovered.notice == ""
    assert recovered.saved is not None
    assert last - recovered.saved.session.view.position("moment") <= 1.0
    assert recovered.saved.session.view.position("moment") <= killed
    assert recovered.saved.history is not None
    assert len(recovered.saved.history) > 5
    slot.release()


def test_a_start_that_never_ended_is_remembered_in_its_slot(home: Path) -> None:
    slot = claim_slot()
    assert not slot.begin_start()
    slot.end_start()
    assert not slot.begin_start()
    slot.release()  # as after a crash: nobody ended it
    again, beside = claim_slot(), claim_slot()
    assert not beside.begin_start()
    assert again.begin_start()
    again.end_start()
    assert not again.begin_start()
    again.release()
    beside.release()


def test_what_a_kill_left_half_written_goes_with_the_next_start(home: Path) -> None:
    slot = claim_slot()
    (slot.folder / THUMBNAILS).mkdir()
    half = [slot.folder / f".{SESSION_FILE}.ab12.part", slot.folder / THUMBNAILS / ".x.png.cd34.part"]
    for path in half:
        path.write_bytes(b"half")
    beside = claim_slot()
    assert all(path.exists() for path in half)  # the first window still writes
    slot.release()
    claim_slot().release()
    assert not any(path.exists() for path in half)
    beside.release()
