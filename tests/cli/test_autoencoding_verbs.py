"""The verbs of the AVAE: training on a folder, reconstructions, the toy experiment and the study, all very small."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from latentstudio.autoencoding import toy
from latentstudio.autoencoding.settings import StudySettings
from latentstudio.autoencoding.study import ROWS, study_steps
from latentstudio.generators.capabilities import Decodes, Encodes, Scores
from latentstudio.generators.card import read_card
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.generators.opening import open_model
from latentstudio.places import user_models
from latentstudio.training.loop import TrainingStep
from latentstudio.training.pictures import PictureSet

RECIPE = """
name = "small-avae"
method = "avae"
backend = "avae"
data = "nowhere"
steps = 6
batch = 8
learning_rate = 1e-3
checkpoint_every = 2

[config]
side = 16
channels = 3
latent_size = 4
noise_size = 2
width = 4

[settings]
vae_steps = 3

[card]
title = "Small"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "pictures"
    found.mkdir()
    source = np.random.default_rng(0)
    for index in range(40):
        Image.fromarray(source.integers(0, 256, (20, 24, 3)).astype(np.uint8)).save(found / f"{index:02d}.png")
    return found


@pytest.fixture
def recipe_file(tmp_path: Path) -> Path:
    path = tmp_path / "small.toml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


def test_a_folder_of_ones_own_becomes_a_model_with_all_four_networks(cli, folder, recipe_file, tmp_path) -> None:
    (folder / "torn.jpg").write_bytes(b"\xff\xd8")
    out = tmp_path / "small-avae"
    answer = cli("train", recipe_file, "--data", folder, "--run", tmp_path / "run", "--out", out, "--json")
    assert answer.code == 0, answer.err
    assert "1 of 41 files were skipped: torn.jpg" in answer.err
    facts = answer.json
    assert (facts["step"], facts["finished"]) == (6, True)
    assert set(facts["held_out"]) == {"pictures", "samples", "features", "decoder", "generator"}
    assert 0.0 < facts["held_out"]["generator"]["mse"] < 1.0
    card = read_card(out)
    assert set(card.capabilities) == {"generate", "encode", "decode", "score"}
    assert card.figures["held_out"] == facts["held_out"]
    assert str(tmp_path) not in card.command
    opened = open_model(out, runtime="eager")
    generator = opened.generator
    assert isinstance(generator, Encodes)
    assert isinstance(generator, Decodes)
    assert isinstance(generator, Scores)
    fast = open_model(out, runtime="accelerated").pictures(np.ones((2, 4), dtype=np.float32))
    assert abs(fast - opened.pictures(np.ones((2, 4), dtype=np.float32))).max() < 1e-4


