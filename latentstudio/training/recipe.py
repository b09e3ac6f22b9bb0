"""A training recipe: one small TOML file that says everything a run depends on."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from math import isfinite
from pathlib import Path
from typing import Annotated

from latentstudio.errors import ModelFileError, TrainingError, UnknownNameError
from latentstudio.generators.card import ModelCard, check_card
from latentstudio.places import bundled
from latentstudio.readers import MOST_TEXT, border, converted, read_file, toml_from
from latentstudio.settings import Setting, fields_of

STREAMS = 256
LONGEST = (1 << 24) - 1
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,47}")
CARD_KEYS = ("title", "kind", "classes", "measure", "origin", "licence", "data", "notice")
_SEEDS = 1 << 63
_LARGEST_BATCH = 1 << 16


@dataclass(frozen=True)
class Recipe:
    """What to train and how.

    ``config`` goes to the backend's networks, ``settings`` are numbers of the method (see ``training/methods.py``), and
    ``card`` goes into the model's card.
    """

    name: Annotated[str, Setting("Name of the model that comes out", why="small letters, digits and hyphens")]
    method: Annotated[str, Setting("Training method", why="one of training/methods.py, or recoder")]
    backend: Annotated[str, Setting("Plugin that builds the network")]
    data: Annotated[str, Setting(
        "Pictures", why="sprites, fashion-mnist, scenes:KIND, samples:MODEL or a folder; samples for a recoder")]
    steps: Annotated[int, Setting("Optimiser steps", 1, LONGEST)]
    batch: Annotated[int, Setting("Pictures a step", 1, _LARGEST_BATCH)] = 128
    learning_rate: Annotated[float, Setting("Learning rate", 0, above=True, why="Adam's step size")] = 5e-4
    seed: Annotated[int, Setting("Seed", 0, _SEEDS - 1, why="of the weights")] = 0
    data_seed: Annotated[int, Setting(
        "Stream of data and noise", 0, STREAMS - 1, why="runs that differ in the seed alone see the same data")] = 0
    checkpoint_every: Annotated[int, Setting("Steps between checkpoints", 1)] = 1000
    final_decay: Annotated[float, Setting(
        "Final decay", 0, 1,
        why="the last share of the steps over which the learning rate falls to a twentieth; 0 is never")] = 0.0
    warm_up: Annotated[int, Setting("Steps over which the learning rate rises at first", 0)] = 0
    second_moment: Annotated[float, Setting(
        "Decay of squared gradients", 0, 1, above=True, below=True,
        why="Adam's; below its usual 0.999 it forgets faster, for short runs")] = 0.999
    mixed_precision: Annotated[bool, Setting(
        "Mixed precision", why="bfloat16 where the processor computes it faster")] = True
    mirrored: Annotated[bool, Setting(
        "Mirrored", why="half of the pictures, where left and right mean nothing")] = False
    start: Annotated[str, Setting(
        "Trained model to start from", why="its weights are taken where they fit (fine-tuning)")] = ""
    config: Mapping[str, object] = field(default_factory=dict)
    settings: dict[str, float] = field(default_factory=dict)
    card: Mapping[str, object] = field(default_factory=dict)

    def as_dict(self) -> dict[str, object]:
        """Plain containers, for the model card and checkpoints; of a folder to start from only its name."""
        return asdict(self) | {"start": Path(self.start).name}


def read_recipe(path: Path) -> Recipe:
    """Read a recipe file.

    Raises:
        TrainingError: not TOML, an unknown key, or a number out of range.
    """
    try:
        data = read_file(path, MOST_TEXT, lambda reason: TrainingError(f"{path} cannot be read ({reason})",
                                                                       expected="a TOML file"))
    except FileNotFoundError:
        raise TrainingError(f"there is no recipe {path}", expected="a TOML file") from None
    return parse_recipe(data, where=str(path))


def parse_recipe(data: bytes, *, where: str = "this") -> Recipe:
    """The recipe in the bytes of its file.

    Raises:
        TrainingError: as ``read_recipe``.
    """
    path = where

    def refuse(reason: str) -> TrainingError:
        return TrainingError(f"{path} is not a valid recipe ({reason})", expected="TOML as in models/*/recipe.toml")

    table = toml_from(data, dict[str, object], refuse)
    unknown = sorted(set(table) - {field.name for field in fields(Recipe)})
    if unknown:
        raise refuse(f"it has the key '{unknown[0]}'")
    recipe = converted(table, Recipe, refuse)
    if not NAME.fullmatch(recipe.name):
        raise TrainingError(f"{path} has the name '{recipe.name}'",
                            expected="small letters, digits and hyphens, for example my-faces")
    _check_card(recipe, path)
    for setting in fields_of(Recipe):
        setting.check(getattr(recipe, setting.name), called=f"{path}: {setting.name}", error=TrainingError)
    odd = [name for name, value in recipe.settings.items() if not isfinite(value)]
    if odd:
        raise TrainingError(f"{path} has the setting {odd[0]} = {recipe.settings[odd[0]]}", expected="a finite number")
    with border(lambda reason: TrainingError(
        f"{path} holds something that a checkpoint cannot keep ({reason})",
        expected="texts, finite numbers, true and false, and lists of them",
    )):
        json.dumps(recipe.as_dict(), allow_nan=False)
    return recipe


def _check_card(recipe: Recipe, path: str) -> None:
    """See that the model's card can be written when the training is done, and read again."""
    unknown = sorted(set(recipe.card) - set(CARD_KEYS))
    if unknown:
        raise TrainingError(f"{path} has the key '{unknown[0]}' under [card]",
                            expected=f"one of: {', '.join(CARD_KEYS)}")
    try:
        card = converted(
            {"name": recipe.name, "backend": recipe.backend, **recipe.card}, ModelCard,
            lambda reason: TrainingError(
                f"{path} has something under [card] that a model's card cannot hold ({reason})",
                expected="texts; classes: a list of texts",
            ),
        )
        check_card(card, where=f"{path}, under [card],")
    except ModelFileError as problem:
        raise TrainingError(problem.found, expected=problem.expected) from problem


