"""Files are written whole or not at all, through links, with their permissions; what a kill leaves goes."""

from __future__ import annotations

import errno
import os
import signal
import stat
import subprocess
import sys
import time
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

from latentstudio import files
from latentstudio.errors import StorageError
from latentstudio.files import (
    check_writable,
    is_plain_name,
    put_folder,
    read_limited,
    remove_folder,
    remove_left_over,
    replacing,
    work_folder,
    write_whole,
)
from latentstudio.scenes.files import write_layers


@pytest.fixture(autouse=True)
def _tidy_again() -> None:
    files._tidy.cache_clear()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path: Path) -> None:
    real = tmp_path / "real" / "picture.png"
    real.parent.mkdir()
    real.write_bytes(b"old")
    (tmp_path / "link").symlink_to(real)
    (tmp_path / "chain").symlink_to("link")
    write_whole(tmp_path / "chain", b"new")
    assert real.read_bytes() == b"new"
    assert (tmp_path / "chain").is_symlink()
    assert (tmp_path / "link").is_symlink()
    assert [path.name for path in real.parent.iterdir()] == ["picture.png"]
    (tmp_path / "hanging").symlink_to(tmp_path / "real" / "later.png")
    check_writable(tmp_path / "hanging")
    write_whole(tmp_path / "hanging", b"first")
    assert (tmp_path / "real" / "later.png").read_bytes() == b"first"


def test_what_is_no_ordinary_file_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "folder").mkdir()
    (tmp_path / "to-folder").symlink_to("folder")
    os.mkfifo(tmp_path / "pipe")
    names = ("loop", "folder", "to-folder", "pipe", "a\0b", "n" * 300)
    for path in (*(tmp_path / name for name in names), Path("/dev/null")):
        with pytest.raises(StorageError):
            write_whole(path, b"x")
        with pytest.raises(StorageError):
            check_writable(path)
    assert (tmp_path / "loop").is_symlink()
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)
    assert stat.S_ISFIFO(os.stat(tmp_path / "pipe").st_mode)


