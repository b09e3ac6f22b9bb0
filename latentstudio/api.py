"""The library for scripts: open a model, sample, apply factors in true units, learn new ones. ``latentstudio.NAME``.

One table says where each name lives; it is looked up when it is first used, so that nothing heavy comes in before.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # for editors and type checkers, the same as the table (``tests/test_names.py``)
    from latentstudio.autoencoding.rebuilding import interpolate as interpolate
    from latentstudio.document.session import Session as Session
    from latentstudio.document.view import View as View
    from latentstudio.errors import StudioError as StudioError
    from latentstudio.factors import Factor as Factor
    from latentstudio.factors import FactorSet as FactorSet
    from latentstudio.factors.map_files import write_map as write_map
    from latentstudio.factors.mapping import MapData as MapData
    from latentstudio.factors.mapping import MapStep as MapStep
    from latentstudio.factors.mapping import map_steps as map_steps
    from latentstudio.factors.settings import LearnSettings as LearnSettings
    from latentstudio.generators.conditions import Conditions as Conditions
    from latentstudio.generators.opening import Model as Model
    from latentstudio.generators.opening import open_model as open_model
    from latentstudio.generators.tuned import tuned_model as tuned_model
    from latentstudio.generators.tunings import Tuning as Tuning
    from latentstudio.generators.tunings import find_tuning as find_tuning
    from latentstudio.generators.tunings import keep_tuning as keep_tuning
    from latentstudio.generators.tunings import read_tuning as read_tuning
    from latentstudio.generators.tunings import write_tuning as write_tuning
    from latentstudio.inversion.cropping import Placed as Placed
    from latentstudio.inversion.frames import Frame as Frame
    from latentstudio.inversion.frames import paste_back as paste_back
    from latentstudio.inversion.models import conclude as conclude
    from latentstudio.inversion.models import conclude_tuning as conclude_tuning
    from latentstudio.inversion.models import feature_distance as feature_distance
    from latentstudio.inversion.models import follow_steps as follow_steps
    from latentstudio.inversion.models import held_out_steps as held_out_steps
    from latentstudio.inversion.models import inversion_settings as inversion_settings
    from latentstudio.inversion.models import invert as invert
    from latentstudio.inversion.models import invert_steps as invert_steps
    from latentstudio.inversion.models import judge as judge
    from latentstudio.inversion.models import likeness_steps as likeness_steps
    from latentstudio.inversion.models import place_photo as place_photo
    from latentstudio.inversion.models import residual_picture as residual_picture
    from latentstudio.inversion.models import tune_steps as tune_steps
    from latentstudio.inversion.photo_store import PhotoPlace as PhotoPlace
    from latentstudio.inversion.photo_store import photo_place as photo_place
    from latentstudio.inversion.photos import Photo as Photo
    from latentstudio.inversion.photos import read_photo as read_photo
    from latentstudio.scenes.decomposing import decompose as decompose
    from latentstudio.scenes.decomposing import new_scenes as new_scenes
    from latentstudio.scenes.making import make_scene as make_scene
    from latentstudio.scenes.scene import Scene as Scene
    from latentstudio.scenes.scene import SceneObject as SceneObject
    from latentstudio.scenes.scene import read_scene as read_scene
    from latentstudio.scenes.scene import write_scene as write_scene
    from latentstudio.tasks.draw import draw as draw
    from latentstudio.tasks.draw import draw_pasted as draw_pasted
    from latentstudio.tasks.draw import factors_of as factors_of
    from latentstudio.tasks.factors import bench_steps as bench_steps
    from latentstudio.tasks.factors import clean_steps as clean_steps
    from latentstudio.tasks.factors import evaluation_steps as evaluation_steps
    from latentstudio.tasks.factors import exact_steps as exact_steps
    from latentstudio.tasks.factors import find_steps as find_steps
    from latentstudio.tasks.factors import learn as learn
    from latentstudio.tasks.factors import learn_steps as learn_steps
    from latentstudio.tasks.factors import protocol_steps as protocol_steps
    from latentstudio.tasks.invert import edit_anchors as edit_anchors
    from latentstudio.tasks.invert import kept_effect_steps as kept_effect_steps
    from latentstudio.tasks.map import map_of as map_of
    from latentstudio.tasks.sample import apply as apply
    from latentstudio.tasks.sample import sample as sample
    from latentstudio.tasks.sample import traverse as traverse
    from latentstudio.tasks.train import train_steps as train_steps

HOMES = {
    "Conditions": "latentstudio.generators.conditions:Conditions",
    "Factor": "latentstudio.factors:Factor",
    "FactorSet": "latentstudio.factors:FactorSet",
    "Frame": "latentstudio.inversion.frames:Frame",
    "LearnSettings": "latentstudio.factors.settings:LearnSettings",
    "MapData": "latentstudio.factors.mapping:MapData",
    "MapStep": "latentstudio.factors.mapping:MapStep",
    "Model": "latentstudio.generators.opening:Model",
    "Photo": "latentstudio.inversion.photos:Photo",
    "PhotoPlace": "latentstudio.inversion.photo_store:PhotoPlace",
    "Picture": "latentstudio.tasks.draw:Render",
    "Placed": "latentstudio.inversion.cropping:Placed",
    "Scene": "latentstudio.scenes.scene:Scene",
    "SceneObject": "latentstudio.scenes.scene:SceneObject",
    "Session": "latentstudio.document.session:Session",
    "StudioError": "latentstudio.errors:StudioError",
    "Tuning": "latentstudio.generators.tunings:Tuning",
    "View": "latentstudio.document.view:View",
    "apply": "latentstudio.tasks.sample:apply",
    "bench_steps": "latentstudio.tasks.factors:bench_steps",
    "clean_steps": "latentstudio.tasks.factors:clean_steps",
    "conclude": "latentstudio.inversion.models:conclude",
    "conclude_tuning": "latentstudio.inversion.models:conclude_tuning",
    "decompose": "latentstudio.scenes.decomposing:decompose",
    "draw": "latentstudio.tasks.draw:draw",
    "draw_pasted": "latentstudio.tasks.draw:draw_pasted",
    "edit_anchors": "latentstudio.tasks.invert:edit_anchors",
    "evaluation_steps": "latentstudio.tasks.factors:evaluation_steps",
    "exact_steps": "latentstudio.tasks.factors:exact_steps",
    "factors_of": "latentstudio.tasks.draw:factors_of",
    "feature_distance": "latentstudio.inversion.models:feature_distance",
    "find_steps": "latentstudio.tasks.factors:find_steps",
    "find_tuning": "latentstudio.generators.tunings:find_tuning",
    "follow_steps": "latentstudio.inversion.models:follow_steps",
    "held_out_steps": "latentstudio.inversion.models:held_out_steps",
    "interpolate": "latentstudio.autoencoding.rebuilding:interpolate",
    "inversion_settings": "latentstudio.inversion.models:inversion_settings",
    "invert": "latentstudio.inversion.models:invert",
    "invert_steps": "latentstudio.inversion.models:invert_steps",
    "judge": "latentstudio.inversion.models:judge",
    "keep_tuning": "latentstudio.generators.tunings:keep_tuning",
    "kept_effect_steps": "latentstudio.tasks.invert:kept_effect_steps",
    "learn": "latentstudio.tasks.factors:learn",
    "learn_steps": "latentstudio.tasks.factors:learn_steps",
    "likeness_steps": "latentstudio.inversion.models:likeness_steps",
    "make_scene": "latentstudio.scenes.making:make_scene",
    "map_of": "latentstudio.tasks.map:map_of",
    "map_steps": "latentstudio.factors.mapping:map_steps",
    "new_scenes": "latentstudio.scenes.decomposing:new_scenes",
    "open_model": "latentstudio.generators.opening:open_model",
    "paste_back": "latentstudio.inversion.frames:paste_back",
    "photo_place": "latentstudio.inversion.photo_store:photo_place",
    "place_photo": "latentstudio.inversion.models:place_photo",
    "protocol_steps": "latentstudio.tasks.factors:protocol_steps",
    "read_photo": "latentstudio.inversion.photos:read_photo",
    "read_scene": "latentstudio.scenes.scene:read_scene",
    "read_tuning": "latentstudio.generators.tunings:read_tuning",
    "reconstruct": "latentstudio.autoencoding.rebuilding:rebuild",
    "render_scene": "latentstudio.scenes.decomposing:render",
    "residual_picture": "latentstudio.inversion.models:residual_picture",
    "sample": "latentstudio.tasks.sample:sample",
    "scene_layers": "latentstudio.scenes.decomposing:layers",
    "train_steps": "latentstudio.tasks.train:train_steps",
    "traverse": "latentstudio.tasks.sample:traverse",
    "tune_steps": "latentstudio.inversion.models:tune_steps",
    "tuned_model": "latentstudio.generators.tuned:tuned_model",
    "write_map": "latentstudio.factors.map_files:write_map",
    "write_scene": "latentstudio.scenes.scene:write_scene",
    "write_tuning": "latentstudio.generators.tunings:write_tuning",
}


def __getattr__(name: str) -> object:
    if name not in HOMES:
        raise AttributeError(f"module 'latentstudio' has no attribute '{name}'")
    module, _, attribute = HOMES[name].partition(":")
    return getattr(importlib.import_module(module), attribute)
