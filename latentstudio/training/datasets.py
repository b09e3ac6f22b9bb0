"""Data sets that are fetched on demand: a Debian package, checked by SHA-256 and taken apart here, without root.

Where the package is installed already (``apt install dataset-fashion-mnist``) its own folder is read. No torch here.
"""

from __future__ import annotations

import gzip
import io
import tarfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentstudio.errors import AddOnError, TrainingError, UnknownNameError
from latentstudio.files import open_regular, put_folder, sha256_of, work_folder
from latentstudio.places import bundled, data_folder
from latentstudio.readers import border, read_toml
from latentstudio.steps import Step

_CHUNK = 1 << 18
_PATIENCE = 20.0  # seconds without a byte
_MOST = 200 << 20
_LICENCE_FILE = "LICENCE.txt"


@dataclass(frozen=True)
class DataSet:
    """A data set that can be fetched: where from, its SHA-256 and licence, and the files that are kept of it."""

    name: str
    title: str
    licence: str
    licence_text: str
    url: str
    sha256: str
    bytes: int
    members: tuple[str, ...]
    debian_folder: str = ""


def data_set(name: str) -> DataSet:
    """The data set of this name.

    Raises:
        UnknownNameError: there is none.
        AddOnError: its description is broken.
    """
    path = bundled("resources") / "datasets" / f"{name}.toml"
    if Path(name).name != name or not path.is_file():
        raise UnknownNameError(f"there is no data set '{name}'", expected=f"one of: {', '.join(data_set_names())}")

    def refuse(reason: str) -> AddOnError:
        return AddOnError(f"{path} is not a valid data set ({reason})", expected="the keys of DataSet")

    with border(refuse):
        return read_toml(path, DataSet, refuse)


def data_set_names() -> tuple[str, ...]:
    """Every data set that the program knows."""
    return tuple(sorted(path.stem for path in (bundled("resources") / "datasets").glob("*.toml")))


def data_set_folder(found: DataSet) -> Path | None:
    """Where its files lie: installed by Debian, or fetched into the user's data folder; None where they do not."""
    for folder in (data_folder() / "datasets" / found.name, Path(found.debian_folder)):
        if found.debian_folder and all((folder / member).is_file() for member in found.members):
            return folder
    return None


def fetch_data_set(found: DataSet) -> Iterator[Step]:
    """Download, check and unpack; closing the iterator stops and leaves no trace.

    Raises:
        AddOnError: no network, another SHA-256, or not the promised content.
        StorageError: the disk is full or the folder may not be written.
    """
    target = data_folder() / "datasets" / found.name
    with work_folder(target) as work:
        package = work / "package"
        yield from _download(found, package)
        if (digest := sha256_of(package)) != found.sha256:
            raise AddOnError(f"the fetched {found.name} has the SHA-256 {digest}", expected=found.sha256,
                             action="it was not opened; try again later or from another network")
        yield Step(0.9, "unpacking")
        ready = work / "ready"
        ready.mkdir()
        _unpack(found, package, ready)
        (ready / _LICENCE_FILE).write_text(found.licence_text.strip() + "\n", encoding="utf-8")
        put_folder(ready, target)
        yield Step(1.0, f"{found.title} is there")


def _download(found: DataSet, path: Path) -> Iterator[Step]:
    try:
        with urllib.request.urlopen(found.url, timeout=_PATIENCE) as answer, open(path, "wb") as stream:
            done = 0
            while piece := answer.read(_CHUNK):
                stream.write(piece)
                done += len(piece)
                if done > found.bytes:
                    break
                yield Step(0.9 * done / found.bytes, f"fetching {found.bytes / 1e6:.0f} MB")
    except (urllib.error.URLError, TimeoutError, ConnectionError, ValueError) as problem:
        raise AddOnError(f"{found.name} could not be fetched ({getattr(problem, 'reason', problem)})",
                         action="check the network and try again, or `apt install dataset-fashion-mnist`") from problem


def _unpack(found: DataSet, package: Path, folder: Path) -> None:
    """A Debian package is an ``ar`` archive with a tar file of the data inside; only the named files are taken out."""
    def broken(reason: str) -> AddOnError:
        return AddOnError(f"{package.name} is no Debian package ({reason})", expected="the package as described")

    kept: dict[str, bytes] = {}
    with border(broken), tarfile.open(fileobj=io.BytesIO(_ar_member(package.read_bytes(), b"data.tar"))) as archive:
        for member in archive:
            name = Path(member.name).name
            part = archive.extractfile(member) if member.isfile() and name in found.members else None
            if part is not None and "doc" not in Path(member.name).parts:
                kept[name] = part.read()
    missing = [name for name in found.members if name not in kept]
    if missing:
        raise AddOnError(f"the package holds no {missing[0]}", expected="the package as described")
    for name, data in kept.items():
        (folder / name).write_bytes(data)


def _ar_member(archive: bytes, prefix: bytes) -> bytes:
    if archive[:8] != b"!<arch>\n":
        raise ValueError("no ar archive")
    start = 8
    while start + 60 <= len(archive):
        name, size = archive[start : start + 16].strip(), int(archive[start + 48 : start + 58])
        start += 60
        if name.startswith(prefix):
            return archive[start : start + size]
        start += size + size % 2
    raise ValueError(f"no {prefix.decode()} inside")


def read_idx(path: Path) -> NDArray[np.uint8]:
    """A file of the MNIST format: gzip, a header of big-endian sizes, bytes.

    Raises:
        TrainingError: it is no such file.
    """
    with border(lambda reason: TrainingError(f"{path} is not a data file of MNIST's kind ({reason})",
                                             action="fetch the data set again")):
        with open_regular(path) as packed, gzip.open(packed) as stream:
            data = stream.read(_MOST + 1)
        if len(data) > _MOST:
            raise ValueError(f"more than {_MOST:,} bytes")
        ranks = data[3]
        shape = tuple(int.from_bytes(data[4 + 4 * axis : 8 + 4 * axis], "big") for axis in range(ranks))
        return np.frombuffer(data, np.uint8, offset=4 + 4 * ranks).reshape(shape)