@pytest.mark.parametrize(("umask", "wanted"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_a_new_file_follows_the_umask(tmp_path: Path, umask: int, wanted: int) -> None:
    before = os.umask(umask)
    try:
        write_whole(tmp_path / "new", b"x")
        with work_folder(tmp_path / "made") as work:
            (work / "inside").mkdir()
            put_folder(work / "inside", tmp_path / "made")
    finally:
        os.umask(before)
    assert mode(tmp_path / "new") == wanted
    assert mode(tmp_path / "made") == (0o777 & ~umask)


def test_an_old_file_keeps_its_permissions(tmp_path: Path) -> None:
    for wanted in (0o600, 0o640, 0o755, 0o444):
        path = tmp_path / f"file-{wanted:o}"
        path.write_bytes(b"old")
        path.chmod(wanted)
        write_whole(path, b"new")
        assert mode(path) == wanted
        assert path.read_bytes() == b"new"


def test_names_as_long_as_the_system_takes_are_written(tmp_path: Path) -> None:
    for name in ("n" * 255, "ü" * 127, ".x"):
        write_whole(tmp_path / name, b"x")
    assert len(list(tmp_path.iterdir())) == 3


KILLED = """
import os, sys, time
from pathlib import Path
from latentstudio.files import replacing, work_folder
with replacing(Path(sys.argv[1]) / "picture.png") as temporary, work_folder(Path(sys.argv[1]) / "model") as work:
    (work / "weights").write_bytes(b"half")
    print("ready", flush=True)
    time.sleep(60)
"""


def killed_in(folder: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(folder)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    parts = list(folder.glob(".*.part"))
    assert len(parts) == 2
    write_whole(folder / "beside", b"x")
    assert sorted(folder.glob(".*.part")) == sorted(parts), "what is being written stays"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()


def test_what_a_kill_left_goes_with_the_next_write_of_a_new_process(tmp_path: Path) -> None:
    killed_in(tmp_path)
    (tmp_path / ".mine.part").write_bytes(b"the user's own")
    files._tidy.cache_clear()
    write_whole(tmp_path / "next", b"x")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".mine.part", "beside", "next"]


def test_what_a_kill_left_goes_at_the_next_start(tmp_path: Path) -> None:
    (tmp_path / "data" / "models").mkdir(parents=True)
    killed_in(tmp_path / "data" / "models")
    old = time.time() - 2 * 24 * 3600
    for name in (".preferences.json.ab12cd3_.part", ".import.ab12cd3_", f".x.{'0' * 8}-1-{'0' * 8}.part"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "inside").write_bytes(b"half")
        os.utime(tmp_path / name, (old, old))
    (tmp_path / f".y.{'0' * 8}-1-{'0' * 8}.part").write_bytes(b"of another machine, just now")
    (tmp_path / ".new.ab12cd3_.part").write_bytes(b"of an older version, just now")
    assert remove_left_over(tmp_path) == 5
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".new.ab12cd3_.part", f".y.{'0' * 8}-1-{'0' * 8}.part", "data"]
    assert [path.name for path in (tmp_path / "data" / "models").iterdir()] == ["beside"]


def test_a_full_disk_leaves_the_old_file_and_no_part(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def fill(opened: AbstractContextManager[Path], name: str) -> None:
        with opened as half_done:
            (half_done / name).write_bytes(b"half")
            raise OSError(errno.ENOSPC, "full")

    with pytest.raises(StorageError, match="no space left"):
        fill(replacing(path), "")
    assert [one.name for one in tmp_path.iterdir()] == ["file"]
    assert path.read_bytes() == b"old"
    with pytest.raises(StorageError, match="no space left"):
        fill(work_folder(tmp_path / "model"), "half")
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_layers_of_a_scene_are_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from PIL import Image

    layers = np.zeros((2, 8, 8, 4), np.uint8)
    names = write_layers(tmp_path, layers[0, :, :, :3], layers)
    assert names == ("background.png", "object-00.png", "object-01.png")

    def full(self: Image.Image, path: Path, **options: object) -> None:
        Path(path).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(StorageError, match="no space left"):
        write_layers(tmp_path, layers[0, :, :, :3], layers)
    assert all(path.read_bytes() != b"half" for path in tmp_path.iterdir())


def test_of_a_link_to_a_folder_only_the_link_is_removed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "weights").write_bytes(b"x")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "nowhere").symlink_to("gone")
    remove_folder(tmp_path / "link")
    remove_folder(tmp_path / "nowhere")
    remove_folder(tmp_path / "never-there")
    assert [path.name for path in tmp_path.iterdir()] == ["real"]
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "ready").mkdir()
    put_folder(tmp_path / "ready", tmp_path / "link")
    assert not (tmp_path / "link").is_symlink()
    assert (tmp_path / "real" / "weights").is_file()


def test_a_folder_that_cannot_be_removed_stays_whole_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "model"
    (folder / "inside").mkdir(parents=True)
    (folder / "inside" / "file").write_bytes(b"x")
    monkeypatch.setattr(os, "access", lambda path, how: not str(path).endswith("inside"))
    with pytest.raises(StorageError, match=r"cannot be removed .Permission denied"):
        remove_folder(folder)
    assert (folder / "inside" / "file").is_file()
    monkeypatch.setattr(os, "access", lambda path, how: True)

    def refused(path: Path, **options: object) -> None:
        raise OSError(errno.EBUSY, "Device or resource busy", str(path))

    monkeypatch.setattr("latentstudio.files.shutil.rmtree", refused)
    with pytest.raises(StorageError, match="busy"):
        remove_folder(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert (folder / "inside" / "file").is_file()


@pytest.mark.parametrize(("name", "plain"), [
    ("weights.safetensors", True), ("Ein Gesicht 2", True), ("", False), (".", False), ("..", False),
    (".hidden", False), ("a/b", False), ("a\\b", False), ("a\0b", False), ("a\nb", False), ("n" * 201, False),
    ("ü" * 101, False),
    ("\udc80", False), ("n" * 200, True),
])
def test_names_out_of_files_become_files_only_when_they_are_plain(name: str, plain: bool) -> None:
    assert is_plain_name(name) is plain


def test_reading_never_waits_and_never_reads_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    names = ("pipe", "", "a\0b", "gone", "n" * 300)
    for path in (*(tmp_path / name for name in names), Path("/dev/zero")):
        with pytest.raises(OSError, match=r"Errno"):
            read_limited(path, 100)
