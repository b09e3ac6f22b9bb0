"""A second look at a picture: objects where it is not explained yet, and none that explains nothing.

The proposer decides once, cell by cell, and misses an object now and then. What its scene leaves unexplained is known,
so a box is laid around each such place and kept where the picture's likelihood (thesis, equation 5.1) rises by clearly
more than an object may cost; an object that it hardly falls without is left out. Not in the thesis.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor

from latentstudio.generators.glimpses import extract
from latentstudio.scenes.object_tensors import (
    REFINEMENTS,
    ObjectTensors,
    draw_parts,
    find_parts,
    refined,
    seen_by_encoders,
    without_doubles,
)
from latentstudio.scenes.parts import SceneParts

# sums of squared errors of pictures in [0, 1]; chosen on scenes that neither trained nor tested the model
GAIN, LOSS = 7.0, 1.0
PLAIN = 0.02  # mean squared error of a pixel above which it is unexplained
EVEN = 0.04  # of a colour in [0, 1]: as far as an even slope may be off
LEAST = 12  # pixels of an unexplained place
MOST, ROUNDS = 3, 2
ROOM = 1.25  # size of the box around a place, as a share of the place's own
APART = 1.5  # in depth, from what is in front or behind
LATER = 0.95  # presence of an object of the second look


def take_apart(parts: SceneParts, images: Tensor, *, again: bool = True) -> tuple[ObjectTensors, Tensor, Tensor]:
    """Objects of pictures (B, 3, S, S), their z_bg (B, K, d), and the presence (B, slots) of all slots.

    ``again``: with a second look.
    """
    found, back, presences = find_parts(parts, images)
    found = without_doubles(parts, found)
    if again:
        found = completed(parts, without_plain(found, images), images, back)
        found = without_idle(parts, without_doubles(parts, found), images, back)
    return found, back, presences


def without_plain(found: ObjectTensors, images: Tensor) -> ObjectTensors:
    """Without the objects of pictures that are one even slope of colour: there is nothing in them, and a background
    of a colour that the model cannot draw would be painted with objects."""
    empty = plain(images).to(found.which.device)
    return found.chosen((~empty[found.which]).nonzero()[:, 0].tolist())


def plain(images: Tensor) -> Tensor:
    """Which of the pictures (B, 3, S, S) differ nowhere by more than ``EVEN`` from the plane (constant, x, y) that fits
    each channel best: bool (B,)."""
    side = images.shape[-1]
    along = torch.linspace(-1.0, 1.0, side, device=images.device, dtype=torch.float64)
    down, across = torch.meshgrid(along, along, indexing="ij")
    basis = torch.stack([torch.ones_like(across), across, down], dim=-1).reshape(-1, 3)  # orthogonal on the grid
    values = images.double().flatten(2).flatten(0, 1).T
    weights = (basis.T @ values) / basis.square().sum(0)[:, None]
    farthest = (basis @ weights - values).abs().amax(0).view(len(images), -1).amax(1)
    return farthest <= EVEN


def completed(parts: SceneParts, found: ObjectTensors, images: Tensor, back: Tensor) -> ObjectTensors:
    """Also the objects that explain what ``found`` does not; nothing is looked for in plain pictures."""
    empty = plain(images).tolist()
    seen = seen_by_encoders(parts, images, back)
    for _ in range(ROUNDS):
        drawn = draw_parts(parts, back, found, count=len(images))
        errors = (drawn - images).square().mean(1).cpu().numpy()
        before = len(found.boxes)
        for picture, error in enumerate(errors):
            for box in () if empty[picture] else unexplained(error):
                new = _tried(parts, found, box, picture, images, back, seen)
                found = found if new is None else found.beside(new)
        if len(found.boxes) == before:
            break
    return found


def unexplained(error: NDArray[np.float32]) -> list[tuple[float, float, float, float]]:
    """Boxes (centre x, y, half width, half height; the picture is [-1, 1]) around the largest places of a map (S, S)
    of squared errors that lie above ``PLAIN``."""
    side = error.shape[-1]
    labels, count = ndimage.label(error > PLAIN)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    places = ndimage.find_objects(labels)
    boxes = []
    for index in np.argsort(-sizes, kind="stable")[:MOST]:
        if sizes[index] < LEAST:
            break
        down, across = places[index]
        boxes.append(((across.start + across.stop) / side - 1.0, (down.start + down.stop) / side - 1.0,
                      _half(across, side), _half(down, side)))
    return boxes


def _half(span: slice, side: int) -> float:
    return float(min(1.0, max(0.05, ROOM * (span.stop - span.start) / side)))


def _tried(
    parts: SceneParts, found: ObjectTensors, box: tuple[float, float, float, float], picture: int, images: Tensor,
    back: Tensor, seen: Tensor,
) -> ObjectTensors | None:
    """One object more at this box, before or behind the picture's others, or None where it explains too little."""
    mine, image, ground = found.of(picture), images[picture : picture + 1], back[picture : picture + 1]
    first = torch.zeros(1, dtype=torch.long, device=images.device)
    boxes = torch.tensor([[*box, 0.0]], device=images.device)
    view = seen[picture : picture + 1]
    what = parts.glimpses.encode(extract(view, first, boxes, parts.sizes.glimpse))[0]
    new = ObjectTensors(boxes, torch.zeros(1, device=images.device), torch.full((1,), LATER, device=images.device),
                        what, first)
    for _ in range(REFINEMENTS):
        new = refined(parts, new, view)
    depths = (float(mine.depth.max()) + APART, float(mine.depth.min()) - APART) if len(mine.boxes) else (0.0,)
    tries = [replace(new, depth=torch.full_like(new.depth, depth)) for depth in depths]
    errors = [_error(parts, mine.beside(one), image, ground) for one in tries]
    best = int(np.argmin(errors))
    if _error(parts, mine, image, ground) - errors[best] <= GAIN:
        return None
    return replace(tries[best], which=first + picture)


def without_idle(parts: SceneParts, found: ObjectTensors, images: Tensor, back: Tensor) -> ObjectTensors:
    """Without the objects that the picture is explained as well without; the least present are tried first."""
    kept: list[int] = []
    for picture in range(len(images)):
        image, ground = images[picture : picture + 1], back[picture : picture + 1]
        here = (found.which == picture).nonzero()[:, 0].tolist()
        error = _error(parts, found.chosen(here).of(picture), image, ground) if here else 0.0
        for index in sorted(here, key=lambda one: float(found.presence[one])):
            left = [one for one in here if one != index]
            without = _error(parts, found.chosen(left).of(picture), image, ground)
            if without - error < LOSS:
                here, error = left, without
        kept += here
    return found.chosen(sorted(kept))


def _error(parts: SceneParts, objects: ObjectTensors, image: Tensor, back: Tensor) -> float:
    """Sum of squared errors of one picture (1, 3, S, S)."""
    return float((draw_parts(parts, back, objects, count=1) - image).square().sum())
