"""Where an entry of the history comes from: data for the program, where its label is words for people."""

from __future__ import annotations

from enum import StrEnum

from latentstudio.document.view import View


class Origin(StrEnum):
    """What brought a picture: all but ``EDIT`` begin a new one."""

    SAMPLE = "sample"  # drawn from the prior, or chosen on the map
    PHOTO = "photo"  # found for a photo
    SCENE = "scene"  # objects found in a picture, or a scene of the learned prior
    RECONSTRUCTION = "reconstruction"  # what an encoder gave, or lies between two such
    FILE = "file"  # a session or a picture with its recipe
    EDIT = "edit"  # sliders, raw coordinates, boxes, tuning: the picture before it, changed


def origin_before_6(label: str, view: View, before: View | None) -> Origin:
    """The origin of an entry of versions 1 to 5, which kept it in the label only; ``before`` is its parent's view."""
    if label.startswith("photo "):
        return Origin.PHOTO if view.scene is None else Origin.SCENE
    if before is None or before.model != view.model:
        return Origin.SAMPLE if view.seed is not None else Origin.FILE
    return Origin.SAMPLE if view.seed is not None and view.seed != before.seed else Origin.EDIT
