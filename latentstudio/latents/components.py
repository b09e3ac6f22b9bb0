"""Principal components, of latents or of pictures carried back to the latent space."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from latentstudio.errors import UsageError

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class PrincipalComponents:
    """Mean (d,), unit directions (k, d) sorted by explained variance, and the share of variance (k,) each explains.

    The directions of pictures need not be at right angles in the latent space. Coordinates belong to all of them
    together (least squares), so that a step along one direction changes its coordinate and no other.
    """

    mean: FloatArray
    directions: FloatArray
    explained: FloatArray

    def coordinates(self, points: FloatArray) -> FloatArray:
        """Coordinates (N, k) of points (N, d)."""
        return ((points - self.mean) @ self._inverse).astype(np.float32)

    @cached_property
    def _inverse(self) -> NDArray[np.float64]:
        return np.linalg.pinv(self.directions.astype(np.float64))


def principal_components(points: FloatArray, *, count: int) -> PrincipalComponents:
    """The first ``count`` principal components of points (N, d), by singular values.

    The sign of each direction is fixed (its largest entry is positive), so a run repeats exactly.

    Raises:
        UsageError: fewer than two points or no component asked for.
    """
    if points.ndim != 2 or len(points) < 2 or count < 1:
        raise UsageError(f"{points.shape} points and {count} components", expected="at least two points in rows")
    mean = points.mean(axis=0)
    _, scales, rows = np.linalg.svd(points - mean, full_matrices=False)
    variances = scales**2
    total = float(variances.sum()) or 1.0
    kept = min(count, len(rows))
    directions = rows[:kept]
    signs = np.sign(directions[np.arange(kept), np.abs(directions).argmax(axis=1)])
    return PrincipalComponents(
        mean=mean.astype(np.float32),
        directions=(directions * signs[:, None]).astype(np.float32),
        explained=(variances[:kept] / total).astype(np.float32),
    )


def picture_directions(latents: FloatArray, pictures: FloatArray, *, count: int) -> PrincipalComponents:
    """Latent directions of the pictures' principal components.

    PCA of the flattened pictures (N, P), then ridge least squares of the scores on the latents (N, d): direction k is
    the unit vector along which score k grows fastest. ``explained`` are the shares of the pictures' variance.
    """
    pixels = principal_components(pictures.reshape(len(pictures), -1), count=count)
    scores = pixels.coordinates(pictures.reshape(len(pictures), -1))
    centred = latents - latents.mean(axis=0)
    gram = centred.T @ centred + 1e-2 * len(latents) * np.eye(latents.shape[1], dtype=np.float32)
    slopes = np.linalg.solve(gram, centred.T @ scores).T
    lengths = np.linalg.norm(slopes, axis=1, keepdims=True)
    unit = slopes / np.maximum(lengths, 1e-12)
    return PrincipalComponents(
        mean=np.zeros(latents.shape[1], np.float32),
        directions=unit.astype(np.float32),
        explained=pixels.explained,
    )
