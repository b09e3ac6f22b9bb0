"""Finding a photo's latent: looked for, judged, measured, tuned on. Imports torch, so it is asked for by name
(``engine.loading.job``); the frozen values that come out are in ``photo``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from latentstudio.engine.loading import load
from latentstudio.factors import apply_factors, load_factors
from latentstudio.factors.kept import KeptStep, kept_effects, measurable
from latentstudio.generators.capabilities import Encodes
from latentstudio.generators.conditions import NONE, Conditions
from latentstudio.generators.opening import Model
from latentstudio.inversion import models
from latentstudio.inversion.honesty import find_held_out, judge, residual_picture
from latentstudio.inversion.results import (
    HeldOut,
    HeldOutStep,
    Inversion,
    InversionStep,
    LikenessStep,
    TuningResult,
    TuningStep,
)
from latentstudio.inversion.settings import InversionSettings, TuningSettings
from latentstudio.inversion.tuning import Anchors
from latentstudio.pixels import to_bytes
from latentstudio.steps import Step
from latentstudio.tasks.photo import Concluded, Framed, PhotoStep
from latentstudio.transformations import transformation_named

FORWARD_MODE = "latentstudio.optimisation.forward_mode"

LoadingStep = TypeVar("LoadingStep", bound=Step)


def get_ready(model: Model) -> Iterator[Step]:
    """Get everything ready that a first photo would wait for: modules, the model's gradients, its encoder."""
    yield from load("skimage.feature")
    yield from load(FORWARD_MODE)
    generator = model.generator
    yield Step(0.5, "getting ready for photos")
    if isinstance(generator, Encodes):
        with torch.inference_mode():
            generator.encode(torch.zeros(1, 3, *model.card.image_size, device=model.device))
    yield Step(1.0, "ready for photos")


def find(
    model: Model, framed: Framed, settings: InversionSettings, *, start: NDArray[np.float32] | None = None,
    held_out: HeldOut | None = None,
) -> Iterator[PhotoStep]:
    """The steps of finding the photo's latent; it is judged by what the model reaches on its own samples.

    Args:
        start: float32 (*shape), where the settings say ``given``.
        held_out: what the model reaches on its own samples (``compare``); what is kept on disk of it when None.

    Raises:
        StudioError: the model has neither gradients nor an encoder, or the photo cannot be drawn.
    """
    placed, ready = framed.placed, False
    for step in models.invert_steps(
        model, placed.picture, settings, start=start, mask=placed.inside, conditions=framed.conditions
    ):
        told = PhotoStep(0.99 * step.fraction, step.message, preview=step.preview, metrics=step.metrics,
                         latent=step.latent, step=step.step, seconds=step.seconds)
        yield told
        if not ready and step.latent is not None:
            ready = True  # a picture stands there by now, and Cancel answers while the rest comes
            for _ in load(FORWARD_MODE):
                yield replace(told, preview=None)
    assert step.result is not None
    found = _concluded(model, framed, step.result, settings, held_out)
    yield replace(told, fraction=1.0, preview=step.preview, latent=step.result.latent, result=found)


def look_again(
    model: Model, framed: Framed, settings: InversionSettings, latent: NDArray[np.float32]
) -> Iterator[PhotoStep]:
    """The steps of saying how close a latent comes that was found another day.

    Raises:
        StudioError: the picture cannot be drawn.
    """
    found = conclude(model, framed, settings, PhotoStep(1.0, latent=latent))
    known = replace(found.inversion, ended="found before", notes=())
    yield PhotoStep(1.0, "looked at", latent=latent, result=replace(found, inversion=known))


def measure_curve(
    model: Model, framed: Framed, settings: InversionSettings, *, start: NDArray[np.float32] | None = None
) -> Iterator[LikenessStep]:
    """The steps of inverting the photo at several places of the dial of likeness.

    Raises:
        StudioError: as ``find``.
    """
    yield from _loading(LikenessStep)
    placed = framed.placed
    yield from models.likeness_steps(
        model, placed.picture, settings, start=start, mask=placed.inside, conditions=framed.conditions
    )


def compare(model: Model, settings: InversionSettings, *, conditions: Conditions = NONE) -> Iterator[HeldOutStep]:
    """The steps of measuring what the model reaches on samples of its own, once; it is kept on disk.

    Raises:
        StudioError: the model's prior cannot be sampled, or the disk is full.
    """
    yield from _loading(HeldOutStep)
    yield from models.held_out_steps(model, usual_of(settings), conditions=conditions)


def usual_of(settings: InversionSettings) -> InversionSettings:
    """What a photo's loss is compared with: the model's own samples, looked for in full by the same loss."""
    return InversionSettings(
        loss=settings.loss, sigma=settings.sigma, constraint=settings.constraint, radius=settings.radius
    )


