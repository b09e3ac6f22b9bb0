"""Control from the command line: locks, exact values, traversals, distributions, evaluations, comparisons, cleaning."""

from __future__ import annotations

import csv
import shutil
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from latentstudio import api
from latentstudio.cli.factors_compare import falls_with_beta
from latentstudio.document.picture_recipe import read_recipe
from latentstudio.factors import Factor, MeasuredCalibration, MonotoneCurve, read_factor, write_factor
from latentstudio.figures import write_csv
from latentstudio.files import sha256_of
from latentstudio.generators.card import write_card
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.pixels import read_picture
from latentstudio.places import user_factors, user_models
from latentstudio.tasks.draw import draw_many
from latentstudio.units import PERCENT, PIXELS, TIMES, Unit


def slanted(name: str, unit: Unit, axis: list[float], per_step: float) -> Factor:
    """A factor of the model ``example`` that says ``per_step`` a unit, known from -4 to 4."""
    card = find_catalogue().model("example").card
    assert card is not None
    along = np.linspace(-4.0, 4.0, 9)
    unit_axis = np.array(axis, np.float32) / np.float32(np.linalg.norm(axis))
    return Factor(
        name=name, title=name, unit=unit, axis=unit_axis, paper=MonotoneCurve(along, per_step * along),
        measured=MeasuredCalibration(along, per_step * along, 0.1 + 0 * along, (-4.0, 4.0)),
        model=card.name, model_sha256=card.weights_sha256,
    )


@pytest.fixture(scope="module", autouse=True)
def known(cli_home: Path) -> None:
    """x and y lie aslant; brightness is what an untrained model really does a little of."""
    for factor in (
        slanted("x", PIXELS, [1, 0.5, 0, 0, 0], 2.0), slanted("y", PIXELS, [0, 1, 0, 0, 0], 2.0),
        slanted("scale", TIMES, [0, 0, 1, 0, 0], 0.25), slanted("brightness", PERCENT, [0, 0, 0, 1, 0], 0.002),
    ):
        write_factor(user_factors("example") / f"{factor.name}.safetensors", factor)


