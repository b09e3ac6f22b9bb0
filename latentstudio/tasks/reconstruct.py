"""What the worker does for the panel Reconstruct: pictures to latents and back by every network of a model. No Qt."""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latentstudio.document.view import View
from latentstudio.errors import CapabilityError
from latentstudio.generators.arriving import arriving
from latentstudio.generators.catalogue import Catalogue
from latentstudio.generators.conditions import NOISE_SEED, NONE, Conditions
from latentstudio.generators.opening import Model, open_model
from latentstudio.inversion.photos import read_photo
from latentstudio.pixels import BytePictures, read_picture, to_bytes
from latentstudio.steps import Step
from latentstudio.tasks.drawing import Opened, place

if TYPE_CHECKING:
    from latentstudio.autoencoding.rebuilding import Rebuilt

REBUILDING = "latentstudio.autoencoding.rebuilding"
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


def rebuild_steps(
    name: str, catalogue: Catalogue, device: str, pictures: tuple[BytePicture, ...], *, noise_seed: int
) -> Iterator[RebuildStep]:
    """The steps of encoding pictures uint8 (H, W, 3) with a model and drawing their latents again.

    Raises:
        StudioError: the model cannot be opened, or has no encoder.
    """
    yield RebuildStep(0.0, f"opening {name}")
    for _ in arriving("torch", REBUILDING):
        yield RebuildStep(0.0, f"opening {name}")
    model = open_model(name, catalogue=catalogue, device=device, runtime="eager")
    try:
        yield from _rebuild(model, pictures, noise_seed)
    finally:
        model.close()


def _rebuild(model: Model, pictures: tuple[BytePicture, ...], noise_seed: int) -> Iterator[RebuildStep]:
    rebuilding = importlib.import_module(REBUILDING)
    conditions = Conditions.of(noise_seed=noise_seed) if model.generator.card.offers(NOISE_SEED) else NONE
    networks = networks_of(model)
    found: dict[str, list[Rebuilt]] = {network: [] for network in networks}
    for number, picture in enumerate(pictures):
        for network in networks:
            found[network].append(rebuilding.rebuild(model, picture, by=network, conditions=conditions))
        yield RebuildStep((number + 1) / (len(pictures) + 1), f"picture {number + 1} of {len(pictures)}")
    first = found[networks[0]]
    versions = tuple(
        Version(network, np.stack([one.made[0] for one in made]),
                tuple(Errors(one.mse, one.dssim, one.sharpness) for one in made))
        for network, made in found.items()
    )
    yield RebuildStep(1.0, "drawn", result=Reconstruction(
        model.card.name, np.stack([one.original for one in first]), np.stack([one.latent for one in first]), versions,
    ))


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


def own_samples(opened: Opened, seeds: tuple[int, ...]) -> tuple[BytePicture, ...]:
    """Samples of the model in front."""
    from latentstudio.latents import sample_prior

    space = opened.model.card.spaces[0]
    drawn = [opened.model.pictures(sample_prior(space, count=1, seed=seed)) for seed in seeds]
    return tuple(to_bytes(np.concatenate(drawn)))


def ready_steps(opened: Opened) -> Iterator[Step]:
    """Load the networks of the model in front while no hand moves: the first pair then comes at once."""
    yield Step(0.0, "getting ready")
    for _ in arriving("torch"):
        yield Step(0.0, "getting ready")
    _ = opened.model.generator
    yield Step(1.0, "ready")


def draw_pair(opened: Opened, view: View) -> BytePictures:
    """The session's picture by every network of its model, uint8 (K, H, W, 3), decoder first.

    Raises:
        CapabilityError: the model has no decoder beside its generator.
    """
    model = opened.model
    if networks_of(model) != NETWORKS:
        raise CapabilityError(f"{opened.name} has one network only", expected="decoder and generator")
    import torch

    placed = place(opened, view).latent.reshape(1, *view.shape).astype(np.float32)
    latent = torch.from_numpy(placed).to(model.device)
    generator = model.generator
    with torch.inference_mode():
        made = torch.cat([generator.decode(latent), generator.generate(latent, conditions=view.told)])  # type: ignore[attr-defined]
    return to_bytes(made.cpu().numpy())
