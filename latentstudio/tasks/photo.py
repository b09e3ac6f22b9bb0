"""What the worker does for the photo panel: cut, invert in the background, judge, paste back. No Qt."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latentstudio.document.picture_recipe import save_picture
from latentstudio.document.view import View
from latentstudio.generators.arriving import arriving
from latentstudio.generators.opening import Model
from latentstudio.generators.tunings import Tuning
from latentstudio.inversion.frames import Frame
from latentstudio.inversion.models import place_photo
from latentstudio.inversion.photo_store import PhotoPlace, find_photo, photo_place
from latentstudio.inversion.photos import Photo
from latentstudio.inversion.placing import Placed
from latentstudio.inversion.settings import InversionSettings
from latentstudio.photographs import pasted
from latentstudio.pixels import BytePictures, to_bytes
from latentstudio.steps import Step
from latentstudio.tasks.drawing import Opened, check_whole, place

if TYPE_CHECKING:
    from latentstudio.inversion.honesty import Verdict
    from latentstudio.inversion.inverting import Inversion, InversionStep

INVERTING = "latentstudio.inversion.inverting"
HONESTY = "latentstudio.inversion.honesty"
LIKENESS = "latentstudio.inversion.likeness"
FACES = "skimage.feature"
FORWARD_MODE = "torch._decomp.decompositions_for_jvp"  # torch imports it at the first forward derivative
TUNING = "latentstudio.inversion.tuning"
TUNING_SECONDS = 90.0
SHOWN_SIDE = 720


@dataclass(frozen=True)
class Framed:
    """A photo cut for a model: ``shown`` is the photo, small enough to be painted; ``shrunk`` its share of the size.

    ``place`` is what a session says of it; the photo itself is in the store by then.
    """

    photo: Photo
    placed: Placed
    shown: BytePictures
    shrunk: float
    place: PhotoPlace | None = None


@dataclass(frozen=True)
class PhotoStep(Step):
    """Progress of an inversion.

    Attributes:
        latent: float32 (*shape), the best so far; None before the start was found.
        result: how it ended, with the ``verdict``, on the last step only. The verdict has no percentile (None) for a
            model whose own samples were not measured yet.
    """

    latent: NDArray[np.float32] | None = None
    result: Concluded | None = None


@dataclass(frozen=True)
class Concluded:
    """An inversion and what there is to say of it; ``sheet``: the photo, the model's picture, where they differ."""

    inversion: Inversion
    verdict: Verdict | None
    sheet: BytePictures


@dataclass(frozen=True)
class CurveStep(Step):
    """Progress of measuring what likeness costs: ``points`` (likeness, squared error) so far."""

    points: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class TunedStep(Step):
    """Progress of tuning: ``tuning`` as it stands, where it may be kept; ``mse`` of the photo's picture."""

    tuning: Tuning | None = None
    mse: float = float("nan")


