"""The paper's protocol, evaluation, cleaning and the figure, on a generator whose effects are known."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import pytest
import torch

from latentstudio.errors import LearningError, UnknownNameError, UsageError
from latentstudio.factors import ALPHAS, Factor, MeasuredCalibration, MonotoneCurve
from latentstudio.factors.cleaning import clean_steps
from latentstudio.factors.evaluating import evaluate_factor
from latentstudio.factors.figures import protocol_figure
from latentstudio.factors.placing import protocol_steps
from latentstudio.factors.protocol import Protocol, oriented
from latentstudio.generators.conditions import NONE, Conditions
from latentstudio.latents import sample_prior
from latentstudio.measures.moments import extent, luminance_mean
from latentstudio.svg import Drawing
from latentstudio.units import PERCENT, PIXELS, TIMES, Unit
from tests.blob import BlobGenerator

GRID = np.linspace(-3.5, 3.5, 29)


def factor_along(name: str, axis: list[float], slope: float, unit: Unit = PIXELS, known: float = 2.0) -> Factor:
    direction = (np.array(axis, np.float32) / np.float32(np.linalg.norm(axis))).astype(np.float32)
    measured = MeasuredCalibration(GRID, slope * GRID, np.full(29, 0.1), (-known, known))
    return Factor(name, name, unit, direction, MonotoneCurve(GRID, slope * GRID), measured, "blob", "b10b" * 16)


X = factor_along("x", [1, 0, 0, 0, 0, 0], 6.0)
Y = factor_along("y", [0, 1, 0, 0, 0, 0], 6.0)


def measured_by(steps):
    last = None
    for last in steps:
        assert 0.0 <= last.fraction <= 1.0
    return last


def protocol_of(factor: Factor, generator: BlobGenerator | None = None, **options) -> Protocol:
    found = measured_by(protocol_steps(generator or BlobGenerator(), factor, **options)).protocol
    assert found is not None
    return found


def test_absolute_positions_follow_alpha_and_do_not_spread_along_a_clean_axis():
    found = protocol_of(X, alphas=np.array([-1.0, 0.0, 1.0]), count=20)
    assert found.mean == pytest.approx([-6.0, 0.0, 6.0], abs=0.2)
    assert (found.std < 0.2).all()
    assert found.is_absolute
    assert list(found.samples) == [20, 20, 20]


def test_a_slanted_axis_spreads_by_what_it_leaves_behind():
    # along (3, 4) / 5 the x of a sample keeps the part 0.8 of a standard normal coordinate, times 6 px
    slanted = factor_along("x", [3, 4, 0, 0, 0, 0], 3.6)
    found = protocol_of(slanted, alphas=np.array([-0.5, 0.0, 0.5]), count=400)
    assert found.mean == pytest.approx([-1.8, 0.0, 1.8], abs=0.5)
    assert found.std == pytest.approx(np.full(3, 4.8), rel=0.15)
    assert found.mean_std == pytest.approx(found.std.mean())


def test_an_axis_that_points_the_other_way_is_turned_round():
    found = protocol_of(factor_along("x", [-1, 0, 0, 0, 0, 0], 6.0), alphas=np.array([-1.0, 0.0, 2.0]), count=12)
    assert found.is_reversed
    assert list(found.alphas) == [-2.0, 0.0, 1.0]
    assert found.median == pytest.approx([-12.0, 0.0, 6.0], abs=0.8)


def test_where_nothing_absolute_can_be_measured_it_is_against_alpha_zero():
    found = protocol_of(X, BlobGenerator(measure="registration"), alphas=np.array([-0.5, 0.0, 0.5]), count=12)
    assert not found.is_absolute
    assert found.median == pytest.approx([-3.0, 0.0, 3.0], abs=0.5)
    assert found.std[1] < 1e-3
    bright = factor_along("brightness", [0, 0, 0, 1, 0, 0], 0.05, PERCENT)
    assert protocol_of(bright, BlobGenerator(measure="registration"), count=8).is_absolute


def test_pictures_without_a_shape_do_not_count():
    class Vanishing(BlobGenerator):
        def generate(self, latent, **options):
            return super().generate(latent, **options) * (latent[:, :1, None, None] < 0.5)

    found = protocol_of(X, Vanishing(), alphas=np.array([-1.0, 0.0, 1.0]), count=10)
    assert list(found.samples) == [10, 10, 0]
    assert np.isnan(found.mean[2])
    assert np.isfinite(found.mean_std)

    class Black(BlobGenerator):
        def generate(self, latent, **options):
            return 0.0 * super().generate(latent, **options)

    with pytest.raises(LearningError, match="nothing could be measured"):
        protocol_of(X, Black(), count=4)


def test_label_and_truncation_hold_for_every_measurement():
    class Listening(BlobGenerator):
        def __init__(self) -> None:
            super().__init__()
            self.seen: set[Conditions] = set()

        def generate(self, latent, *, conditions=NONE, **options):
            self.seen.add(conditions)
            return super().generate(latent, **options)

    for measure in (protocol_steps, evaluate_factor, lambda *words, **options: clean_steps(*words, [Y], **options)):
        listening = Listening()
        asked = Conditions.of(label=2, truncation=0.7)
        measured_by(measure(listening, X, count=8, conditions=asked))
        assert listening.seen == {asked}


def test_the_orientation_looks_at_the_first_and_the_last_median_that_were_seen():
    values = np.array([[np.nan, 3.0, 2.0, np.nan], [np.nan, 3.5, 1.0, np.nan]])
    turned = oriented(np.array([0.0, 1.0, 2.0, 3.0]), values, True)
    assert turned.is_reversed
    assert list(turned.alphas) == [-3.0, -2.0, -1.0, 0.0]
    assert turned.median[1:3] == pytest.approx([1.5, 3.25])
    assert not oriented(turned.alphas, turned.values, True).is_reversed


def test_evaluation_tells_mean_std_and_every_sample():
    evaluation = measured_by(evaluate_factor(BlobGenerator(), X, count=40)).evaluation
    assert evaluation.effects.shape == (len(evaluation.drawn), len(evaluation.asked))
    assert evaluation.mean == pytest.approx(np.nanmean(evaluation.effects, axis=0))
    assert evaluation.std == pytest.approx(np.nanstd(evaluation.effects, axis=0))
    assert evaluation.leak == {}
    drawn = sample_prior(BlobGenerator().card.spaces[0], count=40, seed=2_000_003)
    assert np.array_equal(evaluation.latents, drawn[evaluation.drawn])
    assert list(evaluation.drawn) == [number for number, z in enumerate(drawn) if -2.0 <= z[0] <= 2.0]


def test_a_measure_of_leaks_sees_the_pictures_before_and_after():
    def leak(before: torch.Tensor, after: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"scale": extent(after) - extent(before), "brightness": luminance_mean(after) - luminance_mean(before)}

    # along (1, 1) of x and size a step of t = 1 px makes the blob larger by 0.25 / 6
    both = factor_along("x", [1, 0, 1, 0, 0, 0], 6.0 / np.sqrt(2), known=1.0)
    evaluation = measured_by(evaluate_factor(BlobGenerator(), both, count=60, leak=leak)).evaluation
    assert set(evaluation.leak) == {"scale", "brightness"}
    assert len(evaluation.leak["scale"]) == len(evaluation.asked)
    inside = np.abs(evaluation.asked) < 3.0
    expected = np.array(evaluation.asked)[inside] * 0.25 / 6.0
    assert np.array(evaluation.leak["scale"])[inside] == pytest.approx(expected, abs=0.03)


def test_cleaning_takes_out_what_is_shared_and_measures_anew():
    slanted = factor_along("x", [1, 1, 0, 0, 0, 0], 3.0)
    last = measured_by(clean_steps(BlobGenerator(), slanted, [Y], count=64))
    assert last.factor.axis == pytest.approx([1, 0, 0, 0, 0, 0], abs=1e-6)
    assert last.before == pytest.approx({"y": 2**-0.5}, abs=1e-6)
    assert last.after == pytest.approx({"y": 0.0}, abs=1e-6)
    assert float(last.factor.curve(1.0) - last.factor.curve(0.0)) == pytest.approx(6.0, abs=0.4)
    assert last.factor.recipe["cleaned_against"] == ["y"]
    assert (last.factor.name, last.factor.unit, last.factor.model) == ("x", PIXELS, "blob")


def test_what_cannot_be_cleaned_says_so():
    for against in ([], [X], [Y, X]):
        with pytest.raises(UsageError, match="one or more others"):
            measured_by(clean_steps(BlobGenerator(), X, against, count=8))
    idle = factor_along("x", [0, 1, 0, 0, 1, 0], 1.0)
    with pytest.raises(LearningError, match="does not move new pictures"):
        measured_by(clean_steps(BlobGenerator(), idle, [Y], count=16))
    with pytest.raises(UnknownNameError, match="mood"):
        measured_by(clean_steps(BlobGenerator(), replace(X, name="mood"), [Y], count=8))


def test_the_figure_has_a_panel_a_model_and_is_sound_svg():
    chance = np.random.Generator(np.random.PCG64(5))
    noisy, steady = (
        Protocol(ALPHAS, 4.0 * ALPHAS + width * chance.standard_normal((50, 11))) for width in (3.0, 0.5)
    )
    drawn = protocol_figure(factor_along("scale", [1, 0, 0, 0, 0, 0], 1.0, TIMES), [("a <b>", noisy), ("c", steady)])
    root = ElementTree.fromstring(drawn.svg)
    words = [node.text for node in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"a <b>", "c", "scale, log2", "std", "alpha, 50 samples"} <= set(words)
    assert "-0" not in words
    assert len(list(root.iter("{http://www.w3.org/2000/svg}polygon"))) == 22, "one violin a model and alpha"


def test_the_drawing_writes_plain_attributes():
    drawing = Drawing(20, 10)
    drawing.line(((0.0, 1.0), (2.5, 3.0)), colour="#123456", width=2.0)
    drawing.words("x & y", (1.0, 2.0), colour="#000000")
    assert 'points="0.00,1.00 2.50,3.00" fill="none" stroke="#123456" stroke-width="2.00"' in drawing.svg
    assert "x &amp; y</text>" in drawing.svg
