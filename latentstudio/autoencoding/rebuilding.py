"""Reconstructions of a model: pictures to latents and back, by decoder or generator, with their errors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from latentstudio import pixels
from latentstudio.errors import CapabilityError, PictureError, UsageError
from latentstudio.generators.capabilities import Decodes, Encodes
from latentstudio.generators.card import ModelCard
from latentstudio.generators.conditions import NOISE_SEED, NONE, Conditions
from latentstudio.generators.opening import Model
from latentstudio.latents import slerp
from latentstudio.losses import squared_error, structural_dissimilarity
from latentstudio.measures.variety import sharpness
from latentstudio.training.sources import Wanted, fit_square

_SMALLEST = 8
DECODER, GENERATOR = "decoder", "generator"


@dataclass(frozen=True)
class Rebuilt:
    """One picture and what a model makes of it.

    Attributes:
        original: uint8 (H, W, 3), the picture as the model sees it.
        made: uint8 (K, H, W, 3), one for each xi; the errors are those of the first.
        latent: float32 (d,).
        mse, dssim: of pictures in [0, 1]; ``sharpness`` is the high-frequency energy as a ratio of the original's.
    """

    original: NDArray[np.uint8]
    made: NDArray[np.uint8]
    latent: NDArray[np.float32]
    mse: float
    dssim: float
    sharpness: float


def seen_by(model: Model, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The middle square of uint8 (H, W, 3) at the model's size and in its channels, uint8 (side, side, 3).

    28 x 28 for a model of 32 x 32 is padded with black, as the training pictures were.

    Raises:
        PictureError: a picture of next to nothing.
    """
    side, channels = model.card.image_size[0], model.card.channels
    if min(picture.shape[:2]) < _SMALLEST:
        raise PictureError(f"a picture of {picture.shape[1]} x {picture.shape[0]} pixels",
                           expected=f"at least {_SMALLEST} x {_SMALLEST}")
    if picture.shape[:2] == (28, 28) and side == 32:
        picture = np.pad(picture, ((2, 2), (2, 2), (0, 0)))
    fitted = fit_square(picture, Wanted(side, channels))
    return np.ascontiguousarray(np.broadcast_to(fitted, (3, side, side)).transpose(1, 2, 0))


def rebuild(
    model: Model, picture: NDArray[np.uint8], *, by: str = GENERATOR, variations: int = 1,
    conditions: Conditions = NONE,
) -> Rebuilt:
    """Encode a picture, uint8 (H, W, 3), and draw its latent.

    Args:
        model: one that encodes; with ``by`` ``decoder`` one that has a decoder beside its generator, or is a VAE.
        picture: any size; its middle square is taken.
        by: ``decoder`` or ``generator``.
        variations: how many xi to draw, where the generator has one; others are drawn once.
        conditions: ``noise_seed`` is that of the first xi; the others follow it.

    Raises:
        CapabilityError: the model cannot encode, or has no such network.
        UsageError: a condition that the model does not have.
    """
    generator, card = model.generator, model.card
    if not isinstance(generator, Encodes):
        raise CapabilityError(f"{card.name} has no encoder", expected="a model that encodes, such as an AVAE",
                              action="see `latentstudio models list`")
    check_network(model, by)
    original = seen_by(model, picture)
    image = torch.from_numpy(pixels.from_bytes(original[None])).to(model.device)
    drawn = _drawn_with(generator.card, conditions, variations)
    with torch.inference_mode():
        latent = generator.encode(image)
        if by == DECODER and isinstance(generator, Decodes):
            made = generator.decode(latent)
        else:
            made = torch.cat([generator.generate(latent, conditions=one) for one in drawn])
        mask = torch.ones(1, 1, *image.shape[2:], device=image.device)
        return Rebuilt(
            original, pixels.to_bytes(made.cpu().numpy()), latent[0].cpu().numpy(),
            float(squared_error(made[:1], image, mask)), float(structural_dissimilarity(made[:1], image, mask)),
            sharpness(made[:1], image),
        )


def _drawn_with(card: ModelCard, conditions: Conditions, variations: int) -> list[Conditions]:
    """The conditions of so many variations; of one where the model has no xi."""
    if not card.offers(NOISE_SEED):
        return [conditions]
    first = card.resolve(conditions).whole(NOISE_SEED) or 0
    return [Conditions.of(noise_seed=first + number).over(conditions) for number in range(variations)]


def interpolate(
    model: Model, one: NDArray[np.float32], other: NDArray[np.float32], *, count: int = 9, by: str = GENERATOR,
    conditions: Conditions = NONE,
) -> NDArray[np.uint8]:
    """Pictures uint8 (count, H, W, 3) on the way from latent ``one`` to ``other`` (d,), both ends included.

    The way is the great circle's as far as the two differ in direction, and the length changes evenly: the straight
    line would pass through latents that are shorter than any sample.

    Raises:
        CapabilityError: the model has no such network.
        UsageError: fewer than two pictures.
    """
    if count < 2:
        raise UsageError(f"{count} pictures", expected="at least 2, the two ends")
    check_network(model, by)
    way = [slerp(one, other, share).astype(np.float32) for share in np.linspace(0.0, 1.0, count)]
    latents = torch.from_numpy(np.stack(way)).to(model.device)
    generator = model.generator
    with torch.inference_mode():
        if by == DECODER and isinstance(generator, Decodes):
            made = generator.decode(latents)
        else:
            made = generator.generate(latents, conditions=conditions)
    return pixels.to_bytes(made.cpu().numpy())


def check_network(model: Model, by: str) -> None:
    """See that the model has the network that is asked for.

    Raises:
        CapabilityError: it has not.
    """
    parts = model.card.config.get("parts")
    if isinstance(parts, list) and by not in parts:
        raise CapabilityError(f"{model.card.name} has no {by}", expected=f"one of: {', '.join(parts)}")


def write_rebuilt(found: Rebuilt, path: Path) -> None:
    """Original and reconstructions side by side as one PNG."""
    pixels.write_png(path, pixels.grid(np.concatenate((found.original[None], found.made)), columns=1 + len(found.made)))
