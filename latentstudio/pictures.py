"""The pictures that views mean: drawn, clamped to what is known, and put back into the photo they were found for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentstudio import pixels
from latentstudio.document.picture_recipe import save_picture
from latentstudio.document.view import View
from latentstudio.errors import PictureError, UsageError
from latentstudio.factors import Factor, FactorSet, apply_factors, load_factors
from latentstudio.generators.conditions import NONE, Conditions
from latentstudio.generators.opening import Model
from latentstudio.inversion.photo_store import find_photo
from latentstudio.inversion.photos import Photo
from latentstudio.latents import check_latent
from latentstudio.photographs import pasted

BATCH = 16


@dataclass(frozen=True)
class Picture:
    """A picture and how it came about.

    Attributes:
        pixels: uint8 (H, W, 3).
        view: the recipe: model, sample, factor positions as reached.
        latent: float32 (*shape), the latent that was drawn, factors applied.
        reached: t of every factor that was set, in its natural parameter (see ``units.py``).
        clamped: names of the factors whose value lay beyond the known range.
        notes: one sentence for every factor that was clamped, could not be set apart from another, or not be solved.
        runtime_name: what computed it.
        device: where.
        pasted: whether it is the view's photo with the picture in its frame.
        profile: the ICC profile whose colours ``pixels`` are in, as a pasted photo may have one; sRGB when empty.
    """

    pixels: NDArray[np.uint8]
    view: View
    latent: NDArray[np.float32]
    reached: Mapping[str, float]
    clamped: tuple[str, ...]
    notes: tuple[str, ...]
    runtime_name: str
    device: str
    pasted: bool = False
    profile: bytes = b""

    def save(self, path: str | Path) -> None:
        """Write a PNG that carries its recipe; the window and ``latentstudio render`` make it again from that.

        Raises:
            StorageError: the disk is full or the folder may not be written.
        """
        save_picture(Path(path), self.pixels, self.view, self.runtime_name, self.device, pasted=self.pasted,
                     profile=self.profile)


def factors_of(model: Model) -> FactorSet:
    """The factors that are known for this model: the shipped ones and the user's own."""
    return load_factors(model.folder, model.card)


def draw(model: Model, view: View, known: FactorSet | None = None) -> Picture:
    """The picture that a view means, bit for bit; ``known`` are the model's factors where they are at hand already.

    Raises:
        UnknownNameError: the view sets a factor that the model does not have.
        UsageError: the view's latent does not fit the model.
    """
    known = factors_of(model) if known is None else known
    if view.tuning != model.tuning:
        raise UsageError(
            f"a picture of {view.model} with {_tuning_words(view.tuning)}, drawn by one with "
            f"{_tuning_words(model.tuning)}", expected="the same", action="open it with `tuned_model`",
        )
    start = check_latent(view.latent_array(), model.card.space(view.space))[0]
    asked = view.position_map()
    for name in asked:
        known.get(name)
    applied = apply_factors(start.reshape(-1), asked, known, keep=view.kept)
    latent = applied.latent.reshape(start.shape).astype(np.float32)
    if view.scene is not None:
        # torch is needed only here; other pictures do without
        from latentstudio.scenes.decomposing import render

        whole = render(model, view.scene)
    else:
        drawn = model.pictures(latent[None], space=view.space, conditions=view.told)
        whole = pixels.to_bytes(drawn)[0]
    clamped = [_clamped_note(known.get(name), asked[name], applied.reached[name]) for name in applied.clamped]
    return Picture(
        pixels=whole, view=view, latent=latent,
        reached=dict(applied.reached), clamped=tuple(applied.clamped),
        notes=(*clamped, *applied.notes), runtime_name=model.runtime_name, device=model.device,
    )


def draw_clamped(model: Model, view: View, known: FactorSet) -> Picture:
    """As ``draw``, but what lies beyond the known range is brought back into the view first; ``notes`` tell."""
    first = draw(model, view, known)
    if not first.clamped:
        return first
    inside = draw(model, view.with_positions(first.reached), known)
    return replace(inside, clamped=first.clamped, notes=first.notes)


def draw_exact(model: Model, view: View, found: Collection[Any], known: FactorSet) -> Picture:
    """The picture at the positions that ``exact_steps`` found (its last ``exact``); ``notes`` tell what was missed."""
    positions = {**view.position_map(), **{one.name: one.position for one in found}}
    picture = draw_clamped(model, view.with_positions(positions), known)
    missed = tuple(_missed_note(known.get(one.name), one) for one in found if not one.reached)
    return replace(picture, notes=(*picture.notes, *missed))


def draw_many(
    model: Model, latents: NDArray[np.float32], *, conditions: Conditions = NONE
) -> NDArray[np.uint8]:
    """Pictures uint8 (N, H, W, 3) of latents (N, *shape), computed ``BATCH`` at a time."""
    pieces = [
        pixels.to_bytes(model.pictures(latents[first : first + BATCH], conditions=conditions))
        for first in range(0, len(latents), BATCH)
    ]
    return np.concatenate(pieces)


def draw_pasted(
    model: Model, view: View, known: FactorSet | None = None, *, photo: Photo | None = None
) -> Picture:
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
    return replace(picture, pixels=whole, pasted=True, profile=source.profile)


def _tuning_words(tuning: str) -> str:
    return f"the tuning {tuning[:12]}" if tuning else "no tuning"


def _clamped_note(factor: Factor, asked: float, reached: float) -> str:
    write = factor.unit.format
    return f"{factor.name}: {write(asked)} lies beyond the known range of this sample; clamped to {write(reached)}"


def _missed_note(factor: Factor, exact: Any) -> str:
    write = factor.unit.format
    return f"{factor.name}: {write(exact.asked)} was not reached, {write(exact.measured)} was measured; {exact.reason}"
