"""Records on disk, searches of the second order, and what is asked of learning besides a result."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from latentstudio import files
from latentstudio.errors import LearningError, StorageError, UsageError
from latentstudio.factors import LearnSettings, read_factor, write_factor
from latentstudio.factors.benching import bench_learning
from latentstudio.factors.finding import NOT_FOUND, find_factors
from latentstudio.factors.learning import learn_factor
from latentstudio.factors.records import RecordStore
from latentstudio.factors.trajectories import generate_trajectories
from latentstudio.generators.conditions import NONE
from latentstudio.optimisation.second_order import LevenbergMarquardt, tangents
from latentstudio.transformations import Transformation, transformation_named
from latentstudio.units import PIXELS
from tests.blob import BlobGenerator

QUICK = LearnSettings(
    starts=24, targets=2, steps=10, batch=8, judged=32, learning_rate=0.1, mixed_precision=False, refined=5, epochs=20
)


def _last(steps):
    for step in steps:
        last = step
    return last


def test_tangents_are_the_derivative():
    def residual(latent):
        return torch.stack((latent[:, 0] ** 2, latent[:, 0] * latent[:, 1], latent[:, 1].sin()), dim=1)

    latent = torch.tensor([[1.0, 2.0], [-0.5, 0.3]])
    jacobian = tangents(residual, latent)
    a, b = latent.unbind(1)
    nothing = torch.zeros_like(a)
    expected = torch.stack(
        (torch.stack((2 * a, nothing), 1), torch.stack((b, a), 1), torch.stack((nothing, b.cos()), 1)), dim=1
    )
    assert torch.allclose(jacobian, expected, atol=1e-6)


def test_levenberg_marquardt_solves_a_bent_valley_and_never_gets_worse():
    def residual(latent):
        return torch.stack((10.0 * (latent[:, 1] - latent[:, 0] ** 2), 1.0 - latent[:, 0]), dim=1)

    search = LevenbergMarquardt(residual, torch.tensor([[-1.2, 1.0], [0.5, 2.0]]))
    losses = [search.loss]
    for _ in range(60):
        search.advance()
        losses.append(search.loss)
    assert bool((torch.stack(losses).diff(dim=0) <= 0).all())
    assert torch.allclose(search.latent, torch.ones(2, 2), atol=1e-2)


def test_two_damped_steps_beat_as_many_of_adam_as_cost_the_same():
    """A damped step on 6 coordinates draws about 10 pictures, a step of Adam 3."""
    generator, wanted = BlobGenerator(), transformation_named("x")
    errors = {}
    for name in ("adam", "levenberg-marquardt"):
        settings = replace(QUICK, optimiser=name, steps=7, damped_steps=2, tolerance=0.0)
        errors[name] = _last(generate_trajectories(generator, wanted, settings)).records.error.median()
    assert errors["levenberg-marquardt"] < 0.5 * errors["adam"]


def test_an_interrupted_run_ends_with_the_same_factor(tmp_path):
    generator = BlobGenerator()
    whole = _last(learn_factor(generator, transformation="x", settings=QUICK)).factor
    for stop in (3, 11, 19):
        steps = learn_factor(generator, transformation="x", settings=QUICK, records_folder=tmp_path / "records")
        for _ in range(stop):
            next(steps)
        steps.close()
    resumed = _last(
        learn_factor(generator, transformation="x", settings=QUICK, records_folder=tmp_path / "records")
    ).factor
    write_factor(tmp_path / "whole.safetensors", whole)
    write_factor(tmp_path / "resumed.safetensors", resumed)
    assert (tmp_path / "whole.safetensors").read_bytes() == (tmp_path / "resumed.safetensors").read_bytes()


def test_finished_batches_are_not_computed_again(tmp_path):
    count = {"drawn": 0}

    class Counting(BlobGenerator):
        def generate(self, latent, **options):
            count["drawn"] += len(latent)
            return super().generate(latent, **options)

    store = RecordStore(tmp_path, {"model": "blob"})
    runs = []
    for _ in range(2):
        count["drawn"] = 0
        records = _last(generate_trajectories(Counting(), transformation_named("x"), QUICK, store=store)).records
        runs.append((count["drawn"], records))
    assert runs[0][0] > 24
    assert runs[1][0] == 0
    assert all(torch.equal(one, other) for one, other in zip(
        runs[0][1].columns().values(), runs[1][1].columns().values(), strict=True))


def test_records_of_another_model_or_setting_are_refused(tmp_path):
    _last(learn_factor(BlobGenerator(), transformation="x", settings=QUICK, records_folder=tmp_path))
    with pytest.raises(LearningError, match="seed 0"):
        next(learn_factor(BlobGenerator(), transformation="x", settings=replace(QUICK, seed=1),
                          records_folder=tmp_path))
    other = BlobGenerator()
    other.card = replace(other.card, name="other", weights_sha256="0" * 64)
    with pytest.raises(LearningError, match="blob"):
        next(learn_factor(other, transformation="x", settings=QUICK, records_folder=tmp_path))


def test_a_batch_file_cut_short_is_made_again(tmp_path):
    whole = _last(learn_factor(BlobGenerator(), transformation="x", settings=QUICK, records_folder=tmp_path)).factor
    broken = tmp_path / "batch-00000.safetensors"
    broken.write_bytes(broken.read_bytes()[:100])
    again = _last(learn_factor(BlobGenerator(), transformation="x", settings=QUICK, records_folder=tmp_path)).factor
    assert np.array_equal(whole.axis, again.axis)


def test_broken_notes_are_named(tmp_path):
    (tmp_path / "about.json").write_text("{")
    with pytest.raises(LearningError, match=r"about\.json is broken"):
        next(learn_factor(BlobGenerator(), transformation="x", settings=QUICK, records_folder=tmp_path))


def test_a_full_disk_stops_with_a_word_and_keeps_what_was_written(tmp_path, monkeypatch):
    import os

    real, wrote = os.replace, []

    def replace_file(source, target):
        if len(wrote) >= 3:
            raise OSError(28, "No space left on device")
        wrote.append(target)
        return real(source, target)

    monkeypatch.setattr(files.os, "replace", replace_file)
    with pytest.raises(StorageError, match="full"):
        _last(learn_factor(BlobGenerator(), transformation="x", settings=QUICK, records_folder=tmp_path))
    monkeypatch.undo()
    assert len(list(tmp_path.glob("batch-*.safetensors"))) == 2
    assert _last(
        learn_factor(BlobGenerator(), transformation="x", settings=QUICK, records_folder=tmp_path)
    ).factor.name == "x"


def test_evidence_travels_with_the_factor(tmp_path):
    factor = _last(learn_factor(BlobGenerator(), transformation="x", settings=QUICK)).factor
    write_factor(tmp_path / "x.safetensors", factor)
    told = read_factor(tmp_path / "x.safetensors").evidence
    assert told.origins.shape == (12, 6)
    assert told.ends.shape == (12, 4, 6)
    assert np.array_equal(told.values, np.sort(told.values))
    assert np.array_equal(told.errors, np.sort(told.errors))
    moved = np.nanmean(told.ends[:, -1] - told.origins, axis=0)
    assert moved[0] > 0.3
    assert np.corrcoef(told.asked, told.predicted)[0, 1] > 0.9


def test_previews_show_targets_above_results():
    settings = replace(QUICK, optimiser="adam")
    previews = [step.preview for step in learn_factor(BlobGenerator(), transformation="x", settings=settings)]
    shown = [picture for picture in previews if picture is not None]
    assert len(shown) == 3 * 2 * 2
    assert shown[0].shape == (2 * 32, 8 * 32, 3)
    targets, results = shown[0][:32].astype(float), shown[0][32:].astype(float)
    assert targets.max() > 100
    assert results.max() > 60


def test_few_records_are_said():
    settings = replace(QUICK, starts=8, targets=1, held_out=0.5, batch=4)
    factor = _last(learn_factor(BlobGenerator(), transformation="brightness", settings=settings)).factor
    assert "6 dimensions" in factor.figures["notes"][0]


def test_everything_dropped_is_an_error():
    settings = replace(QUICK, starts=8, targets=1, dropped=0.95)
    with pytest.raises(LearningError, match="are left after dropping"):
        _last(learn_factor(BlobGenerator(), transformation="x", settings=settings))


@pytest.mark.parametrize("wrong", [
    {"starts": 0}, {"batch": 0}, {"tolerance": -1.0}, {"optimiser": "magic"}, {"axis": "refined", "refined": 0},
    {"l2": float("nan")}, {"damped_steps": 0}, {"knots": 2},
])
def test_settings_that_cannot_be_are_refused(wrong):
    with pytest.raises(UsageError):
        LearnSettings(**wrong)


def test_finding_goes_on_after_a_transformation_that_the_model_does_not_have():
    def nothing(images, t):
        return images, torch.ones_like(images[:, :1])

    still = Transformation("still", PIXELS, 1.0, function=nothing)
    last = _last(find_factors(BlobGenerator(), (still, transformation_named("x")), settings=QUICK))
    assert [finding.name for finding in last.findings] == ["still", "x"]
    assert last.findings[0].grade == NOT_FOUND
    assert last.findings[0].factor is None
    assert last.findings[0].reason
    assert last.findings[1].usable


def test_the_bench_compares_at_equal_effect():
    last = _last(bench_learning(BlobGenerator(), transformation_named("x")))
    assert last.plain.starts == 50
    assert last.plain.effect > 5.0
    assert last.ours[-1].effect >= last.plain.effect
    assert last.ours[-1].seconds < last.plain.seconds


class TwoClasses(BlobGenerator):
    """Class 1 keeps x in another coordinate."""

    def __init__(self) -> None:
        super().__init__()
        self.card = replace(self.card, classes=("one", "other"))

    def generate(self, latent, *, conditions=NONE, **options):
        turned = latent[:, [4, 1, 2, 3, 0, 5]] if conditions.get("label") == 1 else latent
        return super().generate(turned, **options)


@pytest.mark.parametrize(("labels", "first", "second"), [((0,), 1.0, 0.0), ((1,), 0.0, 1.0), ((0, 1), 0.7, 0.7)])
def test_learning_on_chosen_classes(labels, first, second):
    factor = _last(learn_factor(TwoClasses(), transformation="x", settings=replace(QUICK, labels=labels))).factor
    assert factor.axis[0] == pytest.approx(first, abs=0.2)
    assert factor.axis[4] == pytest.approx(second, abs=0.2)
