"""Files that are written whole or not at all, folders that come and go in one step, and safe small readers.

What is half done bears the name ``.NAME.PLACE-PID-RANDOM.part``: it says which process of which machine writes it, so
that what a killed one left behind is told from what is being written, and goes.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import os
import re
import secrets
import shutil
import socket
import stat
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import BinaryIO

from latentstudio.errors import StorageError

_CHUNK = 1 << 20
_LONGEST_NAME = 200  # bytes; file systems take 255, and something may be put before and behind
_SHOWN_NAME = 100
_OURS = re.compile(r"\..*\.(?P<place>[0-9a-f]{8})-(?P<pid>\d{1,10})-[0-9a-f]{8}\.part", re.DOTALL)
_OLDER = re.compile(r"\..*\.[a-z0-9_]{8}\.part|\.import\.[a-z0-9_]{8}", re.DOTALL)  # as versions before 0.2 named them
_ABANDONED = 24 * 3600.0  # seconds: longer than anything is written
_INPUTS: ContextVar[tuple[Path, ...]] = ContextVar("inputs", default=())
_KEEPS: ContextVar[bool] = ContextVar("keeps", default=False)


@contextlib.contextmanager
def never_over(inputs: Iterable[Path]) -> Iterator[None]:
    """While the block runs, what is written through this module takes the place of none of ``inputs``: files, links to
    them, and of folders every file that lies in them already. It holds in the thread that it is entered in.
    """
    token, kept = _INPUTS.set((*_INPUTS.get(), *inputs)), _KEEPS.set(True)
    try:
        yield
    finally:
        _KEEPS.reset(kept)
        _INPUTS.reset(token)


def reads(*inputs: Path) -> None:
    """These are read now, too: until the ``never_over`` block ends that this is called in; outside of one nothing."""
    if _KEEPS.get():
        _INPUTS.set((*_INPUTS.get(), *inputs))


@contextlib.contextmanager
def may_replace(folder: Path) -> Iterator[None]:
    """While the block runs, the files of ``folder`` may be replaced although they were read: it is written on purpose.
    """
    token = _INPUTS.set(tuple(source for source in _INPUTS.get() if source != folder))
    try:
        yield
    finally:
        _INPUTS.reset(token)


def check_output(path: Path, inputs: Iterable[Path] | None = None) -> None:
    """See that writing to ``path`` would destroy none of ``inputs`` (those of ``never_over`` when None).

    Raises:
        StorageError: it would.
    """
    path = Path(path)
    for source in _INPUTS.get() if inputs is None else inputs:
        if _is_same(path, source) or _lies_in(path, source):
            raise StorageError(f"{path} is read here, it is not written over", expected="another file than the inputs",
                               action="choose another name or folder for what is made")


def _lies_in(path: Path, folder: Path) -> bool:
    """Whether this is a file of the folder, or a link to one."""
    return path.exists() and folder.is_dir() and any(
        _is_same(place.parent, folder) for place in (path, Path(os.path.realpath(path))))


def _is_same(one: Path, other: Path) -> bool:
    """Whether two paths are one file: also through links, or where only capitals differ (one file on some disks)."""
    try:
        if one.samefile(other):
            return True
    except (OSError, ValueError):  # one of them is not there, or no path at all
        pass
    return str(one.absolute().resolve()).casefold() == str(other.absolute().resolve()).casefold()


def is_plain_name(name: str) -> bool:
    """Whether a name out of a file may become the name of a file: no path, not hidden, no odd sign, not too long."""
    if not name or name.startswith(".") or any(sign in "/\\" or not sign.isprintable() for sign in name):
        return False
    with contextlib.suppress(UnicodeEncodeError):
        return len(name.encode("utf-8")) <= _LONGEST_NAME
    return False


def write_whole(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write ``data`` to ``path`` so that a crash or a full disk leaves the old file as it was.

    Args:
        path: the file to replace or create; its folder is made if missing. Through a link its target is written.
        data: the whole new content.
        durable: wait until the disk has it (a power cut then loses nothing).

    Raises:
        StorageError: the disk is full, or the folder may not be written; the old file is untouched.
    """
    with replacing(path, durable=durable) as temporary:
        temporary.write_bytes(data)


