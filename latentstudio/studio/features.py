"""THE table of panels: a panel is one folder and one row here; tabs, menus and shortcuts are made from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtWidgets import QWidget

from latentstudio.studio.bench import Bench
from latentstudio.studio.factors.feature import build as build_factors
from latentstudio.studio.learn.feature import build as build_learn
from latentstudio.studio.library.feature import build as build_library
from latentstudio.studio.map.feature import build as build_map
from latentstudio.studio.photo.feature import build as build_photo
from latentstudio.studio.raw.feature import build as build_raw
from latentstudio.studio.reconstruct.feature import build as build_reconstruct
from latentstudio.studio.scene.feature import build as build_scene
from latentstudio.studio.train.feature import build as build_train


@dataclass(frozen=True)
class Feature:
    """One panel.

    Attributes:
        id: its folder's name; docks, actions (``show_ID``) and layouts know it by this.
        title: on its tab.
        words: of the action that shows or closes it.
        shortcut: of that action, in Qt's portable spelling.
        build: makes the panel and its presenters; rows are built in order and may ask for what stands before them.
        at_left: its side of the window.
    """

    id: str
    title: str
    words: str
    shortcut: str
    build: Callable[[Bench], QWidget]
    at_left: bool = False


FEATURES: tuple[Feature, ...] = (
    Feature("library", "Library", "Show library", "Ctrl+1", build_library, at_left=True),
    Feature("factors", "Sliders", "Show sliders", "Ctrl+2", build_factors),
    Feature("photo", "Photo", "Show photo", "Ctrl+6", build_photo),
    Feature("reconstruct", "Reconstruct", "Show reconstructions", "Ctrl+7", build_reconstruct),
    Feature("scene", "Scene", "Show scene", "Ctrl+9", build_scene),
    Feature("raw", "Raw", "Show raw coordinates", "Ctrl+3", build_raw),
    Feature("learn", "Learn", "Show learning", "Ctrl+4", build_learn),
    Feature("train", "Train", "Show training", "Ctrl+8", build_train),
    Feature("map", "Map", "Show map", "Ctrl+5", build_map),
)
LEFT = tuple(feature.id for feature in FEATURES if feature.at_left)
RIGHT = tuple(feature.id for feature in FEATURES if not feature.at_left)
