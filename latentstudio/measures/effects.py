"""The measured effect of an edit, in the factor's own parameter."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from latentstudio.errors import UnknownNameError
from latentstudio.measures.family import Family, family_for
from latentstudio.measures.light import Sharpness, channel_means, hue_between, log2_chroma, log2_deviation
from latentstudio.measures.moments import barycentre, extent, luminance_mean
from latentstudio.measures.orientation import rotation_between
from latentstudio.measures.registration import Registration
from latentstudio.transformations import Transformation
from latentstudio.transformations.facts import OWN

After = Callable[[Tensor], Tensor]

CANDIDATES = 97
WIDEST = 1.8
STRIDE = 2.0
WIDE, NARROW = 0.08, 0.03
BARYCENTRE = "barycentre"


@dataclass(frozen=True)
class Effect:
    """How an edit is measured.

    Attributes:
        prepare: before (N, 3, H, W) -> (after (N, 3, H, W) -> t (N,)).
        stride: how far apart along the axis two pictures may lie to be compared directly, in latent units. Longer ways
            are measured in pieces and added up: registration follows an object only while it is still the same object.
        how: how, in one clause.
    """

    prepare: Callable[[Tensor], After]
    stride: float = math.inf
    how: str = ""


def effect_of(transformation: Transformation, *, measure: str, side: int) -> Effect:
    """The way to measure what an edit did to a transformation's parameter.

    Light and colour are measured by a number of each picture: brightness by the mean luminance, contrast by its
    standard deviation, channels by their means, saturation by the mean chroma, hue by the pixels' change of hue, and
    blur by the t that makes the first picture as smooth as the second. Where things are is measured by registration
    over the family T_t; where ``measure`` is ``barycentre`` by the barycentre, extent and orientation of white pixels
    (NaN where no shape is seen, orientation modulo the shape's symmetry and NaN where it is round). A transformation
    of the user's own and a combination are searched in their own family, by the likeness that ``family_for`` chooses on
    the first pictures that are to be measured.

    Raises:
        UnknownNameError: no measure is known for this transformation.
    """
    key = transformation.measured
    if key == OWN:
        return Effect(_OwnFamily(transformation).prepare, STRIDE,
                      f"masked correlation or least squares over {transformation.name}'s own family")
    if key == "blur":
        furthest = WIDEST * transformation.largest(side)
        return Effect(lambda before: Sharpness(before, transformation, furthest).measure, math.inf,
                      "the blur of the first picture that makes it as smooth as the second")
    for known in (_SHAPES if measure == BARYCENTRE else {}, _LIGHT):
        if key in known:
            return known[key]
    if key in _REGISTERED:
        return _registered(transformation, side)
    raise UnknownNameError(f"no measure '{key}' is known for the effect of '{transformation.name}'",
                           expected=f"one of: {', '.join((OWN, 'blur', *_LIGHT, *_REGISTERED))}")


def _registered(transformation: Transformation, side: int) -> Effect:
    furthest = WIDEST * transformation.largest(side)
    candidates = torch.linspace(-furthest, furthest, CANDIDATES)
    # a wide low-pass follows the object's mass instead of locking on details that stay; magnifying and turning also
    # change its width, so those are compared on finer pictures
    sigma = WIDE if transformation.is_relative else NARROW

    def prepare(before: Tensor) -> After:
        registration = Registration(before, transformation, candidates, sigma=sigma)
        return lambda after: registration.measure(after)[0]

    return Effect(prepare, STRIDE, f"registration over {transformation.name}")


class _OwnFamily:
    """Chooses how t is read back on the first pictures it sees, and stays with that."""

    def __init__(self, transformation: Transformation) -> None:
        self._transformation = transformation
        self._family: Family | None = None

    def prepare(self, before: Tensor) -> After:
        if self._family is None:
            self._family = family_for(self._transformation, before)
        return self._family.prepare(before)


def _difference(statistic: Callable[[Tensor], Tensor], how: str) -> Effect:
    def prepare(before: Tensor) -> After:
        reference = statistic(before)
        return lambda after: statistic(after) - reference

    return Effect(prepare, math.inf, how)


def _between(compare: Callable[[Tensor, Tensor], Tensor], how: str) -> Effect:
    def prepare(before: Tensor) -> After:
        return lambda after: compare(before, after)

    # angles come round, so a long way is followed in pieces
    return Effect(prepare, STRIDE, how)


def _channel(index: int, name: str) -> Effect:
    return _difference(lambda images: channel_means(images)[:, index], f"the change of the mean {name}")


_LIGHT = {
    "brightness": _difference(luminance_mean, "the change of the mean luminance"),
    "contrast": _difference(
        log2_deviation, "the ratio of the luminance's standard deviations; flat pictures have none"
    ),
    "red": _channel(0, "red"),
    "green": _channel(1, "green"),
    "blue": _channel(2, "blue"),
    "saturation": _difference(log2_chroma, "the ratio of the mean chromas; grey pictures have none"),
    "hue": _between(hue_between, "the mean change of the pixels' hue, weighted by chroma; grey ones have none"),
}
_SHAPES = {
    "x": _difference(lambda images: barycentre(images)[0], "the barycentre of white pixels"),
    "y": _difference(lambda images: barycentre(images)[1], "the barycentre of white pixels"),
    "scale": _difference(extent, "the root of the white area"),
    "rotation": _between(
        rotation_between, "the shape's orientation about its barycentre, modulo its symmetry; round ones have none"
    ),
}
_REGISTERED = ("x", "y", "scale", "rotation", "turn")
