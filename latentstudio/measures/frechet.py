"""Frechet distance of two clouds of feature vectors. Named after its features; it is the FID on Inception's only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from latentstudio.errors import UsageError
from latentstudio.generators.feature_network import ADD_ON, FeatureNetwork, find_features


class Features(Protocol):
    """What turns pictures (N, 3, H, W) in [0, 1] into vectors (N, F); ``name`` goes into every figure made with it."""

    @property
    def name(self) -> str: ...

    def of(self, pictures: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class Cloud:
    """Mean (F,) and covariance (F, F) of feature vectors, float64, and how many there were."""

    mean: Tensor
    covariance: Tensor
    count: int


class ImageNetFeatures:
    """Features of the add-on ``features-efficientnet-lite0``: means over the picture of the last block's answers."""

    name = ADD_ON

    def __init__(self, network: FeatureNetwork) -> None:
        self._network = network

    def of(self, pictures: Tensor) -> Tensor:
        """Vectors (N, 320) of pictures (N, 1 or 3, H, W) in [0, 1]."""
        with torch.inference_mode():
            found: Tensor = self._network(pictures.expand(-1, 3, -1, -1))[-1].mean(dim=(2, 3))
            return found


def imagenet_features() -> ImageNetFeatures | None:
    """The add-on's features; None where it is not installed.

    Raises:
        ModelFileError: its files are broken.
    """
    network = find_features()
    return None if network is None else ImageNetFeatures(network)


def cloud(vectors: Tensor) -> Cloud:
    """The cloud of vectors (N, F).

    Raises:
        UsageError: fewer than two vectors.
    """
    if len(vectors) < 2:
        raise UsageError(f"{len(vectors)} feature vectors", expected="at least 2")
    wide = vectors.double()
    return Cloud(wide.mean(0), torch.cov(wide.T).reshape(wide.shape[1], wide.shape[1]), len(wide))


def frechet_distance(one: Cloud, other: Cloud) -> float:
    """|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)) (Heusel et al. 2017, equation 6).

    The root's trace is the sum of the roots of the eigenvalues of C1^(1/2) C2 C1^(1/2), which are real.
    """
    values, vectors = torch.linalg.eigh(one.covariance)
    root = (vectors * values.clamp_min(0.0).sqrt()) @ vectors.T
    inner = torch.linalg.eigvalsh(root @ other.covariance @ root).clamp_min(0.0)
    distance = (one.mean - other.mean).square().sum() + torch.trace(one.covariance + other.covariance)
    return max(0.0, float(distance - 2.0 * inner.sqrt().sum()))
