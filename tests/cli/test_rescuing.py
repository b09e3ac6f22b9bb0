"""A factor that took minutes is not lost when it cannot be written: another file, the rescue folder, or a word."""

from __future__ import annotations

import io
import tempfile
from pathlib import Path

import numpy as np
import pytest

from latentstudio.cli.output import Output
from latentstudio.cli.rescuing import write_somewhere
from latentstudio.errors import StorageError
from latentstudio.factors import Factor, MeasuredCalibration, MonotoneCurve, read_factor
from latentstudio.factors.rescuing import forget_rescued, rescued_factors
from latentstudio.places import state_folder
from latentstudio.units import PIXELS


@pytest.fixture
def factor() -> Factor:
    along = np.linspace(-3.0, 3.0, 7)
    measured = MeasuredCalibration(along, 2.0 * along, np.full(7, 0.2), (-3.0, 3.0))
    axis = np.eye(4, dtype=np.float32)[0]
    return Factor("x", "to the right", PIXELS, axis, MonotoneCurve(along, 2.0 * along), measured, "one", "ab" * 32)


@pytest.fixture
def full(tmp_path: Path) -> Path:
    """A file that cannot be written: a file stands where its folder should be."""
    (tmp_path / "disk").write_text("in the way")
    return tmp_path / "disk" / "x.safetensors"


class Terminal(io.StringIO):
    """A keyboard with lines already typed."""

    def isatty(self) -> bool:
        return True


def test_what_can_be_written_is_written_there(home: Path, tmp_path: Path, factor: Factor) -> None:
    assert write_somewhere(tmp_path / "x.safetensors", factor, Output()) == tmp_path / "x.safetensors"
    assert rescued_factors() == ()


def test_without_a_terminal_the_factor_is_rescued_and_the_error_names_the_file(
    home: Path, full: Path, factor: Factor
) -> None:
    with pytest.raises(StorageError, match=r"the factor is safe in .*rescued/one-x\.safetensors"):
        write_somewhere(full, factor, Output())
    assert [found.name for found in rescued_factors()] == ["x"]
    forget_rescued(factor)
    assert rescued_factors() == ()


def test_the_temporary_folder_is_the_last_resort(
    home: Path, full: Path, factor: Factor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state_folder().parent.mkdir(parents=True, exist_ok=True)
    state_folder().write_text("in the way as well")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(StorageError, match="the factor is safe in") as caught:
        write_somewhere(full, factor, Output())
    path = Path(caught.value.action.removeprefix("the factor is safe in ").partition(";")[0])
    assert path.parent == tmp_path
    assert read_factor(path).name == "x"
    monkeypatch.setattr(tempfile, "tempdir", str(full.parent / "no folder"))
    with pytest.raises(StorageError, match="free some space"):
        write_somewhere(full, factor, Output())


def test_a_person_at_a_terminal_may_name_another_file(
    home: Path, full: Path, factor: Factor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(f"{full}\n{tmp_path}/second.safetensors\n"))
    assert write_somewhere(full, factor, Output()) == tmp_path / "second.safetensors"
    assert read_factor(tmp_path / "second.safetensors").name == "x"
    assert capsys.readouterr().err.count("the factor is still in memory") == 2
    monkeypatch.setattr("sys.stdin", Terminal("\n"))
    with pytest.raises(StorageError, match="the factor is safe in"):
        write_somewhere(full, factor, Output())
