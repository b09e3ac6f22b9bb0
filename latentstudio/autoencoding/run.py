"""From a recipe to a model folder: builds the network, trains it, measures it on new pictures, writes the card."""

from __future__ import annotations

import ctypes
import math
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from latentstudio.autoencoding.beta_vae import beta_vae_loss
from latentstudio.autoencoding.building import FindsBackends, build_network
from latentstudio.autoencoding.finishing import write_pictures_model
from latentstudio.autoencoding.methods import METHODS
from latentstudio.autoencoding.running import train_pictures
from latentstudio.errors import TrainingError, UnknownNameError
from latentstudio.files import make_folder, replacing, sha256_of
from latentstudio.generators.acceleration import GRAPH_FILE, export_graph
from latentstudio.generators.card import ModelCard, check_card, write_card
from latentstudio.generators.weights import write_tensors
from latentstudio.training.course import Batch, Loss
from latentstudio.training.loop import LOG_FILE, TrainingStep, finished_checkpoint, train
from latentstudio.training.recipe import Recipe
from latentstudio.training.sprites import SHAPES, Sprites, SpriteSheet, render
from latentstudio.training.starting import goes_on, start_weights
from latentstudio.training.together import ALONE, Together

RECIPE_FILE = "recipe.toml"
HELD_OUT = 2048
_HELD_OUT_SEED = 20_200_107
_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1  # malloc.h of glibc
_FACTS: Mapping[str, Mapping[str, Any]] = {
    "sprites": {"measure": "barycentre", "data": "sprites made to the dSprites protocol, drawn by this program"},
}


def train_model(
    recipe: Recipe, folder: Path, *, catalogue: FindsBackends, resume: bool = False, device: str = "cpu",
    together: Together = ALONE,
) -> Iterator[TrainingStep]:
    """Train what the recipe says; checkpoint and log go to ``folder``; yields a frozen step per optimiser step.

    The weights start from the recipe's seed alone, or from the model it names in ``start``, so the same recipe on the
    same machine gives the same run. With ``resume`` a checkpoint in ``folder`` is continued, also when it is finished
    already (then nothing is yielded).

    Raises:
        TrainingError: unknown method or data, a backend that builds nothing, a start that does not fit, or a
            checkpoint of another recipe.
        StorageError: the folder may not be written, or the disk is full.
    """
    keep_large_blocks()
    if recipe.method in METHODS:
        network = build_network(recipe, catalogue=catalogue)
        started = "" if goes_on(folder, resume=resume) else start_weights(network, recipe)
        make_folder(folder)
        if started:
            yield TrainingStep(0.0, started, notes=(started,))
        yield from train_pictures(
            recipe, folder, catalogue=catalogue, resume=resume, device=device, together=together, model=network
        )
        return
    loss, batch = _loss(recipe), _data(recipe)
    network = build_network(recipe, catalogue=catalogue)
    started = "" if goes_on(folder, resume=resume) else start_weights(network, recipe)
    network.to(device)
    make_folder(folder)
    if started:
        yield TrainingStep(0.0, started, notes=(started,))
    yield from train(
        recipe, network=network, batch=batch, loss=loss, folder=folder, resume=resume, together=together
    )


def finish_model(
    recipe: Recipe, run: Path, out: Path, *, catalogue: FindsBackends, command: str, recipe_file: Path | None = None
) -> ModelCard:
    """Turn the finished checkpoint in ``run`` into the model folder ``out`` and return its card.

    Writes float32 weights, the ONNX graph of ``generate``, the recipe and the training log, and last ``card.json``
    with the losses on ``HELD_OUT`` new pictures and the ``command`` that made it.

    Raises:
        TrainingError: there is no checkpoint, or it is of another recipe or not finished.
        StorageError: ``out`` may not be written, or the disk is full.
    """
    if recipe.method in METHODS:
        card = write_pictures_model(recipe, finished_checkpoint(recipe, run), out, catalogue=catalogue, command=command)
        for name, source in ((LOG_FILE, run / LOG_FILE), (RECIPE_FILE, recipe_file)):
            _copy(source, out / name)
        return card
    network, step = _trained(recipe, run, catalogue)
    figures = {"steps": step, "held_out": held_out_losses(recipe, network, count=HELD_OUT)}
    make_folder(out)
    tensors = {name: value.float().contiguous() for name, value in network.state_dict().items()}
    card = ModelCard(name=recipe.name, backend=recipe.backend)
    write_tensors(out / card.weights, tensors, {"model": recipe.name})
    card = _card(card, recipe, out, catalogue, command=command, figures=figures)
    generator = catalogue.backend(recipe.backend).open(card, out, device="cpu")
    export_graph(generator, out / GRAPH_FILE)
    card = replace(card, accelerated=GRAPH_FILE, accelerated_sha256=sha256_of(out / GRAPH_FILE))
    for name, source in ((LOG_FILE, run / LOG_FILE), (RECIPE_FILE, recipe_file)):
        _copy(source, out / name)
    write_card(out, check_card(card, where=f"the recipe of {recipe.name}"))
    return card


