"""The study of inversions on a generator known in closed form: its tables, its report, and what it refuses."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest
import torch
from torch.nn import functional

from latentstudio.inversion import study
from latentstudio.inversion.study_report import write_pictures, write_report
from latentstudio.transformations import transformation_named
from tests.blob import BlobGenerator


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(study, "LOSS_STEPS", 12)


def _features(images):
    return [functional.avg_pool2d(images, 4) + 0.1]


def _last(steps):
    found = list(steps)
    assert [step.fraction for step in found] == sorted(step.fraction for step in found)
    return found[-1]


def test_a_texture_is_the_same_for_the_same_seed_and_of_the_strength_that_was_asked():
    plain = torch.full((3, 3, 32, 32), 0.5)
    one, again = study.textured(plain, seed=5), study.textured(plain, seed=5)
    assert torch.equal(one, again)
    assert not torch.equal(one[0], one[1])
    assert float((one - plain).abs().max()) == pytest.approx(study.TEXTURE, rel=0.05)


def test_losses_are_compared_on_the_same_pictures_with_and_without_the_ball():
    generator = BlobGenerator()
    targets = study.textured(study.own_pictures(generator, 3))
    last = _last(study.compare_losses(generator, targets, _features))
    rows = last.table["rows"]
    assert {(row["loss"], row["constraint"]) for row in rows} == {
        (loss, constraint) for loss in study.LOSSES for constraint in study.CONSTRAINTS
    }
    assert last.table["count"] == 3
    assert all(row["norm"]["mean"] <= 6**0.5 + 1e-4 for row in rows if row["constraint"] == "ball")
    assert len(last.pictures) == 1 + len(study.LOSSES)


def test_recursive_and_naive_targets_get_equally_many_steps():
    last = _last(study.compare_following(BlobGenerator(), transformation_named("x"), 6.0, count=4))
    table = last.table
    assert len(table["curve_naive"]) == len(table["curve_recursive"]) == table["steps"]
    assert table["curve_recursive"][-1] < table["curve_recursive"][0]
    assert 1 <= table["steps_naive"] <= table["steps"]
    assert 0.0 <= table["better_recursive"] <= 1.0


def test_optimisers_and_own_samples_are_timed():
    table = _last(study.compare_optimisers(BlobGenerator(), count=2)).table
    assert {row["optimiser"] for row in table["rows"]} == {"gauss-newton", "lbfgs", "adam"}
    assert all(len(row["curve"]) == len(table["grid"]) for row in table["rows"])
    own = _last(study.measure_own(BlobGenerator(), count=2)).table
    assert own["mse_median"] < own["start_mse"]
    assert own["seconds_median"] > 0.0


def test_the_report_holds_every_part_and_its_plots_are_sound(tmp_path):
    generator = BlobGenerator()
    losses = _last(study.compare_losses(generator, study.own_pictures(generator, 3), _features))
    tables = {
        "usual": _last(study.compare_usual(generator, study.own_pictures(generator, 2), _features)).table,
        "model": "blob", "own": _last(study.measure_own(generator, count=1)).table, "losses": losses.table,
        "following": [_last(study.compare_following(generator, transformation_named("x"), 5.0, count=2)).table],
        "optimisers": _last(study.compare_optimisers(generator, count=1)).table,
    }
    write_report(tmp_path, tables, command="latentstudio invert-study blob")
    write_pictures(tmp_path, losses.pictures)
    text = (tmp_path / "README.md").read_text(encoding="utf-8")
    for name in ("following-x.svg", "optimisers.svg", "losses.png"):
        assert f"({name})" in text
        assert (tmp_path / name).is_file()
    for loss in study.LOSSES:
        assert f"| {loss} | ball |" in text
    rows = {row["loss"]: row for row in tables["usual"]["rows"]}
    best = rows.pop(tables["usual"]["best"])
    assert best["behind"] == 0.0
    assert all(row["behind"] >= 0.0 and row["interval"][0] <= row["behind"] <= row["interval"][1]
               for row in rows.values())
    assert ElementTree.parse(tmp_path / "following-x.svg").getroot().tag.endswith("svg")
    assert json.loads((tmp_path / "study.json").read_text(encoding="utf-8"))["model"] == "blob"
