"""Where training pictures come from: a folder, Fashion-MNIST, the sprite maker, or the samples of another model."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from latentstudio import pixels
from latentstudio.errors import PictureError, StudioError, TrainingError, UnknownNameError
from latentstudio.files import replacing
from latentstudio.generators.card import CARD_FILE
from latentstudio.latents import sample_prior
from latentstudio.picture_files import SUFFIXES, open_picture
from latentstudio.places import cache_folder
from latentstudio.readers import read_npy
from latentstudio.training.datasets import data_set, data_set_folder, read_idx
from latentstudio.training.loop import TrainingStep
from latentstudio.training.pictures import DataStep, PictureSet, parted
from latentstudio.training.recipe import Recipe
from latentstudio.training.runs import CHECKPOINT_FILE, LOG_FILE, RECIPE_FILE
from latentstudio.training.sprites import SpriteSheet

TRUTH, MASKS = "truth.json", "masks"  # beside and below made scenes
HELD_OUT = 1024
MOST = 200_000
NAMED = 5
SAMPLES = 20_000
_SAMPLE_SEED = 50_000_003
_PIECE = 32

Draws = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True)
class Wanted:
    """What the networks take: pictures of ``side`` x ``side`` pixels with 1 or 3 ``channels``; ``count`` of samples."""

    side: int
    channels: int
    mirrored: bool = False
    count: int = SAMPLES


def read_data(name: str, wanted: Wanted) -> Iterator[DataStep]:
    """Read the pictures that a recipe or ``--data`` names; the last step carries them.

    Args:
        name: ``fashion-mnist``, ``sprites``, ``samples:MODEL``, or a folder.

    Raises:
        TrainingError: too few pictures, or a data set that is not there.
        UnknownNameError: no folder and no source of this name.
        StorageError: samples could not be kept.
    """
    if name == "fashion-mnist":
        yield from _fashion(wanted)
    elif name == "sprites":
        yield from _sprites(wanted)
    elif name.startswith("samples:"):
        yield from _samples(name.removeprefix("samples:"), wanted)
    elif Path(name).is_dir():
        yield from read_folder(Path(name), wanted)
    else:
        raise UnknownNameError(f"there is no training data '{name}'",
                               expected="a folder of pictures, fashion-mnist, sprites or samples:MODEL")


def read_folder(folder: Path, wanted: Wanted) -> Iterator[DataStep]:
    """Every picture in ``folder`` and below it, its middle square resized. What cannot be read is counted and named;
    the masks of made scenes are no pictures, nor is what lies in folders of training runs and of models.

    Raises:
        TrainingError: no pictures in it, or too few of them.
    """
    paths = sorted(path for path in folder.rglob("*")
                   if path.suffix.lower() in SUFFIXES and path.is_file() and not _is_mask(path)
                   and not _is_made(path, folder))[:MOST]
    if not paths:
        raise TrainingError(f"{folder} holds no pictures", expected=f"files such as {', '.join(SUFFIXES[:4])}",
                            action="choose another folder")
    found: list[NDArray[np.uint8]] = []
    skipped: list[str] = []
    converted = 0
    for index, path in enumerate(paths, start=1):
        try:
            picture = open_picture(path)
            found.append(fit_square(picture.pixels, wanted))
            converted += picture.own is not None
        except PictureError as problem:
            skipped.append(problem.found)
        if index % _PIECE == 0:
            yield DataStep(index / len(paths), f"reading picture {index:,} of {len(paths):,}")
    if not found:
        raise TrainingError(f"none of the {len(paths)} files in {folder} is a picture ({skipped[0]})",
                            action="choose another folder")
    training, held_out = parted(np.stack(found), held_out=HELD_OUT, where=str(folder))
    notes = [f"{len(skipped)} of {len(paths)} files were skipped: {_listed(skipped)}"] if skipped else []
    if converted:
        notes.append(f"the colours of {converted} pictures were converted to sRGB, as their profiles say")
    about = f"{len(found):,} pictures of a folder"
    yield DataStep(1.0, about, pictures=PictureSet(training, held_out, about, wanted.mirrored, tuple(notes)))


def _is_mask(path: Path) -> bool:
    """Whether `scene make` wrote it to say which pixel belongs to which object."""
    above = path.parent.parent
    return path.parent.name == MASKS and ((above / TRUTH).is_file() or (above / path.name).is_file())


def _is_made(path: Path, folder: Path) -> bool:
    """Whether a training run or a model's folder below the data holds it: samples of networks are no data."""
    between = path.parent.relative_to(folder)
    return any((folder / above / name).is_file() for above in (between, *between.parents) if above.parts
               for name in (CARD_FILE, CHECKPOINT_FILE, LOG_FILE, RECIPE_FILE))


def fit_square(picture: pixels.BytePictures, wanted: Wanted) -> NDArray[np.uint8]:
    """The middle square of uint8 (H, W, 3) as uint8 (C, side, side)."""
    height, width, _ = picture.shape
    edge = min(height, width)
    top, left = (height - edge) // 2, (width - edge) // 2
    image = Image.fromarray(picture).crop((left, top, left + edge, top + edge))
    image = image.convert("L" if wanted.channels == 1 else "RGB")
    if edge != wanted.side:
        image = image.resize((wanted.side, wanted.side), Image.Resampling.LANCZOS)
    return np.array(image).reshape(wanted.side, wanted.side, wanted.channels).transpose(2, 0, 1)


