"""The methods that this room trains, by the names that recipes give them."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from latentstudio.autoencoding.adversarial import BiGanCourse, GanCourse, VaeGanCourse, WganCourse
from latentstudio.autoencoding.avae import AvaeCourse
from latentstudio.autoencoding.course import PictureCourse
from latentstudio.autoencoding.vae import VaeCourse
from latentstudio.errors import TrainingError, UnknownNameError
from latentstudio.training.course import Batch
from latentstudio.training.recipe import Recipe

METHODS: Mapping[str, type[PictureCourse]] = {
    "vae": VaeCourse, "split-vae": VaeCourse, "gan": GanCourse, "wgan-gp": WganCourse, "vae-gan": VaeGanCourse,
    "bigan": BiGanCourse, "avae": AvaeCourse, "avae-a": AvaeCourse,
}


def make_course(recipe: Recipe, model: nn.Module, *, batch: Batch, shown: Tensor) -> PictureCourse:
    """The course of the recipe's method.

    Args:
        recipe: names the method; its settings are checked here.
        model: the backend's networks.
        batch: the pictures of a step.
        shown: a few held-out pictures (N, C, H, W) for previews.

    Raises:
        UnknownNameError: no such method.
        TrainingError: a setting that the method does not know, or a network that it lacks.
    """
    found = METHODS.get(recipe.method)
    if found is None:
        raise UnknownNameError(f"the recipe names the method '{recipe.method}'",
                               expected=f"one of: {', '.join(METHODS)}")
    unknown = sorted(set(recipe.settings) - set(found.settings))
    if unknown:
        raise TrainingError(f"the recipe has the setting '{unknown[0]}'",
                            expected=f"one of: {', '.join(found.settings)}")
    return found(recipe, model, batch=batch, shown=shown)