def held_out_losses(recipe: Recipe, network: nn.Module, *, count: int) -> dict[str, float]:
    """Mean losses on ``count`` pictures that the training never drew (positions, sizes and turns between the grid's).

    ``loss`` is the negative evidence bound with the recipe's weights, in nats a picture.
    """
    if recipe.data != "sprites":
        raise _unknown("data", recipe.data, "sprites")
    pictures = new_sprites(count, seed=_HELD_OUT_SEED)
    noise, loss = torch.Generator().manual_seed(_HELD_OUT_SEED), _loss(recipe)
    sums: dict[str, float] = {}
    with torch.inference_mode():
        for piece in pictures.split(128):
            for name, value in loss(network, piece, noise).items():
                sums[name] = sums.get(name, 0.0) + float(value) * len(piece)
    return {"pictures": count, **{name: round(total / count, 3) for name, total in sums.items()}}


def new_sprites(count: int, *, seed: int) -> Tensor:
    """Sprites float32 (count, 1, 64, 64), 0 or 1, with position, size and turn drawn continuously."""
    source = torch.Generator().manual_seed(seed)

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=source)

    return render(Sprites(
        shape=torch.randint(len(SHAPES), (count,), generator=source),
        scale=uniform(0.5, 1.0),
        angle=uniform(0.0, 2 * math.pi), x=uniform(-15.5, 15.5), y=uniform(-15.5, 15.5),
    ))


def _trained(recipe: Recipe, run: Path, catalogue: FindsBackends) -> tuple[nn.Module, int]:
    checkpoint = finished_checkpoint(recipe, run)
    network = build_network(recipe, catalogue=catalogue)
    network.load_state_dict(checkpoint.weights)
    return network.eval(), checkpoint.step


def _card(
    card: ModelCard, recipe: Recipe, out: Path, catalogue: FindsBackends, *, command: str, figures: dict[str, Any]
) -> ModelCard:
    """What the backend reads from the weights, then what the data and the recipe say, then what was measured."""
    weights = out / card.weights
    known = catalogue.backend(recipe.backend).probe(weights) or card
    names = {field.name for field in fields(ModelCard)}
    told = {**_FACTS.get(recipe.data, {}), **recipe.card}
    unknown = sorted(set(told) - names)
    if unknown:
        raise TrainingError(f"the recipe's card has the key '{unknown[0]}'", expected=", ".join(sorted(names)))
    written = recipe.as_dict()
    return replace(
        known, **{
            "title": recipe.name, "origin": "trained by this project", "licence": "MIT", "config": dict(recipe.config),
            **told, "name": recipe.name, "backend": recipe.backend, "weights": card.weights,
            "weights_sha256": sha256_of(weights), "accelerated": "", "accelerated_sha256": "",
            "recipe": written, "figures": figures, "command": command,
        },
    )


def _data(recipe: Recipe) -> Batch:
    if recipe.data != "sprites":
        raise _unknown("data", recipe.data, "sprites")
    sheet = SpriteSheet()
    return lambda step: sheet.batch(recipe.batch, seed=recipe.data_seed, step=step)


def _loss(recipe: Recipe) -> Loss:
    if recipe.method != "beta-vae":
        raise _unknown("method", recipe.method, ", ".join(("beta-vae", *METHODS)))
    beta = recipe.settings.get("beta", 1.0)
    return lambda network, images, noise: beta_vae_loss(network, images, noise, beta=beta)


def _unknown(kind: str, name: str, known: str) -> UnknownNameError:
    return UnknownNameError(f"the recipe names the {kind} '{name}'", expected=known)


def _copy(source: Path | None, target: Path) -> None:
    if source is None or not source.is_file() or source.resolve() == target.resolve():
        return
    with replacing(target) as temporary:
        shutil.copyfile(source, temporary)


def keep_large_blocks() -> None:
    """Let glibc keep freed blocks: without it every step pays page faults (measured: 94 instead of 60 ms a step)."""
    if not sys.platform.startswith("linux"):
        return
    with suppress(OSError, AttributeError):
        set_option: Callable[[int, int], int] = ctypes.CDLL(None).mallopt
        for option in (_MMAP_THRESHOLD, _TRIM_THRESHOLD):
            if not set_option(option, 1 << 30):
                set_option(option, 32 << 20)
