"""Inversion asked of an opened model: numpy arrays in, frozen steps and results out; torch comes in when it is needed.

The library's functions and the command line are these.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latentstudio.generators.conditions import NONE, Conditions
from latentstudio.generators.opening import Model
from latentstudio.inversion.cropping import Placed, place
from latentstudio.inversion.frames import Frame
from latentstudio.inversion.photos import Photo
from latentstudio.inversion.settings import InversionSettings, TuningSettings
from latentstudio.settings import changed

if TYPE_CHECKING:
    from latentstudio.inversion.following import FollowingStep
    from latentstudio.inversion.results import (
        HeldOut,
        HeldOutStep,
        Inversion,
        InversionStep,
        LikenessStep,
        TuningResult,
        TuningStep,
        Verdict,
    )
    from latentstudio.inversion.tuning import Anchors


def place_photo(model: Model, photo: Photo, frame: Frame | str = "auto") -> Placed:
    """Cut a photo for the model: ``frame`` is a Frame, ``x,y,size,angle``, ``auto`` or ``none`` (all of it).

    Raises:
        UsageError: a frame that is none.
    """
    return place(photo, model.card, frame)


def inversion_settings(**changes: object) -> InversionSettings:
    """``InversionSettings`` with single ones changed, for example ``loss="mse", likeness=0.5``.

    Raises:
        UsageError: a name that is none, or a value out of range.
    """
    return changed(InversionSettings(), **changes)


def invert(
    model: Model, picture: NDArray[np.float32], *, start: NDArray[np.float32] | None = None,
    mask: NDArray[np.float32] | None = None, **changes: object,
) -> Inversion:
    """The ``Inversion`` of a picture float32 (3, H, W) in [0, 1]; ``changes`` are settings. ``invert_steps`` in one go.

    Raises:
        CapabilityError: an encoder was asked for and there is none, or the model has neither gradients nor encoder.
        UsageError: a picture, start or setting that is none.
    """
    result = None
    for step in invert_steps(model, picture, inversion_settings(**changes), start=start, mask=mask):
        result = step.result
    assert result is not None
    return result


def invert_steps(
    model: Model, picture: NDArray[np.float32], settings: InversionSettings | None = None, *,
    start: NDArray[np.float32] | None = None, mask: NDArray[np.float32] | None = None, conditions: Conditions = NONE,
) -> Iterator[InversionStep]:
    """The frozen steps of looking for a picture's latent; the last one's ``result`` tells all. Imports torch.

    Every step has the best latent so far, so that closing the iterator loses nothing (see ``conclude``).
    """
    import torch

    from latentstudio.inversion.inverting import invert as steps

    first, defined = (None if part is None else torch.from_numpy(part) for part in (start, mask))
    return steps(model.generator, torch.from_numpy(picture), settings, start=first, mask=defined, conditions=conditions)


def conclude(
    model: Model, picture: NDArray[np.float32], settings: InversionSettings, step: InversionStep, *,
    mask: NDArray[np.float32] | None = None, conditions: Conditions = NONE,
) -> Inversion:
    """The ``Inversion`` at the best that ``step`` had seen, for one that was closed before its end. Imports torch."""
    import torch

    from latentstudio.inversion.inverting import conclude as concluded

    defined = None if mask is None else torch.from_numpy(mask)
    return concluded(model.generator, torch.from_numpy(picture), settings, step, mask=defined, conditions=conditions)


def follow_steps(
    model: Model, latent: NDArray[np.float32], transformation: str, t: float, settings: InversionSettings | None = None,
    *, targets: int = 10, conditions: Conditions = NONE,
) -> Iterator[FollowingStep]:
    """The frozen steps of moving a latent along a transformation of its picture (equation 5). Imports torch.

    ``targets=1`` is the naive way (equation 4); the last step's ``result`` is the answer.
    """
    import torch

    from latentstudio.inversion.following import follow
    from latentstudio.transformations import transformation_named

    moved = transformation_named(transformation)
    return follow(model.generator, torch.from_numpy(latent), moved, t, settings, targets=targets,
                  conditions=conditions)


def held_out_steps(
    model: Model, settings: InversionSettings, *, conditions: Conditions = NONE
) -> Iterator[HeldOutStep]:
    """The frozen steps of what the model reaches on samples of its own; one only where that is known already.

    The last one's ``held_out`` is what ``judge`` needs. Imports torch.
    """
    from latentstudio.inversion.honesty import find_held_out, measure_held_out
    from latentstudio.inversion.results import HeldOutStep

    known = None if conditions else find_held_out(model.card, settings)
    if known is None:
        yield from measure_held_out(model.generator, settings, conditions=conditions)
    else:
        yield HeldOutStep(1.0, "known already", held_out=known)


def judge(found: Inversion, held_out: HeldOut, *, notes: tuple[str, ...] = ()) -> Verdict:
    """The ``Verdict`` on an inversion: percentile among the model's own samples, words, likely reasons."""
    from latentstudio.inversion.honesty import judge as verdict

    return verdict(found, held_out, notes=notes)


