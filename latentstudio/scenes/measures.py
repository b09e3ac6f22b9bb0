"""How well scenes are taken apart: average precision, counts, segmentation, angles. numpy only.

Matching as SPACE's own evaluation does it: a prediction belongs to the one true box that it overlaps most; it is right
when the overlap is strictly above the threshold and that box was not taken by a more present prediction.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

THRESHOLDS = tuple(float(value) for value in np.linspace(0.5, 0.95, 10))
POINTS = 11
Tight = tuple[float, float, float, float]


@dataclass(frozen=True)
class Answer:
    """What a model found in one picture: tight boxes (x, y, width, height) and how sure it is of each."""

    boxes: tuple[Tight, ...]
    presences: tuple[float, ...]


def overlaps(found: Sequence[Tight], true: Sequence[Tight]) -> NDArray[np.float64]:
    """Intersection over union (N, M) of boxes (x, y, width, height)."""
    if not found or not true:
        return np.zeros((len(found), len(true)))
    one, other = np.array(found)[:, None], np.array(true)[None]
    wide = np.minimum(one[..., 0] + one[..., 2], other[..., 0] + other[..., 2]) - np.maximum(one[..., 0], other[..., 0])
    high = np.minimum(one[..., 1] + one[..., 3], other[..., 1] + other[..., 3]) - np.maximum(one[..., 1], other[..., 1])
    shared = np.clip(wide, 0.0, None) * np.clip(high, 0.0, None)
    areas = one[..., 2] * one[..., 3] + other[..., 2] * other[..., 3] - shared
    return np.asarray(shared / np.maximum(areas, 1e-9))


def average_precision(
    answers: Sequence[Answer], truths: Sequence[Sequence[Tight]], threshold: float, *, points: int | None = POINTS
) -> float:
    """Interpolated average precision at one threshold of the overlap, over all pictures together.

    ``points``: at so many levels of the recall, of which the last counts only if every object is found (SPACE's 11), or
    with None the whole area beneath the curve. Without any true object it is 1 where nothing was found, else 0.
    """
    total = sum(len(true) for true in truths)
    told: list[tuple[float, bool]] = []
    for answer, true in zip(answers, truths, strict=True):
        table, taken = overlaps(answer.boxes, true), set()
        for index in np.argsort([-value for value in answer.presences], kind="stable"):
            best = int(table[index].argmax()) if true else -1
            right = best >= 0 and table[index, best] > threshold and best not in taken
            if right:
                taken.add(best)
            told.append((answer.presences[index], right))
    if total == 0:
        return 0.0 if told else 1.0
    if not told:
        return 0.0
    rights = np.array([right for _, right in sorted(told, key=lambda pair: -pair[0])], dtype=np.float64)
    recall = rights.cumsum() / total
    precision = rights.cumsum() / np.arange(1, len(rights) + 1)
    if points is None:
        envelope = np.maximum.accumulate(precision[::-1])[::-1]
        return float((np.diff(recall, prepend=0.0) * envelope).sum())
    levels = np.linspace(0.0, 1.0, points)
    return float(np.mean([precision[recall >= level - 1e-9].max(initial=0.0) for level in levels]))


@dataclass(frozen=True)
class Counts:
    """How often the number of objects is right.

    Attributes:
        error_rate: mean of |found - true| / true; for an empty scene |found| / 1.
        accuracy, over, under: shares of pictures with the right number, too many, too few.
    """

    error_rate: float
    accuracy: float
    over: float
    under: float


def counts(found: Sequence[int], true: Sequence[int]) -> Counts:
    """Compare numbers of objects, picture by picture."""
    one, other = np.asarray(found), np.asarray(true)
    wrong = np.abs(one - other) / np.maximum(other, 1)
    return Counts(float(wrong.mean()), float((one == other).mean()), float((one > other).mean()),
                  float((one < other).mean()))


def adjusted_rand_index(found: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    """Of the pixels of true objects: masks (N, H, W) and (M, H, W). 1 for the same parting, about 0 for a random one.

    Pixels that no found object wins form one more part. NaN for a scene with fewer than two pixels of objects.
    """
    inside = true.any(axis=0)
    if inside.sum() < 2:
        return float("nan")
    labels_true = true[:, inside].argmax(axis=0)
    labels_found = np.zeros(int(inside.sum()), dtype=int)
    for number, mask in enumerate(found, start=1):
        labels_found[mask[inside]] = number
    table = np.zeros((labels_found.max() + 1, len(true)))
    np.add.at(table, (labels_found, labels_true), 1)
    pairs = float(_pairs(table).sum())
    rows, columns = float(_pairs(table.sum(axis=1)).sum()), float(_pairs(table.sum(axis=0)).sum())
    total = float(_pairs(np.array([table.sum()]))[0])
    expected, most = rows * columns / total, 0.5 * (rows + columns)
    return 1.0 if most == expected else (pairs - expected) / (most - expected)


def _pairs(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values * (values - 1.0) / 2.0


def angle_error(found_deg: float, true_deg: float, order: int) -> float:
    """Degrees between two turns of a shape that looks the same after 1/``order`` of a full turn; 0 where all do."""
    if order == 0:
        return 0.0
    period = 360.0 / order
    away = math.fmod(found_deg - true_deg, period)
    return min(abs(away), period - abs(away))


def matches(answer: Answer, true: Sequence[Tight], threshold: float = 0.5) -> list[tuple[int, int]]:
    """Pairs (found, true) above the threshold, each used once, the most present first."""
    table = overlaps(answer.boxes, true)
    pairs: list[tuple[int, int]] = []
    for index in np.argsort([-value for value in answer.presences], kind="stable"):
        if not len(true):
            break
        best = int(table[index].argmax())
        if table[index, best] > threshold and best not in {pair[1] for pair in pairs}:
            pairs.append((int(index), best))
    return pairs
