"""The command line measures the runtimes once where torch had to draw, and never where that would cost much."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from latentstudio.cli import measuring
from latentstudio.errors import CapabilityError
from latentstudio.generators.card import read_card, write_card
from latentstudio.generators.opening import Model, open_model
from latentstudio.places import cache_folder, user_models


@pytest.fixture
def fresh(cli_home: Path) -> Path:
    """The model ``fresh``, which nobody measured and which has no graph."""
    folder = user_models() / "fresh"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(cache_folder(), ignore_errors=True)
    shutil.copytree(user_models() / "example", folder)
    write_card(folder, replace(read_card(folder), name="fresh"))
    return folder


def test_the_first_call_measures_and_the_next_one_needs_no_torch(
    cli, fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "MOST_SECONDS", 600.0)
    first = cli("sample", "fresh", "--count", "2", "--out", tmp_path / "a.png", "--json")
    assert (first.code, first.json["runtime"], first.err) == (0, "torch, CPU", "")
    model = open_model("fresh")
    assert model.needs_calibration is False
    assert model.report is not None
    wanted = "ONNX Runtime, CPU" if model.report.chosen == "accelerated" else "torch, CPU"
    second = cli("factors", "apply", "fresh", "--out", tmp_path / "b.png", "--json")
    assert second.json["runtime"] == wanted


def test_nothing_is_measured_where_a_graph_drew(
    cli, fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_model("fresh", runtime="accelerated").close()
    monkeypatch.setattr(Model, "calibration", lambda self: pytest.fail("it was measured"))
    answer = cli("sample", "fresh", "--count", "2", "--out", tmp_path / "a.png", "--json")
    assert answer.json["runtime"] == "ONNX Runtime, CPU"


def test_a_slow_model_is_not_measured(cli, fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "MOST_SECONDS", 0.0)
    assert cli("factors", "apply", "fresh", "--out", tmp_path / "a.png").code == 0
    assert open_model("fresh").needs_calibration is True


@pytest.mark.parametrize("problem", [CapabilityError("it cannot be exported"), KeyboardInterrupt()])
def test_a_measurement_that_fails_spoils_no_answer(
    cli, fresh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problem: BaseException
) -> None:
    monkeypatch.setattr(measuring, "MOST_SECONDS", 600.0)

    def calibration(model: Model):
        raise problem
        yield

    monkeypatch.setattr(Model, "calibration", calibration)
    answer = cli("sample", "fresh", "--count", "1", "--out", tmp_path / "a.png", "--json")
    assert (answer.code, answer.err) == (0, "")
    assert (tmp_path / "a.png").is_file()
