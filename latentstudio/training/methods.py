"""The methods that recipes may name: ONE table of what takes a step, its settings, its pictures and how it ends.

A new method is one row. Rooms do not import each other: a row names functions and classes as ``module:name``, and they
are imported when a recipe asks for them. No torch here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

from latentstudio.errors import TrainingError, UnknownNameError
from latentstudio.settings import Settings, settings_from
from latentstudio.training.recipe import Recipe

_ROOM = "latentstudio.autoencoding"
_PICTURES = "latentstudio.training.sources:read_pictures"
IN_RECIPE = "the recipe has"
_FINISH = f"{_ROOM}.finishing:write_pictures_model"


@dataclass(frozen=True)
class MethodRow:
    """What training by a method takes.

    Attributes:
        method: makes the ``training.method.Method`` of (recipe, network, batches=, shown=).
        settings: class of the numbers under ``[settings]`` of a recipe.
        data: gives, of a recipe, steps while the pictures are read, and last the ``TrainingPictures``.
        finish: writes the model folder of (recipe, checkpoint, out, catalogue=, command=) and returns its card.
    """

    method: str
    settings: str
    data: str = _PICTURES
    finish: str = _FINISH


METHODS: Mapping[str, MethodRow] = {
    "beta-vae": MethodRow(f"{_ROOM}.beta_vae:BetaVaeMethod", f"{_ROOM}.settings:BetaVaeSettings",
                          "latentstudio.training.sprites:read_sprites", f"{_ROOM}.beta_vae:write_beta_vae"),
    "vae": MethodRow(f"{_ROOM}.vae:VaeMethod", f"{_ROOM}.settings:VaeSettings"),
    "split-vae": MethodRow(f"{_ROOM}.vae:VaeMethod", f"{_ROOM}.settings:SplitVaeSettings"),
    "gan": MethodRow(f"{_ROOM}.adversarial:GanMethod", f"{_ROOM}.settings:GanSettings"),
    "wgan-gp": MethodRow(f"{_ROOM}.adversarial:WganMethod", f"{_ROOM}.settings:WganSettings"),
    "vae-gan": MethodRow(f"{_ROOM}.adversarial:VaeGanMethod", f"{_ROOM}.settings:VaeGanSettings"),
    "bigan": MethodRow(f"{_ROOM}.adversarial:BiGanMethod", f"{_ROOM}.settings:GanSettings"),
    "avae": MethodRow(f"{_ROOM}.avae:AvaeMethod", f"{_ROOM}.settings:AvaeSettings"),
    "avae-a": MethodRow(f"{_ROOM}.avae:AvaeMethod", f"{_ROOM}.settings:AvaeSettings"),
    "scenes": MethodRow("latentstudio.scenes.scene_method:SceneMethod", "latentstudio.scenes.settings:SceneSettings",
                        "latentstudio.scenes.pictures:read_scenes", "latentstudio.scenes.finishing:write_scenes_model"),
}


def row_of(recipe: Recipe) -> MethodRow:
    """The row of the recipe's method.

    Raises:
        UnknownNameError: there is no such method.
    """
    if recipe.method not in METHODS:
        raise UnknownNameError(f"the recipe names the method '{recipe.method}'",
                               expected=f"one of: {', '.join(METHODS)}")
    return METHODS[recipe.method]


def settings_of(recipe: Recipe) -> Settings:
    """The recipe's settings, checked.

    Raises:
        UnknownNameError: there is no such method.
        TrainingError: a setting that the method does not know, or a number out of range.
    """
    kind = named(row_of(recipe).settings)
    assert isinstance(kind, type)
    assert issubclass(kind, Settings)
    return settings_from(kind, recipe.settings, where=IN_RECIPE, error=TrainingError)


def named(name: str) -> object:
    """The object that ``module:name`` means; its module is imported now."""
    module, _, attribute = name.partition(":")
    found: object = getattr(import_module(module), attribute)
    return found
