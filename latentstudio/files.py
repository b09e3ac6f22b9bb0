"""Files that are written whole or not at all, and safe small readers."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from pathlib import Path

from latentstudio.errors import StorageError

_CHUNK = 1 << 20
_INPUTS: ContextVar[tuple[Path, ...]] = ContextVar("inputs", default=())


@contextlib.contextmanager
def never_over(inputs: Iterable[Path]) -> Iterator[None]:
    """While the block runs, what is written through this module takes the place of none of ``inputs``: files, links to
    them, and of folders every file that lies in them already.
    """
    token = _INPUTS.set((*_INPUTS.get(), *inputs))
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
        if _is_same(path, source) or (path.exists() and source.is_dir() and _is_same(path.parent, source)):
            raise StorageError(f"{path} is read here, it is not written over", expected="another file than the inputs",
                               action="choose another name or folder for what is made")


def _is_same(one: Path, other: Path) -> bool:
    """Whether two paths are one file: also through links, or where only capitals differ (one file on some disks)."""
    try:
        if one.samefile(other):
            return True
    except (OSError, ValueError):  # one of them is not there, or no path at all
        pass
    return str(one.absolute().resolve()).casefold() == str(other.absolute().resolve()).casefold()


def write_whole(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write ``data`` to ``path`` so that a crash or a full disk leaves the old file as it was.

    Args:
        path: the file to replace or create; its folder is made if missing.
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
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        with tempfile.TemporaryFile(dir=path.parent):
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
        StorageError: a folder bears its name, or it may not be removed.
    """
    try:
        Path(path).unlink(missing_ok=True)
    except OSError as problem:
        raise storage_error(path, problem) from problem


@contextlib.contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """A temporary path beside ``path`` to write to; it takes the place of ``path`` only when the block ends well."""
    path = Path(path)
    check_output(path)
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        if durable:
            with open(temporary, "rb+") as stream:
                os.fsync(stream.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as problem:
        raise storage_error(path, problem) from problem
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


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
    with open(path, "rb") as stream:
        while piece := stream.read(_CHUNK):
            digest.update(piece)
            if on_bytes is not None:
                on_bytes(len(piece))
    return digest.hexdigest()


def read_limited(path: Path, most: int) -> bytes:
    """The bytes of a file that is known to be small.

    Raises:
        OSError: it cannot be read, or has more than ``most`` bytes (EFBIG).
    """
    with open(path, "rb") as stream:
        data = stream.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"more than {most:,} bytes", str(path))
    return data
