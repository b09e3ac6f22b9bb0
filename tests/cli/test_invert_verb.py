"""``latentstudio invert``: pictures, json, several photos, wrong ones, and Ctrl-C in the middle."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from latentstudio import api
from latentstudio.inversion import honesty
from latentstudio.inversion.photo_store import photo_store
from latentstudio.picture_files import open_picture
from latentstudio.pixels import read_picture, write_png
from latentstudio.tasks import invert
from tests.icc import rgb_profile

FILES = ("latent.npy", "target.png", "result.png", "residual.png", "steps.png")
PHOTO_KEYS = {
    "photo", "loss", "blurred_loss", "mse", "dssim", "norm", "seconds", "steps", "start", "start_mse", "optimizer",
    "feature_distance", "ended", "percentile", "verdict", "reasons", "frame", "notes", "latent", "target",
    "result", "residual", "strip",
}


@pytest.fixture(autouse=True)
def few_samples(monkeypatch):
    monkeypatch.setattr(honesty, "_LOOKED_AT", 8)
    monkeypatch.setattr(honesty.measure_held_out, "__kwdefaults__", {"count": 2, "store": True})


@pytest.fixture
def photo(cli, tmp_path) -> Path:
    model = api.open_model("example")
    api.apply(model, api.sample(model, seed=7)).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def test_a_photo_gives_pictures_a_latent_and_json(cli, photo, tmp_path):
    answer = cli("invert", "example", photo, "--out", tmp_path / "out", "--json")
    assert answer.code == 0
    (told,) = answer.json["photos"]
    assert set(told) == PHOTO_KEYS
    assert told["frame"] == {"x": 31.5, "y": 31.5, "size": 64.0, "angle": 0.0}
    assert told["mse"] < told["start_mse"] + 1e-9
    assert {path.name for path in (tmp_path / "out" / "photo").iterdir()} == set(FILES)
    latent = np.load(told["latent"])
    model = api.open_model("example")
    assert np.linalg.norm(latent) == pytest.approx(told["norm"], rel=1e-5)
    assert np.array_equal(api.apply(model, latent).pixels, read_picture(Path(told["result"])))
    assert np.array_equal(read_picture(Path(told["target"])), read_picture(photo))
    assert cli("render", told["result"], "--out", tmp_path / "again.png").code == 0


def test_a_latent_may_start_and_options_reach_the_settings(cli, photo, tmp_path):
    first = cli("invert", "example", photo, "--out", tmp_path / "a", "--json").json["photos"][0]
    answer = cli(
        "invert", "example", photo, "--out", tmp_path / "b", "--start", first["latent"], "--loss", "0.5*mse+0.5*dssim",
        "--optimizer", "adam", "--steps", 3, "--constraint", "sphere", "--radius", 2, "--frame", "32,32,40,15",
        "--json",
    )
    (told,) = answer.json["photos"]
    assert (told["start"], told["optimizer"], told["steps"]) == ("given", "adam", 3)
    assert told["norm"] == pytest.approx(2.0, rel=1e-4)
    assert told["frame"]["angle"] == 15.0


def test_the_same_photo_twice_gets_two_folders_and_a_broken_one_stops_nobody(cli, photo, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"nothing")
    answer = cli("invert", "example", photo, broken, photo, "--out", tmp_path / "out", "--steps", 1, "--json")
    assert answer.code == 2
    assert [("error" in told) for told in answer.json["photos"]] == [False, True, False]
    assert (tmp_path / "out" / "photo").is_dir()
    assert (tmp_path / "out" / "photo-2").is_dir()
    assert "not a picture" in answer.err


@pytest.mark.parametrize(("words", "complaint"), [
    (["--start", "nowhere.npy"], "is no latent"), (["--loss", "features"], "the loss 'features'"),
    (["--frame", "left"], "the frame"), (["--optimizer", "gauss-newton", "--loss", "dssim"], "gauss-newton on"),
])  # fmt: skip
def test_wrong_options_are_one_line(cli, photo, tmp_path, words, complaint):
    answer = cli("invert", "example", photo, "--out", tmp_path / "out", *words)
    assert answer.code == 2
    assert complaint in answer.complaint


def test_one_photo_that_is_none_is_an_error(cli, tmp_path):
    (tmp_path / "text.png").write_text("hello")
    answer = cli("invert", "example", tmp_path / "text.png", "--out", tmp_path / "out")
    assert answer.code == 2
    assert "text.png is not a picture" in answer.complaint


def test_ctrl_c_keeps_the_best_so_far_and_says_so(cli, photo, tmp_path, monkeypatch):
    steps = invert.find

    def interrupted(*arguments, **options):
        for number, step in enumerate(steps(*arguments, **options)):
            if number > 3:
                raise KeyboardInterrupt
            yield step

    monkeypatch.setattr("latentstudio.cli.invert.find", interrupted)
    answer = cli("invert", "example", photo, photo, "--out", tmp_path / "out", "--json")
    assert answer.code == 130
    (told,) = answer.json["photos"]
    assert told["ended"] == "cancelled"
    assert "the best so far was kept" in answer.err
    assert (tmp_path / "out" / "photo" / "latent.npy").is_file()


def test_the_edited_face_goes_back_into_the_photo_from_the_command_line(cli, tmp_path):
    wide = np.full((100, 140, 3), 90, np.uint8)
    wide[20:84, 30:94] = api.apply(model := api.open_model("sprites-b10"), api.sample(model, seed=7)).pixels
    write_png(tmp_path / "wide.png", wide)
    frame = "61.5,51.5,64"
    told = cli("invert", "sprites-b10", tmp_path / "wide.png", "--out", tmp_path / "out", "--frame", frame, "--json")
    result = told.json["photos"][0]["result"]
    edited, pasted = tmp_path / "edited.png", tmp_path / "pasted.png"
    assert cli("factors", "apply", "--from", result, "--set", "x=3px", "--out", edited, "--pasted", pasted).code == 0
    back = read_picture(pasted)
    assert back.shape == wide.shape
    changed = (back.astype(int) - wide).any(axis=2)
    assert changed[20:84, 30:94].any()
    changed[20:84, 30:94] = False
    assert not changed.any()
    again = cli("render", pasted, "--out", tmp_path / "again.png", "--json").json
    assert (again["max_difference"], again["pasted"], again["size"]) == (0, True, [140, 100])
    plain = cli("render", edited, "--out", tmp_path / "plain.png", "--pasted", "--json").json
    assert np.array_equal(read_picture(tmp_path / "plain.png"), back)
    assert plain["max_difference"] is None


def test_a_phone_photo_keeps_its_colour_profile_and_every_pixel_outside_the_frame(cli, tmp_path):
    wide = np.random.default_rng(0).integers(0, 256, (90, 140, 3), dtype=np.uint8)
    write_png(tmp_path / "phone.png", wide, profile=rgb_profile())
    told = cli("invert", "example", tmp_path / "phone.png", "--out", tmp_path / "out", "--frame", "61.5,45.5,64",
               "--steps", 2, "--json").json["photos"][0]
    assert "phone.png: colours converted from Display P3" in told["notes"]
    pasted = tmp_path / "pasted.png"
    assert cli("factors", "apply", "--from", told["result"], "--out", tmp_path / "e.png", "--pasted", pasted).code == 0
    found = open_picture(pasted)
    assert found.profile == rgb_profile()
    changed = (found.own != wide).any(axis=2)
    assert changed[14:78, 30:94].any()
    changed[14:78, 30:94] = False
    assert not changed.any()
    again = cli("render", pasted, "--out", tmp_path / "again.png", "--json").json
    assert (again["max_difference"], again["pasted"]) == (0, True)


def test_what_was_found_for_no_photo_is_put_back_into_none(cli, photo, tmp_path):
    answer = cli("render", photo, "--out", tmp_path / "x.png", "--pasted")
    assert answer.code == 2
    assert "was found for no photo" in answer.complaint


def test_a_photo_that_is_not_here_any_more_can_be_named(cli, photo, tmp_path, cli_home):
    told = cli("invert", "example", photo, "--out", tmp_path / "out", "--json").json["photos"][0]
    shutil.rmtree(photo_store())
    answer = cli("render", told["result"], "--out", tmp_path / "x.png", "--pasted")
    assert answer.code == 2
    assert "--photo" in answer.complaint
    assert cli("render", told["result"], "--out", tmp_path / "x.png", "--photo", photo).code == 0


def test_a_space_that_the_model_does_not_have_is_named(cli, photo, tmp_path):
    answer = cli("invert", "example", photo, "--out", tmp_path / "o", "--space", "w+")
    assert answer.code == 2
    assert "w+" in answer.complaint
    assert cli("invert", "example", photo, "--out", tmp_path / "o", "--space", "z", "--steps", 1).code == 0
