"""Thumbnails of models: those of known models travel with the program, others are drawn once and kept in the cache."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from latentstudio.engine.loading import load
from latentstudio.errors import StudioError
from latentstudio.generators.card import ModelCard
from latentstudio.generators.catalogue import Catalogue
from latentstudio.generators.opening import open_model
from latentstudio.latents import sample_prior
from latentstudio.pixels import BytePictures, read_picture, to_bytes, write_png
from latentstudio.places import bundled, cache_folder
from latentstudio.steps import Step
from latentstudio.tasks.draw import shrink

SEED = 7


def thumbnail_path(card: ModelCard) -> Path:
    """Where the thumbnail of this model is kept."""
    return cache_folder() / "thumbnails" / f"{card.name}-{card.weights_sha256[:12]}.png"


def shipped_thumbnail_path(name: str) -> Path:
    """Where the thumbnail of a model that everybody may fetch travels with the program (``make screenshots``)."""
    return bundled("resources") / "thumbnails" / f"{name}.png"


def shipped_thumbnail(name: str) -> BytePictures | None:
    """The thumbnail uint8 (h, w, 3) that travels with the program, or None."""
    try:
        return read_picture(shipped_thumbnail_path(name))
    except StudioError:
        return None


def read_thumbnail(card: ModelCard) -> BytePictures | None:
    """The kept thumbnail uint8 (h, w, 3), or None where there is none that can be read."""
    try:
        return read_picture(thumbnail_path(card))
    except StudioError:
        return None


def thumbnail_steps(names: tuple[str, ...], catalogue: Catalogue) -> Iterator[Step]:
    """One step a model: its name as the message and its thumbnail as the preview; a model that fails has no preview."""
    for index, name in enumerate(names):
        card = catalogue.model(name).card
        picture = None if card is None else read_thumbnail(card)
        if card is not None and picture is None:
            yield from load("latentstudio.tasks.runtimes")  # a model that nobody drew yet has no graph either
            for drawn in _draw(name, card, catalogue):
                yield Step(index / len(names), name)
                picture = drawn
        yield Step((index + 1) / len(names), name, preview=picture)


def _draw(name: str, card: ModelCard, catalogue: Catalogue) -> Iterator[BytePictures | None]:
    """None after each piece of the work, then the thumbnail, unless the model fails."""
    try:
        catalogue.backend(card.backend)
        yield None
        model = open_model(name, catalogue=catalogue)
        try:
            yield None
            seed = next(iter(card.first_seeds), SEED)
            picture = to_bytes(model.pictures(sample_prior(card.spaces[0], count=1, seed=seed)))[0]
        finally:
            model.close()
        write_png(thumbnail_path(card), shrink(picture))
        yield shrink(picture)
    except StudioError:
        yield None
