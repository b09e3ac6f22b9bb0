"""Inversion on a generator known in closed form: every optimiser, start and constraint, and what goes wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
import torch

from latentstudio.errors import CapabilityError, UsageError
from latentstudio.inversion import searches
from latentstudio.inversion.following import follow
from latentstudio.inversion.inverting import invert
from latentstudio.inversion.searches import GaussNewton
from latentstudio.inversion.settings import InversionSettings, Optimiser
from latentstudio.inversion.task import Task, make_task
from latentstudio.transformations import transformation_named
from tests.blob import BlobGenerator

WANTED = torch.tensor([[0.6, -0.5, 0.8, 1.0, 0.3, -0.2]])
NEAR = torch.tensor([[0.2, -0.1, 0.1, 0.2, 0.0, 0.1]])


class EncodingBlob(BlobGenerator):
    """The blob with an encoder that knows no better than ``NEAR``."""

    def encode(self, images):
        return NEAR.expand(len(images), -1)


class NumpyBlob(EncodingBlob):
    """The blob without gradients, as a graph runtime would be."""

    def generate(self, latent, **options):
        return super().generate(latent.detach(), **options)


class BreakingBlob(EncodingBlob):
    """The blob whose pictures stop being numbers after some calls."""

    calls = 0

    def generate(self, latent, **options):
        self.calls += 1
        pictures = super().generate(latent, **options)
        return pictures * float("nan") if self.calls > 6 else pictures


def squares(**changes):
    """Settings with the paper's error, a sum of squares: Gauss-Newton is for such."""
    return InversionSettings(loss="blurred", **changes)


def _target(generator):
    return generator.generate(WANTED)[0]


def _last(steps):
    found = list(steps)
    return found[-1].result, found


@pytest.mark.parametrize("optimiser", get_args(Optimiser))
def test_every_optimiser_finds_what_can_be_seen(optimiser):
    generator = EncodingBlob()
    result, steps = _last(invert(generator, _target(generator), squares(optimiser=optimiser)))
    assert result.mse < 1e-5
    assert np.abs(result.latent[:4] - WANTED[0, :4].numpy()).max() < 0.05
    assert result.norm == pytest.approx(float(np.linalg.norm(result.latent)), rel=1e-5)
    assert result.start == "encoder"
    assert result.mse < result.start_mse
    losses = [step.loss for step in steps]
    assert losses == sorted(losses, reverse=True)
    assert result.optimiser == ("gauss-newton" if optimiser == "auto" else optimiser)


def test_usually_the_absolute_error_is_made_small_and_gauss_newton_has_to_be_asked_for_with_squares():
    generator = EncodingBlob()
    result, _ = _last(invert(generator, _target(generator), InversionSettings()))
    assert result.optimiser == "lbfgs"
    assert result.mse < 1e-4
    with pytest.raises(UsageError, match="the loss mse"):
        InversionSettings(optimiser="gauss-newton")


@pytest.mark.parametrize("loss", ["l1", "dssim", "mse", "0.5*mse+0.5*dssim"])
def test_every_loss_leads_there(loss):
    generator = EncodingBlob()
    result, _ = _last(invert(generator, _target(generator), InversionSettings(loss=loss, tolerance=0.0)))
    assert result.mse < 1e-3


