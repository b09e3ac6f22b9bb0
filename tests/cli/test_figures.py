"""Every figure that a verb writes has its numbers beside it, and there is one writer of figures."""

from __future__ import annotations

import ast
import csv
from pathlib import Path

import numpy as np
import pytest

from latentstudio.autoencoding import toy
from latentstudio.cli import scene_study
from latentstudio.errors import StorageError
from latentstudio.factors import Factor, MeasuredCalibration, MonotoneCurve, write_factor
from latentstudio.figures import write_figure
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.places import user_factors
from latentstudio.scenes.study import SceneStudyStep
from latentstudio.svg import Drawing
from latentstudio.units import PERCENT

ROOT = Path(__file__).resolve().parents[2]
LOADS = [{"kind": "flat", "objects": 3.4, "cells": 64 // k, "capacity": k, "theory": 0.9, "measured": 0.8}
         for k in (1, 4)]
LAYOUT = {"proposed": dict.fromkeys(("x", "y", "size", "count"), 0.1),
          "normal": dict.fromkeys(("x", "y", "size", "count"), 0.2)}
STUDY = {"rows": {"whole": {"title": "everything", "layout": LAYOUT}}, "load": LOADS,
         "cost": {key: {"seconds_a_step": 1.0, "glimpses": 2.0} for key in ("whole", "one-box", "ratio")}}


@pytest.fixture(scope="module", autouse=True)
def known(cli_home: Path) -> None:
    card = find_catalogue().model("example").card
    assert card is not None
    along, axis = np.linspace(-4.0, 4.0, 9), np.eye(5, dtype=np.float32)[0]
    factor = Factor("brightness", "brighter", PERCENT, axis, MonotoneCurve(along, 0.002 * along),
                    MeasuredCalibration(along, 0.002 * along, 0.1 + 0 * along, (-4.0, 4.0)), card.name,
                    card.weights_sha256)
    write_factor(user_factors("example") / "brightness.safetensors", factor)


@pytest.fixture(autouse=True)
def short(monkeypatch) -> None:
    original = toy.toy_recipe
    monkeypatch.setattr(toy, "toy_recipe", lambda seed=0, *, scale=1.0: original(seed, scale=0.005))
    monkeypatch.setattr(scene_study, "study_steps", lambda *_, **__: (
        SceneStudyStep(1.0, "done", table=STUDY) for _ in range(1)))


PAPER = ("--factor", "brightness", "--count", 5, "--alphas", "-1,0,1")


@pytest.mark.parametrize(("words", "out", "columns"), [
    (("map", "example", "--count", 20), "map.svg", {"kind", "factor", "start", "t", "unit", "seed", "c1", "c2"}),
    (("map", "example", "--count", 20), "map.png", {"kind", "factor", "start", "t", "unit", "seed", "c1", "c2"}),
    (("factors", "evaluate", "example", "--protocol", "paper", *PAPER), "protocol.svg", {"alpha", "mean", "std"}),
    (("factors", "compare", "example", *PAPER), "compare.svg", {"model", "alpha", "mean", "std"}),
    (("scene", "evaluate", "scenes", "--data", "flat", "--count", 1), "layout.svg", {"what", "data", "proposed"}),
    (("scene-study",), "load.svg", {"kind", "capacity", "theory", "measured"}),
    (("autoencoding-toy",), "figure.png", {"whose", "code", "x", "y"}),
    (("invert-study", "example", "--count", 2, "--parts", "optimisers"), "optimisers.svg",
     {"seconds", "encoder, gauss-newton"}),
])
def test_every_figure_of_a_verb_has_its_table(cli, tmp_path: Path, words, out: str, columns: set[str]) -> None:
    is_file = words[0] == "map"
    answer = cli(*words, "--out", tmp_path / out if is_file else tmp_path, "--json")
    assert answer.code == 0, answer.err
    drawn = {path for path in tmp_path.iterdir() if path.suffix == ".svg"} | {tmp_path / out}
    for path in drawn:
        assert path.is_file()
        with open(path.with_suffix(".csv"), encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        assert rows
        if path.name == out:
            assert columns <= set(rows[0])


def test_the_figures_of_the_studies_have_their_tables() -> None:
    drawn = sorted((ROOT / "docs" / "studies").rglob("*.svg"))
    assert len(drawn) >= 5
    assert [path for path in drawn if not path.with_suffix(".csv").is_file()] == []


def test_nothing_is_written_where_the_table_has_no_place(tmp_path: Path) -> None:
    (tmp_path / "a.csv").mkdir()
    with pytest.raises(StorageError, match="a folder is in the way"):
        write_figure(tmp_path / "a.svg", Drawing(9, 9), ("x",), [(1.0,)])
    assert not (tmp_path / "a.svg").exists()


def test_drawings_become_files_through_the_one_writer() -> None:
    """Who makes a drawing hands it on: only ``figures`` asks it for its text."""
    askers = {
        str(path.relative_to(ROOT))
        for folder in ("latentstudio", "packaging", "plugins") for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "svg"
    }
    assert askers == {"latentstudio/figures.py"}
