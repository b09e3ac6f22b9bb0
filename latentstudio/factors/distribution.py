"""How a factor is distributed under the prior, and latents whose factor follows a wanted distribution.

Equations 6, 10 and 11 of Plumerault et al. 2020, for a coordinate <z, u> that is standard normal. numpy only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from latentstudio.errors import UsageError
from latentstudio.factors.calibration import MonotoneCurve
from latentstudio.factors.factor import FactorSet
from latentstudio.factors.solving import smallest_move
from latentstudio.latents import LatentSpace
from latentstudio.units import Unit

FloatArray = NDArray[np.float32]
DoubleArray = NDArray[np.float64]
Quantile = Callable[[DoubleArray], DoubleArray]

KINDS = {"uniform": 2, "normal": 2, "fixed": 1}
_FORM = re.compile(r"(?P<kind>[a-z]+)\((?P<numbers>[^()]*)\)")
_EXPECTED = "uniform(LOW, HIGH), normal(MEAN, STD) or fixed(VALUE), for example x=uniform(-8,8)"
_LEAST = 1e-12
_NORMAL = NormalDist()


def _share(place: DoubleArray | float) -> DoubleArray:
    """psi of equation 11: the share of N(0, 1) up to a place."""
    return np.asarray(np.vectorize(_NORMAL.cdf, otypes=[np.float64])(place))


def _place(share: DoubleArray) -> DoubleArray:
    """psi's inverse; shares of 0 and 1 lie 7 standard deviations out."""
    inside = np.clip(share, _LEAST, 1.0 - _LEAST)
    return np.asarray(np.vectorize(_NORMAL.inv_cdf, otypes=[np.float64])(inside))


def prior_density(curve: MonotoneCurve, t: DoubleArray) -> DoubleArray:
    """Density of t = g(<z, u>) for z from N(0, I): N(g_inverse(t); 0, 1) times the slope of g_inverse (equation 6).

    ``t`` (...) in t's own parameter, the answer in 1 / t; 0 beyond the curve's ends, where the curve is constant and
    all that lies outside piles up (see ``prior_ends``).
    """
    values, places = _rising(curve)
    index = np.clip(np.searchsorted(values, t, side="right") - 1, 0, len(values) - 2)
    slope = (places[index + 1] - places[index]) / (values[index + 1] - values[index])
    place = places[index] + (t - values[index]) * slope
    density = np.exp(-0.5 * place**2) / np.sqrt(2.0 * np.pi) * slope
    return np.where((t < curve.values[0]) | (t > curve.values[-1]), 0.0, density)


def prior_cumulative(curve: MonotoneCurve, t: DoubleArray) -> DoubleArray:
    """Share of samples with at most this t: psi(g_inverse(t)), psi the normal distribution function (equation 11)."""
    values, places = _rising(curve)
    inside = _share(np.interp(t, values, places))
    return np.where(t < curve.values[0], 0.0, np.where(t >= curve.values[-1], 1.0, inside))


def prior_quantile(curve: MonotoneCurve, share: DoubleArray) -> DoubleArray:
    """The t that this share of the samples (0 to 1) does not exceed."""
    return curve(_place(share))


def prior_ends(curve: MonotoneCurve) -> tuple[float, float]:
    """Shares of the prior below and above the curve's ends: samples that lie outside the known range."""
    return float(_share(curve.coordinates[0])), float(_share(-curve.coordinates[-1]))


def _rising(curve: MonotoneCurve) -> tuple[DoubleArray, DoubleArray]:
    """Values and coordinates without level pieces, which have no inverse."""
    ramp = np.arange(len(curve.values)) * _LEAST * max(1.0, float(np.ptp(curve.values)))
    return curve.values + ramp, curve.coordinates


@dataclass(frozen=True)
class Distribution:
    """A wanted distribution of a factor, in the numbers of its unit (pixels, times, per cent, degrees).

    Attributes:
        kind: ``uniform`` (low, high), ``normal`` (mean, standard deviation) or ``fixed`` (value).
        numbers: as many as the kind needs.
    """

    kind: str
    numbers: tuple[float, ...]

    def __post_init__(self) -> None:
        if KINDS.get(self.kind) != len(self.numbers) or not np.isfinite(self.numbers).all():
            raise UsageError(f"'{self}' is no distribution", expected=_EXPECTED)
        if self.kind == "uniform" and not self.numbers[0] < self.numbers[1]:
            raise UsageError(f"'{self}' has no width", expected="the lower number first")
        if self.kind == "normal" and not self.numbers[1] > 0.0:
            raise UsageError(f"'{self}' has no width", expected="a standard deviation above 0")

    def __str__(self) -> str:
        return f"{self.kind}({','.join(f'{number:g}' for number in self.numbers)})"

    def quantile(self, share: DoubleArray) -> DoubleArray:
        """The number that this share (0 to 1) does not exceed: h_phi of equation 10, before g_inverse."""
        if self.kind == "uniform":
            low, high = self.numbers
            return low + (high - low) * share
        if self.kind == "normal":
            mean, deviation = self.numbers
            return mean + deviation * _place(share)
        return np.full_like(share, self.numbers[0])


