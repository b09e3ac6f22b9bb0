"""What was found of a photo, and a tuning on it, written to a folder. Imports torch, as ``invert`` does."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentstudio import pixels
from latentstudio.document.view import View
from latentstudio.factors import FactorSet
from latentstudio.files import write_whole
from latentstudio.generators.opening import Model
from latentstudio.generators.tuned import tuned_model
from latentstudio.generators.tunings import Tuning, keep_tuning, write_tuning
from latentstudio.inversion.honesty import residual_picture
from latentstudio.inversion.results import Inversion
from latentstudio.latents import sample_prior
from latentstudio.tasks.draw import draw
from latentstudio.tasks.photo import Framed

SHOWN, STRIP = 12, 8
NEAR = 0.5
NEIGHBOURS_SEED = 7


def write_found(
    model: Model, framed: Framed, found: Inversion, previews: Sequence[pixels.BytePictures], out: Path,
    size: pixels.SavedSize = pixels.AS_DRAWN,
) -> dict[str, str]:
    """Write pictures and latent; answers with the files by name.

    The result carries its recipe, so that the window opens it with its sliders.

    Raises:
        StorageError: ``out`` may not be written, or the disk is full.
    """
    files = {"latent": out / "latent.npy", "target": out / "target.png", "result": out / "result.png",
             "residual": out / "residual.png", "strip": out / "steps.png"}
    pixels.write_png(files["target"], pixels.to_bytes(found.target[None])[0])
    if found.latent.shape == model.card.spaces[0].shape:
        draw(model, _view(model, framed, found.latent), FactorSet()).save(files["result"], size=size)
    else:  # found in another space: sessions hold latents of the first one
        pixels.write_png(files["result"], pixels.enlarge(pixels.to_bytes(found.picture[None])[0], size))
    pixels.write_png(files["residual"], residual_picture(found))
    chosen = np.unique(np.linspace(0, len(previews) - 1, min(SHOWN, len(previews))).round().astype(int))
    steps = pixels.enlarge(np.stack([previews[index] for index in chosen]), size)
    pixels.write_png(files["strip"], pixels.grid(steps, columns=SHOWN))
    stream = BytesIO()
    np.save(stream, found.latent, allow_pickle=False)
    write_whole(files["latent"], stream.getvalue())
    return {name: str(path) for name, path in files.items()}


def write_tuned(
    model: Model, framed: Framed, latent: NDArray[np.float32], tuning: Tuning, out: Path
) -> tuple[Model, dict[str, str]]:
    """Write and keep a tuning, with its picture and its neighbours'; answers with the tuned model and the files.

    Raises:
        StorageError: ``out`` may not be written, or the disk is full.
    """
    files = {"file": out / "tuning.safetensors", "picture": out / "tuned.png",
             "neighbours": out / "tuned-neighbours.png"}
    write_tuning(files["file"], tuning)
    keep_tuning(tuning)
    tuned = tuned_model(model, tuning)
    draw(tuned, _view(model, framed, latent).with_tuning(tuning.sha256), FactorSet()).save(files["picture"])
    drawn = sample_prior(model.card.spaces[0], count=STRIP, seed=NEIGHBOURS_SEED)
    near = (latent + NEAR * (drawn - latent)).astype(np.float32)  # half-way to samples: above as the model drew them
    rows = [pixels.to_bytes(one.pictures(near, conditions=framed.conditions)) for one in (model, tuned)]
    pixels.write_png(files["neighbours"], pixels.grid(np.concatenate(rows), columns=STRIP))
    return tuned, {name: str(path) for name, path in files.items()}


def _view(model: Model, framed: Framed, latent: NDArray[np.float32]) -> View:
    return View.start(model.card, latent, conditions=framed.conditions).with_photo(framed.place)
