"""``models``, ``plugins``, ``sample`` and ``render`` on a small untrained model."""

from __future__ import annotations

import errno
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from latentstudio.generators.catalogue import find_catalogue
from latentstudio.pixels import read_picture, read_png_text, write_png
from latentstudio.places import data_folder, user_models
from tests.half_done import leave_half_done


def test_models_list_has_the_promised_keys(cli) -> None:
    rows = {row["name"]: row for row in cli("models", "list", "--json").json["models"]}
    assert {"name", "backend", "installed", "capabilities", "licence"} <= set(rows["example"])
    assert rows["example"]["installed"] is True
    assert rows["faces-gan"] | {"installed": False, "backend": "dcgan", "licence": "MIT"} == rows["faces-gan"]
    assert "generate" in rows["example"]["capabilities"]


def test_what_a_killed_program_left_goes_with_the_next_verb_that_writes(cli) -> None:
    left = leave_half_done(data_folder().parent)
    assert cli("sample", "--help").code == 0
    assert all(path.exists() for path in left)
    assert cli("models", "list").code == 0
    assert not any(path.exists() for path in left)
    assert (user_models() / "example" / "card.json").is_file()


def test_models_list_for_people_names_every_model(cli) -> None:
    answer = cli("models", "list")
    assert "example" in answer.out
    assert "latentstudio models get faces-gan" in answer.out


def test_models_info_prints_the_card(cli) -> None:
    card = cli("models", "info", "example", "--json").json
    assert (card["name"], card["backend"], card["installed"]) == ("example", "beta_vae", True)
    assert card["image_size"] == [64, 64]
    assert "beta_vae" in cli("models", "info", "example").out


def test_models_info_of_an_add_on_shows_its_licence(cli) -> None:
    answer = cli("models", "info", "faces-gan")
    assert "Permission is hereby granted" in answer.out
    assert "DigiFace-1M" in answer.out
    facts = cli("models", "info", "faces-gan", "--json").json
    assert (facts["name"], facts["installed"]) == ("faces-gan", False)


def test_the_measuring_add_on_is_listed_and_described_but_is_no_model(cli) -> None:
    name = "features-efficientnet-lite0"
    row = next(row for row in cli("models", "list", "--json").json["models"] if row["name"] == name)
    assert (row["kind"], row["installed"], row["licence"]) == ("features", False, "Apache-2.0")
    assert "Apache License" in cli("models", "info", name).out
    answer = cli("sample", name, "--out", "nowhere.png")
    assert answer.code == 2
    assert "not a model" in answer.complaint


def test_the_installed_measuring_add_on_is_listed_once_and_removed(cli, cli_home, features_store) -> None:
    name = "features-efficientnet-lite0"
    shutil.copytree(features_store / "data" / "networks" / name, cli_home / "data" / "networks" / name)
    rows = [row for row in cli("models", "list", "--json").json["models"] if row["name"] == name]
    assert [row["installed"] for row in rows] == [True]
    facts = cli("models", "info", name, "--json").json
    assert (facts["kind"], facts["installed"], len(facts["weights_sha256"])) == ("features", True, 64)
    assert cli("models", "get", name, "--yes", "--json").json["fetched"] is False
    assert cli("models", "remove", name, "--json").json["removed"] is True
    assert not (cli_home / "data" / "networks" / name).exists()


def test_get_without_acceptance_shows_the_licence_and_stops(cli) -> None:
    answer = cli("models", "get", "faces-gan")
    assert answer.code == 2
    assert "Permission is hereby granted" in answer.out
    assert "was not accepted" in answer.complaint
    assert not (user_models() / "faces-gan").exists()


def test_add_and_remove_a_model(cli, tmp_path: Path) -> None:
    backend: Any = find_catalogue().backend("beta_vae")
    (tmp_path / "made").mkdir()
    backend.make_example(tmp_path / "made", seed=2)
    weights = tmp_path / "mine.safetensors"
    shutil.copy(tmp_path / "made" / "weights.safetensors", weights)
    added = cli("models", "add", weights, "--json").json
    assert added["backend"] == "beta_vae"
    assert added["name"] != "example"
    assert (user_models() / added["name"] / "card.json").is_file()
    removed = cli("models", "remove", added["name"], "--json").json
    assert removed == {"name": added["name"], "installed": False, "removed": True}
    assert not (user_models() / added["name"]).exists()


