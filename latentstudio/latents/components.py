"""Principal components, of latents or of pictures carried back to the latent space."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from latentstudio.errors import UsageError

FloatArray = NDArray[np.float32]

ROWS = 512
EXACT_COLUMNS = 512
SPARE = 10
POWERS = 3


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
    return _sorted_out(mean, rows[:count], variances[:count] / total)


def gradual_components(
    points: NDArray[np.generic], *, count: int, seed: int = 0
) -> Generator[float, None, PrincipalComponents]:
    """As ``principal_components`` for many or long rows (N, P) of any number type, in pieces; yields the share done.

    Up to ``EXACT_COLUMNS`` columns by the eigenvectors of the covariance. Beyond, by a randomised range finder with
    ``POWERS`` power iterations (Halko, Martinsson and Tropp 2011, algorithms 4.4 and 5.1): beside the points it holds
    P x (count + ``SPARE``) numbers, and its directions differ from the exact ones only where two variances all but tie.

    Raises:
        UsageError: fewer than two points or no component asked for.
    """
    if points.ndim != 2 or len(points) < 2 or count < 1:
        raise UsageError(f"{points.shape} points and {count} components", expected="at least two points in rows")
    source = _Pieces(points)
    for share in source.find_mean():
        yield 0.1 * share
    if points.shape[1] <= EXACT_COLUMNS:
        return (yield from _by_covariance(source, count))
    return (yield from _by_sketch(source, count, seed))


class _Pieces:
    """Rows that are centred a piece at a time, so that no second copy of them is ever made."""

    def __init__(self, points: NDArray[np.generic]) -> None:
        self._points = points
        self.rows, self.columns = points.shape
        self.starts = range(0, self.rows, ROWS)
        self.mean = np.zeros(self.columns, np.float32)

    def find_mean(self) -> Iterator[float]:
        total = np.zeros(self.columns)
        for start in self.starts:
            total += self.centred(start).sum(axis=0)
            yield min(1.0, (start + ROWS) / self.rows)
        self.mean = (total / self.rows).astype(np.float32)

    def centred(self, start: int) -> FloatArray:
        piece = self._points[start : start + ROWS].astype(np.float32)
        piece -= self.mean
        return piece


def _by_covariance(source: _Pieces, count: int) -> Generator[float, None, PrincipalComponents]:
    covariance = np.zeros((source.columns, source.columns))
    for start in source.starts:
        piece = source.centred(start)
        covariance += (piece.T @ piece).astype(np.float64)
        yield 0.1 + 0.9 * min(1.0, (start + ROWS) / source.rows)
    variances, columns = np.linalg.eigh(covariance)
    total = float(variances.sum()) or 1.0
    kept = min(count, source.columns, source.rows - 1)
    return _sorted_out(source.mean, columns.T[::-1][:kept], np.maximum(variances[::-1][:kept], 0.0) / total)


def _by_sketch(source: _Pieces, count: int, seed: int) -> Generator[float, None, PrincipalComponents]:
    width = min(count + SPARE, source.rows, source.columns)
    passes, done, total = 2 * POWERS + 2, 0, 0.0
    drawn = np.random.Generator(np.random.PCG64(seed)).standard_normal((source.columns, width))
    across = drawn.astype(np.float32)
    for turn in range(POWERS + 1):
        down = np.empty((source.rows, width), np.float32)
        for start in source.starts:
            piece = source.centred(start)
            down[start : start + ROWS] = piece @ across
            total += float(np.square(piece).sum(dtype=np.float64)) if turn == 0 else 0.0
            yield 0.1 + 0.9 * (done + start / source.rows) / passes
        down = np.linalg.qr(down)[0]
        back = np.zeros((source.columns, width), np.float32)
        for start in source.starts:
            back += source.centred(start).T @ down[start : start + ROWS]
            yield 0.1 + 0.9 * (done + 1 + start / source.rows) / passes
        across = np.linalg.qr(back)[0] if turn < POWERS else back
        done += 2
    _, scales, rows = np.linalg.svd(across.T, full_matrices=False)
    return _sorted_out(source.mean, rows[:count], scales[:count] ** 2 / (total or 1.0))


def _sorted_out(
    mean: NDArray[np.generic], directions: NDArray[np.generic], explained: NDArray[np.generic]
) -> PrincipalComponents:
    """With the sign of each direction fixed: its largest entry is positive."""
    signs = np.sign(directions[np.arange(len(directions)), np.abs(directions).argmax(axis=1)])
    return PrincipalComponents(
        mean=mean.astype(np.float32),
        directions=np.ascontiguousarray(directions * signs[:, None], np.float32),
        explained=explained.astype(np.float32),
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
