"""Training pictures in memory, whatever they come from, and the batches that are drawn from them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latentstudio.errors import TrainingError
from latentstudio.steps import Step
from latentstudio.training.method import Batches

FEWEST = 16
_INDEX_STREAM = 1


class TrainingPictures(Protocol):
    """What a method is trained on: ``notes`` are told, ``fingerprint`` changes with the pictures (or is empty)."""

    @property
    def notes(self) -> tuple[str, ...]: ...

    @property
    def fingerprint(self) -> str: ...

    def batch(self, count: int, *, data_seed: int) -> Batches:
        """Batches (count, C, H, W) in [0, 1]; that of a step depends on ``data_seed`` and the step only."""
        ...

    def shown(self, count: int) -> Tensor:
        """Pictures to preview, (at most count, C, H, W)."""
        ...


@dataclass(frozen=True)
class PictureSet:
    """Pictures to learn from and others to judge by.

    Attributes:
        training: uint8 (N, C, H, W).
        held_out: uint8 (M, C, H, W), never trained on.
        about: a few words for the card.
        mirrored: batches show half of the pictures mirrored.
        notes: what should be told: files that were skipped, and why.
        labels, held_out_labels: class indices (N,) and (M,) where the data has classes.
    """

    training: NDArray[np.uint8]
    held_out: NDArray[np.uint8]
    about: str = ""
    mirrored: bool = False
    notes: tuple[str, ...] = ()
    labels: NDArray[np.uint8] | None = None
    held_out_labels: NDArray[np.uint8] | None = None

    @property
    def fingerprint(self) -> str:
        """Changes with the number, the size and (by a sample of 256 of them) the content of the pictures."""
        digest = hashlib.sha256(repr((self.training.shape, self.mirrored)).encode())
        chosen = np.unique(np.linspace(0, len(self.training) - 1, 256).astype(int))
        digest.update(np.ascontiguousarray(self.training[chosen]).tobytes())
        return digest.hexdigest()[:16]

    def batch(self, count: int, *, data_seed: int) -> Batches:
        """Batches float32 (count, C, H, W) in [0, 1]; that of a step depends on ``data_seed`` and the step only."""

        def draw(step: int) -> Tensor:
            source = np.random.Generator(np.random.PCG64((data_seed, step, _INDEX_STREAM)))
            pictures = self.training[source.integers(len(self.training), size=count)]
            if self.mirrored:
                flipped = source.random(count) < 0.5
                pictures[flipped] = pictures[flipped][..., ::-1]
            return as_floats(pictures)

        return draw

    def shown(self, count: int) -> Tensor:
        """The first held-out pictures, float32 (count, C, H, W)."""
        return as_floats(self.held_out[:count])


@dataclass(frozen=True)
class DataStep(Step):
    """A step of reading training pictures; the last one carries them."""

    pictures: PictureSet | None = None


def as_floats(pictures: NDArray[np.uint8]) -> Tensor:
    """uint8 (N, C, H, W) as float32 in [0, 1]."""
    return torch.from_numpy(np.array(pictures)).float().div_(255.0)  # a copy: a file that is mapped may not be written


def parted(pictures: NDArray[np.uint8], *, held_out: int, where: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Pictures to learn from and, spread evenly among them, at most ``held_out`` (and a tenth) to judge by.

    Raises:
        TrainingError: fewer than ``FEWEST`` pictures.
    """
    if len(pictures) < FEWEST:
        raise TrainingError(f"{where} holds {len(pictures)} pictures", expected=f"at least {FEWEST} to learn from",
                            action="add more pictures")
    kept = min(held_out, len(pictures) // 10 + 1)
    chosen = np.zeros(len(pictures), dtype=bool)
    chosen[np.linspace(0, len(pictures) - 1, kept).round().astype(int)] = True
    return pictures[~chosen], pictures[chosen]
