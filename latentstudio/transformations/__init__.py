"""Image transformations T_t with their validity masks (Plumerault et al. 2020, section 2.1.2), as small plug-ins.

Every transformation takes pictures float32 (N, 3, H, W) in [0, 1] and one parameter t a picture (N,), and returns the
transformed pictures and a mask (N, 1, H, W) that is 1 where the result is defined by the source and 0 where it is not
(the strip that a translation reveals). Interpolation is bilinear at sub-pixel positions; undefined pixels are mid grey.
Signs: x to the right, y downwards, scale t = log2 of the magnification (above 0 is larger), degrees counter-clockwise.
``FACTS`` says all this of each, without torch; the other names are looked up when they are first used and bring it in.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from latentstudio.transformations.facts import FACTS, INTERPOLATIONS, NAMES, Facts

if TYPE_CHECKING:
    from latentstudio.transformations.built_in import TRANSFORMATIONS, transformation_named
    from latentstudio.transformations.combining import combine
    from latentstudio.transformations.own import load_transformation
    from latentstudio.transformations.transformation import Transformation
    from latentstudio.transformations.warping import FILL, places, resample, warp

__all__ = [
    "FACTS",
    "FILL",
    "INTERPOLATIONS",
    "NAMES",
    "TRANSFORMATIONS",
    "Facts",
    "Transformation",
    "combine",
    "load_transformation",
    "places",
    "resample",
    "transformation_named",
    "warp",
]

_HOMES = {
    "FILL": "warping", "TRANSFORMATIONS": "built_in", "Transformation": "transformation", "combine": "combining",
    "load_transformation": "own", "places": "warping", "resample": "warping", "transformation_named": "built_in",
    "warp": "warping",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'latentstudio.transformations' has no attribute '{name}'")
    return getattr(importlib.import_module(f"latentstudio.transformations.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
