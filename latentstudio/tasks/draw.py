"""Pictures that views mean, for window, command line and library: drawn, held to what is known, pasted back.

Everything that draws a view comes through ``draw``; rows of pictures come through ``draw_many``. No Qt, no shared
state; torch is needed only where a scene is drawn, or the model itself needs it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latentstudio import pixels
from latentstudio.document.picture_recipe import save_picture
from latentstudio.document.view import View
from latentstudio.engine.loading import call
from latentstudio.errors import CapabilityError, PictureError, UsageError
from latentstudio.factors import (
    ALPHAS,
    Applied,
    Factor,
    FactorSet,
    apply_factors,
    factor_places,
    load_factors,
    standing,
    traverse,
)
from latentstudio.files import never_over
from latentstudio.generators.catalogue import Catalogue
from latentstudio.generators.conditions import NONE, Conditions
from latentstudio.generators.opening import Model, open_model
from latentstudio.generators.tuned import tuned_model
from latentstudio.generators.tunings import find_tuning, has_tuning
from latentstudio.inversion.frames import Frame, paste_back
from latentstudio.inversion.photo_store import find_photo
from latentstudio.inversion.photos import Photo
from latentstudio.latents import check_latent, sample_prior
from latentstudio.picture_files import to_profile
from latentstudio.pixels import AS_DRAWN, BytePictures, SavedSize, from_bytes, to_bytes

if TYPE_CHECKING:
    from latentstudio.factors.exact import Exact

BATCH = 16
THUMBNAIL = 64
MOST_TUNED = 3


@dataclass(frozen=True)
class Render:
    """A picture and how it came about.

    Attributes:
        pixels: uint8 (H, W, 3).
        thumbnail: the same with sides of at most ``THUMBNAIL`` pixels.
        view: the recipe: model, sample, factor positions as reached.
        applied: where the factors brought the latent, as it was drawn.
        clamped: names of the factors whose value lay beyond the known range.
        notes: one sentence for every factor that was clamped, could not be set apart from another, or not be solved.
        runtime_name: what computed it.
        device: where.
        pasted: whether it is the view's photo with the picture in its frame.
        profile: the ICC profile whose colours ``pixels`` are in, as a pasted photo may have one; sRGB when empty.
    """

    pixels: NDArray[np.uint8]
    thumbnail: NDArray[np.uint8]
    view: View
    applied: Applied
    clamped: tuple[str, ...]
    notes: tuple[str, ...]
    runtime_name: str
    device: str
    pasted: bool = False
    profile: bytes = b""

    @property
    def latent(self) -> NDArray[np.float32]:
        """The latent that was drawn, factors applied: float32 (*shape)."""
        return self.applied.latent.reshape(self.view.shape).astype(np.float32)

    @property
    def reached(self) -> Mapping[str, float]:
        """t of every factor that was set, in its natural parameter (see ``units.py``)."""
        return self.applied.reached

    def save(self, path: str | Path, *, size: SavedSize = AS_DRAWN) -> None:
        """Write a PNG that carries its recipe; the window and ``latentstudio render`` make it again from that.

        Raises:
            UsageError: it would have too many pixels at this ``size``.
            StorageError: the disk is full or the folder may not be written.
        """
        save_picture(Path(path), self.pixels, self.view, self.runtime_name, self.device, pasted=self.pasted,
                     profile=self.profile, size=size)


class TunedModels:
    """The last few tunings that a model drew with, kept open. Not for two threads at once."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Model] = OrderedDict()

    def get(self, model: Model, tuning: str) -> Model:
        """``model`` with the tuning of this hash.

        Raises:
            ModelFileError: the tuning is not here any more, or belongs to another model.
        """
        if tuning not in self._kept:
            self._kept[tuning] = tuned_model(model, find_tuning(tuning))
        self._kept.move_to_end(tuning)
        while len(self._kept) > MOST_TUNED:
            self._kept.popitem(last=False)[1].close()
        return self._kept[tuning]

    def close(self) -> None:
        """Let go of them."""
        while self._kept:
            self._kept.popitem()[1].close()