def wanted_pictures(recipe: Recipe) -> Wanted:
    """The pictures that the recipe's networks take.

    Raises:
        TrainingError: the config gives no usable side or channels.
    """
    side, channels = recipe.config.get("side", 64), recipe.config.get("channels", 3)
    if not isinstance(side, int) or not isinstance(channels, int):
        raise TrainingError(f"the config gives side {side!r} and channels {channels!r}", expected="whole numbers")
    return Wanted(side, channels, recipe.mirrored)


def read_pictures(recipe: Recipe) -> Iterator[TrainingStep | PictureSet]:
    """Steps while the recipe's pictures are read, and last the pictures."""
    for step in read_data(recipe.data, wanted_pictures(recipe)):
        yield TrainingStep(0.0, step.message)
        if step.pictures is not None:
            yield step.pictures


def _listed(names: list[str]) -> str:
    more = len(names) - NAMED
    return "; ".join(names[:NAMED]) + (f"; and {more} more" if more > 0 else "")


def _fashion(wanted: Wanted) -> Iterator[DataStep]:
    known = data_set("fashion-mnist")
    folder = data_set_folder(known)
    if folder is None:
        raise TrainingError("Fashion-MNIST is not on this machine",
                            action="fetch it with `latentstudio models get fashion-mnist`")
    yield DataStep(0.0, "reading Fashion-MNIST")
    train, train_labels, test, test_labels = (read_idx(folder / member) for member in known.members)
    yield DataStep(1.0, "Fashion-MNIST", pictures=PictureSet(
        _as_wanted(train, wanted), _as_wanted(test, wanted), "Fashion-MNIST (Xiao et al. 2017), 60,000 pictures",
        wanted.mirrored, labels=train_labels, held_out_labels=test_labels,
    ))


def _as_wanted(pictures: NDArray[np.uint8], wanted: Wanted) -> NDArray[np.uint8]:
    """uint8 (N, 28, 28) padded to 32; other sides are resampled from that."""
    padded = np.pad(pictures, ((0, 0), (2, 2), (2, 2)))
    if wanted.side != 32:
        padded = np.stack([
            np.array(Image.fromarray(picture).resize((wanted.side, wanted.side), Image.Resampling.BILINEAR))
            for picture in padded
        ])
    return np.repeat(padded[:, None], wanted.channels, axis=1)


def _sprites(wanted: Wanted) -> Iterator[DataStep]:
    import torch

    sheet, source = SpriteSheet(), torch.Generator().manual_seed(_SAMPLE_SEED)
    drawn = (sheet.draw(wanted.count, source) * 255).to(torch.uint8).numpy()
    if wanted.side != drawn.shape[-1]:
        raise TrainingError(f"sprites have {drawn.shape[-1]} pixels a side", expected="side = 64 in [config]")
    training, held_out = parted(np.repeat(drawn, wanted.channels, axis=1), held_out=HELD_OUT, where="the sprite maker")
    yield DataStep(1.0, "sprites", pictures=PictureSet(
        training, held_out, "sprites made to the dSprites protocol, drawn by this program"
    ))


def _samples(model: str, wanted: Wanted) -> Iterator[DataStep]:
    """Samples of a model, drawn once and kept in the cache folder under the hash of its weights."""
    from latentstudio.generators.opening import open_model

    opened = open_model(model)
    try:
        card = opened.card
        total = wanted.count + HELD_OUT
        code = card.weights_sha256[:16]
        stem = re.sub(r"[^\w.-]", "_", f"{card.name}-{code}-{total}-{wanted.side}x{wanted.channels}")
        path = cache_folder() / "samples" / f"{stem}.npy"
        shape = (total, wanted.channels, wanted.side, wanted.side)
        kept = _kept_samples(path, shape)
        if kept is None:
            latents = sample_prior(card.spaces[0], count=total, seed=_SAMPLE_SEED)
            yield from _draw(opened.pictures, latents, wanted, path, card.name)
    finally:
        opened.close()
    kept = _kept_samples(path, shape)
    if kept is None:
        raise TrainingError(f"the samples of {model} in {path} cannot be read", action="remove the file and try again")
    yield DataStep(1.0, f"samples of {model}", pictures=PictureSet(
        kept[HELD_OUT:], kept[:HELD_OUT], f"{wanted.count:,} samples of {card.name}", wanted.mirrored
    ))


def _kept_samples(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8] | None:
    """What was drawn before, left on the disk; None where it is not there, or is something else."""
    with contextlib.suppress(StudioError):
        kept = read_npy(path, StudioError, most=1 << 40, mapped=True)
        if kept.shape == shape and kept.dtype == np.uint8:
            return kept.view(np.uint8)
    return None


def _draw(draw: Draws, latents: NDArray[np.float32], wanted: Wanted, path: Path, name: str) -> Iterator[DataStep]:
    found = np.empty((len(latents), wanted.channels, wanted.side, wanted.side), dtype=np.uint8)
    for start in range(0, len(latents), _PIECE):
        pictures = pixels.to_bytes(draw(latents[start : start + _PIECE]))
        found[start : start + len(pictures)] = [fit_square(picture, wanted) for picture in pictures]
        yield DataStep(start / len(latents), f"drawing sample {start:,} of {len(latents):,} from {name}")
    with replacing(path) as temporary, open(temporary, "wb") as stream:
        np.save(stream, found)
