"""Pictures to rebuild, and in frozen values what a model made of them. No torch: see ``rebuild``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentstudio.generators.opening import Model
from latentstudio.inversion.photos import read_photo
from latentstudio.latents import sample_prior
from latentstudio.pixels import BytePictures, read_picture, to_bytes
from latentstudio.steps import Step
from latentstudio.tasks.draw import OpenModel

HELD_OUT_FILE = "held_out.png"
MOST = 16
NETWORKS = ("decoder", "generator")

BytePicture = NDArray[np.uint8]


@dataclass(frozen=True)
class Errors:
    """Of reconstructions from their originals: MSE and DSSIM of pictures in [0, 1], sharpness as a share of theirs."""

    mse: float
    dssim: float
    sharpness: float


@dataclass(frozen=True)
class Version:
    """What one network made of all pictures: uint8 (N, H, W, 3), and the errors of each."""

    network: str
    pictures: BytePictures
    errors: tuple[Errors, ...]

    @property
    def mean(self) -> Errors:
        """Over all pictures."""
        mse, dssim = (float(np.mean(values)) for values in zip(*((one.mse, one.dssim) for one in self.errors),
                                                               strict=True))
        sharp = [one.sharpness for one in self.errors if math.isfinite(one.sharpness)]  # plain pictures have none
        return Errors(mse, dssim, float(np.mean(sharp)) if sharp else math.nan)


@dataclass(frozen=True)
class Reconstruction:
    """Pictures as a model sees them, uint8 (N, H, W, 3), its latents (N, d), and what its networks make of them."""

    model: str
    originals: BytePictures
    latents: NDArray[np.float32]
    versions: tuple[Version, ...]


@dataclass(frozen=True)
class RebuildStep(Step):
    """Progress; ``result`` on the last step only."""

    result: Reconstruction | None = None


def networks_of(model: Model) -> tuple[str, ...]:
    """Which of decoder and generator a model has; one that was no autoencoder here draws with its generator."""
    parts = model.card.config.get("parts")
    return tuple(name for name in NETWORKS if name in parts) if isinstance(parts, list) else ("generator",)


def read_held_out(folder: Path, first: int, count: int) -> tuple[BytePicture, ...]:
    """``count`` of the held-out pictures that lie beside a model's weights, from ``first`` on and round again.

    Raises:
        PictureError: there are none, or the file is broken.
    """
    sheet = read_picture(folder / HELD_OUT_FILE)
    side = sheet.shape[0]
    there = max(1, sheet.shape[1] // side)
    lefts = [side * ((first + number) % there) for number in range(min(count, there))]
    return tuple(np.ascontiguousarray(sheet[:, left : left + side]) for left in lefts)


def read_pictures(paths: tuple[Path, ...]) -> tuple[BytePicture, ...]:
    """Photographs of any common kind.

    Raises:
        PictureError: one of them cannot be read.
    """
    return tuple(read_photo(path).pixels for path in paths)


def own_samples(opened: OpenModel, seeds: tuple[int, ...]) -> tuple[BytePicture, ...]:
    """Samples of the model in front."""
    space = opened.model.card.spaces[0]
    drawn = [opened.model.pictures(sample_prior(space, count=1, seed=seed)) for seed in seeds]
    return tuple(to_bytes(np.concatenate(drawn)))


def told(errors: Errors) -> str:
    """Errors in words."""
    sharp = "" if math.isnan(errors.sharpness) else f", sharpness {errors.sharpness:.2f} of the picture's"
    return f"MSE {errors.mse:.4f}, DSSIM {errors.dssim:.3f}{sharp}"