def tune(
    model: Model, framed: Framed, latent: NDArray[np.float32], settings: TuningSettings | None = None
) -> Iterator[TuningStep]:
    """The steps of pivotal tuning on the photo around its latent (Roich et al. 2021).

    Raises:
        StudioError: the model has no weights that could be tuned, or the tuning fails.
    """
    yield from _loading(TuningStep)  # torch's optimisers import a part of it, too
    placed = framed.placed
    yield TuningStep(0.0, "getting ready to tune")
    anchors = edit_anchors(model, placed.picture, latent, mask=placed.inside)
    yield from models.tune_steps(
        model, placed.picture, latent, settings, mask=placed.inside, anchors=anchors, conditions=framed.conditions
    )


def conclude_tuning(model: Model, framed: Framed, last: TuningStep) -> TuningResult:
    """What a tuning came to that was cancelled after the step ``last``, which has a tuning."""
    placed = framed.placed
    return models.conclude_tuning(model, placed.picture, last, mask=placed.inside, conditions=framed.conditions)


def _loading(kind: Callable[[float, str], LoadingStep]) -> Iterator[LoadingStep]:
    return (kind(step.fraction, step.message) for step in load(FORWARD_MODE))


def edit_anchors(
    model: Model, picture: NDArray[np.float32], latent: NDArray[np.float32], *, mask: NDArray[np.float32] | None = None,
    shares: Sequence[float] = (-0.9, -0.45, 0.45, 0.9),
) -> Anchors | None:
    """What a photo (3, H, W) should look like when the model's sliders are moved, for ``tune_steps``; None without any.

    Every factor whose effect can be measured is put at ``shares`` of its known range around ``latent``; the target is
    the photo under the factor's transformation, where that is defined.
    """
    known, flat = load_factors(model.folder, model.card), np.asarray(latent, dtype=np.float32).reshape(-1)
    photo = torch.from_numpy(picture)[None]
    inside = torch.ones_like(photo[:, :1]) if mask is None else torch.from_numpy(mask)[None, None]
    latents, targets, masks = [], [], []
    for name in measurable(known, model.card):
        low, high = known.get(name).range_at(flat)
        for share in shares:
            t = -share * low if share < 0 else share * high
            moved, defined = transformation_named(name).apply(photo, torch.tensor([t], dtype=torch.float32))
            covered, _ = transformation_named(name).apply(inside.expand(-1, 3, -1, -1), torch.tensor([float(t)]))
            latents.append(torch.from_numpy(apply_factors(flat, {name: t}, known).latent.astype(np.float32)))
            targets.append(moved[0])
            masks.append(defined[0] * (inside[0] if t == 0.0 else (covered[0, :1] > 0.5).float()))
    if not latents:
        return None
    return Anchors(torch.stack(latents).reshape(len(latents), -1), torch.stack(targets), torch.stack(masks))


def kept_effect_steps(
    model: Model, tuned: Model, latent: NDArray[np.float32], names: Sequence[str] | None = None, *,
    conditions: Conditions = NONE,
) -> Iterator[KeptStep]:
    """The frozen steps of measuring how much of their effect around ``latent`` the factors keep on a tuned model.

    The last step's ``effects`` say it for each of ``names`` (all factors whose effect can be measured when None).
    """
    known = load_factors(model.folder, model.card)
    chosen = measurable(known, model.card) if names is None else names
    return kept_effects(model.generator, tuned.generator, latent, known, chosen, conditions=conditions)


def conclude(
    model: Model, framed: Framed, settings: InversionSettings, last: PhotoStep, *, held_out: HeldOut | None = None
) -> Concluded:
    """What there is to say of an inversion that was cancelled after the step ``last``, which has a latent."""
    step = InversionStep(1.0, "cancelled", latent=last.latent, step=last.step, seconds=last.seconds)
    found = models.conclude(model, framed.placed.picture, settings, step, mask=framed.placed.inside,
                            conditions=framed.conditions)
    return _concluded(model, framed, found, settings, held_out)


def _concluded(
    model: Model, framed: Framed, found: Inversion, settings: InversionSettings, held_out: HeldOut | None
) -> Concluded:
    if held_out is None and not framed.conditions:  # kept is what was measured without any
        held_out = find_held_out(model.card, usual_of(settings))
    verdict = None if held_out is None else judge(found, held_out, notes=(*framed.photo.notes, *framed.placed.notes))
    pair = to_bytes(np.stack([found.target, found.picture]))
    sheet = np.concatenate([pair[0], pair[1], residual_picture(found)], axis=1)
    return Concluded(found, verdict, sheet)
