"""A scene model asked for many scenes whose truth is known: the figures of its card."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from latentstudio import pixels
from latentstudio.scenes.making import MadeScene
from latentstudio.scenes.measures import (
    THRESHOLDS,
    Answer,
    Counts,
    Tight,
    adjusted_rand_index,
    angle_error,
    average_precision,
    counts,
    matches,
)
from latentstudio.scenes.object_tensors import PRESENT, draw_parts, tight_boxes, winning_masks
from latentstudio.scenes.parts import SceneParts
from latentstudio.scenes.second_look import take_apart
from latentstudio.steps import Step

BATCH = 10
LONG = ("ellipse", "rectangle")


@dataclass(frozen=True)
class SceneFigures:
    """What was measured on ``count`` scenes.

    Attributes:
        ap30, ap50: average precision on tight boxes at an overlap of 0.3 and 0.5, by 11 points of the recall; ``ap``:
            the mean over 0.5 to 0.95; ``ap30_area``, ``ap50_area``: the whole area beneath the curve.
        counts: of objects.
        mse: of the reconstruction, of pictures in [0, 1].
        ari: adjusted Rand index of the objects' pixels, mean over scenes with two objects or more; nan where
            only boxes are known.
        angle_deg: median error of the angle of matched ellipses and rectangles; None where nothing turns.
        slots: mean number of boxes in each scene that the first look took up.
        seconds: in which all were taken apart.
    """

    count: int
    ap30: float
    ap50: float
    ap: float
    ap30_area: float
    ap50_area: float
    counts: Counts
    mse: float
    ari: float
    angle_deg: float | None
    slots: float
    seconds: float

    def as_dict(self) -> dict[str, object]:
        """Plain numbers, rounded, for cards and json."""
        told = {
            "scenes": self.count, "ap50": self.ap50, "ap30": self.ap30, "ap": self.ap,
            "ap50_area": self.ap50_area, "ap30_area": self.ap30_area,
            "count_error": self.counts.error_rate, "count_accuracy": self.counts.accuracy,
            "count_over": self.counts.over, "count_under": self.counts.under, "mse": self.mse, "ari": self.ari,
            "angle_error_deg": self.angle_deg, "boxes_looked_at": self.slots,
            "images_per_second": self.count / max(self.seconds, 1e-6),
        }
        return {name: None if value is None or not math.isfinite(value) else float(f"{value:.4g}")
                for name, value in told.items()}


@dataclass(frozen=True)
class EvaluationStep(Step):
    """Progress; ``figures`` on the last step only."""

    figures: SceneFigures | None = None


@dataclass
class _Book:
    answers: list[Answer] = field(default_factory=list)
    truths: list[list[Tight]] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    rands: list[float] = field(default_factory=list)
    angles: list[float] = field(default_factory=list)
    looked: list[int] = field(default_factory=list)
    seconds: float = 0.0


def evaluation_steps(
    parts: SceneParts, scene: Callable[[int], MadeScene], count: int, *, device: str = "cpu", again: bool = True
) -> Iterator[EvaluationStep]:
    """Take ``count`` scenes apart and compare; ``scene`` gives the one of a number. Yields after every few.

    ``again``: with the second look, as pictures are taken apart in use.
    """
    book = _Book()
    for first in range(0, count, BATCH):
        made = [scene(number) for number in range(first, min(first + BATCH, count))]
        _look(parts, made, book, device, again)
        yield EvaluationStep((first + len(made)) / count, f"scene {first + len(made):,} of {count:,}")
    yield EvaluationStep(1.0, "measured", figures=_figures(book))


@torch.inference_mode()
def _look(parts: SceneParts, made: Sequence[MadeScene], book: _Book, device: str, again: bool) -> None:
    images = torch.from_numpy(pixels.from_bytes(np.stack([one.picture for one in made]))).to(device)
    began = time.perf_counter()
    kept, back, presences = take_apart(parts, images, again=again)
    drawn = draw_parts(parts, back, kept, count=len(made))
    wins = winning_masks(parts, kept).cpu().numpy()
    book.seconds += time.perf_counter() - began
    boxes, which = tight_boxes(wins), kept.which.cpu().numpy()
    book.errors += (drawn - images).square().mean((1, 2, 3)).tolist()
    book.looked += [int(value) for value in (presences > PRESENT).sum(1).tolist()]
    angles = np.degrees(kept.boxes[:, 4].cpu().numpy())
    presence = kept.presence.cpu().numpy()
    for number, one in enumerate(made):
        here = [k for k in np.flatnonzero(which == number) if boxes[k] is not None]
        answer = Answer(tuple(box for k in here if (box := boxes[k]) is not None),
                        tuple(float(presence[k]) for k in here))
        _enter(one, answer, wins[here], angles[here], book)


def _enter(
    made: MadeScene, answer: Answer, wins: NDArray[np.bool_], angles: NDArray[np.float32], book: _Book
) -> None:
    true = [one.box for one in made.objects]
    book.answers.append(answer)
    book.truths.append(true)
    if len(true) > 1 and all(one.mask.size for one in made.objects):
        book.rands.append(adjusted_rand_index(wins, np.stack([one.mask for one in made.objects])))
    for found, index in matches(answer, true):
        if made.objects[index].shape in LONG:
            book.angles.append(angle_error(float(angles[found]), made.objects[index].angle_deg, 2))


def _figures(book: _Book) -> SceneFigures:
    each = [average_precision(book.answers, book.truths, threshold) for threshold in THRESHOLDS]
    numbers = counts([len(one.boxes) for one in book.answers], [len(true) for true in book.truths])
    rands = [value for value in book.rands if math.isfinite(value)]
    return SceneFigures(
        count=len(book.answers), ap30=average_precision(book.answers, book.truths, 0.3), ap50=each[0],
        ap=float(np.mean(each)), ap30_area=average_precision(book.answers, book.truths, 0.3, points=None),
        ap50_area=average_precision(book.answers, book.truths, 0.5, points=None), counts=numbers,
        mse=float(np.mean(book.errors)),
        ari=float(np.mean(rands)) if rands else float("nan"),
        angle_deg=float(np.median(book.angles)) if book.angles else None, slots=float(np.mean(book.looked)),
        seconds=book.seconds,
    )
