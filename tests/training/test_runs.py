"""Runs of this user: begun by a recipe's text, listed while they are unfinished, refused where they would overwrite."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from latentstudio.errors import TrainingError
from latentstudio.places import user_models
from latentstudio.training.recipe import card_words, parse_recipe, shipped_recipe, shipped_recipes
from latentstudio.training.runs import (
    begin_run,
    logged_losses,
    read_run,
    recipe_values,
    runs_folder,
    unfinished_runs,
    with_values,
)

TEXT = """# a comment stays
name = "mine"
method = "vae"
backend = "avae"
data = "sprites"
steps = 10

[config]
name = "not this one"
side = 16
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("LATENTSTUDIO_HOME", str(tmp_path))


def checkpoint(folder, step):
    save_file({"weights/a": torch.zeros(2)}, folder / "checkpoint.safetensors", metadata={"step": str(step)})


def test_a_run_is_listed_until_it_is_finished():
    run = begin_run(TEXT)
    assert (run.step, run.finished, run.out) == (0, False, user_models() / "mine")
    assert not run.out.exists()
    checkpoint(run.folder, 7)
    assert [(one.recipe.name, one.step) for one in unfinished_runs()] == [("mine", 7)]
    checkpoint(run.folder, 10)
    assert unfinished_runs() == ()
    assert read_run(run.folder).finished


def test_what_is_there_already_is_not_overwritten():
    run = begin_run(TEXT)
    begin_run(TEXT)  # nothing was trained yet
    checkpoint(run.folder, 3)
    with pytest.raises(TrainingError, match="run named 'mine' is there already"):
        begin_run(TEXT)
    (user_models() / "taken").mkdir(parents=True)
    with pytest.raises(TrainingError, match="model named 'taken' is there already"):
        begin_run(with_values(TEXT, {"name": "taken"}))


@pytest.mark.parametrize("name", ["", "../up", "My Faces", "a" * 60, "a/b", "-x"])
def test_a_name_that_is_none_is_refused(name):
    with pytest.raises(TrainingError, match="small letters, digits and hyphens"):
        begin_run(with_values(TEXT, {"name": name}))
    assert not runs_folder().exists()


@pytest.mark.parametrize(("text", "said"), [
    (TEXT + "\n[nonsense\n", "not a valid recipe"), (TEXT.replace("steps", "stops"), "stops"),
    (TEXT.replace("10", "-1"), "is -1; expected a whole number"),
])
def test_a_recipe_that_is_none_is_refused(text, said):
    with pytest.raises(TrainingError, match=said):
        begin_run(text)
    assert not runs_folder().exists()


@given(st.text(st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters='"\\'), max_size=30))
def test_values_are_changed_at_the_top_only(value):
    changed = with_values(TEXT, {"data": value, "name": "other"})
    assert recipe_values(changed) == {**recipe_values(TEXT), "data": value, "name": "other"}
    assert 'name = "not this one"' in changed
    assert changed.startswith("# a comment stays")


def test_a_value_that_was_not_there_is_put_in_front():
    assert recipe_values(with_values('method = "vae"\n', {"name": "new"})) == {"name": "new", "method": "vae"}


def test_losses_of_a_log_by_name_and_a_broken_line_is_passed_over(tmp_path):
    lines = [json.dumps({"step": 100, "seconds": 1.0, "loss": 3.0, "right": 0.5}), "{broken",
             json.dumps({"step": 200, "seconds": 2.0, "loss": 2.0, "right": 0.6})]
    (tmp_path / "log.jsonl").write_text("\n".join(lines))
    assert logged_losses(tmp_path) == {"loss": [3.0, 2.0], "right": [0.5, 0.6]}
    assert logged_losses(tmp_path / "none") == {}


@pytest.mark.parametrize("like", [recipe.name for recipe in shipped_recipes()])
def test_a_model_of_ones_own_claims_nothing_of_the_recipe_that_it_was_made_like(like: str) -> None:
    text = shipped_recipe(like).read_text(encoding="utf-8")
    shipped = parse_recipe(text.encode())
    theirs = card_words(shipped, {})
    assert theirs["title"] == shipped.card.get("title", like)
    assert theirs["licence"] == "MIT"
    mine = parse_recipe(with_values(text, {"name": "my-model", "data": "/home/me/cats"}).encode())
    told = card_words(mine, {})
    assert told["title"] == "my-model"
    assert told["data"] == "the pictures in cats"
    assert "MIT" not in f"{told['licence']} {told['data']}"
    assert "this project" not in told["origin"]
    assert "notice" not in told
    same_data = card_words(replace(shipped, name="my-model"), {})
    assert same_data["title"] == "my-model"
    assert same_data.get("notice") == shipped.card.get("notice"), "its terms hold for whoever learns from it"
    own = card_words(replace(mine, card={**mine.card, "title": "Cats", "licence": "CC0"}), {})
    assert (own["title"], own["licence"]) == ("Cats", "CC0")
