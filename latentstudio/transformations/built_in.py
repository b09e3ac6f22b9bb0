"""The transformations that come with the program, and how one is found by its name."""

from __future__ import annotations

from latentstudio.errors import UnknownNameError
from latentstudio.transformations.colour import channel, rotate_hue, saturate
from latentstudio.transformations.combining import combine, parts_of
from latentstudio.transformations.facts import FACTS, NAMES
from latentstudio.transformations.geometry import rotate, scale, translate_x, translate_y, turn
from latentstudio.transformations.light import brighten, contrast
from latentstudio.transformations.sharpness import blur
from latentstudio.transformations.transformation import Function, Transformation

_FUNCTIONS: dict[str, Function] = {
    "x": translate_x, "y": translate_y, "scale": scale, "rotation": rotate, "turn": turn,
    "brightness": brighten, "contrast": contrast, "red": channel(0), "green": channel(1), "blue": channel(2),
    "saturation": saturate, "hue": rotate_hue, "blur": blur,
}
TRANSFORMATIONS = tuple(Transformation.of(facts, _FUNCTIONS[facts.name]) for facts in FACTS)


def transformation_named(name: str) -> Transformation:
    """The built-in transformation of this name, or a combination of several such as ``x+scale`` or ``red-blue``.

    It never opens a file: a name may come out of anyone's factor file. ``load_transformation`` does.

    Raises:
        UnknownNameError: there is none.
        UsageError: a combination that makes no sense.
    """
    for transformation in TRANSFORMATIONS:
        if transformation.name == name:
            return transformation
    parts = parts_of(name)
    known = {transformation.name: transformation for transformation in TRANSFORMATIONS}
    for part, _ in parts:
        if part not in known:
            raise UnknownNameError(
                f"there is no transformation '{part}'", expected=f"one of: {', '.join(NAMES)}",
                action="several at once are written x+scale; your own comes from a file: --transformation FILE.py:name",
            )
    return combine(tuple((known[part], share) for part, share in parts), name=name.replace(" ", ""))
