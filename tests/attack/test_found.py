"""Every input that the attack has found: it opens, or one sentence says why not, within its limits."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.attack import fuzz
from tests.attack.bombs import BOMBS
from tests.attack.kinds import KINDS, make_input
from tests.attack.shapes import as_torch_zip, raw

FOUND = sorted(path for path in (Path(__file__).parent / "found").glob("*--*") if not path.with_suffix("").is_file())


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fuzz.prepare(tmp_path_factory.mktemp("attack"))


@pytest.fixture(scope="module")
def worker(seeds: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[fuzz.Worker]:
    found = fuzz.Worker(tmp_path_factory.mktemp("worker") / "one", seeds)
    yield found
    found.close()


@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.name)
def test_what_was_found_is_opened_or_refused(path: Path, worker: fuzz.Worker) -> None:
    kind, name = fuzz.parts_of(path)
    verdict = worker.open(kind, name, path.read_bytes(), seconds=KINDS[kind].seconds)
    assert verdict.good, verdict


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_is_opened_or_refused(bomb: str, seeds: Path, worker: fuzz.Worker) -> None:
    kind, name, blow = BOMBS[bomb]
    data = blow((seeds / kind / name).read_bytes())
    verdict = worker.open(kind, name, data, seconds=KINDS[kind].seconds)
    assert verdict.good, verdict


def test_every_kind_is_attacked_from_files_that_open(seeds: Path, worker: fuzz.Worker) -> None:
    for kind in KINDS:
        files = [path for path in sorted((seeds / kind).iterdir()) if path.is_file() and "disguised" not in path.name]
        assert files
        for path in files:
            verdict = worker.open(kind, path.name, path.read_bytes(), seconds=KINDS[kind].seconds)
            assert verdict.outcome == fuzz.OPENED, (kind, path.name, verdict)


def test_an_input_is_known_by_seed_and_number_alone(seeds: Path) -> None:
    torch = (seeds / "torch" / "0.pt").read_bytes()
    years = [entry.date_time[0] for turn in range(40) for entry in _entries(as_torch_zip(torch, random.Random(turn)))]
    assert set(years) == {1980}  # the hour of the attack is not written into its archives
    for number in range(60):
        one, same = (make_input(list(KINDS), 7, number, seeds) for _ in range(2))
        assert one == same
    assert len({make_input(list(KINDS), 7, number, seeds).data for number in range(60)}) > 50


def _entries(data: bytes) -> list[zipfile.ZipInfo]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError):  # its bytes were changed as well
        return []


def test_a_finding_is_made_smaller_as_long_as_it_stays_one() -> None:
    class Fake:
        def open(self, kind: str, name: str, data: bytes, *, seconds: float) -> fuzz.Verdict:
            return fuzz.Verdict(fuzz.UNTYPED, where="here") if b"bad" in data else fuzz.Verdict(fuzz.OPENED)

    start = raw(b"x" * 40, random.Random(1)) + b"bad" + b"y" * 37
    found = fuzz.smaller(Fake(), "card", "0.json", start, fuzz.Verdict(fuzz.UNTYPED, where="here"), seconds=2.0)
    assert b"bad" in found
    assert len(found) < 12