def test_plugins_list_names_the_shipped_ones(cli) -> None:
    rows = {row["id"]: row for row in cli("plugins", "list", "--json").json["plugins"]}
    assert {"beta_vae", "dcgan"} <= set(rows)
    assert rows["beta_vae"]["source"] == "shipped"
    assert rows["beta_vae"]["error"] is None


def test_plugins_check_passes_on_a_shipped_one_and_fails_on_an_empty_folder(cli, tmp_path: Path) -> None:
    folder = next(row["folder"] for row in cli("plugins", "list", "--json").json["plugins"] if row["id"] == "beta_vae")
    report = cli("plugins", "check", folder, "--json")
    assert (report.code, report.json["passed"]) == (0, True)
    assert {"name", "passed", "detail"} == set(report.json["checks"][0])
    empty = cli("plugins", "check", tmp_path, "--json")
    assert empty.code in (1, 2)
    assert empty.json.get("passed", False) is False


def test_sample_writes_a_grid(cli, tmp_path: Path) -> None:
    out = tmp_path / "grid.png"
    answer = cli("sample", "example", "--count", "6", "--columns", "3", "--seed", "4", "--out", out, "--json").json
    assert set(answer) == {"model", "count", "seed", "out", "size", "milliseconds", "runtime", "device"}
    assert read_picture(out).shape == (2 * 64 + 2, 3 * 64 + 4, 3)
    assert answer["size"] == [196, 130]


