"""The way of a picture under a transformation. Imports torch: asked for by name (``engine.loading.call``)."""

from __future__ import annotations

import numpy as np

from latentstudio.document.view import View
from latentstudio.factors.pixel_paths import pixel_path
from latentstudio.tasks.draw import OpenModel
from latentstudio.tasks.map import FollowedPicture
from latentstudio.transformations import TRANSFORMATIONS, transformation_named


def follow_picture(opened: OpenModel, view: View, name: str) -> FollowedPicture:
    """The view's picture under a transformation, the first one where there is none of this name."""
    names = tuple(transformation.name for transformation in TRANSFORMATIONS)
    chosen = transformation_named(name if name in names else names[0])
    latent = np.asarray(opened.place(view).latent, np.float32).reshape(1, *view.shape)
    picture = opened.model_for(view).pictures(latent, space=view.space, conditions=view.told)[0]
    return FollowedPicture(names, pixel_path(picture, chosen))