@pytest.mark.parametrize("optimiser", get_args(Optimiser))
@pytest.mark.parametrize(("constraint", "low", "high"), [("ball", 0.0, 0.8001), ("sphere", 0.7999, 0.8001)])
def test_constraints_hold_at_every_step(optimiser, constraint, low, high):
    generator = EncodingBlob()
    settings = squares(optimiser=optimiser, constraint=constraint, radius=0.8, steps=8)
    _, steps = _last(invert(generator, _target(generator), settings))
    assert all(low <= step.norm <= high for step in steps)


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize(("changes", "radius"), [
    ({}, (6**0.5, None)), ({"radius": 0.8}, (0.8, 0.8)), ({"constraint": "none"}, (None, None)),
    ({"constraint": "sphere"}, (None, None)), ({"distance": 0.4}, (0.4, 0.4)), ({"distance": 5.0}, (6**0.5, 5.0)),
    ({"distance": 0.0}, (6**0.5, None)), ({"distance": 0.4, "around": "shell"}, (6**0.5, None)),
    ({"distance": 0.4, "constraint": "none"}, (0.4, 0.4)),
])
def test_second_order_steps_know_a_ball_that_holds_what_the_constraint_leaves(changes, radius, mapped, monkeypatch):
    monkeypatch.setattr(Task, "mapped", mapped)
    generator = EncodingBlob()
    task = replace(make_task(generator, _target(generator), squares(**changes)), centre=NEAR)
    ball = task.ball
    assert (None if ball is None else ball.radius) == (radius[mapped] and pytest.approx(radius[mapped]))
    if ball is not None:
        held = task.project(3.0 * torch.randn(200, 6, generator=torch.Generator().manual_seed(0)))
        assert float((held - ball.centre).norm(dim=1).max()) <= ball.radius * (1 + 1e-5)
    taken = GaussNewton(task, NEAR)._steps._ball
    assert (taken is None) == (ball is None)
    if ball is not None:
        assert taken.radius == ball.radius
        assert torch.equal(torch.as_tensor(taken.centre), torch.as_tensor(ball.centre))


def test_without_a_constraint_the_latent_may_leave_the_ball():
    generator = EncodingBlob()
    far = generator.generate(torch.tensor([[1.2, 1.2, 2.0, 2.0, 0.0, 0.0]]))[0]
    free, _ = _last(invert(generator, far, squares(constraint="none", tolerance=0.0, steps=30)))
    bound, _ = _last(invert(generator, far, squares(tolerance=0.0, steps=30)))
    assert free.norm > 2.6 > 2.4496 >= bound.norm
    assert free.mse < bound.mse


def test_random_starts_take_the_best_of_many_and_drop_the_worst():
    generator = BlobGenerator()
    settings = squares(start="random", restarts=4, candidates=32, optimiser="adam", steps=60)
    one, _ = _last(invert(generator, _target(generator), settings))
    again, _ = _last(invert(generator, _target(generator), settings))
    assert np.array_equal(one.latent, again.latent)
    assert one.mse < 1e-3
    first = next(step for step in invert(generator, _target(generator), settings) if step.latent is not None)
    draws = torch.from_numpy(np.random.Generator(np.random.PCG64(0)).standard_normal((32, 6)).astype(np.float32))
    draws = draws * (6.0**0.5 / draws.norm(dim=1, keepdim=True)).clamp(max=1.0)
    errors = (generator.generate(draws) - _target(generator)).square().mean(dim=(1, 2, 3))
    assert first.loss <= 2.0 * float(errors.min())


@pytest.mark.parametrize("optimiser", ["adam", "lbfgs", "gauss-newton"])
def test_dropped_starts_do_not_disturb_the_others(optimiser):
    generator = BlobGenerator()
    starts = torch.cat([NEAR, -NEAR, 2.0 * NEAR, NEAR + 0.3])
    settings = squares(optimiser=optimiser, steps=20, tolerance=0.0)
    result, _ = _last(invert(generator, _target(generator), settings, start=starts))
    assert result.mse < 1e-3
    assert result.start == "given"


def test_the_mask_takes_out_what_the_model_cannot_draw():
    generator = EncodingBlob()
    target, mask = _target(generator).clone(), torch.ones(32, 32)
    target[:, :, :6] = 1.0
    mask[:, :6] = 0.0
    result, _ = _last(invert(generator, target, squares(), mask=mask))
    assert result.mse < 1e-4


def test_other_sizes_are_resized():
    generator = EncodingBlob()
    large = torch.nn.functional.interpolate(_target(generator)[None], (96, 80), mode="bilinear", align_corners=False)
    result, _ = _last(invert(generator, large, squares()))
    assert result.picture.shape == result.target.shape == (3, 32, 32)
    assert result.mse < 1e-3


