"""The table of methods: every row leads to what it names, and every recipe that ships is one that it can train."""

from __future__ import annotations

from dataclasses import replace

import pytest

from latentstudio.errors import TrainingError, UnknownNameError
from latentstudio.places import bundled
from latentstudio.settings import Settings
from latentstudio.training.methods import METHODS, named, row_of, settings_of
from latentstudio.training.recipe import read_recipe

RECIPES = sorted([*bundled("models").glob("*/recipe.toml"), *(bundled("resources") / "recipes").glob("*.toml")])


@pytest.mark.parametrize("name", METHODS)
def test_a_row_names_what_is_there(name: str) -> None:
    row = METHODS[name]
    kind = named(row.settings)
    assert isinstance(kind, type)
    assert issubclass(kind, Settings)
    assert kind() == kind()
    assert all(callable(named(entry)) for entry in (row.method, row.data, row.finish))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_settings_of_every_recipe_that_ships_are_read_as_they_stand(path) -> None:
    recipe = read_recipe(path)
    read = settings_of(recipe)
    assert {name: getattr(read, name) for name in recipe.settings} == recipe.settings


def test_another_method_a_strange_setting_and_a_number_out_of_range_are_one_typed_error() -> None:
    recipe = read_recipe(bundled("models") / "faces" / "recipe.toml")
    with pytest.raises(UnknownNameError, match="the method 'magic'; expected one of: beta-vae, vae"):
        row_of(replace(recipe, method="magic"))
    with pytest.raises(TrainingError, match="the recipe has the setting 'charm'; expected one of: generator_rate"):
        settings_of(replace(recipe, settings={"charm": 1.0}))
    with pytest.raises(TrainingError, match=r"average that is 2\.0; expected a number from 0 to 1; leave it out"):
        settings_of(replace(recipe, settings={"average": 2.0}))
    assert settings_of(replace(recipe, settings={"matched": 0.0, "vae_steps": 4.0})).vae_steps == 4
