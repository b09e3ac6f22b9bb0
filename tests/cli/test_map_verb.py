"""``latentstudio map``: files, the JSON answer, and one line for what is wrong."""

from __future__ import annotations

import csv
import errno
import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from latentstudio import api
from latentstudio.factors import Evidence, Factor, MeasuredCalibration, MonotoneCurve, write_factor
from latentstudio.pixels import read_picture
from latentstudio.units import TIMES

MODEL = "example"


@pytest.fixture(scope="module")
def card(cli_home):
    return api.open_model(MODEL).card


def made(card, *, evidence=True) -> Factor:
    """A factor of the example whose single trajectory goes along the first coordinate."""
    size = card.spaces[0].size
    p, unit, nothing = np.linspace(-1, 1, 5), np.eye(size, dtype=np.float32)[0], np.zeros(0, np.float32)
    values = np.array([-1.0, 1.0])
    ends = values[None, :, None].astype(np.float32) * unit
    kept = Evidence(np.zeros((1, size), np.float32), values, ends, nothing, nothing, nothing, 1.0)
    return Factor("scale", "larger", TIMES, unit, MonotoneCurve(p, p), MeasuredCalibration(p, p, 0 * p + 0.1, (-1, 1)),
                  card.name, card.weights_sha256, evidence=kept if evidence else None)


@pytest.mark.parametrize("space", ["z", "images"])
def test_the_answer_tells_what_was_written(cli, card, tmp_path: Path, space: str):
    file, out = tmp_path / "scale.safetensors", tmp_path / "map.csv"
    write_factor(file, made(card))
    answer = cli("map", MODEL, "--factor", file, "--count", 40, "--space", space, "--components", "2x3", "--seed", 9,
                 "--out", out, "--json")
    assert answer.code == 0, answer.err
    assert set(answer.json) == {
        "model", "space", "count", "seed", "components", "explained", "trajectories", "out", "seconds"
    }
    assert (answer.json["model"], answer.json["space"], answer.json["count"]) == (card.name, space, 40)
    assert answer.json["components"] == [2, 3]
    assert 1.0 >= answer.json["explained"][0] >= answer.json["explained"][1] >= 0.0
    assert answer.json["trajectories"] == [{"factor": "scale", "unit": "x", "lines": 1, "points": 3}]
    rows = list(csv.DictReader(io.StringIO(out.read_text())))
    assert [int(row["seed"]) for row in rows[:40]] == list(range(9, 49))
    assert [float(row["t"]) for row in rows[40:]] == [0.5, 1.0, 2.0]


def test_the_library_gives_the_same_map(cli, card, tmp_path: Path):
    cli("map", MODEL, "--count", 30, "--seed", 3, "--out", tmp_path / "map.csv")
    model = api.open_model(MODEL)
    api.write_map(tmp_path / "own.csv", api.map_of(model, count=30, seed=3))
    assert (tmp_path / "own.csv").read_text() == (tmp_path / "map.csv").read_text()


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_pictures_of_the_map(cli, tmp_path: Path, suffix: str):
    out = tmp_path / f"map.{suffix}"
    answer = cli("map", MODEL, "--count", 50, "--out", out)
    assert answer.code == 0
    assert answer.out.startswith("50 samples of ")
    assert "principal components 1 x 2 of z" in answer.out
    if suffix == "png":
        assert read_picture(out).shape == (1440, 1920, 3)
    else:
        assert out.read_text().startswith("<svg ")


def test_a_factor_without_trajectories_is_told(cli, card, tmp_path: Path):
    write_factor(tmp_path / "old.safetensors", made(card, evidence=False))
    answer = cli("map", MODEL, "--factor", tmp_path / "old.safetensors", "--count", 20, "--out", tmp_path / "map.svg")
    assert answer.code == 0
    assert answer.complaint == "scale: no trajectories are kept in the file; learn it again to see them"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--count", 0), "--count is 0; expected a whole number from 3 to 20,000"),
        (("--count", 20_001), "--count is 20001; expected a whole number from 3 to 20,000"),
        (("--count", "many"), "--count is 'many'; expected a whole number"),
        (("--components", "1x1"), "the components 1x1; expected two different ones from 1 to 10"),
        (("--components", "1x11"), "the components 1x11"),
        (("--components", "1,2"), "'1,2' is no pair of components such as 1x2"),
        (("--components", "4x5", "--count", 4), "the components 4x5; expected two different ones from 1 to 3"),
        (("--space", "w"), "--space is 'w'; expected one of: z, images"),
        (("--factor", "turn"), "there is no factor 'turn'"),
        (("--factor", "nothing.safetensors"), "nothing.safetensors is not a file"),
    ],
)
def test_mistakes_are_one_line_and_leave_no_file(cli, tmp_path: Path, words: tuple[object, ...], said: str):
    answer = cli("map", MODEL, *words, "--out", tmp_path / "map.svg")
    assert answer.code == 2
    assert said in answer.complaint
    assert list(tmp_path.iterdir()) == []


def test_the_kind_of_file_is_looked_at_first(cli, tmp_path: Path):
    answer = cli("map", "no-such-model", "--out", tmp_path / "map.pdf", "--json")
    assert answer.code == 2
    assert answer.json["error"].startswith("map.pdf is no kind of file that a map can be written to")


def test_a_factor_of_another_model_is_refused(cli, card, tmp_path: Path):
    write_factor(tmp_path / "other.safetensors", replace(made(card), model="other", model_sha256="ab" * 32))
    answer = cli("map", MODEL, "--factor", tmp_path / "other.safetensors", "--out", tmp_path / "map.svg")
    assert answer.code == 2
    assert "belongs to the model 'other'" in answer.complaint
    assert not (tmp_path / "map.svg").exists()


def test_a_full_disk_is_told_and_the_old_file_stays(cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    out = tmp_path / "map.svg"
    out.write_text("old")

    def full(path: Path, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    answer = cli("map", MODEL, "--count", 20, "--out", out)
    assert answer.code == 2
    assert "no space left on the disk" in answer.complaint
    assert out.read_text() == "old"
