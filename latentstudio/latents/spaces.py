"""What a latent space is: its name, shape, prior and hierarchical parts."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentstudio.errors import UsageError

FloatArray = NDArray[np.float32]
PRIORS = ("normal", "uniform", "none")
MOST_AXES, MOST_SIDE = 8, 1 << 24


@dataclass(frozen=True)
class LatentSpace:
    """A latent space of a generator.

    Attributes:
        name: ``z``, ``w``, ...
        shape: shape of one latent without the batch axis, for example ``(100,)``.
        prior: ``normal`` is N(0, I), ``uniform`` is U(-1, 1) per coordinate, ``none`` cannot be sampled.
        parts: sizes of the hierarchical split along the last axis (BigGAN has six); one part when there is no split.
    """

    name: str = "z"
    shape: tuple[int, ...] = (1,)
    prior: str = "normal"
    parts: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if self.prior not in PRIORS:
            raise UsageError(f"unknown prior '{self.prior}'", expected=" or ".join(PRIORS))
        check_shape(self.shape)
        if self.parts and sum(self.parts) != self.shape[-1]:
            raise UsageError(f"the parts {self.parts} do not add up", expected=f"a sum of {self.shape[-1]}")

    @property
    def size(self) -> int:
        """Number of coordinates d."""
        return math.prod(self.shape)

    @property
    def radius(self) -> float:
        """sqrt(d), where the mass of N(0, I) lies (Plumerault et al. 2020, section 2.1)."""
        return math.sqrt(self.size)


def check_shape(shape: tuple[int, ...]) -> None:
    """See that a latent may be of this shape, whose size can then be counted and said: it comes from files of others.

    Raises:
        UsageError: no axis, very many, or a side that is no count.
    """
    if not 1 <= len(shape) <= MOST_AXES or not all(1 <= side <= MOST_SIDE for side in shape):
        raise UsageError(f"a latent of shape {str(shape)[:60]}",
                         expected=f"1 to {MOST_AXES} axes with sides from 1 to {MOST_SIDE:,}")


def sample_prior(space: LatentSpace, *, count: int, seed: int, truncation: float = 1.0) -> FloatArray:
    """``count`` latents from the prior as float32 (count, *shape); the same seed gives the same latents everywhere.

    Sample k depends on ``seed`` and k only, so the first samples of a larger draw equal a smaller one.

    Raises:
        UsageError: the prior cannot be sampled, or count or seed is negative.
    """
    if space.prior == "none":
        raise UsageError(f"the space '{space.name}' has no prior to sample from", expected="a space such as z")
    if count < 0 or seed < 0:
        raise UsageError(f"count {count}, seed {seed}", expected="numbers of 0 or more")
    source = np.random.Generator(np.random.PCG64(seed))
    if space.prior == "uniform":
        drawn = source.uniform(-1.0, 1.0, size=(count, *space.shape))
    else:
        drawn = source.standard_normal(size=(count, *space.shape))
    return (drawn * truncation).astype(np.float32)


def check_latent(latent: FloatArray, space: LatentSpace) -> FloatArray:
    """The latent as float32 (N, *shape); a single latent of the space's shape gets a batch axis.

    Raises:
        UsageError: wrong size, or a value that is not finite.
    """
    array = np.asarray(latent, dtype=np.float32)
    if array.shape == space.shape:
        array = array[None]
    if array.shape[1:] != space.shape:
        raise UsageError(
            f"a latent of shape {tuple(array.shape)}", expected=f"{space.shape} for the space '{space.name}'"
        )
    if not np.isfinite(array).all():
        raise UsageError("the latent holds values that are not finite", expected="ordinary numbers")
    return array
