"""Setting factors: exact on the curve, any order, clamped and said."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from latentstudio.errors import FactorFileError, UnknownNameError, UsageError
from latentstudio.factors import (
    Factor,
    FactorSet,
    MeasuredCalibration,
    MonotoneCurve,
    apply_factors,
    keep_factor,
    load_factors,
    parse_settings,
    read_factor,
    write_factor,
)
from latentstudio.factors.storage import forget_factor
from latentstudio.generators.card import ModelCard
from latentstudio.latents import LatentSpace
from latentstudio.units import PIXELS, TIMES

CARD = ModelCard(name="toy", backend="none", spaces=(LatentSpace("z", (5,)),), weights_sha256="ab" * 32)


def make_factor(name="x", axis=(1, 0, 0, 0, 0), unit=PIXELS, slope=4.0, known=(-2.0, 2.0)) -> Factor:
    coordinates = np.linspace(-4, 4, 33)
    unit_axis = np.asarray(axis, np.float32) / np.linalg.norm(axis)
    return Factor(
        name=name, title="to the right", unit=unit, axis=unit_axis.astype(np.float32),
        paper=MonotoneCurve(coordinates, 2 * coordinates),
        measured=MeasuredCalibration(coordinates, slope * coordinates, np.full(33, 0.5), known),
        model="toy", model_sha256="ab" * 32, figures={"seconds": 3.0}, recipe={"starts": 8},
    )


BOTH = FactorSet((make_factor(), make_factor("scale", (1, 1, 0, 0, 0), TIMES, 0.25)))
LATENT = np.array([0.3, -0.2, 1.0, 0.5, -1.0], np.float32)


def test_t_is_reached_exactly_on_the_curve():
    applied = apply_factors(LATENT, {"x": 3.0}, BOTH)
    factor = BOTH.get("x")
    before, after = (float(factor.curve(factor.coordinate(z))) for z in (LATENT, applied.latent))
    assert after - before == pytest.approx(3.0, abs=1e-5)
    assert applied.reached["x"] == pytest.approx(3.0)
    assert applied.clamped == ()
    assert np.array_equal(applied.latent[1:], LATENT[1:])


def test_two_slanted_axes_both_arrive_in_any_order():
    wanted = {"x": 2.0, "scale": 0.2}
    one = apply_factors(LATENT, wanted, BOTH)
    other = apply_factors(LATENT, dict(reversed(wanted.items())), BOTH)
    assert np.array_equal(one.latent, other.latent)
    for name, t in wanted.items():
        factor = BOTH.get(name)
        moved = float(factor.curve(factor.coordinate(one.latent)) - factor.curve(factor.coordinate(LATENT)))
        assert moved == pytest.approx(t, abs=1e-4)


def test_beyond_the_known_range_is_clamped_and_said():
    applied = apply_factors(LATENT, {"x": 99.0}, BOTH)
    assert applied.clamped == ("x",)
    assert applied.reached["x"] == pytest.approx(4.0 * (2.0 - 0.3), abs=1e-4)
    assert BOTH.get("x").coordinate(applied.latent) == pytest.approx(2.0, abs=1e-5)
    low, high = BOTH.get("x").range_at(LATENT)
    assert (low, high) == pytest.approx((-9.2, 6.8), abs=1e-4)


def test_a_sample_beyond_the_range_may_stay_or_come_back():
    far = np.array([3.0, 0, 0, 0, 0], np.float32)
    factor = BOTH.get("x")
    assert factor.range_at(far)[1] == 0.0
    assert factor.target(far, 5.0) == (3.0, 0.0)
    back, t = factor.target(far, -4.0)
    assert back == pytest.approx(1.0)
    assert t == pytest.approx(-4.0)


def test_nothing_asked_changes_nothing():
    assert np.array_equal(apply_factors(LATENT, {}, BOTH).latent, LATENT)
    assert np.array_equal(apply_factors(LATENT, {"x": 0.0}, BOTH).latent, LATENT)


def test_wrong_values_are_refused():
    with pytest.raises(UsageError, match="nan"):
        apply_factors(LATENT, {"x": float("nan")}, BOTH)
    with pytest.raises(UnknownNameError, match="one of: x, scale"):
        apply_factors(LATENT, {"charm": 1.0}, BOTH)
    with pytest.raises(UsageError, match="4 values"):
        apply_factors(LATENT[:4], {"x": 1.0}, BOTH)


def test_settings_are_parsed_in_their_units():
    assert parse_settings(["x=8px", "scale=2x", "x=-3"], BOTH) == {"x": -3.0, "scale": 1.0}
    for text in ("x", "=3", "x=far"):
        with pytest.raises(UsageError):
            parse_settings([text], BOTH)


def test_a_factor_file_comes_back(tmp_path):
    factor = make_factor()
    write_factor(tmp_path / "x.safetensors", factor)
    again = read_factor(tmp_path / "x.safetensors", card=CARD)
    assert np.array_equal(again.axis, factor.axis)
    assert np.array_equal(again.measured.median, factor.measured.median)
    assert (again.name, again.unit, again.known, again.figures) == ("x", PIXELS, (-2.0, 2.0), {"seconds": 3.0})
    assert again.describe() == factor.describe()


def test_closeness_follows_the_spread_and_one_ruler_alone_gives_no_more_than_c():
    assert make_factor().closeness == "A"
    assert make_factor().grade == "C"
    assert make_factor(slope=0.2).closeness == "D"
    assert make_factor(slope=0.2).grade == "D"


def test_a_label_is_what_people_read_and_type_and_files_keep_it(tmp_path):
    turning = replace(make_factor(), label="turn")
    assert turning.describe().startswith("turn: known from")
    known = FactorSet((turning,))
    assert known.get("turn") is known.get("x") is turning
    assert parse_settings(["turn=2px"], known) == {"x": 2.0}
    own = replace(make_factor(), name="turn")
    assert FactorSet((turning, own)).get("turn") is own
    with pytest.raises(UnknownNameError, match="one of: turn"):
        known.get("nod")
    write_factor(tmp_path / "x.safetensors", turning)
    assert read_factor(tmp_path / "x.safetensors", card=CARD).label == "turn"


@pytest.mark.parametrize("content", [b"", b"x" * 200, b"\xff" * 8 + b"{}"])
def test_broken_factor_files_say_so(tmp_path, content):
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    with pytest.raises(FactorFileError, match=r"x\.safetensors"):
        read_factor(path)


def test_a_factor_of_another_model_is_refused_with_both_names(tmp_path):
    write_factor(tmp_path / "x.safetensors", make_factor())
    other = ModelCard(name="other", backend="none", spaces=(LatentSpace("z", (5,)),), weights_sha256="cd" * 32)
    with pytest.raises(FactorFileError, match=r"'toy'.*'other'"):
        read_factor(tmp_path / "x.safetensors", card=other)


def test_the_users_factors_win_and_broken_ones_are_told(home, tmp_path):
    folder = tmp_path / "toy"
    (folder / "factors").mkdir(parents=True)
    write_factor(folder / "factors" / "x.safetensors", make_factor())
    write_factor(folder / "factors" / "scale.safetensors", make_factor("scale", unit=TIMES))
    (folder / "factors" / "y.safetensors").write_bytes(b"broken")
    kept = keep_factor(make_factor(slope=9.0))
    found = load_factors(folder, CARD)
    assert kept.is_relative_to(home)
    assert found.names == ("x", "scale")
    assert found.get("x").measured.median.max() == pytest.approx(36.0)
    assert len(found.errors) == 1
    assert "y.safetensors" in found.errors[0]


def test_a_factor_of_ones_own_is_put_aside_and_what_ships_counts_again(home, tmp_path):
    folder = tmp_path / "toy"
    write_factor(folder / "factors" / "x.safetensors", make_factor())
    for number in (1, 2):
        keep_factor(make_factor(slope=9.0))
        aside = forget_factor("toy", "x")
        assert aside.name == f"x-{number}.safetensors"
        assert read_factor(aside).measured.median.max() == pytest.approx(36.0)  # nothing is lost
        assert load_factors(folder, CARD).get("x").measured.median.max() == pytest.approx(16.0)
    with pytest.raises(UnknownNameError, match="no factor 'x' of your own"):
        forget_factor("toy", "x")


def test_hostile_factor_files_say_so(tmp_path: Path) -> None:
    for text, kind in (("[" * 100_000, "F32"), ("{}", "BF16")):
        notes = {"__metadata__": {"factor": text}}
        size = {"F32": 4, "BF16": 2}[kind]
        header = json.dumps({**notes, "axis": {"dtype": kind, "shape": [1], "data_offsets": [0, size]}}).encode()
        path = tmp_path / "odd.safetensors"
        path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(size))
        with pytest.raises(FactorFileError, match="odd"):
            read_factor(path)
