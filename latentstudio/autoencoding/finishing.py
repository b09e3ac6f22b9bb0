"""From a finished checkpoint to a model folder: averaged float16 weights, graph, and a card with figures."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from latentstudio.autoencoding.classifier import Classifier, ClassifierStep, fashion_classifier
from latentstudio.autoencoding.evaluating import Judge, evaluate
from latentstudio.autoencoding.parts import Bench, parts
from latentstudio.generators.card import ModelCard
from latentstudio.generators.contract import Generator
from latentstudio.measures.frechet import imagenet_features
from latentstudio.measures.inception import inception_features
from latentstudio.pixels import write_png
from latentstudio.training.building import FindsBackends, build_network
from latentstudio.training.checkpoint import Checkpoint
from latentstudio.training.pictures import PictureSet
from latentstudio.training.recipe import Recipe
from latentstudio.training.sources import read_pictures
from latentstudio.training.writing import write_model

HELD_OUT, HELD_OUT_FILE = 16, "held_out.png"
FEWER_SAMPLES = 4096  # the add-on's network takes 20 times as long as the classifier
_EXACT = ("centre", "root", "encoder.spread")  # small, and errors in them move every picture


@dataclass
class TrainedModel:
    """A trained model as it is judged: latents (N, d) of N(0, 1), pictures (N, C, side, side) in [0, 1]."""

    latent_size: int
    encode: Callable[[Tensor], Tensor] | None = None
    encode_drawn: Callable[[Tensor, torch.Generator], Tensor] | None = None
    decode: Callable[[Tensor], Tensor] | None = None
    generate: Callable[[Tensor], Tensor] | None = None


def averaged(bench: Bench) -> nn.Module:
    """The model of a bench with the averaged generator in the place of the last one; in evaluation mode."""
    model = copy.deepcopy(bench.model)
    generator = parts(model).generator
    if bench.average is not None and generator is not None:
        generator.load_state_dict(bench.average.state_dict())
    return model.eval().requires_grad_(False)


def bench_of(checkpoint: Checkpoint, recipe: Recipe, catalogue: FindsBackends) -> Bench:
    """The bench that a checkpoint holds."""
    holds_average = any(name.startswith("average.") for name in checkpoint.weights)
    bench = Bench(build_network(recipe, catalogue=catalogue), averages=holds_average)
    bench.load_state_dict(checkpoint.weights)
    return bench


def judged_model(model: nn.Module, *, seed: int = 0) -> TrainedModel:
    """The networks of ``model`` for ``evaluate``; xi is drawn from ``seed`` anew for every picture."""
    networks = parts(model)
    encoder, made = networks.encoder, TrainedModel(len(networks.centre))
    noise = torch.Generator().manual_seed(seed)

    def encode_drawn(images: Tensor, source: torch.Generator) -> Tensor:
        assert encoder is not None
        mean, variance = encoder(images)
        return networks.whiten(mean + variance.sqrt() * torch.randn(mean.shape, generator=source))

    def generate(latent: Tensor) -> Tensor:
        size = networks.sizes.noise_size
        xi = torch.randn(len(latent), size, generator=noise) if size else None
        return networks.generated(latent, xi)

    if encoder is not None:
        made.encode = networks.encoded
        # BiGAN's encoder has no sigma that was trained
        made.encode_drawn = None if "joint-critic" in networks.sizes.parts else encode_drawn
    made.decode = networks.decoded if networks.decoder is not None else None
    made.generate = generate if networks.generator is not None else None
    return made


def write_pictures_model(
    recipe: Recipe, checkpoint: Checkpoint, out: Path, *, catalogue: FindsBackends, command: str,
    inception: Path | None = None,
) -> ModelCard:
    """Write weights, graph and card of a finished run into ``out``; returns the card, figures included.

    Raises:
        TrainingError: a key of the recipe's card that cards do not have.
        StorageError: ``out`` may not be written, or the disk is full.
    """
    model = averaged(bench_of(checkpoint, recipe, catalogue))
    tensors = {
        name: value.half() if value.is_floating_point() and name not in _EXACT else value
        for name, value in model.state_dict().items()
    }

    def figures(generator: Generator) -> dict[str, object]:
        pictures = [part for part in read_pictures(recipe) if isinstance(part, PictureSet)][-1]
        write_held_out(pictures, out)
        return {"steps": checkpoint.step, "held_out": measured(generator.network, pictures, inception)}

    return write_model(recipe, tensors, out, catalogue=catalogue, command=command, config=parts(model).sizes.config(),
                       figures=figures)


def write_held_out(pictures: PictureSet, out: Path) -> None:
    """Some of the pictures that the figures are measured on, as one sheet beside the weights, to look at."""
    shown = np.broadcast_to(pictures.held_out[:HELD_OUT], (len(pictures.held_out[:HELD_OUT]), 3,
                                                           *pictures.held_out.shape[2:]))
    write_png(out / HELD_OUT_FILE, np.concatenate(list(shown.transpose(0, 2, 3, 1)), axis=1))


def measured(model: nn.Module, pictures: PictureSet, inception: Path | None = None) -> dict[str, object]:
    """The figures of a model on held-out pictures, with the features that are at hand."""
    judge = make_judge(pictures, inception)
    answers = [figures for figures in evaluate(judged_model(model), judge) if figures is not None]
    return {"pictures": min(judge.rebuilt, len(judge.pictures.held_out)), "samples": judge.samples, **answers[-1]}


def make_judge(pictures: PictureSet, inception: Path | None = None) -> Judge:
    """A judge with the classifier of Fashion-MNIST where the pictures are that, else with the features of the add-on.

    With ``inception``, the user's file of Inception's weights, its features are used instead, and the Frechet distance
    is a FID. With none of them only errors and variety are measured.

    Raises:
        ModelFileError: the file does not hold an Inception-v3.
    """
    if inception is not None:
        features = inception_features(inception)
        classed = pictures.labels is not None and pictures.training.shape[1:] == (1, 32, 32)
        return Judge(pictures, features, last_classifier(fashion_classifier(pictures)) if classed else None)
    if pictures.labels is None or pictures.training.shape[1:] != (1, 32, 32):
        return Judge(pictures, imagenet_features(), samples=FEWER_SAMPLES)
    classifier = last_classifier(fashion_classifier(pictures))
    return Judge(pictures, classifier, classifier)


def last_classifier(steps: Iterator[ClassifierStep]) -> Classifier:
    """Drive the training of the classifier to its end."""
    return [step.classifier for step in steps if step.classifier is not None][-1]
