"""The measured effect of an edit, in the factor's own parameter."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from latentstudio.errors import UnknownNameError
from latentstudio.measures.moments import barycentre, extent, luminance_mean
from latentstudio.measures.registration import Registration
from latentstudio.transformations import Transformation

After = Callable[[Tensor], Tensor]
Effect = Callable[[Tensor], After]

CANDIDATES = 97
WIDEST = 1.8


def effect_of(transformation: Transformation, *, measure: str, side: int) -> Effect:
    """The function that measures what an edit did: effect(before)(after), both (N, 3, H, W), gives t (N,).

    Brightness is the change of the mean luminance. Position and scale are measured by the barycentre and extent of
    white pixels where ``measure`` is ``barycentre`` (NaN where no shape is seen), else by registration.

    Raises:
        UnknownNameError: no measure is known for this transformation.
    """
    if transformation.name == "brightness":
        return _difference(luminance_mean)
    if measure == "barycentre":
        try:
            return _difference(_MOMENTS[transformation.name])
        except KeyError:
            raise UnknownNameError(
                f"the effect of '{transformation.name}' cannot be measured by moments", expected=", ".join(_MOMENTS)
            ) from None
    furthest = WIDEST * transformation.largest(side)
    candidates = torch.linspace(-furthest, furthest, CANDIDATES)

    def registered(before: Tensor) -> After:
        registration = Registration(before, transformation, candidates)
        return lambda after: registration.measure(after)[0]

    return registered


def _difference(statistic: Callable[[Tensor], Tensor]) -> Effect:
    def effect(before: Tensor) -> After:
        reference = statistic(before)
        return lambda after: statistic(after) - reference

    return effect


def _barycentre_x(images: Tensor) -> Tensor:
    return barycentre(images)[0]


def _barycentre_y(images: Tensor) -> Tensor:
    return barycentre(images)[1]


_MOMENTS: dict[str, Callable[[Tensor], Tensor]] = {"x": _barycentre_x, "y": _barycentre_y, "scale": extent}