def stream_seed(data_seed: int, step: int) -> int:
    """The seed of a step's generators. torch's generator on the processor takes 32 bits: 8 for the stream, 24 for the
    step, so no two steps of any two streams share one."""
    return (data_seed << 24) + step


def shipped_recipe(name: str) -> Path:
    """The recipe file of a model that ships with the program, or one that ships as a recipe alone.

    Raises:
        UnknownNameError: there is none of this name.
    """
    models, recipes = bundled("models"), bundled("resources") / "recipes"
    for path in (models / name / "recipe.toml", recipes / f"{name}.toml"):
        if Path(name).name == name and path.is_file():
            return path
    found = {path.parent.name for path in models.glob("*/recipe.toml")}
    names = ", ".join(sorted(found | {path.stem for path in recipes.glob("*.toml")}))
    raise UnknownNameError(f"there is no recipe '{name}'", expected=f"one of: {names}, or a TOML file")


def card_words(recipe: Recipe, facts: Mapping[str, object]) -> dict[str, object]:
    """What a trained model's card says of itself, from its recipe and the ``facts`` of its method.

    A recipe "made like" one that ships claims nothing that is said of that one: its title only under its own name, its
    data and their terms only where it learned from the same, its licence and origin only where both hold.
    """
    shipped = shipped_recipes()
    if any(one.name == recipe.name and one.data == recipe.data for one in shipped):
        return {"title": recipe.name, "origin": "trained by this project", "licence": "MIT", **facts,
                **recipe.card}
    foreign = {
        (key, str(value)) for one in shipped for key, value in one.card.items()
        if key in ("title", "origin", "licence") or (key in ("data", "notice") and one.data != recipe.data)
    }
    own = {key: value for key, value in recipe.card.items() if (key, str(value)) not in foreign}
    return {"title": recipe.name, "origin": "trained by its owner on this machine", "data": _data_words(recipe.data),
            "licence": "its owner's, within the terms of the pictures that it learned from", **facts, **own}


def _data_words(data: str) -> str:
    kind, _, name = data.partition(":")
    if kind == "samples":
        return f"samples of {name}"
    if kind in ("sprites", "scenes"):
        return f"{kind} made by this program"
    return "Fashion-MNIST (Xiao et al. 2017)" if kind == "fashion-mnist" else f"the pictures in {Path(data).name}"


def shipped_recipes() -> tuple[Recipe, ...]:
    """Every recipe that ships, with a model or alone."""
    paths = (*bundled("models").glob("*/recipe.toml"), *(bundled("resources") / "recipes").glob("*.toml"))
    return tuple(read_recipe(path) for path in sorted(paths))


def find_recipe(name: str) -> Path:
    """The file of a recipe that is given as a path or by the name of one that ships.

    Raises:
        TrainingError: a folder.
        UnknownNameError: neither a file nor a known name.
    """
    path = Path(name)
    if path.suffix == ".toml" or path.is_file():
        return path
    if path.is_dir():
        raise TrainingError(f"{path} is a folder", expected="a recipe file (TOML) or the name of a shipped model")
    return shipped_recipe(name)