@dataclass(frozen=True)
class Distributed:
    """Latents float32 (N, *shape), and by factor name the t that was aimed at (N,) and how many had to be clamped.

    t counts from coordinate 0 of the factor's axis, in t's own parameter.
    """

    latents: FloatArray
    aimed: Mapping[str, DoubleArray]
    clamped: Mapping[str, int]


def distribute(
    latents: FloatArray,
    wanted: Mapping[str, Distribution],
    factors: FactorSet,
    *,
    space: LatentSpace,
    truncation: float = 1.0,
) -> Distributed:
    """Move samples of the prior so that their factors follow the wanted distributions (equations 10 and 11).

    A sample keeps its rank: p becomes g_inverse(h(psi(p))), with g the measured curve; several factors are set at once
    by the smallest move. t counts from coordinate 0. Beyond the known range the nearest end is taken.

    Args:
        latents: float32 (N, *shape) from the prior of ``space``.
        wanted: distribution by factor name, in the unit's own numbers.
        factors: the model's factors.
        space: the latent space; its prior must be normal.
        truncation: the factor by which the latents were scaled when they were drawn.

    Raises:
        UnknownNameError: a name without a factor.
        UsageError: the prior is not normal.
    """
    if not wanted:
        return Distributed(np.asarray(latents, dtype=np.float32).copy(), {}, {})
    if space.prior != "normal":
        raise UsageError(f"the prior of the space '{space.name}' is {space.prior}",
                         expected="a normal one, as equation 10 of the paper has it")
    start = np.asarray(latents, dtype=np.float32)
    flat = start.reshape(len(start), -1).astype(np.float64)
    aimed: dict[str, DoubleArray] = {}
    clamped: dict[str, int] = {}
    axes, moves = [], []
    for name in sorted(wanted):
        factor = factors.get(name)
        axis = factor.axis.astype(np.float64)
        places = flat @ axis / np.linalg.norm(axis)
        asked = wanted[name].quantile(_share(places / truncation))
        aimed[name], clamped[name] = _inside(asked, factor.reach, factor.unit)
        axes.append(axis)
        moves.append(factor.curve.inverse(aimed[name]) - places)
    moved = flat + smallest_move(np.stack(axes), np.stack(moves, axis=-1))
    return Distributed(moved.astype(np.float32).reshape(start.shape), aimed, clamped)


def _inside(asked: DoubleArray, reach: tuple[float, float], unit: Unit) -> tuple[DoubleArray, int]:
    """Numbers of the unit as t, brought into the reach, and how many had to be."""
    low, high = (unit.to_display(t) for t in reach)
    slack = 1e-9 * max(abs(low), abs(high))
    beyond = int(((asked < low - slack) | (asked > high + slack)).sum())
    shown = np.clip(asked, low, high)
    return np.array([unit.from_display(float(number)) for number in shown]), beyond


def parse_distribution(text: str, factors: FactorSet) -> tuple[str, Distribution]:
    """``x=uniform(-8,8)``, ``scale=normal(1, 0.1)`` or ``x=fixed(4px)`` as a factor's name and its distribution.

    Raises:
        UsageError: not of one of these forms.
        UnknownNameError: a name without a factor.
    """
    name, equals, rest = text.partition("=")
    found = _FORM.fullmatch(rest.strip().replace(" ", "").lower())
    if not equals or found is None or found["kind"] not in KINDS:
        raise UsageError(f"'{text}' is no distribution", expected=_EXPECTED)
    factor = factors.get(name.strip())
    symbol = factor.unit.symbol
    try:
        numbers = tuple(float(piece.removesuffix(symbol)) for piece in found["numbers"].split(","))
    except ValueError:
        raise UsageError(f"'{text}' is no distribution", expected=_EXPECTED) from None
    return factor.name, Distribution(found["kind"], numbers)
