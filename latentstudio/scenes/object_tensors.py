"""Objects of pictures as tensors: what the proposer finds, their masks, and the picture that they make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latentstudio.generators.composing import lay, over
from latentstudio.generators.glimpses import extract, project, wrapped
from latentstudio.scenes.parts import SceneParts
from latentstudio.scenes.scene_method import RESIDUAL

PRESENT = 0.5
SKIPPED = 0.01
DOUBLE = 0.5  # IoU of tight boxes above which two boxes show the same object
SOLID = 0.5
REFINEMENTS = 2

Tight = tuple[float, float, float, float]


@dataclass(frozen=True)
class ObjectTensors:
    """Objects as tensors: boxes (N, 5), depth (N,), presence (N,), z_what (N, d), picture (N,) of each."""

    boxes: Tensor
    depth: Tensor
    presence: Tensor
    what: Tensor
    which: Tensor

    def chosen(self, indices: Sequence[int]) -> ObjectTensors:
        """Those of these numbers, in this order."""
        index = torch.tensor(list(indices), dtype=torch.long, device=self.boxes.device)
        return ObjectTensors(self.boxes[index], self.depth[index], self.presence[index], self.what[index],
                             self.which[index])

    def of(self, picture: int) -> ObjectTensors:
        """Those of one picture, which counts as picture 0 then."""
        one = self.chosen((self.which == picture).nonzero()[:, 0].tolist())
        return replace(one, which=torch.zeros_like(one.which))

    def beside(self, others: ObjectTensors) -> ObjectTensors:
        """These and the others, in this order."""
        return ObjectTensors(*(torch.cat([getattr(self, name), getattr(others, name)]) for name in _FIELDS))


_FIELDS = ("boxes", "depth", "presence", "what", "which")


def seen_by_encoders(parts: SceneParts, images: Tensor, back: Tensor) -> Tensor:
    """Pictures (B, 3, S, S) and, enlarged, what their backgrounds z_bg (B, K, d) leave unexplained: (B, 6, S, S)."""
    pictures, masks = parts.background.draw(back)
    return torch.cat([images, RESIDUAL * (images - (pictures * masks).sum(1))], dim=1)


def find_parts(
    parts: SceneParts, images: Tensor, *, refinements: int = REFINEMENTS
) -> tuple[ObjectTensors, Tensor, Tensor]:
    """Objects of pictures (B, 3, S, S) without noise, their z_bg (B, K, d), and the presence (B, slots) of all slots.

    In every cell the boxes are taken in the order of their presence, as long as the one before is above ``SKIPPED``.
    They are then ``refined`` so many times.
    """
    back = parts.background.encode(images)[0]
    seen = seen_by_encoders(parts, images, back)
    told = parts.proposer(parts.structure(seen))
    boxes, depth = parts.places(told.mean)
    presences = torch.sigmoid(told.logit)
    by_cell = presences.reshape(len(images), -1, parts.sizes.slots)
    ordered, order = by_cell.sort(dim=2, descending=True)
    allowed = torch.ones_like(ordered, dtype=torch.bool)
    allowed[..., 1:] = ordered[..., :-1] >= SKIPPED
    used = torch.zeros_like(allowed).scatter(2, order, allowed).reshape(presences.shape)
    which, slot = (used & (presences > PRESENT)).nonzero(as_tuple=True)
    place = boxes[which, slot]
    what = parts.glimpses.encode(extract(seen, which, place, parts.sizes.glimpse))[0] if len(which) else (
        torch.zeros(0, parts.sizes.what_size, device=images.device))
    found = ObjectTensors(place, depth[which, slot], presences[which, slot], what, which)
    for _ in range(refinements if len(which) else 0):
        found = refined(parts, found, seen)
    return found, back, presences


def refined(parts: SceneParts, objects: ObjectTensors, seen: Tensor) -> ObjectTensors:
    """Every box laid around its own mask: centred on it, sized by its deviations (equation 5.6), and, where boxes turn,
    along its main axis; what it shows is then encoded anew.

    Args:
        parts: the model.
        objects: as found.
        seen: what encoders see, (B, 6, S, S).
    """
    alpha = parts.glimpses.decode(objects.what)[:, 3:4]
    boxes = wrapped(objects.boxes, alpha, turns=parts.sizes.rotates)
    mean = parts.glimpses.encode(extract(seen, objects.which, boxes, parts.sizes.glimpse))[0]
    return ObjectTensors(boxes, objects.depth, objects.presence, mean, objects.which)


def draw_parts(parts: SceneParts, back: Tensor, objects: ObjectTensors, *, count: int) -> Tensor:
    """Pictures (count, 3, S, S) of objects over backgrounds z_bg (count, K, d)."""
    pictures, masks = parts.background.draw(back)
    behind: Tensor = (pictures * masks).sum(1)
    if not len(objects.boxes):
        return behind
    decoded = parts.glimpses.decode(objects.what)
    colour, alpha = lay(decoded, objects.boxes, objects.depth, objects.presence, objects.which, count=count,
                        side=parts.sizes.side)
    return over(behind, colour, alpha).clamp(0.0, 1.0)


def full_masks(parts: SceneParts, objects: ObjectTensors) -> Tensor:
    """The mask of each object alone, float32 (N, S, S) in [0, 1]."""
    side = parts.sizes.side
    if not len(objects.boxes):
        return torch.zeros(0, side, side)
    return project(parts.glimpses.decode(objects.what)[:, 3:4], objects.boxes, side)[:, 0]


def winning_masks(parts: SceneParts, objects: ObjectTensors) -> Tensor:
    """The pixels that each object wins from the background and from all others of its picture: bool (N, S, S)."""
    alone = full_masks(parts, objects)
    weight = alone * (objects.presence * objects.depth.exp()).view(-1, 1, 1)
    wins = torch.zeros_like(alone, dtype=torch.bool)
    for picture in objects.which.unique():
        here = objects.which == picture
        best = weight[here].max(dim=0).values
        wins[here] = (weight[here] >= best) & (alone[here] > SOLID)
    return wins


def without_doubles(parts: SceneParts, objects: ObjectTensors, *, threshold: float = DOUBLE) -> ObjectTensors:
    """Without the objects whose tight boxes overlap a more present one's by more than ``threshold`` (section 5.6)."""
    if not len(objects.boxes):
        return objects
    boxes = tight_boxes((full_masks(parts, objects) > SOLID).cpu().numpy())
    order = torch.argsort(objects.presence, descending=True).tolist()
    kept: list[int] = []
    which = objects.which.tolist()
    for index in order:
        if boxes[index] is None:
            continue
        rivals = [boxes[one] for one in kept if which[one] == which[index]]
        if all(overlap(boxes[index], rival) <= threshold for rival in rivals):
            kept.append(index)
    return objects.chosen(sorted(kept))


def tight_boxes(masks: NDArray[np.bool_]) -> list[Tight | None]:
    """x, y, width, height of the box around each mask (N, S, S); None for an empty one."""
    found: list[Tight | None] = []
    for mask in masks:
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        found.append(None if not len(rows) else (
            float(columns[0]), float(rows[0]), float(columns[-1] - columns[0] + 1), float(rows[-1] - rows[0] + 1)))
    return found


def overlap(one: Tight | None, other: Tight | None) -> float:
    """Intersection over union of two boxes (x, y, width, height)."""
    if one is None or other is None:
        return 0.0
    wide = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    high = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    shared = max(0.0, wide) * max(0.0, high)
    return shared / (one[2] * one[3] + other[2] * other[3] - shared)
