"""The map: many samples of a model, and the trajectories of its factors, on the plane in which they differ most."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from latentstudio import pixels
from latentstudio.errors import UsageError
from latentstudio.factors.factor import Factor
from latentstudio.factors.paths import Trajectory, trajectories_of
from latentstudio.factors.settings import MapSettings, MapSpace
from latentstudio.generators.card import ModelCard
from latentstudio.generators.conditions import NONE, Conditions
from latentstudio.latents import LatentSpace, PrincipalComponents, gradual_components, sample_prior
from latentstudio.settings import changed
from latentstudio.steps import Step

FloatArray = NDArray[np.float32]

COMPONENTS = 10
COUNT = MapSettings().count
SEEN_SIDE = 64
KEPT_SIDE = 32
PIECE_SECONDS = 0.01
LARGEST_PIECE = 64
SEEDS_A_STEP = 500


class Draws(Protocol):
    """What the map needs of a model (``generators.opening.Model``)."""

    @property
    def card(self) -> ModelCard: ...

    def pictures(
        self, latents: FloatArray, *, conditions: Conditions = NONE
    ) -> pixels.FloatPictures: ...


@dataclass(frozen=True)
class MapLine:
    """A trajectory on the map: ``points`` (K, C) are its latents in components."""

    trajectory: Trajectory
    points: FloatArray


@dataclass(frozen=True)
class MapData:
    """A cloud of samples in principal components, with trajectories.

    Attributes:
        model: name of the model.
        space: ``z``: components of the latents; ``images``: components of the pictures, reduced to ``KEPT_SIDE``
            pixels a side and 8 bits a colour, so that twenty thousand of them fit into 61 MB.
        seeds: seed of each sample (N,), so that any of them can be drawn again alone.
        latents: (N, d).
        cloud: (N, C) coordinates of the samples; C is ``COMPONENTS`` where there are as many. Distances between
            pictures are root mean square differences of their pixels, in [0, 1].
        components: mean and directions, in the space that was analysed, and the share of variance each explains.
        lines: the trajectories.
        conditions: what the pictures were drawn with.
    """

    model: str
    space: MapSpace
    seeds: NDArray[np.int64]
    latents: FloatArray
    cloud: FloatArray
    components: PrincipalComponents
    lines: tuple[MapLine, ...] = ()
    conditions: Conditions = NONE

    def place(self, latents: FloatArray, pictures: pixels.BytePictures | None = None) -> FloatArray:
        """Coordinates (M, C) of latents (M, d), or for ``images`` of their pictures uint8 (M, H, W, 3).

        Raises:
            UsageError: a map of pictures was given none, or some of another size.
        """
        if self.space == "z":
            return self.components.coordinates(np.asarray(latents, np.float32).reshape(len(latents), -1))
        if pictures is None:
            raise UsageError("a map of pictures was given latents", expected="their pictures")
        rows = reduced(pictures)
        if rows.shape[1] != self.components.mean.size:
            raise UsageError(f"pictures of {rows.shape[1]} numbers", expected=f"{self.components.mean.size}")
        return _coordinates(self.components, rows)

    def explained(self, first: int, second: int) -> tuple[float, float]:
        """The shares of variance of two components, counted from 1.

        Raises:
            UsageError: not two different ones of those that the map has.
        """
        check_components(first, second, self.cloud.shape[1])
        shares = self.components.explained
        return float(shares[first - 1]), float(shares[second - 1])


@dataclass(frozen=True)
class MapStep(Step):
    """Progress of a map; the last one carries it."""

    data: MapData | None = None


def map_steps(
    model: Draws,
    factors: Sequence[Factor] = (),
    *,
    space: str = "z",
    count: int = COUNT,
    seed: int = 0,
    conditions: Conditions = NONE,
    seconds: float | None = None,
) -> Iterator[MapStep]:
    """Draw ``count`` samples, find the principal components of their latents or pictures, and place everything there.

    Sample k is the one of seed ``seed + k``. Pictures are drawn in pieces of about ``PIECE_SECONDS``.

    Args:
        factors: whose trajectories to show; those that keep none are passed over.
        space: ``z`` or ``images``.
        seconds: draw pictures of samples for so long at most, but of ``COMPONENTS`` + 1 samples in any case; a slow
            model then gets a map of fewer samples.

    Raises:
        UsageError: no such space, or a count out of range; also where the model's prior cannot be sampled.
    """
    chosen = changed(MapSettings(), space=space, count=count)
    return _map_steps(model, tuple(factors), chosen.space, count, seed, _Drawing(model, conditions, seconds))


def line_steps(model: Draws, data: MapData, factors: Sequence[Factor]) -> Iterator[MapStep]:
    """Put the trajectories of these factors on a map in place of those that it has; the last step carries it."""
    trajectories = [found for factor in factors for found in trajectories_of(factor)]
    drawing = _Drawing(model, data.conditions, None)
    return _with_lines(replace(data, lines=()), trajectories, drawing, 0.0)


def _map_steps(
    model: Draws, factors: tuple[Factor, ...], space: MapSpace, count: int, seed: int, drawing: _Drawing
) -> Iterator[MapStep]:
    latents = yield from _samples(model.card.spaces[0], count, seed)
    trajectories = [found for factor in factors for found in trajectories_of(factor)]
    rows: NDArray[np.uint8] | None = None
    if space == "images":
        rows = yield from drawing.draw(latents, 0.05, 0.75, "samples", drawing.seconds)
        latents = latents[: len(rows)]
    finding = gradual_components(latents if rows is None else rows, count=COMPONENTS)
    components = yield from _finding(finding, 0.75 if space == "images" else 0.05)
    if rows is not None:
        components = replace(components, mean=components.mean * _scale(rows))
    data = MapData(
        model.card.name, space, seed + np.arange(len(latents)), latents,
        _coordinates(components, latents if rows is None else rows), components,
        conditions=drawing.conditions,
    )
    yield from _with_lines(data, trajectories, drawing, 0.9)


def _samples(space: LatentSpace, count: int, seed: int) -> Generator[MapStep, None, FloatArray]:
    """Latents (count, d), sample k of seed ``seed + k``."""
    latents = np.empty((count, space.size), np.float32)
    for k in range(count):
        latents[k] = sample_prior(space, count=1, seed=seed + k).reshape(-1)
        if k % SEEDS_A_STEP == 0:
            yield MapStep(0.05 * k / count, "drawing latents")
    return latents


def _finding(
    finding: Generator[float, None, PrincipalComponents], start: float
) -> Generator[MapStep, None, PrincipalComponents]:
    while True:
        try:
            share = next(finding)
        except StopIteration as end:
            return cast(PrincipalComponents, end.value)
        yield MapStep(start + (0.9 - start) * share, "principal components")


def _with_lines(
    data: MapData, trajectories: list[Trajectory], drawing: _Drawing, start: float
) -> Iterator[MapStep]:
    if not trajectories:
        yield MapStep(1.0, "done", data=data)
        return
    latents = np.concatenate([trajectory.latents for trajectory in trajectories])
    if data.space == "z":
        placed = data.place(latents)
    else:
        rows = yield from drawing.draw(latents, start, 1.0, "pictures of trajectories", None)
        placed = _coordinates(data.components, rows)
    ends = np.cumsum([len(trajectory.t) for trajectory in trajectories])
    pieces = np.split(placed, ends[:-1])
    lines = tuple(MapLine(*pair) for pair in zip(trajectories, pieces, strict=True))
    yield MapStep(1.0, "done", data=replace(data, lines=lines))


class _Drawing:
    """Draws latents in pieces whose size follows the model's speed, and keeps reduced pictures only."""

    def __init__(self, model: Draws, conditions: Conditions, seconds: float | None) -> None:
        self._model = model
        self.conditions = conditions
        self.seconds = seconds
        self._piece = 1.0

    def draw(
        self, latents: FloatArray, start: float, end: float, what: str, seconds: float | None
    ) -> Generator[MapStep, None, NDArray[np.uint8]]:
        """Reduced pictures uint8 (M, P) of latents (N, d); M is below N only where ``seconds`` ran out."""
        shape = self._model.card.spaces[0].shape
        found, done, total, began = [], 0, len(latents), time.perf_counter()
        while done < total:
            moment = time.perf_counter()
            if seconds is not None and moment - began > seconds and done > COMPONENTS:
                break
            piece = latents[done : done + round(self._piece)]
            drawn = self._model.pictures(piece.reshape(len(piece), *shape), conditions=self.conditions)
            found.append(reduced(pixels.to_bytes(drawn)))
            done += len(piece)
            spent = max(time.perf_counter() - moment, 1e-6)
            self._piece = float(np.clip(len(piece) * PIECE_SECONDS / spent, 1.0, min(2 * len(piece), LARGEST_PIECE)))
            share = max(done / total, 0.0 if seconds is None else (moment - began) / seconds)
            yield MapStep(start + (end - start) * min(share, 1.0), f"{what}: {done:,} of {total:,}")
        return np.concatenate(found)