def test_lines_of_json_come_before_the_answer(cli, folder, recipe_file, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("latentstudio.cli.train.LOG_EVERY", 2)
    answer = cli("train", recipe_file, "--data", folder, "--run", tmp_path / "r", "--out", tmp_path / "o", "--json")
    lines = [json.loads(line) for line in answer.out.splitlines()]
    assert [line["step"] for line in lines] == [2, 4, 6, 6]
    assert all({"step", "seconds", "losses"} <= set(line) for line in lines)
    assert (tmp_path / "r" / "samples.png").is_file()


@pytest.mark.parametrize(("change", "words"), [
    (("width = 4", "width = -4"), "width -4"), (("side = 16", "side = 17"), "side 17"),
    (("batch = 8", "bunch = 8"), "bunch"), (("vae_steps = 3", "vae_stops = 3"), "vae_stops"),
    (('method = "avae"', 'method = "magic"'), "magic"), (('title = "Small"', 'colour = "red"'), "colour"),
])
def test_recipes_that_cannot_be_are_refused(cli, folder, recipe_file, tmp_path, change, words) -> None:
    recipe_file.write_text(RECIPE.replace(*change), encoding="utf-8")
    answer = cli("train", recipe_file, "--data", folder, "--run", tmp_path / "r", "--out", tmp_path / "o")
    assert answer.code == 2
    assert words in answer.err.splitlines()[-1]


@pytest.mark.parametrize(("make", "words"), [
    (lambda path: None, "holds no pictures"),
    (lambda path: (path / "a.txt").write_text("words"), "holds no pictures"),
    (lambda path: [Image.new("RGB", (9, 9)).save(path / f"{i}.png") for i in range(3)], "holds 3 pictures"),
])
def test_folders_that_cannot_be_learned_from(cli, recipe_file, tmp_path, make, words) -> None:
    (tmp_path / "few").mkdir()
    make(tmp_path / "few")
    answer = cli("train", recipe_file, "--data", tmp_path / "few", "--run", tmp_path / "r", "--out", tmp_path / "o")
    assert answer.code == 2
    assert words in answer.complaint


def test_a_full_disk_at_a_checkpoint_keeps_the_one_before(cli, folder, recipe_file, tmp_path, monkeypatch) -> None:
    from latentstudio.generators import weights
    from latentstudio.training import checkpoint as module

    original, calls = weights._packed, []

    def full(*words: object) -> Iterator[bytes]:
        calls.append(1)
        if len(calls) > 1:
            raise OSError(28, "No space left on device")
        return original(*words)

    monkeypatch.setattr(weights, "_packed", full)
    answer = cli("train", recipe_file, "--data", folder, "--run", tmp_path / "r", "--out", tmp_path / "o")
    assert answer.code == 2
    assert "no space left" in answer.err
    kept = module.load_checkpoint(tmp_path / "r")
    assert kept is not None
    assert kept.step == 2


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as opened:
        return opened.size


def example(name: str = "small") -> None:
    target = user_models() / name
    target.mkdir(parents=True, exist_ok=True)
    find_catalogue().backend("avae").make_example(target, seed=0)  # type: ignore[attr-defined]


def test_reconstruct_draws_with_decoder_and_generator(cli, folder, tmp_path) -> None:
    example()
    pictures = sorted(folder.glob("*.png"))[:2]
    model = user_models() / "small"
    asked = ("reconstruct", model, *pictures, "--json", "--with")
    decoded = cli(*asked, "decoder", "--out", tmp_path / "d").json
    made = cli(*asked, "generator", "--xi", 3, "--out", tmp_path / "g").json
    assert [len(answer["pictures"]) for answer in (decoded, made)] == [2, 2]
    assert made["pictures"][0]["variations"] == 3
    assert decoded["pictures"][0]["variations"] == 1
    assert decoded["pictures"][0]["mse"] != made["pictures"][0]["mse"]
    assert size_of(Path(made["pictures"][0]["out"])) == (16, 16)
    assert len(list((tmp_path / "g").glob("*-xi*.png"))) == 4


def test_reconstruct_names_what_cannot_be_done(cli, folder, tmp_path) -> None:
    example()
    model, picture = user_models() / "small", sorted(folder.glob("*.png"))[0]
    (tmp_path / "torn.png").write_bytes(b"torn")
    mixed = cli("reconstruct", model, picture, tmp_path / "torn.png", "--with", "generator", "--out", tmp_path / "o",
                "--json")
    assert mixed.code == 2
    assert ["error" in answer for answer in mixed.json["pictures"]] == [False, True]
    assert cli("reconstruct", model, tmp_path / "torn.png", "--with", "generator", "--out", tmp_path / "o").code == 2
    without = cli("reconstruct", "sprites-b10", picture, "--with", "generator", "--xi", 3, "--out", tmp_path / "o")
    assert without.code == 0
    assert "has no xi" in without.err


def test_the_toy_experiment_draws_its_figure(cli, tmp_path, monkeypatch) -> None:
    original = toy.toy_recipe
    monkeypatch.setattr(toy, "toy_recipe", lambda seed=0, *, scale=1.0: original(seed, scale=0.01))
    answer = cli("autoencoding-toy", "--out", tmp_path / "toy", "--json")
    assert answer.code == 0, answer.err
    assert {"vae", "avae", "avae_with_xi", "data", "avae_order", "avae_beyond_data"} <= set(answer.json)
    assert size_of(tmp_path / "toy" / "figure.png") == (1200, 840)


def small_pictures() -> PictureSet:
    source = np.random.default_rng(0)
    return PictureSet(*(source.integers(0, 256, (count, 1, 16, 16)).astype(np.uint8) for count in (64, 16)))


def test_a_study_has_every_row_and_goes_on_where_it_stopped(cli_home, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("latentstudio.autoencoding.study.read_pictures",
                        lambda recipe: iter((TrainingStep(0.0), small_pictures())))
    settings = StudySettings(steps=3, seeds=2, side=16, width=4, latent_size=4, batch=8)
    steps = study_steps(settings, tmp_path, catalogue=find_catalogue())
    for _ in range(12):
        next(steps)
    steps.close()  # type: ignore[attr-defined]
    last = list(study_steps(settings, tmp_path, catalogue=find_catalogue()))[-1]
    assert last.table is not None
    assert [len(last.table[row.key]) for row in ROWS] == [2] * len(ROWS)
    assert all("mse" in row for key, rows in last.table.items() if key != "gan" for row in rows)
    text = (tmp_path / "table.md").read_text()
    assert all(f"| {row.title} |" in text for row in ROWS)
    assert size_of(tmp_path / "reconstructions.png")[0] > 100
    again = list(study_steps(settings, tmp_path, catalogue=find_catalogue()))[-1]
    assert again.table == last.table
