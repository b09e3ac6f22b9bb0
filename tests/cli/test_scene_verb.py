"""``latentstudio scene``: every action, its files and json, and what is wrong said in one line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latentstudio import api
from latentstudio.document.session_file import Saved, write_session
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.pixels import read_picture
from latentstudio.scenes.pictures import TEST_SEED


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "tiny-scenes"
    folder.mkdir()
    find_catalogue().backend("scenes").make_example(folder, seed=3)
    return folder


@pytest.fixture
def made(cli, tmp_path) -> Path:
    answer = cli("scene", "make", "--kind", "flat", "--count", 3, "--seed", 5, "--side", 32, "--out", tmp_path / "data",
                 "--json")
    assert answer.json["count"] == 3
    return tmp_path / "data"


def test_make_is_seeded_and_writes_truth(made, cli, tmp_path):
    assert sorted(path.name for path in made.iterdir()) == [
        "000000.png", "000001.png", "000002.png", "bb", "masks", "truth.json"]
    assert read_picture(made / "000000.png").shape == (32, 32, 3)
    told = json.loads((made / "truth.json").read_text())
    assert {"box", "shape", "colour", "angle_deg", "order", "depth"} == set(told["000000.png"][0])
    cli("scene", "make", "--kind", "flat", "--count", 1, "--seed", 6, "--side", 32, "--out", tmp_path / "b")
    assert np.array_equal(read_picture(tmp_path / "b" / "000000.png"), read_picture(made / "000001.png"))


def test_decompose_render_and_a_changed_number(cli, model, made, tmp_path):
    answer = cli("scene", "decompose", model, made / "000000.png", "--out", tmp_path / "out", "--json").json
    (told,) = answer["pictures"]
    assert {"objects", "mse", "seconds", "scene", "layers", "notes", "picture"} == set(told)
    folder = tmp_path / "out" / "000000"
    assert {"scene.json", "drawn.png", "boxes.png", "masks.png", "background.png"} <= {
        path.name for path in folder.iterdir()}
    rendered = tmp_path / "again.png"
    assert cli("scene", "render", model, told["scene"], "--out", rendered, "--json").json["objects"] == len(
        told["objects"])
    assert np.array_equal(read_picture(rendered), read_picture(folder / "drawn.png"))
    scene = json.loads(Path(told["scene"]).read_text())
    scene["background"] = [value + 1.0 for value in scene["background"]]
    (tmp_path / "changed.json").write_text(json.dumps(scene))
    cli("scene", "render", model, tmp_path / "changed.json", "--out", tmp_path / "changed.png")
    assert not np.array_equal(read_picture(rendered), read_picture(tmp_path / "changed.png"))


def test_generate_and_evaluate(cli, model, made, tmp_path):
    answer = cli("scene", "generate", model, "--count", 4, "--seed", 2, "--out", tmp_path / "grid.png", "--json").json
    assert len(answer["objects"]) == 4
    assert (tmp_path / "grid-03.json").is_file()
    for data in (made, "flat"):
        told = cli("scene", "evaluate", model, "--data", data, "--count", 3, "--out", tmp_path / "seen", "--json").json
        assert {"ap50", "ap", "count_error", "count_accuracy", "mse", "ari", "angle_error_deg", "images_per_second",
                "scenes"} <= set(told)
        assert told["scenes"] == 3
    assert (tmp_path / "seen" / "002.png").is_file()
    assert set(told["layout"]) == {"x", "y", "size", "count"}
    assert (tmp_path / "seen" / "layout.svg").read_text().startswith("<svg")


def test_made_scenes_in_a_folder_are_measured_as_those_made_on_the_way(cli, tmp_path):
    first = str(TEST_SEED)
    made = cli("scene", "make", "--kind", "flat", "--count", 6, "--seed", first, "--out", tmp_path / "d")
    assert made.err == ""
    told = [cli("scene", "evaluate", "scenes", "--data", data, "--count", 6, "--json").json
            for data in (tmp_path / "d", "flat")]
    for name in ("ap50", "ari", "angle_error_deg", "count_error", "mse"):
        assert told[0][name] == pytest.approx(told[1][name], rel=1e-3)
    early = cli("scene", "make", "--kind", "flat", "--count", 1, "--out", tmp_path / "e")
    assert "trained on the seeds 0 to 12,255" in early.complaint


def test_layers_of_an_earlier_picture_go(cli, model, made, tmp_path):
    cli("scene", "decompose", model, made / "000000.png", "--out", tmp_path / "out")
    (background,) = (tmp_path / "out").rglob("background.png")
    background.with_name("object-77.png").write_bytes(b"old")
    cli("scene", "decompose", model, made / "000000.png", "--out", tmp_path / "out")
    assert not background.with_name("object-77.png").exists()
    assert background.is_file()


def test_a_blank_picture_and_one_of_another_size(cli, model, tmp_path):
    Image.new("RGB", (90, 60), (80, 90, 100)).save(tmp_path / "blank.png")
    answer = cli("scene", "decompose", model, tmp_path / "blank.png", "--out", tmp_path / "out", "--json").json
    (told,) = answer["pictures"]
    assert any("middle square of 90 x 60" in note for note in told["notes"])
    assert any("were made 32 x 32" in note for note in told["notes"])


@pytest.mark.parametrize(("words", "said"), [
    (("decompose", "sprites-b10", "PICTURE", "--out", "OUT"), "knows no objects"),
    (("decompose", "MODEL", "NONE", "--out", "OUT"), "no file|cannot be read|there is no"),
    (("render", "MODEL", "PICTURE", "--out", "OUT/a.png"), "broken"),
    (("make", "--kind", "clouds", "--out", "OUT"), "no scenes of the kind 'clouds'"),
    (("make", "--kind", "flat", "--count", "0", "--out", "OUT"), "at least 1"),
    (("evaluate", "MODEL", "--data", "nowhere"), "no folder 'nowhere', and no kind"),
    (("generate", "no-such-model", "--out", "OUT/a.png"), "no-such-model"),
    (("decompose", "MODEL", "PICTURE", "--out", "PICTURE"), "a file is where a folder has to be"),
])
def test_what_is_wrong_is_one_line(cli, model, made, tmp_path, words, said):


    known = {"MODEL": model, "PICTURE": made / "000000.png", "NONE": tmp_path / "none.png", "OUT": tmp_path / "o",
             "OUT/a.png": tmp_path / "o" / "a.png"}
    answer = cli("scene", *(known.get(word, word) for word in words))
    assert answer.code == 2
    assert re.search(said, answer.complaint), answer.complaint


def test_pictures_of_another_size_are_no_data_for_a_model(cli, model, tmp_path):
    cli("scene", "make", "--kind", "flat", "--count", 1, "--out", tmp_path / "large")
    answer = cli("scene", "evaluate", model, "--data", tmp_path / "large")
    assert "expected 32 x 32" in answer.complaint


def test_a_picture_drawn_from_a_scene_is_made_again_bit_for_bit(cli, tmp_path):
    model = api.open_model("scenes", runtime="eager")
    found = api.decompose(model, api.make_scene("flat", 30_000_001).picture)
    moved = found.scene.with_object(0, found.scene.objects[0].moved(5, 3))
    view = api.View.start(model.card, api.sample(model, seed=1), 1).with_scene(moved)
    picture = api.draw(model, view)
    assert np.array_equal(picture.pixels, api.render_scene(model, moved))
    picture.save(tmp_path / "scene.png")
    write_session(tmp_path / "scene.latentstudio", Saved(api.Session((view,))))
    model.close()
    again = cli("render", tmp_path / "scene.png", "--out", tmp_path / "again.png", "--json").json
    assert again["max_difference"] == 0
    assert cli("render", tmp_path / "scene.latentstudio", "--out", tmp_path / "b.png").code == 0
    assert np.array_equal(read_picture(tmp_path / "b.png"), picture.pixels)