@dataclass(frozen=True)
class OpenModel:
    """A model that stands open, with the factors that are known for it, and what tunings made of it."""

    name: str
    model: Model
    factors: FactorSet
    tuned: TunedModels = field(default_factory=TunedModels, repr=False, compare=False)

    @property
    def sources(self) -> tuple[Path, ...]:
        """Folders that were read to open it: nothing in them is written over."""
        return (*self.model.sources, *factor_places(self.model.folder, self.model.card))

    def model_for(self, view: View) -> Model:
        """The model that draws a view: what its tuning makes of it, or itself where there is none, or none any more.

        For the worker only.

        Raises:
            ModelFileError: the tuning is broken or fits another model.
        """
        return self.tuned.get(self.model, view.tuning) if view.tuning and has_tuning(view.tuning) else self.model

    def missing(self, view: View) -> str:
        """What a view needs and this machine does not have, in one sentence; it is drawn without. Empty for nothing."""
        gone, said = self._unknown(view), []
        if gone:
            said.append(f"the slider{'s' if len(gone) > 1 else ''} {', '.join(gone)}")
        if view.tuning and not has_tuning(view.tuning):
            said.append(f"the tuning {view.tuning[:12]}")
        return "" if not said else (
            f"Drawn without {' and '.join(said)}, which {view.model} does not have here: open the file that brought "
            "it, or make it again; nothing of the session is lost"
        )

    def check_whole(self, view: View) -> None:
        """Before a picture is written with its recipe: what stands in the recipe is what was drawn.

        Raises:
            CapabilityError: something that the view needs is not here.
        """
        gone = self.missing(view)
        if gone:
            raise CapabilityError(f"{gone[:1].lower()}{gone[1:]}", expected="a picture that its recipe draws again")

    def here(self, view: View) -> View:
        """The view without the factors and the tuning that are not here (``missing`` says so)."""
        gone = self._unknown(view)
        if gone:
            positions = {name: t for name, t in view.positions if name not in gone}
            view = view.with_positions(positions).with_kept([name for name in view.kept if name not in gone])
        return view.with_tuning("") if view.tuning and not has_tuning(view.tuning) else view

    def place(self, view: View) -> Applied:
        """Where the view's factors bring its latent: some arithmetic on one vector, cheap enough for any thread.

        Factors that are not here are passed over.
        """
        here = self.here(view)
        return apply_factors(here.latent_array().reshape(-1), here.position_map(), self.factors, keep=here.kept)

    def draw(self, view: View, applied: Applied | None = None) -> Render:
        """The view's picture, as ``draw``, without what is not here.

        ``applied`` is what ``place`` gave, where that is at hand already.
        """
        here = self.here(view)
        drawn = draw(self.model_for(view), here, self.factors, applied=applied)
        return drawn if here is view else replace(drawn, view=view)

    def _unknown(self, view: View) -> tuple[str, ...]:
        known = self.factors.names
        return tuple(name for name in dict.fromkeys((*view.position_map(), *view.kept)) if name not in known)

    def close(self) -> None:
        """Let go of networks and graphs, and of all tunings."""
        self.tuned.close()
        self.model.close()


def factors_of(model: Model) -> FactorSet:
    """The factors that are known for this model: the shipped ones and the user's own."""
    return load_factors(model.folder, model.card)


def draw(model: Model, view: View, known: FactorSet | None = None, *, applied: Applied | None = None) -> Render:
    """The picture that a view means, bit for bit.

    Args:
        model: the view's, opened with the view's tuning.
        known: the model's factors where they are at hand already.
        applied: where they bring the view's latent, where that is at hand already.

    Raises:
        UnknownNameError: the view sets a factor that the model does not have.
        UsageError: the view's latent, tuning or conditions do not fit the model.
    """
    known = factors_of(model) if known is None else known
    if view.tuning != model.tuning:
        raise UsageError(
            f"a picture of {view.model} with {_tuning_words(view.tuning)}, drawn by one with "
            f"{_tuning_words(model.tuning)}", expected="the same", action="open it with `tuned_model`",
        )
    start = check_latent(view.latent_array(), model.card.space(view.space))[0]
    asked = view.position_map()
    if applied is None:
        applied = apply_factors(start.reshape(-1), asked, known, keep=view.kept)
    if view.scene is not None:
        whole = call("latentstudio.scenes.decomposing:render", model, view.scene)  # brings torch
    else:
        latent = applied.latent.reshape(1, *start.shape).astype(np.float32)
        whole = pixels.to_bytes(model.pictures(latent, space=view.space, conditions=view.told))[0]
    clamped = [_clamped_note(known.get(name), asked[name], applied.reached[name]) for name in applied.clamped]
    return Render(whole, shrink(whole), view, applied, tuple(applied.clamped), (*clamped, *applied.notes),
                  model.runtime_name, model.device)