def check_writable(path: Path) -> None:
    """See before long work whether a file can be made at ``path``; its folder is made if missing, the file is not.

    Raises:
        StorageError: a folder is in the way, or the folder may not be written.
    """
    path = Path(path)
    check_output(path)
    try:
        target = _led_to(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        _permissions(target)
        with tempfile.TemporaryFile(dir=target.parent):
            pass
    except OSError as problem:
        raise storage_error(path, problem) from problem


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, where they are missing.

    Raises:
        StorageError: a file is in the way, or it may not be made.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise storage_error(folder, problem) from problem


def remove_file(path: Path) -> None:
    """Remove a file, if it is there.

    Raises:
        StorageError: a folder bears its name, it may not be removed, or it is an input (see ``never_over``).
    """
    check_output(path)
    try:
        Path(path).unlink(missing_ok=True)
    except OSError as problem:
        raise storage_error(path, problem) from problem


@contextlib.contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """A temporary path beside ``path`` to write to; it takes the place of ``path`` only when the block ends well.

    A link stays, and what it leads to is replaced. The file keeps its permissions; a new one gets those that the
    process gives to all its files. What killed processes left in the folder goes.

    Raises:
        StorageError: the disk is full, the folder may not be written, or no ordinary file stands at ``path``.
    """
    path = Path(path)
    check_output(path)
    temporary: Path | None = None
    try:
        target = _led_to(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        before = _permissions(target)
        _tidy(str(target.parent))
        temporary = _half_done(target)
        # the system itself takes the umask off: reading it would set it for other threads
        os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        yield temporary
        if durable:
            with open(temporary, "rb+") as stream:
                os.fsync(stream.fileno())
        if before is not None:
            os.chmod(temporary, before)
        os.replace(temporary, target)
    except OSError as problem:
        raise storage_error(path, problem) from problem
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def work_folder(target: Path) -> Iterator[Path]:
    """A folder beside ``target`` to make it in; whatever is left of it when the block ends is removed.

    Raises:
        StorageError: what the block raises as ``OSError``: the disk is full, or the folder may not be written.
    """
    work: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _tidy(str(target.parent))
        work = _half_done(target)
        work.mkdir()
        yield work
    except OSError as problem:
        raise storage_error(target, problem) from problem
    finally:
        if work is not None:
            shutil.rmtree(work, ignore_errors=True)


def put_folder(ready: Path, target: Path) -> None:
    """Put a finished folder in its place; an older one, or a link that stands there, goes.

    Raises:
        StorageError: it may not be put there; an older one stays as it was.
    """
    before = _half_done(target)
    try:
        if os.path.lexists(target):
            os.rename(target, before)
        try:
            ready.rename(target)
        except OSError:
            if os.path.lexists(before):
                os.rename(before, target)
            raise
    except OSError as problem:
        raise storage_error(target, problem) from problem
    _removed(before)


def remove_folder(folder: Path) -> None:
    """Remove a folder with all that is in it; of a link only the link. What cannot be removed stays where it is.

    Raises:
        StorageError: it may not be removed.
    """
    try:
        if folder.is_symlink() or not folder.is_dir():
            folder.unlink(missing_ok=True)
            return
        for inside, _, _ in os.walk(folder):
            if not os.access(inside, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), inside)
        hidden = _half_done(folder)
        folder.rename(hidden)  # gone in one step for whoever looks
        try:
            shutil.rmtree(hidden)
        except OSError:
            hidden.rename(folder)
            raise
    except OSError as problem:
        reason = problem.strerror or str(problem)
        raise StorageError(f"{folder} cannot be removed ({reason}: {problem.filename or folder})",
                           action="see to its permissions and try again") from problem


def remove_left_over(folder: Path) -> int:
    """Remove, in one of this program's own folders and below, what killed processes left half done; how many."""
    count = 0
    for inside, names, files in os.walk(folder):
        for name in (*names, *files):
            if _is_left_over(Path(inside) / name, older=True):
                count += _removed(Path(inside) / name)
        names[:] = [name for name in names if not _OURS.fullmatch(name)]
    return count


@functools.cache
def _tidy(folder: str) -> None:
    """As ``remove_left_over`` for one folder that is written to, once a process; it may be the user's own."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") and _is_left_over(Path(entry.path), older=False):
                _removed(Path(entry.path))


def _removed(path: Path) -> bool:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError:
        return False
    return True


def _is_left_over(path: Path, *, older: bool) -> bool:
    ours = _OURS.fullmatch(path.name)
    if ours is None and not (older and _OLDER.fullmatch(path.name)):
        return False
    if ours is not None and ours["place"] == _place() and not _is_alive(int(ours["pid"])):
        return True
    try:
        return time.time() - path.lstat().st_mtime > _ABANDONED
    except OSError:
        return False


def _is_alive(pid: int) -> bool:
    if os.name != "posix":  # there os.kill would end it
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


@functools.cache
def _place() -> str:
    """Names the machine, and the container on it, within which a process number means one process."""
    space = ""
    with contextlib.suppress(OSError):
        space = os.readlink("/proc/self/ns/pid")
    return hashlib.sha256(f"{socket.gethostname()} {space}".encode()).hexdigest()[:8]


def _half_done(target: Path) -> Path:
    shown = os.fsencode(target.name)[:_SHOWN_NAME].decode("utf-8", errors="ignore")
    return target.with_name(f".{shown}.{_place()}-{os.getpid()}-{secrets.token_hex(4)}.part")


def _led_to(path: Path) -> Path:
    """Where a file of this name lies in the end, links followed."""
    if "\0" in str(path):
        raise OSError(errno.EINVAL, "the name holds a NUL")
    if not path.is_symlink():
        return path
    target = Path(os.path.realpath(path))
    if target.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return target


def _permissions(target: Path) -> int | None:
    """Those of the file that is replaced, None where there is none."""
    try:
        mode = os.stat(target).st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(mode):  # a pipe, or /dev/null, would be replaced by a file
        raise OSError(errno.EINVAL, "it is no ordinary file")
    return stat.S_IMODE(mode)


def storage_error(path: Path, problem: OSError) -> StorageError:
    """The one-line error for a failed write to ``path``."""
    if problem.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageError(
            f"no space left on the disk while writing {path}",
            action="free some space and save again; the old file is as it was",
        )
    if problem.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return StorageError(f"{path} may not be written", action="choose another folder")
    if isinstance(problem, NotADirectoryError | FileExistsError):
        return StorageError(f"{path} cannot be written: a file is where a folder has to be",
                            action="choose another folder")
    if isinstance(problem, IsADirectoryError) or problem.errno == errno.EISDIR:
        return StorageError(f"{path} cannot be written: a folder is in the way", action="choose another name")
    return StorageError(f"{path} cannot be written ({problem.strerror or problem})", action="choose another folder")


def sha256_of(path: Path, *, on_bytes: Callable[[int], None] | None = None) -> str:
    """Hexadecimal SHA-256 of a file, read in pieces of 1 MiB."""
    digest = hashlib.sha256()
    with open_regular(path) as stream:
        while piece := stream.read(_CHUNK):
            digest.update(piece)
            if on_bytes is not None:
                on_bytes(len(piece))
    return digest.hexdigest()


def open_regular(path: Path) -> BinaryIO:
    """An ordinary file, open for reading. Never waits, as opening a pipe that nobody writes to would.

    Raises:
        OSError: it cannot be read, or is a folder, a pipe, a socket or a device.
    """
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISREG(mode):
            return open(path, "rb", opener=_never_waiting)
    except ValueError as problem:  # a name that no file can have
        raise OSError(errno.EINVAL, str(problem), str(path)) from problem
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise OSError(errno.EINVAL, "it is no ordinary file", str(path))


def _never_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # it may have become a pipe since it was looked at


def is_regular(path: Path) -> bool:
    """Whether an ordinary file lies there; of a name that no file can have it is false."""
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False


def read_limited(path: Path, most: int) -> bytes:
    """The bytes of a file that is known to be small.

    Raises:
        OSError: it cannot be read, is no ordinary file, or has more than ``most`` bytes (EFBIG).
    """
    with open_regular(path) as stream:
        data = stream.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"more than {most:,} bytes", str(path))
    return data
