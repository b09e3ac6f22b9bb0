"""``invert --tune`` and ``--likeness``, and pictures of tuned models: edited, drawn again, refused elsewhere."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from latentstudio import api
from latentstudio.document.picture_recipe import read_recipe
from latentstudio.errors import UsageError
from latentstudio.generators.tunings import read_tuning, tuning_store
from latentstudio.inversion import honesty, models, tuning
from latentstudio.pixels import read_picture, write_png


@pytest.fixture(autouse=True)
def few_samples(monkeypatch):
    monkeypatch.setattr(honesty, "_LOOKED_AT", 8)
    monkeypatch.setattr(honesty.measure_held_out, "__kwdefaults__", {"count": 2, "store": True})


@pytest.fixture
def photo(cli, tmp_path) -> Path:
    """A picture that an untrained model cannot draw."""
    rows, columns = np.mgrid[0:64, 0:64]
    picture = np.stack([rows * 4, columns * 4, (rows + columns) * 2], axis=2).astype(np.uint8)
    write_png(tmp_path / "photo.png", picture)
    return tmp_path / "photo.png"


@pytest.fixture
def tuned(cli, photo, tmp_path):
    """What `invert --tune` tells of the photo, one second of tuning."""
    answer = cli("invert", "example", photo, "--out", tmp_path / "out", "--steps", 2, "--tune", "--tune-seconds", 1,
                 "--json")
    assert answer.code == 0
    return answer.json["photos"][0]["tuning"]


def test_tuning_writes_the_difference_and_says_how_close_it_came(cli, tuned):
    assert set(tuned) == {
        "file", "sha256", "bytes", "mse", "dssim", "before_mse", "before_dssim", "steps", "seconds", "ended", "kept",
        "told_before", "told_after", "drift", "picture", "neighbours", "feature_distance", "notes",
    }
    assert tuned["mse"] < tuned["before_mse"]
    assert read_tuning(Path(tuned["file"])).sha256 == tuned["sha256"]
    assert read_recipe(Path(tuned["picture"])).view.tuning == tuned["sha256"]
    assert Path(tuned["neighbours"]).is_file()


def test_a_tuned_picture_is_drawn_again_bit_for_bit_wherever_it_goes(cli, tuned, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    shutil.copy(tuned["picture"], tmp_path / "elsewhere" / "mine.png")
    answer = cli("render", tmp_path / "elsewhere" / "mine.png", "--out", tmp_path / "again.png", "--json")
    assert answer.json["max_difference"] == 0
    shutil.rmtree(tuning_store())
    answer = cli("render", tmp_path / "elsewhere" / "mine.png", "--out", tmp_path / "again.png")
    assert answer.code == 2
    assert "--tuning" in answer.complaint
    assert cli("render", tuned["picture"], "--out", tmp_path / "again.png").code == 0  # its file lies beside it


def test_edits_of_a_tuned_model_start_at_its_photo(cli, tuned, tmp_path):
    answer = cli("factors", "apply", "example", "--tuning", tuned["file"], "--out", tmp_path / "edit.png", "--json")
    assert answer.code == 0
    assert np.array_equal(read_picture(tmp_path / "edit.png"), read_picture(Path(tuned["picture"])))
    view = read_recipe(tmp_path / "edit.png").view
    assert (view.tuning, view.seed) == (tuned["sha256"], None)
    assert cli("factors", "apply", "--from", tmp_path / "edit.png", "--out", tmp_path / "more.png").code == 0
    assert read_recipe(tmp_path / "more.png").view.tuning == tuned["sha256"]
    seeded = cli("factors", "apply", "example", "--tuning", tuned["file"], "--seed", 3, "--out", tmp_path / "s.png")
    assert seeded.code == 0
    assert read_recipe(tmp_path / "s.png").view.seed == 3


def test_another_model_refuses_the_tuning_with_one_line(cli, tuned, tmp_path):
    answer = cli("factors", "apply", "sprites-b10", "--tuning", tuned["file"], "--out", tmp_path / "edit.png")
    assert answer.code == 2
    assert "belongs to example" in answer.complaint


def test_a_picture_is_not_drawn_with_another_tuning_than_its_own(cli, tuned):
    model = api.open_model("example")
    view = read_recipe(Path(tuned["picture"])).view
    with pytest.raises(UsageError, match="no tuning"):
        api.draw(model, view, api.FactorSet())
    other = api.tuned_model(model, read_tuning(Path(tuned["file"])))
    assert other.tuning == tuned["sha256"]
    assert not other.needs_calibration
    assert api.draw(other, view, api.FactorSet()).view == view
    with pytest.raises(UsageError, match="the tuning"):
        api.draw(other, view.with_tuning(""), api.FactorSet())
    plain = model.pictures(view.latent_array()[None])
    other.close()
    assert np.array_equal(model.pictures(view.latent_array()[None]), plain)


def test_ctrl_c_while_tuning_keeps_the_weights_so_far(cli, photo, tmp_path, monkeypatch):
    steps = models.tune_steps

    def interrupted(*arguments, **options):
        for step in steps(*arguments, **options):
            yield step
            if step.step >= 2 * tuning.SHOW_EVERY and step.tuning is not None:
                raise KeyboardInterrupt

    monkeypatch.setattr(models, "tune_steps", interrupted)
    answer = cli("invert", "example", photo, "--out", tmp_path / "out", "--steps", 2, "--tune", "--json")
    told = answer.json["photos"][0]["tuning"]
    assert (told["ended"], told["steps"]) == ("cancelled", 2 * tuning.SHOW_EVERY)
    assert "so far were kept" in answer.err


def test_the_dial_holds_the_latent_and_the_curve_is_told(cli, photo, tmp_path):
    answer = cli("invert", "example", photo, "--out", tmp_path / "out", "--likeness", 0, "--steps", 3, "--curve",
                 "--json")
    (told,) = answer.json["photos"]
    assert told["mse"] == pytest.approx(told["start_mse"], rel=1e-4)
    curve = told["likeness_curve"]
    assert [point["likeness"] for point in curve] == [0.0, 0.125, 0.25, 0.5, 0.75, 1.0]
    assert curve[-1]["distance"] is None
    assert curve[-1]["mse"] <= curve[0]["mse"]
    wrong = cli("invert", "example", photo, "--out", tmp_path / "out", "--likeness", 2)
    assert wrong.code == 2
    assert "likeness" in wrong.complaint