def rows_of(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def coordinates(latent: np.ndarray) -> dict[str, float]:
    model = api.open_model("example")
    return {factor.name: factor.coordinate(latent) for factor in api.factors_of(model)}


def test_a_kept_factor_is_not_moved_along_and_the_picture_remembers_it(cli, tmp_path: Path) -> None:
    out, again = tmp_path / "a.png", tmp_path / "again.png"
    words = ("factors", "apply", "example", "--seed", "3", "--set", "x=2px")
    answer = cli(*words, "--keep", "y", "--out", out, "--json").json
    assert answer["kept"] == ["y"]
    model = api.open_model("example")
    start = api.sample(model, seed=3)
    kept = api.apply(model, start, {"x": "2px"}, keep=("y",))
    free = api.apply(model, start, {"x": "2px"})
    assert coordinates(kept.latent)["y"] == pytest.approx(coordinates(start)["y"], abs=1e-5)
    assert coordinates(free.latent)["y"] > coordinates(start)["y"] + 0.2
    assert np.array_equal(kept.pixels, read_picture(out))
    assert read_recipe(out).view.kept == ("y",)
    assert cli("render", out, "--out", again, "--json").json["max_difference"] == 0
    further = cli("factors", "apply", "--from", out, "--set", "x=3px", "--out", again, "--json").json
    assert further["kept"] == ["y"]


def test_a_coordinate_can_be_put_where_it_is_wanted(cli, tmp_path: Path) -> None:
    out = tmp_path / "a.png"
    answer = cli("factors", "apply", "example", "--seed", "3", "--at", "x=-1.5", "--at", "y=0.5", "--set", "scale=1.1x",
                 "--out", out, "--json")
    assert answer.code == 0
    assert answer.json["seed"] is None, "an edited latent is no seed's any more"
    put = coordinates(read_recipe(out).view.latent_array())
    assert (put["x"], put["y"]) == pytest.approx((-1.5, 0.5), abs=1e-5)


def test_label_and_truncation_reach_the_session(cli, tmp_path: Path) -> None:
    out = tmp_path / "a.png"
    cli("factors", "apply", "example", "--seed", "3", "--truncation", "0.5", "--out", out)
    assert dict(read_recipe(out).view.told) == {"truncation": 0.5}
    answer = cli("factors", "apply", "--from", out, "--truncation", "0.7", "--out", out)
    assert "exclude each other" in answer.complaint


def test_exact_says_what_was_measured_or_why_not(cli, tmp_path: Path) -> None:
    out = tmp_path / "a.png"
    answer = cli("factors", "apply", "example", "--seed", "3", "--set", "brightness=0.5%", "--exact", "--out", out,
                 "--json")
    assert answer.code == 0
    told = answer.json["set"]["brightness"]
    assert told["asked"] == pytest.approx(0.5)
    exact = told["exact"]
    assert exact["evaluations"] >= 1
    if exact["reached"]:
        assert exact["measured"] == pytest.approx(0.5, abs=0.101)
        assert exact["reason"] == ""
    else:
        assert exact["reason"] in answer.err
    assert read_recipe(out).view.position("brightness") == pytest.approx(told["reached"] / 100, abs=1e-9)


@pytest.mark.parametrize(("words", "part"), [
    (["--exact"], "--exact without a value"),
    (["--keep", "mood"], "there is no factor 'mood'"),
    (["--at", "x"], "ordinary numbers"),
    (["--at", "x=left"], "NAME=COORDINATE"),
    (["--at", "mood=1"], "there is no factor 'mood'"),
    (["--truncation", "0"], "above 0"),
    (["--condition", "truncation"], "NAME=VALUE"),
    (["--condition", "truncation=0.5", "--truncation", "0.5"], "set twice"),
    (["--condition", "truncation=lots"], "a number of 0 or more"),
    (["--condition", "colour=3"], "no condition 'colour'"),
    (["--noise-seed", "3"], "no condition 'noise_seed'"),
])
def test_wrong_wishes_are_one_line(cli, tmp_path: Path, words: list[str], part: str) -> None:
    answer = cli("factors", "apply", "example", *words, "--out", tmp_path / "out.png")
    assert answer.code == 2
    assert part in answer.complaint
    assert not (tmp_path / "out.png").exists()


def test_traverse_draws_one_row_a_sample_and_tells_t(cli, tmp_path: Path) -> None:
    out = tmp_path / "grid.png"
    answer = cli("factors", "traverse", "example", "--factor", "x", "--seeds", "3", "--seed", "7",
                 "--alphas", "-5..5/5", "--out", out, "--json").json
    assert answer["alphas"] == [-5.0, -2.5, 0.0, 2.5, 5.0]
    assert answer["t"] == [None, -5.0, 0.0, 5.0, None]
    assert answer["seeds"] == [7, 8, 9]
    assert read_picture(out).shape == (3 * 64 + 4, 5 * 64 + 8, 3)
    model = api.open_model("example")
    rows = api.traverse(model, api.sample(model, seed=8)[None], "x", np.array([-2.5]))
    assert np.array_equal(rows[0, 0], read_picture(out)[66:130, 66:130])


def test_traverse_over_the_known_range(cli, tmp_path: Path) -> None:
    answer = cli("factors", "traverse", "example", "--factor", "y", "--seeds", "1", "--range", "known",
                 "--out", tmp_path / "g.png", "--json").json
    assert (answer["alphas"][0], answer["alphas"][-1], len(answer["alphas"])) == (-4.0, 4.0, 11)
    assert None not in answer["t"]


@pytest.mark.parametrize(("words", "part"), [
    (["--alphas", "1..2"], "no row of coordinates"),
    (["--alphas", "0,1", "--range", "known"], "not allowed with"),
    (["--seeds", "0"], "at least 1"),
    (["--seeds", "900000"], "on one sheet"),
])
def test_traverse_mistakes_are_one_line(cli, tmp_path: Path, words: list[str], part: str) -> None:
    answer = cli("factors", "traverse", "example", "--factor", "x", *words, "--out", tmp_path / "g.png")
    assert answer.code == 2
    assert part in answer.complaint


def test_distribution_of_a_straight_curve_is_the_normal_one(cli, tmp_path: Path) -> None:
    out = tmp_path / "x.csv"
    answer = cli("factors", "distribution", "example", "--factor", "x", "--out", out, "--json").json
    assert answer["quantiles"]["0.5"] == pytest.approx(0.0, abs=1e-6)
    assert answer["quantiles"]["0.95"] == pytest.approx(2.0 * 1.644854, abs=1e-4)
    assert max(answer["density"]) == pytest.approx(1 / (2 * np.sqrt(2 * np.pi)), rel=1e-3)
    assert len(rows_of(out)) == len(answer["t"]) == 201


def test_sample_follows_a_wanted_distribution(cli, tmp_path: Path) -> None:
    out = tmp_path / "grid.png"
    answer = cli("sample", "example", "--count", "9", "--seed", "2", "--distribution", "x=uniform(-3,3)",
                 "--distribution", "scale = fixed(1.2)", "--out", out, "--json").json["distribution"]
    assert answer["scale"]["t"] == pytest.approx([1.2] * 9)
    assert all(-3.0 <= t <= 3.0 for t in answer["x"]["t"])
    assert answer["x"]["wanted"] == "uniform(-3,3)"
    model = api.open_model("example")
    latents = api.sample(model, seed=2, count=9, distribution={"x": "uniform(-3,3)", "scale": "fixed(1.2)"})
    assert [2.0 * coordinates(z)["x"] for z in latents] == pytest.approx(answer["x"]["t"], abs=1e-4)
    assert np.array_equal(draw_many(model, latents)[8], read_picture(out)[132:196, 132:196])


def test_samples_go_to_a_folder_one_by_one(cli, tmp_path: Path) -> None:
    answer = cli("sample", "example", "--count", "5", "--seed", "2", "--distribution", "x=uniform(-3,3)",
                 "--separate", "--out", tmp_path / "set", "--json").json
    assert answer["count"] == 5
    assert answer["size"] == [64, 64]
    assert [path.name for path in sorted((tmp_path / "set").iterdir())] == [f"{n:05d}.png" for n in range(5)]
    model = api.open_model("example")
    drawn = draw_many(model, api.sample(model, seed=2, count=5, distribution={"x": "uniform(-3,3)"}))
    for number, picture in enumerate(drawn):
        assert (read_picture(tmp_path / "set" / f"{number:05d}.png") == picture).all()


def test_a_folder_that_cannot_be_made_is_said(cli, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    answer = cli("sample", "example", "--separate", "--out", tmp_path / "taken")
    assert answer.code == 2
    assert "taken cannot be written" in answer.complaint


def test_one_sample_of_a_distribution_keeps_its_seed_and_its_recipe(cli, tmp_path: Path) -> None:
    out = tmp_path / "one.png"
    cli("sample", "example", "--count", "1", "--seed", "2", "--distribution", "x=fixed(3)", "--out", out)
    view = read_recipe(out).view
    assert view.seed == 2
    model = api.open_model("example")
    assert 2.0 * coordinates(api.draw(model, view).latent)["x"] == pytest.approx(3.0, abs=1e-4)
    assert cli("render", out, "--out", tmp_path / "b.png", "--json").json["max_difference"] == 0


def test_what_a_distribution_cannot_reach_is_said(cli, tmp_path: Path) -> None:
    answer = cli("sample", "example", "--count", "4", "--distribution", "x=fixed(99)", "--truncation", "0.5",
                 "--out", tmp_path / "a.png")
    assert answer.code == 0
    assert "4 of 4 lie beyond the known range from −8.0 px to +8.0 px" in answer.err
    assert "calibrated at truncation 1" in answer.err
    wrong = cli("sample", "example", "--distribution", "x=wide", "--out", tmp_path / "b.png")
    assert (wrong.code, "is no distribution" in wrong.complaint) == (2, True)


def test_evaluate_has_the_promised_keys_and_writes_samples_and_pictures(cli, tmp_path: Path) -> None:
    out = tmp_path / "evaluated"
    answer = cli("factors", "evaluate", "example", "--factor", "brightness", "--count", "10", "--out", out, "--json")
    told = answer.json
    assert {
        "t", "measured_mean", "measured_std", "measured_median", "measured_spread", "samples", "r2", "r2_median",
        "worst_ratio", "monotone", "grade", "leak", "range", "unit", "seconds",
    } <= set(told)
    assert set(told["leak"]) == {"x", "y", "scale", "rotation", "brightness", "contrast", "saturation"}
    assert all(len(values) == len(told["t"]) for values in told["leak"].values())
    assert max(abs(value) for value in told["leak"]["brightness"]) > 0.0
    assert len(told["t"]) == len(told["measured_mean"]) == len(told["measured_std"]) == 8
    rows = rows_of(out / "samples.csv")
    assert len(rows) == 8 * len({row["sample"] for row in rows})
    measured = np.array([float(row["measured_%"]) for row in rows if row["measured_%"]])
    asked = np.array([float(row["asked_%"]) for row in rows if row["measured_%"]])
    first = np.isclose(asked, told["t"][0])
    assert measured[first].mean() == pytest.approx(told["measured_mean"][0], abs=1e-5)
    assert measured[first].std() == pytest.approx(told["measured_std"][0], abs=1e-5)
    assert read_picture(out / "strip.png").shape[1] == 9 * 64 + 8 * 2


def test_the_papers_protocol_tells_mean_and_spread_at_every_alpha(cli, tmp_path: Path) -> None:
    out = tmp_path / "paper"
    told = cli("factors", "evaluate", "example", "--factor", "brightness", "--protocol", "paper", "--count", "6",
               "--alphas", "-2..2/3", "--out", out, "--json").json
    assert len(told["alphas"]) == len(told["mean"]) == len(told["std"]) == len(told["t"]) == 3
    assert told["absolute"] is True
    assert told["samples"] == [6, 6, 6]
    assert told["mean_std"] == pytest.approx(np.mean(told["std"]))
    assert told["median"][0] <= told["median"][-1]
    assert len(rows_of(out / "samples.csv")) == 18
    assert ElementTree.parse(out / "protocol.svg").getroot().tag.endswith("svg")
    wrong = cli("factors", "evaluate", "example", "--factor", "brightness", "--alphas", "0,1")
    assert "--protocol paper" in wrong.complaint


def test_compare_writes_a_table_and_a_figure(cli, tmp_path: Path) -> None:
    out = tmp_path / "compared"
    told = cli("factors", "compare", "example", "--factor", "brightness", "--count", "5", "--alphas", "-1,0,1",
               "--out", out, "--json").json
    assert [entry["model"] for entry in told["models"]] == ["example"]
    assert told["falls_with_beta"] is None
    rows = rows_of(out / "compare.csv")
    assert [row["alpha"] for row in rows] == ["-1", "0", "1"]
    assert float(rows[1]["std"]) == pytest.approx(told["models"][0]["std"][1], rel=1e-5)
    assert "example" in (out / "compare.svg").read_text(encoding="utf-8")
    twice = cli("factors", "compare", "example", "example", "--factor", "x", "--out", out)
    assert (twice.code, "each model once" in twice.complaint) == (2, True)


def test_compare_puts_models_in_the_order_of_their_beta(cli, cli_home: Path, tmp_path: Path) -> None:
    backend: Any = find_catalogue().backend("beta_vae")
    for name, beta in (("tight", 20.0), ("loose", 1.0)):
        folder = user_models() / name
        folder.mkdir()
        made = backend.make_example(folder, seed=int(beta))
        card = replace(made, name=name, recipe={"settings": {"beta": beta}},
                       weights_sha256=sha256_of(folder / made.weights))
        write_card(folder, card)
        factor = replace(slanted("brightness", PERCENT, [0, 0, 0, 1, 0], 0.002), model=name,
                         model_sha256=card.weights_sha256)
        write_factor(user_factors(name) / "brightness.safetensors", factor)
    try:
        told = cli("factors", "compare", "tight", "loose", "--factor", "brightness", "--count", "8",
                   "--alphas", "-1,0,1", "--out", tmp_path, "--json").json
    finally:
        for name in ("tight", "loose"):
            shutil.rmtree(user_models() / name)
    assert [(entry["model"], entry["beta"]) for entry in told["models"]] == [("loose", 1.0), ("tight", 20.0)]
    loose, tight = (entry["mean_std"] for entry in told["models"])
    assert told["falls_with_beta"] is bool(tight < loose)
    figure = (tmp_path / "compare.svg").read_text(encoding="utf-8")
    assert figure.index("loose (beta 1)") < figure.index("tight (beta 20)")


@pytest.mark.parametrize(("spreads", "falls"), [
    ([(1.0, 3.0), (20.0, 0.5), (5.0, 2.0)], True), ([(1.0, 3.0), (5.0, 3.5)], False), ([(1.0, 3.0)], None),
    ([(None, 3.0), (5.0, 1.0)], None), ([(1.0, 2.0), (5.0, 2.0)], False),
])
def test_a_spread_falls_only_where_every_larger_beta_has_a_smaller_one(spreads, falls) -> None:
    assert falls_with_beta(spreads) is falls


def test_clean_writes_a_factor_beside_the_others(cli, tmp_path: Path) -> None:
    out = tmp_path / "clean.safetensors"
    answer = cli("factors", "clean", "example", "--factor", "x", "--against", "y,scale", "--count", "8", "--out", out,
                 "--json")
    if answer.code == 2:
        assert "does not move new pictures measurably" in answer.json["error"], "an untrained model may not move at all"
        return
    told = answer.json
    assert told["cosines"]["before"]["y"] == pytest.approx(0.447, abs=1e-3)
    assert told["cosines"]["after"] == pytest.approx({"y": 0.0, "scale": 0.0}, abs=1e-6)
    assert read_factor(out).axis == pytest.approx([1, 0, 0, 0, 0], abs=1e-6)


@pytest.mark.parametrize(("against", "part"), [("mood", "there is no factor 'mood'"), ("x", "one or more others")])
def test_clean_mistakes_are_one_line(cli, tmp_path: Path, against: str, part: str) -> None:
    answer = cli("factors", "clean", "example", "--factor", "x", "--against", against, "--out", tmp_path / "f")
    assert answer.code == 2
    assert part in answer.complaint


def test_a_csv_leaves_a_field_empty_where_there_is_no_number(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv", ("a", "b"), [(1, None), (np.float32(0.25), float("nan")), ("x, y", np.int64(3))])
    assert (tmp_path / "a.csv").read_text() == 'a,b\n1,\n0.25,\n"x, y",3\n'