def reduced(pictures: pixels.BytePictures) -> NDArray[np.uint8]:
    """Pictures uint8 (N, H, W, 3) as rows (N, P): at most ``KEPT_SIDE`` pixels a side, by way of thumbnails.

    The way over at most ``SEEN_SIDE`` pixels is taken so that a thumbnail stands where its large picture does.
    """
    small = pixels.shrink(pixels.shrink(pictures, SEEN_SIDE), KEPT_SIDE)
    return small.reshape(len(small), -1)


def _coordinates(components: PrincipalComponents, rows: NDArray[np.uint8] | FloatArray) -> FloatArray:
    """Coordinates (N, C) a thousand rows at a time, so that no float copy of all pictures is made."""
    scale = _scale(rows) if rows.dtype == np.uint8 else np.float32(1.0)
    pieces = (rows[k : k + 1000].astype(np.float32) * scale for k in range(0, len(rows), 1000))
    return np.concatenate([components.coordinates(piece) for piece in pieces])


def _scale(rows: NDArray[np.generic]) -> np.float32:
    """What makes a distance of rows of bytes the root mean square difference of pixels in [0, 1]."""
    return np.float32(1.0 / (255.0 * np.sqrt(rows.shape[1])))


def check_components(first: int, second: int, known: int = COMPONENTS) -> None:
    """Refuse a pair of components that cannot span a plane.

    Raises:
        UsageError: out of range, or the same one twice.
    """
    if first == second or not all(1 <= number <= known for number in (first, second)):
        raise UsageError(f"the components {first}x{second}", expected=f"two different ones from 1 to {known}")