def draw_clamped(model: Model, view: View, known: FactorSet) -> Render:
    """As ``draw``, but what lies beyond the known range is brought back into the view first; ``notes`` tell."""
    first = draw(model, view, known)
    if not first.clamped:
        return first
    inside = draw(model, view.with_positions(first.reached), known)
    return replace(inside, clamped=first.clamped, notes=first.notes)


def draw_exact(model: Model, view: View, found: Collection[Exact], known: FactorSet) -> Render:
    """The picture at the positions that ``exact_steps`` found (its last ``exact``); ``notes`` tell what was missed."""
    positions = {**view.position_map(), **{one.name: one.position for one in found}}
    picture = draw_clamped(model, view.with_positions(positions), known)
    missed = tuple(_missed_note(known.get(one.name), one) for one in found if not one.reached)
    return replace(picture, notes=(*picture.notes, *missed))


def draw_pasted(
    model: Model, view: View, known: FactorSet | None = None, *, photo: Photo | None = None
) -> Render:
    """As ``draw_clamped``, put back into the view's photo at the photo's full size.

    ``photo``: where it is at hand; otherwise it is looked for among the kept ones.

    Raises:
        UsageError: the view was found for no photo.
        PictureError: the photo is not here.
    """
    place = view.photo
    if place is None:
        raise UsageError("this picture was found for no photo", expected="one that `invert` or the Photo panel made",
                         action="look for the photo's latent first")
    known = factors_of(model) if known is None else known
    picture = draw_clamped(model, view, known)
    plain = draw(model, view.with_reset(), known)
    source = find_photo(place) if photo is None else photo
    height, width = source.pixels.shape[:2]
    frame = place.frame
    if not (-frame.size < frame.x < width + frame.size and -frame.size < frame.y < height + frame.size):
        raise PictureError(f"the frame lies beside the photo ({width} x {height} pixels)",
                           action="name the photo that this was made from")
    whole = pasted(model, (picture.latent, plain.latent), source, frame, conditions=view.told)
    return replace(picture, pixels=whole, thumbnail=shrink(whole), pasted=True, profile=source.profile)


def pasted(
    model: Model, latents: tuple[NDArray[np.float32], NDArray[np.float32]], photo: Photo, frame: Frame,
    *, conditions: Conditions = NONE,
) -> NDArray[np.uint8]:
    """The photo uint8 (H, W, 3) with the model's picture back in its frame, at the photo's full size.

    The answer is in the photo's own colours (of ``photo.profile``): the model's picture is converted into them, so that
    every pixel outside the frame stays as it was.

    ``latents``, each float32 (*shape): with the edits and without them; the second tells how the model's colours lie
    to those of the photo.
    """
    edited, before = model.pictures(np.stack(latents).astype(np.float32), conditions=conditions)
    if photo.own is None:
        return paste_back(photo.pixels, frame, edited, before=before)
    drawn = to_bytes(np.stack([edited, before]))
    edited, before = from_bytes(np.stack([to_profile(one, photo.profile) for one in drawn]))
    return paste_back(photo.own, frame, edited, before=before)


def draw_many(
    model: Model, latents: NDArray[np.float32], *, conditions: Conditions = NONE, at_once: int = BATCH
) -> BytePictures:
    """Pictures uint8 (N, H, W, 3) of latents (N, *shape), computed ``at_once`` at a time.

    Drawn one at a time they equal single pictures to the last bit; in batches some runtimes round otherwise.
    """
    pieces = [
        pixels.to_bytes(model.pictures(latents[first : first + at_once], conditions=conditions))
        for first in range(0, len(latents), at_once)
    ]
    return np.concatenate(pieces)


