"""Pure functions that the worker runs to make pictures: no Qt, no shared state."""

from __future__ import annotations

import importlib
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentstudio import pixels
from latentstudio.document.history import History
from latentstudio.document.session import Session
from latentstudio.factors import ALPHAS, Applied, FactorSet, apply_factors, standing, traverse
from latentstudio.generators.opening import Model
from latentstudio.generators.tuned import tuned_model
from latentstudio.generators.tunings import find_tuning
from latentstudio.latents import sample_prior
from latentstudio.pixels import BytePictures, to_bytes

THUMBNAIL = 64
DECOMPOSING = "latentstudio.scenes.decomposing"  # brings torch
FOUND = "photo "  # how the history calls what was found for one


@dataclass(frozen=True)
class Opened:
    """A model that stands open, with the factors that are known for it."""

    name: str
    model: Model
    factors: FactorSet

    def model_for(self, session: Session) -> Model:
        """The model that draws a session: itself, or what the session's tuning makes of it. For the worker only.

        Raises:
            ModelFileError: the tuning is not here any more.
        """
        return self.model if not session.tuning else _tuned(self.model, session.tuning)


@dataclass(frozen=True)
class Drawn:
    """A picture of a session: uint8 (H, W, 3), its thumbnail of at most 64 pixels, and what the factors reached."""

    session: Session
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


def place(opened: Opened, session: Session) -> Applied:
    """Where the session's factors bring its latent: some arithmetic on one vector, cheap enough for any thread.

    Raises:
        StudioError: the model has no such factor.
    """
    flat = session.latent_array().reshape(-1)
    return apply_factors(flat, dict(session.positions), opened.factors, keep=session.kept)


def lock(opened: Opened, session: Session, name: str) -> Session:
    """The session with a factor locked where the others have brought it, so that the picture stays as it is.

    Raises:
        StudioError: the model has no such factor.
    """
    flat = session.latent_array().reshape(-1)
    t = standing(flat, name, session.position_map(), opened.factors, keep=session.kept)
    return session.with_position(name, t).with_kept((*session.kept, name))


def draw_placed(opened: Opened, session: Session, applied: Applied) -> Drawn:
    """The session's picture by the model's fast path.

    Raises:
        StudioError: the model cannot draw it; the message says why.
    """
    if session.scene is not None:
        scene_picture = importlib.import_module(DECOMPOSING).render(opened.model, session.scene)
        return Drawn(session, scene_picture, shrink(scene_picture), applied)
    latents = np.asarray(applied.latent, np.float32).reshape(1, *session.shape)
    pictures = opened.model_for(session).pictures(latents, label=session.label, truncation=session.truncation)
    picture = to_bytes(pictures)[0]
    return Drawn(session, picture, shrink(picture), applied)


def draw(opened: Opened, session: Session) -> Drawn:
    """``place`` and ``draw_placed`` in one."""
    return draw_placed(opened, session, place(opened, session))


def draw_seeds(opened: Opened, seeds: tuple[int, ...]) -> BytePictures:
    """Thumbnails uint8 (N, h, w, 3) of the samples with these seeds."""
    space = opened.model.card.spaces[0]
    latents = np.concatenate([sample_prior(space, count=1, seed=seed) for seed in seeds])
    return np.stack([shrink(picture) for picture in to_bytes(opened.model.pictures(latents))])


def draw_strip(opened: Opened, session: Session, name: str, *, count: int) -> BytePictures:
    """``count`` pictures uint8 (N, H, W, 3) of one factor over its range from this sample, the others as they stand."""
    factor = opened.factors.get(name)
    flat = session.latent_array().reshape(-1)
    low, high = factor.range_at(flat)
    frames = []
    for t in np.linspace(low, high, count):
        positions = {**dict(session.positions), name: float(t)}
        frames.append(apply_factors(flat, positions, opened.factors, keep=session.kept).latent)
    return _draw_row(opened, session, np.stack(frames))


def draw_traversal(opened: Opened, session: Session, name: str) -> BytePictures:
    """Pictures uint8 (N, H, W, 3) with one factor's coordinate taken out and put at ``ALPHAS`` instead.

    This is the paper's way (section 3.1): z - <z, u> u + alpha u of the sample as it stands.
    """
    factor = opened.factors.get(name)
    return _draw_row(opened, session, traverse(place(opened, session).latent, factor.axis, ALPHAS))


def _draw_row(opened: Opened, session: Session, latents: NDArray[np.float32]) -> BytePictures:
    model = opened.model_for(session)
    pieces = [
        model.pictures(one.reshape(1, *session.shape), label=session.label, truncation=session.truncation)
        for one in np.asarray(latents, np.float32)
    ]
    return to_bytes(np.concatenate(pieces))


def original_of(session: Session, history: History) -> Session:
    """The sample before any editing: no factors moved, and the latent that the nearest seed in the history drew.

    For a photo it is the latent that was found for it.
    """
    plain = session.with_reset()
    entry = history.current_entry
    if plain.scene is not None:
        return _first_scene(plain, history)
    if plain.photo is not None:
        while entry is not None and not entry.label.startswith(FOUND):
            entry = None if entry.parent is None else history.entry(entry.parent)
        there = entry is not None and entry.session.photo == plain.photo and entry.session.shape == plain.shape
        return plain if entry is None or not there else plain.with_latent(entry.session.latent_array())
    while plain.seed is None and entry is not None:
        before = entry.session
        if before.model == session.model and before.seed is not None and before.shape == session.shape:
            return plain.with_latent(before.latent_array(), seed=before.seed)
        entry = None if entry.parent is None else history.entry(entry.parent)
    return plain


def _first_scene(session: Session, history: History) -> Session:
    """The scene as it was found or drawn, before it was edited."""
    entry, first = history.current_entry, session
    while entry is not None and entry.session.scene is not None and entry.session.latent == session.latent:
        first = entry.session
        if entry.label.startswith(FOUND):
            break
        entry = None if entry.parent is None else history.entry(entry.parent)
    return first


def shrink(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """uint8 (H, W, 3) with sides of at most 64 pixels, by averaging whole blocks."""
    return pixels.shrink(picture, THUMBNAIL)
