"""A training recipe: one small TOML file that says everything a run depends on."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any

import msgspec

from latentstudio.errors import ModelFileError, TrainingError, UnknownNameError
from latentstudio.generators.card import ModelCard, check_card
from latentstudio.places import bundled

STREAMS = 256
LONGEST = (1 << 24) - 1
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,47}")
CARD_KEYS = ("title", "kind", "classes", "measure", "origin", "licence", "data", "notice")
_SEEDS = 1 << 63
_LARGEST_BATCH = 1 << 16


@dataclass(frozen=True)
class Recipe:
    """What to train and how.

    Attributes:
        name: name of the model that comes out.
        method: training method (``beta-vae``, ``recoder``, or one of ``autoencoding/methods.py``).
        backend: plugin that builds the network; ``config`` goes to it.
        data: data source (``sprites``, ``fashion-mnist``, ``samples:MODEL``, a folder; ``samples`` for a recoder).
        steps: optimiser steps.
        batch: pictures a step.
        learning_rate: Adam's step size.
        settings: numbers of the method, for example beta.
        seed: seeds the weights.
        data_seed: chooses the stream of data and noise, 0 to 255; runs that differ in ``seed`` alone see the same data.
        checkpoint_every: steps between checkpoints.
        final_decay: the last share of the steps over which the learning rate falls linearly to a twentieth (0 = never).
        warm_up: steps over which the learning rate rises linearly at the beginning.
        second_moment: Adam's decay of squared gradients; below its usual 0.999 it forgets faster, for short runs.
        mirrored: show half of the pictures mirrored, where left and right mean nothing.
        mixed_precision: bfloat16 autocast where the processor computes it faster.
        start: name or folder of a trained model whose weights the networks begin with, where they fit (fine-tuning).
    """

    name: str
    method: str
    backend: str
    data: str
    steps: int
    batch: int = 128
    learning_rate: float = 5e-4
    seed: int = 0
    data_seed: int = 0
    checkpoint_every: int = 1000
    final_decay: float = 0.0
    warm_up: int = 0
    second_moment: float = 0.999
    mixed_precision: bool = True
    mirrored: bool = False
    start: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, float] = field(default_factory=dict)
    card: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Plain containers, for the model card and checkpoints; of a folder to start from only its name."""
        return asdict(self) | {"start": Path(self.start).name}


def read_recipe(path: Path) -> Recipe:
    """Read a recipe file.

    Raises:
        TrainingError: not TOML, an unknown key, or a number out of range.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise TrainingError(f"there is no recipe {path}", expected="a TOML file") from None
    except OSError as problem:
        raise TrainingError(f"{path} cannot be read ({problem.strerror})", expected="a TOML file") from problem
    return parse_recipe(data, where=str(path))


def parse_recipe(data: bytes, *, where: str = "this") -> Recipe:
    """The recipe in the bytes of its file.

    Raises:
        TrainingError: as ``read_recipe``.
    """
    path = where
    try:
        recipe = msgspec.toml.decode(data, type=_Strict).plain()
    except (msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise TrainingError(f"{path} is not a valid recipe ({problem})", expected="TOML as in models/*/recipe.toml"
                            ) from problem
    if not NAME.fullmatch(recipe.name):
        raise TrainingError(f"{path} has the name '{recipe.name}'",
                            expected="small letters, digits and hyphens, for example my-faces")
    _check_card(recipe, path)
    if not isfinite(recipe.learning_rate) or not 0 <= recipe.seed < _SEEDS:
        raise TrainingError(f"{path} has learning_rate {recipe.learning_rate} and seed {recipe.seed}",
                            expected="a finite rate and a seed from 0 to 2^63 - 1")
    odd = [name for name, value in recipe.settings.items() if not isfinite(value)]
    if odd:
        raise TrainingError(f"{path} has the setting {odd[0]} = {recipe.settings[odd[0]]}", expected="a finite number")
    if recipe.steps < 1 or recipe.batch < 1 or recipe.learning_rate <= 0 or recipe.checkpoint_every < 1:
        raise TrainingError(
            f"{path} asks for {recipe.steps} steps, batch {recipe.batch}, learning rate {recipe.learning_rate}",
            expected="positive numbers",
        )
    if recipe.batch > _LARGEST_BATCH:
        raise TrainingError(f"{path} has batch {recipe.batch}", expected=f"at most {_LARGEST_BATCH:,} pictures a step")
    if not 0.0 <= recipe.final_decay <= 1.0:
        raise TrainingError(f"{path} has final_decay {recipe.final_decay}", expected="a share from 0 to 1")
    if recipe.warm_up < 0 or not 0.0 < recipe.second_moment < 1.0:
        raise TrainingError(f"{path} has warm_up {recipe.warm_up} and second_moment {recipe.second_moment}",
                            expected="a number of steps, and a number between 0 and 1")
    if not 0 <= recipe.data_seed < STREAMS or recipe.steps > LONGEST:
        raise TrainingError(
            f"{path} has data_seed {recipe.data_seed} and {recipe.steps} steps",
            expected=f"a data_seed from 0 to {STREAMS - 1} and at most {LONGEST:,} steps",
        )
    try:
        json.dumps(recipe.as_dict(), allow_nan=False)
    except (TypeError, ValueError) as problem:
        raise TrainingError(f"{path} holds something that a checkpoint cannot keep ({problem})",
                            expected="texts, finite numbers, true and false, and lists of them") from problem
    return recipe


def _check_card(recipe: Recipe, path: str) -> None:
    """See that the model's card can be written when the training is done, and read again."""
    unknown = sorted(set(recipe.card) - set(CARD_KEYS))
    if unknown:
        raise TrainingError(f"{path} has the key '{unknown[0]}' under [card]",
                            expected=f"one of: {', '.join(CARD_KEYS)}")
    try:
        card = msgspec.convert({"name": recipe.name, "backend": recipe.backend, **recipe.card}, ModelCard)
        check_card(card, where=f"{path}, under [card],")
    except msgspec.ValidationError as problem:
        raise TrainingError(f"{path} has something under [card] that a model's card cannot hold ({problem})",
                            expected="texts; classes: a list of texts") from problem
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


class _Strict(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    name: str
    method: str
    backend: str
    data: str
    steps: int
    batch: int = 128
    learning_rate: float = 5e-4
    seed: int = 0
    data_seed: int = 0
    checkpoint_every: int = 1000
    final_decay: float = 0.0
    warm_up: int = 0
    second_moment: float = 0.999
    mixed_precision: bool = True
    mirrored: bool = False
    start: str = ""
    config: dict[str, Any] = msgspec.field(default_factory=dict)
    settings: dict[str, float] = msgspec.field(default_factory=dict)
    card: dict[str, Any] = msgspec.field(default_factory=dict)

    def plain(self) -> Recipe:
        return Recipe(**msgspec.structs.asdict(self))