def draw_seeds(opened: OpenModel, seeds: tuple[int, ...]) -> BytePictures:
    """Thumbnails uint8 (N, h, w, 3) of the samples with these seeds."""
    space = opened.model.card.spaces[0]
    latents = np.concatenate([sample_prior(space, count=1, seed=seed) for seed in seeds])
    return shrink(draw_many(opened.model, latents))


def draw_strip(opened: OpenModel, view: View, name: str, *, count: int) -> BytePictures:
    """``count`` pictures uint8 (N, H, W, 3) of one factor over its range from this sample, the others as they stand."""
    low, high = opened.factors.get(name).range_at(view.latent_array().reshape(-1))
    return _draw_row(opened, view, np.stack([
        opened.place(view.with_position(name, float(t))).latent for t in np.linspace(low, high, count)
    ]))


def draw_traversal(opened: OpenModel, view: View, name: str) -> BytePictures:
    """Pictures uint8 (N, H, W, 3) with one factor's coordinate taken out and put at ``ALPHAS`` instead.

    This is the paper's way (section 3.1): z - <z, u> u + alpha u of the sample as it stands.
    """
    factor = opened.factors.get(name)
    return _draw_row(opened, view, traverse(opened.place(view).latent, factor.axis, ALPHAS))


def draw_thumbnails(opened: OpenModel, view: View, latents: NDArray[np.float32]) -> BytePictures:
    """Thumbnails uint8 (N, h, w, 3) of latents (N, d), under the view's conditions."""
    shaped = np.asarray(latents, np.float32).reshape(-1, *view.shape)
    return shrink(draw_many(opened.model_for(view), shaped, conditions=view.told))


def lock(opened: OpenModel, view: View, name: str) -> View:
    """The view with a factor locked where the others have brought it, so that the picture stays as it is.

    Raises:
        StudioError: the model has no such factor.
    """
    flat = view.latent_array().reshape(-1)
    t = standing(flat, name, view.position_map(), opened.factors, keep=view.kept)
    return view.with_position(name, t).with_kept((*view.kept, name))


def shrink(pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """uint8 (..., H, W, 3) with sides of at most ``THUMBNAIL`` pixels, by averaging whole blocks."""
    return pixels.shrink(pictures, THUMBNAIL)


def _draw_row(opened: OpenModel, view: View, latents: NDArray[np.float32]) -> BytePictures:
    shaped = np.asarray(latents, np.float32).reshape(-1, *view.shape)
    return draw_many(opened.model_for(view), shaped, conditions=view.told, at_once=1)


def _tuning_words(tuning: str) -> str:
    return f"the tuning {tuning[:12]}" if tuning else "no tuning"


def _clamped_note(factor: Factor, asked: float, reached: float) -> str:
    write = factor.unit.format
    return f"{factor.name}: {write(asked)} lies beyond the known range of this sample; clamped to {write(reached)}"


def _missed_note(factor: Factor, exact: Exact) -> str:
    write = factor.unit.format
    return f"{factor.name}: {write(exact.asked)} was not reached, {write(exact.measured)} was measured; {exact.reason}"


def keeping(inputs: frozenset[Path], work: Callable[[], object]) -> object:
    """Do the work while these files may not be replaced."""
    with never_over(inputs):  # in the worker's own thread: what the window's thread holds does not reach it
        return work()


def open_for_window(name: str, catalogue: Catalogue, device: str) -> OpenModel:
    """Open a model by its fast path and read its factors (in the worker)."""
    model = open_model(name, catalogue=catalogue, device=device)
    return OpenModel(model.card.name, model, load_factors(model.folder, model.card))


def with_factors(opened: OpenModel) -> OpenModel:
    """The model with its factors read again."""
    factors: FactorSet = load_factors(opened.model.folder, opened.model.card)
    return replace(opened, factors=factors)