def frame_photo(model: Model, photo: Photo, name: str, frame: Frame | str) -> Framed:
    """Cut a photo for the model by a frame, or ``auto``matically, and keep the photo for the sessions that name it.

    Raises:
        UsageError: a frame that is none.
        StorageError: the photo cannot be kept.
    """
    side = max(photo.pixels.shape[:2])
    step = max(1, -(-side // SHOWN_SIDE))
    shown = np.ascontiguousarray(photo.pixels[::step, ::step])
    placed = place_photo(model, photo, frame)
    place = None if placed.frame is None else photo_place(name, photo, placed.frame)
    return Framed(photo, placed, shown, 1.0 / step, place)


def find_framed(model: Model, place: PhotoPlace) -> Framed:
    """The photo that a session was found for, cut as it was then.

    Raises:
        PictureError: it is not here any more.
    """
    return frame_photo(model, find_photo(place), place.name, place.frame)


def ready_steps(model: Model) -> Iterator[Step]:
    """Get everything ready that a first photo would wait for: modules, the model's gradients, its encoder."""
    yield Step(0.0, "getting ready for photos")
    for _ in arriving("torch", FACES, INVERTING, HONESTY, FORWARD_MODE):
        yield Step(0.0, "getting ready for photos")
    generator = model.generator
    yield Step(0.5, "getting ready for photos")
    encode = getattr(generator, "encode", None)
    if encode is not None:
        torch = importlib.import_module("torch")
        with torch.inference_mode():
            encode(torch.zeros(1, 3, *model.card.image_size, device=model.device))
    yield Step(1.0, "ready for photos")


def photo_steps(model: Model, framed: Framed, settings: InversionSettings) -> Iterator[PhotoStep]:
    """The steps of finding the photo's latent; torch comes in here, in the worker, and not before.

    Raises:
        StudioError: the model has neither gradients nor an encoder, or the photo cannot be drawn.
    """
    yield PhotoStep(0.0, "loading the model for gradients")
    for _ in arriving("torch", INVERTING, HONESTY):
        yield PhotoStep(0.0, "loading the model for gradients")
    from latentstudio.inversion.models import invert_steps

    placed, ready = framed.placed, False
    for step in invert_steps(model, placed.picture, settings, mask=placed.inside):
        yield PhotoStep(0.99 * step.fraction, step.message, latent=step.latent, metrics=step.metrics)
        if not ready and step.latent is not None:
            ready = True
            for _ in arriving(FORWARD_MODE):  # in pieces, so that Cancel answers meanwhile
                yield PhotoStep(0.99 * step.fraction, step.message, latent=step.latent)
    assert step.result is not None
    found = _concluded(model, framed, step.result, settings)
    yield PhotoStep(1.0, step.message, latent=step.result.latent, result=found)


def again_steps(
    model: Model, framed: Framed, settings: InversionSettings, latent: NDArray[np.float32]
) -> Iterator[PhotoStep]:
    """The steps of saying how close a latent comes that was found another day.

    Raises:
        StudioError: the picture cannot be drawn.
    """
    yield PhotoStep(0.0, "looking at the photo again")
    for _ in arriving("torch", INVERTING, HONESTY):
        yield PhotoStep(0.0, "looking at the photo again")
    found = conclude_early(model, framed, settings, latent)
    known = replace(found.inversion, ended="found before", notes=())
    yield PhotoStep(1.0, "looked at", latent=latent, result=replace(found, inversion=known))


def curve_steps(model: Model, framed: Framed, settings: InversionSettings) -> Iterator[CurveStep]:
    """The steps of inverting the photo at several places of the dial of likeness.

    Raises:
        StudioError: as ``photo_steps``.
    """
    yield CurveStep(0.0, "loading the model for gradients")
    for _ in arriving("torch", INVERTING, LIKENESS):
        yield CurveStep(0.0, "loading the model for gradients")
    from latentstudio.inversion.models import likeness_steps

    for step in likeness_steps(model, framed.placed.picture, settings, mask=framed.placed.inside):
        yield CurveStep(step.fraction, step.message, points=tuple((one.likeness, one.mse) for one in step.points))


def comparing_steps(model: Model, settings: InversionSettings) -> Iterator[Step]:
    """The steps of measuring what the model reaches on samples of its own, once; it is kept on disk.

    Raises:
        StudioError: the model's prior cannot be sampled, or the disk is full.
    """
    yield Step(0.0, "getting ready to compare")
    for _ in arriving("torch", INVERTING, HONESTY):
        yield Step(0.0, "getting ready to compare")
    from latentstudio.inversion.models import held_out_steps

    for step in held_out_steps(model, usual_of(settings)):
        yield Step(step.fraction, step.message)


def usual_of(settings: InversionSettings) -> InversionSettings:
    """What a photo's loss is compared with: the model's own samples, looked for in full by the same loss."""
    return InversionSettings(
        loss=settings.loss, sigma=settings.sigma, constraint=settings.constraint, radius=settings.radius
    )


def tuning_steps(model: Model, framed: Framed, latent: NDArray[np.float32]) -> Iterator[TunedStep]:
    """The steps of pivotal tuning on the photo around its latent (Roich et al. 2021).

    Raises:
        StudioError: the model has no weights that could be tuned, or the tuning fails.
    """
    yield TunedStep(0.0, "getting ready to tune")
    for _ in arriving("torch", INVERTING, TUNING):
        yield TunedStep(0.0, "getting ready to tune")
    from latentstudio.inversion.models import tune_steps
    from latentstudio.photographs import edit_anchors

    placed = framed.placed
    anchors = edit_anchors(model, placed.picture, latent, mask=placed.inside)
    yield TunedStep(0.0, "getting ready to tune")
    for step in tune_steps(model, placed.picture, latent, mask=placed.inside, anchors=anchors, seconds=TUNING_SECONDS):
        done = step.result
        yield TunedStep(step.fraction, step.message, tuning=step.tuning if done is None else done.tuning,
                        mse=step.mse if done is None else done.mse)


def conclude_early(model: Model, framed: Framed, settings: InversionSettings, latent: NDArray[np.float32]) -> Concluded:
    """What there is to say of an inversion that was cancelled at ``latent``."""
    from latentstudio.inversion.models import conclude

    inverting = importlib.import_module(INVERTING)
    step: InversionStep = inverting.InversionStep(1.0, "cancelled", latent=latent)
    found = conclude(model, framed.placed.picture, settings, step, mask=framed.placed.inside)
    return _concluded(model, framed, found, settings)


def _concluded(model: Model, framed: Framed, found: Inversion, settings: InversionSettings) -> Concluded:
    honesty = importlib.import_module(HONESTY)
    known = honesty.find_held_out(model.card, usual_of(settings))
    notes = (*framed.photo.notes, *framed.placed.notes)
    verdict = None if known is None else honesty.judge(found, known, notes=notes)
    pair = to_bytes(np.stack([found.target, found.picture]))
    sheet = np.concatenate([pair[0], pair[1], honesty.residual_picture(found)], axis=1)
    return Concluded(found, verdict, sheet)


def write_pasted(opened: Opened, view: View, framed: Framed, path: Path) -> str:
    """Put the edited crop back into the photo at its full size and write it as PNG; answers with a sentence.

    Raises:
        StudioError: the picture cannot be drawn, or the disk is full.
    """
    check_whole(opened, view)
    frame = framed.placed.frame
    assert frame is not None
    edited, plain = (place(opened, one).latent.reshape(view.shape) for one in (view, view.with_reset()))
    drawing = opened.model_for(view)
    picture = pasted(drawing, (edited, plain), framed.photo, frame, conditions=view.told)
    save_picture(path, picture, view, drawing.runtime_name, str(drawing.device), pasted=True,
                 profile=framed.photo.profile)
    height, width = framed.photo.pixels.shape[:2]
    return f"The face is back in the photo, {width} x {height} pixels: {path.name}"
