"""Hold an image generator in the hand: sliders in true units over the latent space of any generative model.

    import latentstudio

    model = latentstudio.open_model("faces-gan")
    latent = latentstudio.sample(model, seed=3)
    picture = latentstudio.apply(model, latent, {"x": "8px", "brightness": "+10%"})
    picture.save("moved.png")

The names are looked up when they are first used, so that ``import latentstudio`` costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from latentstudio.version import VERSION as __version__  # noqa: N811 (the name that Python expects)

if TYPE_CHECKING:
    from latentstudio.api import (
        Conditions,
        Factor,
        FactorSet,
        LearnSettings,
        MapData,
        Model,
        Scene,
        SceneObject,
        Session,
        StudioError,
        View,
        apply,
        bench_steps,
        decompose,
        draw,
        draw_pasted,
        evaluation_steps,
        factors_of,
        find_steps,
        interpolate,
        invert,
        invert_steps,
        learn,
        learn_steps,
        make_scene,
        map_of,
        map_steps,
        new_scenes,
        open_model,
        paste_back,
        photo_place,
        place_photo,
        read_photo,
        read_scene,
        sample,
        train_steps,
        traverse,
        write_map,
        write_scene,
    )
    from latentstudio.autoencoding.rebuilding import rebuild as reconstruct
    from latentstudio.scenes.decomposing import layers as scene_layers
    from latentstudio.scenes.decomposing import render as render_scene
    from latentstudio.tasks.draw import Render as Picture

__all__ = [
    "Conditions",
    "Factor",
    "FactorSet",
    "LearnSettings",
    "MapData",
    "Model",
    "Picture",
    "Scene",
    "SceneObject",
    "Session",
    "StudioError",
    "View",
    "__version__",
    "apply",
    "bench_steps",
    "decompose",
    "draw",
    "draw_pasted",
    "evaluation_steps",
    "factors_of",
    "find_steps",
    "interpolate",
    "invert",
    "invert_steps",
    "learn",
    "learn_steps",
    "make_scene",
    "map_of",
    "map_steps",
    "new_scenes",
    "open_model",
    "paste_back",
    "photo_place",
    "place_photo",
    "read_photo",
    "read_scene",
    "reconstruct",
    "render_scene",
    "sample",
    "scene_layers",
    "train_steps",
    "traverse",
    "write_map",
    "write_scene",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'latentstudio' has no attribute '{name}'")
    return getattr(importlib.import_module("latentstudio.api"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
