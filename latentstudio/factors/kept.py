"""How much of their measured effect factors keep on another generator with the same latents, such as a tuned one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from latentstudio.errors import TransformationError, UnknownNameError
from latentstudio.factors.conditioned import Conditioned
from latentstudio.factors.control import apply_factors
from latentstudio.factors.factor import Factor, FactorSet
from latentstudio.factors.measuring import follow
from latentstudio.generators.card import ModelCard
from latentstudio.generators.conditions import NONE, Conditions
from latentstudio.generators.contract import Generator
from latentstudio.measures.effects import effect_of
from latentstudio.steps import Step
from latentstudio.transformations import transformation_named

FloatArray = NDArray[np.float32]

SHARES = (-1.0, -0.5, 0.5, 1.0)
"""Where a slider is put, as shares of its known range on either side."""


@dataclass(frozen=True)
class KeptEffect:
    """One factor on one sample.

    Attributes:
        name: the factor.
        positions: where its slider was put, in t; ``before`` and ``after`` are the effects measured there on the first
            and on the second generator.
        kept: by how much the first's effects must be multiplied to come nearest to the second's (least squares).
        told_before, told_after: by how much the slider's positions must be, to come nearest to the effects measured on
            the first and on the second: 1 where the slider does exactly what it says.
    """

    name: str
    positions: tuple[float, ...]
    before: tuple[float, ...]
    after: tuple[float, ...]
    kept: float
    told_before: float
    told_after: float


@dataclass(frozen=True)
class KeptStep(Step):
    """Progress; the last step has the effects of all factors."""

    effects: tuple[KeptEffect, ...] = ()


def kept_effects(
    before: Generator, after: Generator, latent: FloatArray, factors: FactorSet, names: Sequence[str], *,
    conditions: Conditions = NONE,
) -> Iterator[KeptStep]:
    """Measure the factors ``names`` around one latent on both generators.

    Raises:
        UnknownNameError: a name without a factor, or one whose effect cannot be measured.
    """
    found: list[KeptEffect] = []
    for number, name in enumerate(names):
        factor = factors.get(name)
        yield KeptStep(number / len(names), f"measuring {name}")
        low, high = factor.range_at(np.asarray(latent, dtype=np.float32).reshape(-1))
        positions = tuple(-share * low if share < 0 else share * high for share in SHARES)
        measured = []
        for generator in (before, after):
            effects = []
            for position in positions:
                effects.append(_effect(generator, latent, factor, factors, position, conditions))
                yield KeptStep(number / len(names), f"measuring {name}")
            measured.append(tuple(effects))
        told_before, told_after = (_share(positions, effects) for effects in measured)
        kept = _share(measured[0], measured[1])
        found.append(KeptEffect(name, positions, measured[0], measured[1], kept, told_before, told_after))
    yield KeptStep(1.0, "measured", effects=tuple(found))


def measurable(factors: FactorSet, card: ModelCard) -> tuple[str, ...]:
    """Names of the factors whose effect can be measured on the model's pictures."""
    found = []
    for factor in factors:
        with contextlib.suppress(UnknownNameError, TransformationError):
            effect_of(transformation_named(factor.name), measure=card.measure, side=card.image_size[0])
            found.append(factor.name)
    return tuple(found)


def _effect(
    generator: Generator, latent: FloatArray, factor: Factor, factors: FactorSet, position: float,
    conditions: Conditions,
) -> float:
    card = generator.card
    effect = effect_of(transformation_named(factor.name), measure=card.measure, side=card.image_size[0])
    device = next(generator.network.parameters()).device
    start, end = (
        torch.from_numpy(apply_factors(latent, {factor.name: t}, factors).latent)[None].to(device)
        for t in (0.0, position)
    )
    precise = Conditioned(generator, conditions, precise=True)
    return float(follow(precise, effect, start, end - start, length=float((end - start).norm()))[0])


def _share(before: Sequence[float], after: Sequence[float]) -> float:
    one, other = np.asarray(before), np.asarray(after)
    seen = np.isfinite(one) & np.isfinite(other)
    square = float(np.square(one[seen]).sum())
    return float((one[seen] * other[seen]).sum()) / square if square > 0.0 else float("nan")
