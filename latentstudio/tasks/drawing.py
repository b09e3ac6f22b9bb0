"""Pure functions that the worker runs to make pictures: no Qt, no shared state."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentstudio import pixels
from latentstudio.document.view import View
from latentstudio.engine.loading import call
from latentstudio.errors import CapabilityError
from latentstudio.factors import ALPHAS, Applied, FactorSet, apply_factors, standing, traverse
from latentstudio.generators.opening import Model
from latentstudio.generators.tuned import tuned_model
from latentstudio.generators.tunings import find_tuning, has_tuning
from latentstudio.latents import sample_prior
from latentstudio.pixels import BytePictures, to_bytes

THUMBNAIL = 64


@dataclass(frozen=True)
class Opened:
    """A model that stands open, with the factors that are known for it."""

    name: str
    model: Model
    factors: FactorSet

    def model_for(self, view: View) -> Model:
        """The model that draws a view: what its tuning makes of it, or itself where there is none, or where that is
        not here any more (``missing``). For the worker only.

        Raises:
            ModelFileError: the tuning is broken or fits another model.
        """
        return _tuned(self.model, view.tuning) if view.tuning and has_tuning(view.tuning) else self.model


@dataclass(frozen=True)
class Drawn:
    """A picture of a session: uint8 (H, W, 3), its thumbnail of at most 64 pixels, and what the factors reached."""

    view: View
    picture: BytePictures
    thumbnail: BytePictures
    applied: Applied


_TUNED: OrderedDict[tuple[int, str], Model] = OrderedDict()
_MOST_TUNED = 3


def _tuned(model: Model, tuning: str) -> Model:
    """The tuned model, kept while it is among the last few that were drawn with."""
    key = (id(model), tuning)
    if key not in _TUNED:
        _TUNED[key] = tuned_model(model, find_tuning(tuning))
    _TUNED.move_to_end(key)
    while len(_TUNED) > _MOST_TUNED:
        _TUNED.popitem(last=False)[1].close()
    return _TUNED[key]


def missing(opened: Opened, view: View) -> str:
    """What a view needs and this machine does not have, in one sentence; it is drawn without. Empty for nothing."""
    gone = [name for name in dict.fromkeys((*view.position_map(), *view.kept)) if name not in opened.factors.names]
    said = []
    if gone:
        said.append(f"the slider{'s' if len(gone) > 1 else ''} {', '.join(gone)}")
    if view.tuning and not has_tuning(view.tuning):
        said.append(f"the tuning {view.tuning[:12]}")
    return "" if not said else (f"Drawn without {' and '.join(said)}, which {view.model} does not have here: open the "
                                "file that brought it, or make it again; nothing of the session is lost")


def check_whole(opened: Opened, view: View) -> None:
    """Before a picture is written with its recipe: what stands in the recipe is what was drawn.

    Raises:
        CapabilityError: something that the view needs is not here.
    """
    gone = missing(opened, view)
    if gone:
        raise CapabilityError(f"{gone[:1].lower()}{gone[1:]}", expected="a picture that its recipe draws again")


def place(opened: Opened, view: View) -> Applied:
    """Where the view's factors bring its latent: some arithmetic on one vector, cheap enough for any thread.

    Factors that are not here are passed over (``missing`` says so).
    """
    names = opened.factors.names
    positions = {name: t for name, t in view.positions if name in names}
    kept = tuple(name for name in view.kept if name in names)
    return apply_factors(view.latent_array().reshape(-1), positions, opened.factors, keep=kept)


def lock(opened: Opened, view: View, name: str) -> View:
    """The session with a factor locked where the others have brought it, so that the picture stays as it is.

    Raises:
        StudioError: the model has no such factor.
    """
    flat = view.latent_array().reshape(-1)
    t = standing(flat, name, view.position_map(), opened.factors, keep=view.kept)
    return view.with_position(name, t).with_kept((*view.kept, name))


def draw_placed(opened: Opened, view: View, applied: Applied) -> Drawn:
    """The session's picture by the model's fast path.

    Raises:
        StudioError: the model cannot draw it; the message says why.
    """
    if view.scene is not None:
        scene_picture = call("latentstudio.scenes.decomposing:render", opened.model, view.scene)  # brings torch
        return Drawn(view, scene_picture, shrink(scene_picture), applied)
    latents = np.asarray(applied.latent, np.float32).reshape(1, *view.shape)
    pictures = opened.model_for(view).pictures(latents, conditions=view.told)
    picture = to_bytes(pictures)[0]
    return Drawn(view, picture, shrink(picture), applied)


def draw(opened: Opened, view: View) -> Drawn:
    """``place`` and ``draw_placed`` in one."""
    return draw_placed(opened, view, place(opened, view))


def draw_seeds(opened: Opened, seeds: tuple[int, ...]) -> BytePictures:
    """Thumbnails uint8 (N, h, w, 3) of the samples with these seeds."""
    space = opened.model.card.spaces[0]
    latents = np.concatenate([sample_prior(space, count=1, seed=seed) for seed in seeds])
    return np.stack([shrink(picture) for picture in to_bytes(opened.model.pictures(latents))])


def draw_strip(opened: Opened, view: View, name: str, *, count: int) -> BytePictures:
    """``count`` pictures uint8 (N, H, W, 3) of one factor over its range from this sample, the others as they stand."""
    factor = opened.factors.get(name)
    flat = view.latent_array().reshape(-1)
    low, high = factor.range_at(flat)
    frames = []
    for t in np.linspace(low, high, count):
        positions = {**dict(view.positions), name: float(t)}
        frames.append(apply_factors(flat, positions, opened.factors, keep=view.kept).latent)
    return _draw_row(opened, view, np.stack(frames))


def draw_traversal(opened: Opened, view: View, name: str) -> BytePictures:
    """Pictures uint8 (N, H, W, 3) with one factor's coordinate taken out and put at ``ALPHAS`` instead.

    This is the paper's way (section 3.1): z - <z, u> u + alpha u of the sample as it stands.
    """
    factor = opened.factors.get(name)
    return _draw_row(opened, view, traverse(place(opened, view).latent, factor.axis, ALPHAS))


def _draw_row(opened: Opened, view: View, latents: NDArray[np.float32]) -> BytePictures:
    model = opened.model_for(view)
    pieces = [
        model.pictures(one.reshape(1, *view.shape), conditions=view.told)
        for one in np.asarray(latents, np.float32)
    ]
    return to_bytes(np.concatenate(pieces))


def shrink(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """uint8 (H, W, 3) with sides of at most 64 pixels, by averaging whole blocks."""
    return pixels.shrink(picture, THUMBNAIL)
