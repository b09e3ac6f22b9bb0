"""The measured effect of an edit, in the factor's own parameter."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from latentstudio.errors import UnknownNameError
from latentstudio.measures.moments import barycentre, extent, luminance_mean
from latentstudio.measures.registration import Registration
from latentstudio.transformations import Transformation

After = Callable[[Tensor], Tensor]

CANDIDATES = 97
WIDEST = 1.8
STRIDE = 2.0
WIDE, NARROW = 0.08, 0.03


@dataclass(frozen=True)
class Effect:
    """How an edit is measured.

    Attributes:
        prepare: before (N, 3, H, W) -> (after (N, 3, H, W) -> t (N,)).
        stride: how far apart along the axis two pictures may lie to be compared directly, in latent units. Longer ways
            are measured in pieces and added up: registration follows an object only while it is still the same object.
    """

    prepare: Callable[[Tensor], After]
    stride: float = math.inf


def effect_of(transformation: Transformation, *, measure: str, side: int) -> Effect:
    """The way to measure what an edit did to a transformation's parameter.

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
    # a wide low-pass follows the object's mass instead of locking on details that stay; magnifying also widens it,
    # so sizes are compared on finer pictures
    sigma = WIDE if transformation.is_relative else NARROW

    def registered(before: Tensor) -> After:
        registration = Registration(before, transformation, candidates, sigma=sigma)
        return lambda after: registration.measure(after)[0]

    return Effect(registered, STRIDE)


def _difference(statistic: Callable[[Tensor], Tensor]) -> Effect:
    def prepare(before: Tensor) -> After:
        reference = statistic(before)
        return lambda after: statistic(after) - reference

    return Effect(prepare)


def _barycentre_x(images: Tensor) -> Tensor:
    return barycentre(images)[0]


def _barycentre_y(images: Tensor) -> Tensor:
    return barycentre(images)[1]


_MOMENTS: dict[str, Callable[[Tensor], Tensor]] = {"x": _barycentre_x, "y": _barycentre_y, "scale": extent}