def residual_picture(found: Inversion) -> NDArray[np.uint8]:
    """Where an inversion's picture differs from its target: uint8 (H, W, 3), black for nothing."""
    from latentstudio.inversion.honesty import residual_picture as heat

    return heat(found)


def likeness_steps(
    model: Model, picture: NDArray[np.float32], settings: InversionSettings | None = None, *,
    start: NDArray[np.float32] | None = None, mask: NDArray[np.float32] | None = None, conditions: Conditions = NONE,
) -> Iterator[LikenessStep]:
    """The frozen steps of inverting a picture at several likenesses; the last one's ``points`` are the curve."""
    import torch

    from latentstudio.inversion.likeness import likeness_curve

    first, defined = (None if part is None else torch.from_numpy(part) for part in (start, mask))
    return likeness_curve(model.generator, torch.from_numpy(picture), settings, start=first, mask=defined,
                          conditions=conditions)


def tune_steps(
    model: Model, picture: NDArray[np.float32], latent: NDArray[np.float32], settings: TuningSettings | None = None, *,
    mask: NDArray[np.float32] | None = None, conditions: Conditions = NONE, anchors: Anchors | None = None,
    **changes: object,
) -> Iterator[TuningStep]:
    """The frozen steps of pivotal tuning: a copy of the weights learns a picture (3, H, W) around its latent.

    ``changes`` replace single ``settings``. The last step's ``result`` has the ``tuning``, which ``tuned_model`` opens;
    ``anchors`` are what ``edit_anchors`` gives.
    Every step with a preview has one to go on with where the iterator is closed (see ``conclude_tuning``). The model
    itself is not changed. Imports torch.
    """
    import torch

    from latentstudio.inversion.tuning import tune

    defined = None if mask is None else torch.from_numpy(mask)
    pivot, chosen = torch.from_numpy(latent), changed(settings or TuningSettings(), **changes)
    return tune(model.generator, torch.from_numpy(picture), pivot, chosen, mask=defined, conditions=conditions,
                anchors=anchors)


def conclude_tuning(
    model: Model, picture: NDArray[np.float32], step: TuningStep, *, mask: NDArray[np.float32] | None = None,
    conditions: Conditions = NONE,
) -> TuningResult:
    """The ``TuningResult`` of the last step with a preview, for a tuning closed before its end. Imports torch."""
    import torch

    from latentstudio.inversion.tuning import conclude_tuning as concluded

    defined = None if mask is None else torch.from_numpy(mask)
    return concluded(model.generator, torch.from_numpy(picture), step, mask=defined, conditions=conditions)


def feature_distance(
    model: Model, picture: NDArray[np.float32], target: NDArray[np.float32], mask: NDArray[np.float32] | None = None
) -> float | None:
    """The distance of features between two pictures (3, H, W); None where neither add-on nor critic gives any."""
    import torch

    from latentstudio.errors import CapabilityError
    from latentstudio.losses import feature_error, features_for

    try:
        features = features_for(model.generator)
    except CapabilityError:
        return None
    one, other = (torch.from_numpy(part)[None].to(model.device) for part in (picture, target))
    whole = torch.ones_like(one[:, :1]) if mask is None else torch.from_numpy(mask)[None, None].to(model.device)
    with torch.no_grad():
        return float(feature_error(one, other, whole, features=features))
