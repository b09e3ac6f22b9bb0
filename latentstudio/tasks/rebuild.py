"""Pictures to latents and back by a model's networks. Imports torch: asked for by name (``engine.loading.job``)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from latentstudio.autoencoding import rebuilding
from latentstudio.document.view import View
from latentstudio.errors import CapabilityError
from latentstudio.generators.catalogue import Catalogue
from latentstudio.generators.conditions import NOISE_SEED, NONE, Conditions
from latentstudio.generators.opening import Model, open_model
from latentstudio.pixels import AS_DRAWN, BytePictures, SavedSize, enlarge, to_bytes, write_png
from latentstudio.steps import Step
from latentstudio.tasks.draw import OpenModel
from latentstudio.tasks.reconstruct import (
    NETWORKS,
    BytePicture,
    Errors,
    RebuildStep,
    Reconstruction,
    Version,
    networks_of,
)


def rebuild(
    name: str, catalogue: Catalogue, device: str, pictures: tuple[BytePicture, ...], *, noise_seed: int
) -> Iterator[RebuildStep]:
    """The steps of encoding pictures uint8 (H, W, 3) with a model and drawing their latents again.

    Raises:
        StudioError: the model cannot be opened, or has no encoder.
    """
    yield RebuildStep(0.0, f"opening {name}")
    model = open_model(name, catalogue=catalogue, device=device, runtime="eager")
    try:
        yield from rebuild_with(model, pictures, noise_seed=noise_seed)
    finally:
        model.close()


def rebuild_with(model: Model, pictures: tuple[BytePicture, ...], *, noise_seed: int = 0) -> Iterator[RebuildStep]:
    """As ``rebuild``, with a model that stands open."""
    conditions = Conditions.of(noise_seed=noise_seed) if model.card.offers(NOISE_SEED) else NONE
    networks = networks_of(model)
    found: dict[str, list[rebuilding.Rebuilt]] = {network: [] for network in networks}
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


def rebuild_to(
    out: Path, model: Model, picture: BytePicture, *, by: str, variations: int = 1, conditions: Conditions = NONE,
    size: SavedSize = AS_DRAWN,
) -> rebuilding.Rebuilt:
    """Rebuild one picture and write it: ``out``, ``-xi1`` and so on for further variations, ``-beside`` for a sheet.

    Raises:
        StudioError: the model cannot, the picture is too small, or the disk is full.
    """
    found = rebuilding.rebuild(model, picture, by=by, variations=variations, conditions=conditions)
    rebuilding.write_rebuilt(found, out.with_name(f"{out.stem}-beside.png"))
    for number, made in enumerate(found.made):
        write_png(out.with_name(f"{out.stem}-xi{number}.png") if number else out, enlarge(made, size))
    return found


def get_ready(opened: OpenModel) -> Iterator[Step]:
    """Load the networks of the model in front while no hand moves: the first pair then comes at once."""
    yield Step(0.0, "getting ready")
    _ = opened.model.generator
    yield Step(1.0, "ready")


def draw_pair(opened: OpenModel, view: View) -> BytePictures:
    """The view's picture by every network of its model, uint8 (K, H, W, 3), decoder first.

    Raises:
        CapabilityError: the model has no decoder beside its generator.
    """
    model = opened.model
    if networks_of(model) != NETWORKS:
        raise CapabilityError(f"{opened.name} has one network only", expected="decoder and generator")
    placed = opened.place(view).latent.reshape(1, *view.shape).astype(np.float32)
    latent = torch.from_numpy(placed).to(model.device)
    generator = model.generator
    with torch.inference_mode():
        made = torch.cat([generator.decode(latent), generator.generate(latent, conditions=view.told)])  # type: ignore[attr-defined]
    return to_bytes(made.cpu().numpy())
