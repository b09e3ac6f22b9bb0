"""Percentiles, verdicts in words, and the measurement that is made once per model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from latentstudio.inversion.honesty import find_held_out, judge, key_of, measure_held_out, residual_picture
from latentstudio.inversion.results import HeldOut, Inversion
from latentstudio.inversion.settings import InversionSettings
from tests.blob import BlobGenerator

SETTINGS = InversionSettings(start="random", candidates=8, steps=4)
KNOWN = HeldOut("b10b", "key", tuple(np.linspace(0.001, 0.1, 100)), (0.01,), 0.1, (0.3, 0.7), (0.1, 0.4))


def _found(loss, mse, *, target=None, wrong=None):
    target = np.random.default_rng(0).uniform(0.1, 0.9, (3, 20, 20)).astype(np.float32) if target is None else target
    picture = target + (0.1 if wrong is None else wrong)
    return Inversion(
        latent=np.zeros(6, np.float32), picture=picture.astype(np.float32), target=target, loss=loss, blurred_loss=loss,
        mse=mse, dssim=0.1, norm=1.0, steps=1, seconds=0.1, start="random", start_mse=0.2, optimiser="adam", ended="",
    )


@pytest.mark.parametrize(("loss", "mse", "percentile", "words"), [
    (0.0, 0.0, 0.0, "as close"), (0.0505, 0.5, 50.0, "as close"), (0.2, 0.004, 100.0, "close"),
    (0.2, 0.02, 100.0, "roughly"), (0.2, 0.05, 100.0, "outside"),
])  # fmt: skip
def test_the_verdict_follows_the_percentile_and_then_the_error(loss, mse, percentile, words):
    verdict = judge(_found(loss, mse), KNOWN)
    assert verdict.percentile == pytest.approx(percentile, abs=1.0)
    assert verdict.words.startswith(words)
    assert bool(verdict.reasons) == (percentile > 95.0)


def test_reasons_name_colours_crop_pose_and_a_missing_face():
    dark = np.random.default_rng(0).uniform(0.0, 0.2, (3, 20, 20)).astype(np.float32)
    told = " ".join(judge(_found(0.2, 0.05, target=dark), KNOWN).reasons)
    assert "the brightness of the picture (0.10)" in told
    assert "the contrast" in told
    border = np.full((20, 20), 0.5)
    border[4:16, 4:16] = 0.0
    assert "near the border" in judge(_found(0.2, 0.05, wrong=border), KNOWN).reasons[0]
    assert "in the middle" in judge(_found(0.2, 0.05), KNOWN).reasons[0]
    assert "no face was found" in judge(_found(0.2, 0.05), KNOWN, notes=("no face was found, so",)).reasons[0]


def test_what_a_model_reaches_is_measured_once(tmp_path, monkeypatch):
    monkeypatch.setenv("LATENTSTUDIO_HOME", str(tmp_path))
    generator = BlobGenerator()
    assert find_held_out(generator.card, SETTINGS) is None
    *_, last = measure_held_out(generator, SETTINGS, count=3)
    assert last.held_out is not None
    assert len(last.held_out.losses) == 3
    assert last.held_out.losses == tuple(sorted(last.held_out.losses))
    assert find_held_out(generator.card, SETTINGS) == last.held_out
    assert find_held_out(generator.card, replace(SETTINGS, seconds=3.0, seed=4)) == last.held_out
    assert find_held_out(generator.card, replace(SETTINGS, sigma=0.1)) is None
    assert find_held_out(replace(generator.card, weights_sha256="0" * 64), SETTINGS) is None
    for path in (tmp_path / "cache" / "inversions").iterdir():
        path.write_text("{")
    assert find_held_out(generator.card, SETTINGS) is None


def test_spread_is_the_error_of_the_mean_picture(tmp_path, monkeypatch):
    monkeypatch.setenv("LATENTSTUDIO_HOME", str(tmp_path))
    generator = BlobGenerator()
    *_, last = measure_held_out(generator, SETTINGS, count=1, store=False)
    drawn = torch.from_numpy(np.random.Generator(np.random.PCG64(last.held_out.seed)).standard_normal((256, 6)))
    pictures = generator.generate(drawn.float())
    assert last.held_out.spread == pytest.approx(float((pictures - pictures.mean(dim=0)).square().mean()), rel=1e-3)
    assert not (tmp_path / "cache").exists()


def test_a_given_start_is_judged_like_the_automatic_one():
    assert key_of(InversionSettings(start="given")) == key_of(InversionSettings())


def test_the_residual_is_black_where_nothing_differs_and_white_where_all_does():
    wrong = np.zeros((20, 20))
    wrong[:, 10:] = 1.0
    heat = residual_picture(_found(0.2, 0.05, wrong=wrong))
    assert (heat[:, :10] == 0).all()
    assert (heat[:, 10:] == 255).all()
    half = residual_picture(_found(0.2, 0.05, wrong=np.full((20, 20), 0.25)))
    assert tuple(half[0, 0]) == (255, 128, 0)
