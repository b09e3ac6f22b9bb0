"""What a trained model of this room reaches on pictures that it never saw: errors, sharpness, realism, variety."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from latentstudio.autoencoding.classifier import CLASSES, Classifier
from latentstudio.losses import structural_dissimilarity
from latentstudio.measures.frechet import Cloud, Features, cloud, frechet_distance
from latentstudio.measures.inception import NAME as INCEPTION
from latentstudio.measures.variety import mode_coverage, nearest_distance, sharpness
from latentstudio.training.pictures import PictureSet, as_floats

REBUILT = 1024
SAMPLES = 10_000
NEAR = 512
_PIECE = 128
_SEED = 70_000_001


class Evaluated(Protocol):
    """A trained model: whichever of encoder, decoder and generator it has, all on latents (N, d) of N(0, 1)."""

    latent_size: int
    encode: Callable[[Tensor], Tensor] | None
    encode_drawn: Callable[[Tensor, torch.Generator], Tensor] | None
    decode: Callable[[Tensor], Tensor] | None
    generate: Callable[[Tensor], Tensor] | None


@dataclass(frozen=True)
class Judge:
    """Held-out pictures, and the features that realism is measured in; None measures errors only.

    ``classifier`` gives the mode coverage of Fashion-MNIST.
    """

    pictures: PictureSet
    features: Features | None = None
    classifier: Classifier | None = None
    samples: int = SAMPLES
    rebuilt: int = REBUILT
    _kept: list[Cloud] = field(default_factory=list, repr=False)

    def real(self) -> Cloud:
        """The cloud of the training pictures' features (as many as there are samples)."""
        assert self.features is not None
        if not self._kept:
            real = self.pictures.training[: self.samples]
            vectors = [self.features.of(as_floats(real[i : i + _PIECE])) for i in range(0, len(real), _PIECE)]
            self._kept.append(cloud(torch.cat(vectors)))
        return self._kept[0]


@torch.no_grad()
def evaluate(model: Evaluated, judge: Judge) -> Iterator[dict[str, object] | None]:
    """None while it works, then the figures.

    Per network (``decoder``, ``generator``): ``mse`` and ``dssim`` of reconstructions from the posterior's mean,
    ``mse_drawn`` from a drawn code as in the thesis, ``sharpness``, ``feature_distance`` of reconstructions from their
    originals, ``frechet`` distance of samples (``fid`` on Inception's features), ``nearest`` distance between samples,
    and the coverage of classes. MSE is of pictures in [0, 1]; the thesis' unit is 4 times as large.
    """
    figures: dict[str, object] = {"features": None if judge.features is None else judge.features.name}
    for name, draw in (("decoder", model.decode), ("generator", model.generate)):
        if draw is None:
            continue
        found: dict[str, float] = {}
        if model.encode is not None:
            for part in _rebuilt(model, draw, judge):
                found.update(part)
                yield None
        for part in _sampled(model, draw, judge):
            found.update(part)
            yield None
        figures[name] = {key: _rounded(value) for key, value in found.items()}
    yield figures


def _rebuilt(model: Evaluated, draw: Callable[[Tensor], Tensor], judge: Judge) -> Iterator[dict[str, float]]:
    assert model.encode is not None
    originals, made, drawn = [], [], []
    noise = torch.Generator().manual_seed(_SEED)
    for start in range(0, min(judge.rebuilt, len(judge.pictures.held_out)), _PIECE):
        images = as_floats(judge.pictures.held_out[start : min(start + _PIECE, judge.rebuilt)])
        originals.append(images)
        made.append(draw(model.encode(images)))
        if model.encode_drawn is not None:
            drawn.append(draw(model.encode_drawn(images, noise)))
        yield {}
    images, pictures = torch.cat(originals), torch.cat(made)
    mask = torch.ones(1, 1, *images.shape[2:])
    yield {
        "mse": float((pictures - images).square().mean()),
        "dssim": float(structural_dissimilarity(pictures, images, mask).mean()),
        "sharpness": sharpness(pictures, images),
    }
    if drawn:
        yield {"mse_drawn": float((torch.cat(drawn) - images).square().mean()),
               "sharpness_drawn": sharpness(torch.cat(drawn), images)}
    if judge.features is not None:
        apart = judge.features.of(pictures) - judge.features.of(images)
        scale = judge.real().covariance.diagonal().sum().sqrt()
        yield {"feature_distance": float(apart.double().norm(dim=1).mean() / scale)}


def _sampled(model: Evaluated, draw: Callable[[Tensor], Tensor], judge: Judge) -> Iterator[dict[str, float]]:
    source = torch.Generator().manual_seed(_SEED + 1)
    vectors, classes, first = [], [], []
    count = judge.samples if judge.features is not None else NEAR
    for start in range(0, count, _PIECE):
        pictures = draw(torch.randn(min(_PIECE, count - start), model.latent_size, generator=source))
        if start < NEAR:
            first.append(pictures)
        if judge.features is not None:
            vectors.append(judge.features.of(pictures))
        if judge.classifier is not None:
            classes.append(judge.classifier.classes(pictures))
        yield {}
    yield {"nearest": nearest_distance(torch.cat(first)[:NEAR])}
    if judge.features is not None:
        key = "fid" if judge.features.name == INCEPTION else "frechet"
        yield {key: frechet_distance(cloud(torch.cat(vectors)), judge.real())}
    if judge.classifier is not None:
        yield mode_coverage(torch.cat(classes), CLASSES)


def _rounded(value: float) -> float:
    return float(f"{value:.4g}")