def test_the_same_seed_gives_the_same_picture_and_another_another(cli, tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert cli("sample", "example", "--count", "1", "--seed", seed, "--out", tmp_path / f"{name}.png").code == 0
    first, second, third = (read_picture(tmp_path / f"{name}.png") for name in "abc")
    assert np.array_equal(first, second)
    assert not np.array_equal(first, third)


def test_render_makes_the_same_picture_again(cli, tmp_path: Path) -> None:
    saved, again = tmp_path / "one.png", tmp_path / "again.png"
    cli("sample", "example", "--count", "1", "--seed", "7", "--out", saved)
    answer = cli("render", saved, "--out", again, "--json").json
    assert answer["max_difference"] == 0
    assert (answer["model"], answer["seed"]) == ("example", 7)
    assert np.array_equal(read_picture(saved), read_picture(again))


def test_render_tells_when_the_pixels_were_changed(cli, tmp_path: Path) -> None:
    from PIL import Image

    saved, changed = tmp_path / "one.png", tmp_path / "changed.png"
    cli("sample", "example", "--count", "1", "--seed", "7", "--out", saved)
    with Image.open(saved) as opened:
        recipe = opened.text["latentstudio"]  # type: ignore[attr-defined]
    pixels = read_picture(saved)
    pixels[3, 4, 0] = (int(pixels[3, 4, 0]) + 40) % 256
    write_png(changed, pixels, texts={"latentstudio": recipe})
    assert cli("render", changed, "--out", tmp_path / "again.png", "--json").json["max_difference"] >= 40


def test_render_of_a_picture_without_a_recipe_says_so(cli, tmp_path: Path) -> None:
    plain = tmp_path / "plain.png"
    write_png(plain, np.zeros((8, 8, 3), dtype=np.uint8))
    answer = cli("render", plain, "--out", tmp_path / "again.png")
    assert answer.code == 2
    assert "recipe" in answer.complaint


def test_render_of_a_picture_of_a_missing_model_names_it(cli, tmp_path: Path) -> None:
    from PIL import Image

    saved, foreign = tmp_path / "one.png", tmp_path / "foreign.png"
    cli("sample", "example", "--count", "1", "--out", saved)
    with Image.open(saved) as opened:
        recipe = json.loads(opened.text["latentstudio"])  # type: ignore[attr-defined]
    recipe["session"]["views"][0]["model"] = "no-such-model"
    write_png(foreign, read_picture(saved), texts={"latentstudio": json.dumps(recipe)})
    found = cli("render", foreign, "--out", tmp_path / "found.png")
    assert found.code == 0, "the weights are here under another name"
    assert (read_picture(tmp_path / "found.png") == read_picture(saved)).all()
    recipe["session"]["views"][0]["model_sha256"] = "0" * 64
    write_png(foreign, read_picture(saved), texts={"latentstudio": json.dumps(recipe)})
    answer = cli("render", foreign, "--out", tmp_path / "again.png")
    assert answer.code == 2
    assert "no-such-model" in answer.complaint


def test_out_in_a_folder_that_is_a_file_is_a_user_error(cli, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    answer = cli("sample", "example", "--count", "2", "--out", tmp_path / "file" / "a.png")
    assert answer.code == 2
    assert "file" in answer.complaint


def test_removing_no_name_removes_nothing(cli) -> None:
    answer = cli("models", "remove", "")
    assert answer.code == 2
    assert "there is no model ''" in answer.complaint
    assert (user_models() / "example" / "card.json").is_file()


def test_more_pictures_than_a_sheet_holds_are_refused_at_once(cli, tmp_path: Path) -> None:
    answer = cli("sample", "example", "--count", "1000000000", "--out", tmp_path / "grid.png")
    assert answer.code == 2
    assert "at most" in answer.complaint
    assert not (tmp_path / "grid.png").exists()
    wide = cli("sample", "example", "--count", "2", "--columns", "1000000000", "--out", tmp_path / "g.png", "--json")
    assert wide.json["size"] == [130, 64]


@pytest.mark.parametrize("name", ["text.txt", "empty.safetensors", "cut.safetensors", "huge.safetensors", "huge.pt"])
def test_what_is_no_model_is_one_line(cli, tmp_path: Path, name: str) -> None:
    whole = (user_models() / "example" / "weights.safetensors").read_bytes()
    content = {
        "text.txt": b"no model", "empty.safetensors": b"", "cut.safetensors": whole[: len(whole) // 2],
        "huge.safetensors": (10 << 30).to_bytes(8, "little") + b"{" + whole[:100],
        "huge.pt": b"\x80\x04\x8e" + (1 << 62).to_bytes(8, "little") + b"abc",
    }
    (tmp_path / name).write_bytes(content[name])
    answer = cli("models", "add", tmp_path / name)
    assert answer.code == 2
    assert name in answer.complaint
    assert "expected" in answer.complaint


@pytest.mark.parametrize("verb", [("render",), ("factors", "apply", "--from")])
@pytest.mark.parametrize(("change", "part"), [
    ({"version": 99}, "version 99; expected at most 6"),
    ({"model": "gone", "model_sha256": "0" * 64}, "there is no model 'gone'"),
    ({"positions": [["nosuch", 1.0]]}, "there is no factor 'nosuch'"),
    ({"positions": [["scale", 1e9]]}, "there is no factor 'scale'"),
    ({"shape": [4]}, "bytes of latent"),
    (None, "is broken"),
])
def test_a_recipe_that_cannot_be_followed_is_one_line(
    cli, tmp_path: Path, verb: tuple[str, ...], change: dict[str, Any] | None, part: str
) -> None:
    saved, changed = tmp_path / "one.png", tmp_path / "changed.png"
    cli("sample", "example", "--count", "1", "--out", saved)
    text = read_png_text(saved, "latentstudio")
    assert text is not None
    recipe = json.loads(text)
    for key, value in (change or {}).items():
        (recipe if key == "version" else recipe["session"]["views"][0])[key] = value
    write_png(changed, read_picture(saved), texts={"latentstudio": json.dumps(recipe) if change else text[:40]})
    answer = cli(*verb, changed, "--out", tmp_path / "out.png")
    assert answer.code == 2
    assert part in answer.complaint
    assert not (tmp_path / "out.png").exists()


def test_a_full_disk_keeps_the_old_picture(cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "one.png"
    cli("sample", "example", "--count", "1", "--out", out)
    before = out.read_bytes()
    other = shutil.copy(out, tmp_path / "other.png")  # what is read is never written over, whatever the disk says

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("latentstudio.files.os.fsync", full)
    for words in (("sample", "example", "--count", "4"), ("factors", "apply", "example", "--seed", "2"),
                  ("render", other)):
        answer = cli(*words, "--out", out)
        assert answer.code == 2
        assert "no space left on the disk" in answer.complaint
        assert out.read_bytes() == before
        assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".one")) == []