def test_closing_in_the_middle_leaves_the_best_so_far():
    generator = EncodingBlob()
    for step in invert(generator, _target(generator), squares(optimiser="lbfgs")):
        if step.step == 3:
            break
    assert step.latent is not None
    first = next(iter(invert(generator, _target(generator), squares())))
    assert step.loss < first.loss
    assert first.preview is not None


def test_the_time_limit_ends_the_search():
    generator = EncodingBlob()
    settings = squares(optimiser="adam", steps=100_000, seconds=0.05, tolerance=0.0)
    result, _ = _last(invert(generator, _target(generator), settings))
    assert result.ended == "the time was up"
    assert result.steps < 100_000


@pytest.mark.parametrize("optimiser", ["adam", "lbfgs", "gauss-newton"])
def test_a_loss_that_is_not_finite_stops_and_keeps_the_best(optimiser):
    generator = BreakingBlob()
    target = BlobGenerator().generate(WANTED)[0]
    result, steps = _last(invert(generator, target, squares(optimiser=optimiser, tolerance=0.0)))
    assert np.isfinite(result.latent).all()
    assert all(np.isfinite(step.loss) for step in steps)
    assert result.ended == "the loss was not finite"
    assert any("not finite" in note for note in result.notes)


def test_a_model_without_gradients_gives_the_encoder_s_answer_or_is_refused():
    generator = NumpyBlob()
    result, _ = _last(invert(generator, BlobGenerator().generate(WANTED)[0]))
    assert np.allclose(result.latent, NEAR[0].numpy())
    assert result.optimiser == ""
    assert "no gradients" in result.notes[0]
    with pytest.raises(CapabilityError, match="no gradients"):
        list(invert(generator, _target(generator), squares(start="random")))


def test_an_encoder_that_is_not_there_is_named():
    generator = BlobGenerator()
    with pytest.raises(CapabilityError, match="train recoder"):
        list(invert(generator, _target(generator), squares(start="encoder")))


def test_without_forward_derivatives_lbfgs_looks_instead(monkeypatch):
    def refuse(*_):
        raise NotImplementedError("no forward mode")

    monkeypatch.setattr(searches, "jvp", refuse)
    generator = EncodingBlob()
    result, _ = _last(invert(generator, _target(generator), squares()))
    assert result.optimiser == "lbfgs"
    assert "no forward derivatives" in result.notes[0]
    assert result.mse < 1e-4


@pytest.mark.parametrize("changes", [
    {"loss": "psnr"}, {"start": "middle"}, {"constraint": "cube"}, {"optimiser": "sgd"}, {"steps": 0},
    {"seconds": float("nan")}, {"radius": -1.0}, {"sigma": 2.0}, {"optimiser": "gauss-newton", "loss": "dssim"},
])  # fmt: skip
def test_settings_out_of_range_are_refused(changes):
    with pytest.raises(UsageError):
        InversionSettings(**changes)


@pytest.mark.parametrize("target", [torch.rand(1, 8, 8), torch.rand(2, 3, 8, 8), torch.full((3, 8, 8), float("nan"))])
def test_targets_that_are_no_picture_are_refused(target):
    with pytest.raises(UsageError, match="a picture"):
        list(invert(BlobGenerator(), target))


@pytest.mark.parametrize("targets", [1, 5])
def test_following_a_transformation_moves_the_picture(targets):
    generator = BlobGenerator()
    start = torch.zeros(6) + 0.05
    steps = list(follow(generator, start, transformation_named("x"), 6.0, targets=targets))
    result = steps[-1].result
    assert result.latent[0] - 0.05 == pytest.approx(1.0, abs=0.05)
    assert steps[-1].t == pytest.approx(6.0)
    assert [step.target for step in steps if step.result is not None] == list(range(1, targets + 1))
    fractions = [step.fraction for step in steps]
    assert fractions == sorted(fractions)
