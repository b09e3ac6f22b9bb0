"""Setting a factor by measuring: the position at which this very sample changes by t, not the median sample."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from collections.abc import Generator as Steps
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import brentq

from latentstudio.errors import UsageError
from latentstudio.factors.conditioned import Conditioned
from latentstudio.factors.control import apply_factors
from latentstudio.factors.factor import Factor, FactorSet
from latentstudio.factors.measuring import follow
from latentstudio.generators.conditions import NONE, Conditions
from latentstudio.generators.contract import Generator
from latentstudio.measures.effects import effect_of
from latentstudio.steps import Step
from latentstudio.transformations import transformation_named

FloatArray = NDArray[np.float32]

CLOSE = 0.1
OUTWARD = 5
ROUNDS = 3
NEARLY = 0.99
_FINEST = 1e-4
_USUAL = 8


@dataclass(frozen=True)
class Exact:
    """What became of one wanted t, in t's own parameter.

    Attributes:
        name: the factor.
        asked: the measured effect that was wanted.
        position: the t on the factor's curve to set, so that ``measured`` comes out.
        measured: the effect that was measured there; NaN where nothing could be measured.
        reached: whether it is within ``CLOSE`` of the unit's least difference of ``asked``.
        evaluations: how many pictures were measured.
        reason: why it is not reached; empty when it is.
    """

    name: str
    asked: float
    position: float
    measured: float
    reached: bool
    evaluations: int
    reason: str = ""


@dataclass(frozen=True)
class ExactStep(Step):
    """Progress, one measured picture a step; the last one carries what became of every wanted factor."""

    exact: tuple[Exact, ...] = ()


def exact_steps(
    generator: Generator,
    latent: FloatArray,
    wanted: Mapping[str, float],
    factors: FactorSet,
    *,
    positions: Mapping[str, float] | None = None,
    keep: Collection[str] = (),
    conditions: Conditions = NONE,
) -> Iterator[ExactStep]:
    """Find the positions at which the measured effects on this sample are ``wanted``.

    The effect of a factor is measured between the sample with the factor's coordinate where it was drawn and the
    sample with the factor moved, the others as they stand in both. A root is bracketed outwards from 0 inside the known
    range and found by Brent's method. Several factors are solved in turn until all agree, at most ``ROUNDS`` times.

    Args:
        generator: the model.
        latent: one sample, any shape of d values.
        wanted: t by factor name, in t's own parameter.
        factors: the model's factors.
        positions: where the other factors stand.
        keep: locked factors, as in ``apply_factors``.
        conditions: of the picture.

    Raises:
        UnknownNameError: a name without a factor, or a factor whose effect cannot be measured.
        UsageError: a value that is not finite.
    """
    precise = Conditioned(generator, conditions, precise=True)
    standing = dict(positions or {})
    probes = {name: _Probe(precise, latent, factors.get(name), factors, keep) for name in sorted(wanted)}
    found: dict[str, Exact] = {}
    for turn in range(ROUNDS):
        before = {name: one.position for name, one in found.items()}
        for index, (name, probe) in enumerate(probes.items()):
            if name not in found or not found[name].reached:
                solving = _solve(probe, float(wanted[name]), _without(standing, name), (turn, index, len(probes)))
                found[name] = yield from solving
                standing[name] = found[name].position
        if len(probes) == 1 or before == {name: one.position for name, one in found.items()}:
            break
        for name, probe in probes.items():
            found[name] = probe.judged(found[name], _without(standing, name))
            yield ExactStep(NEARLY, f"checking {name}")
        if all(one.reached for one in found.values()):
            break
    done = tuple(replace(one, evaluations=probes[name].evaluations) for name, one in found.items())
    yield ExactStep(1.0, "measured", exact=done)


def _without(positions: Mapping[str, float], name: str) -> dict[str, float]:
    return {other: t for other, t in positions.items() if other != name}


def _share(turn: int, index: int, count: int, evaluations: int) -> float:
    """Share done; how many evaluations there will be is not known, so each brings the end a little nearer."""
    within = 1.0 - _USUAL / (_USUAL + evaluations)
    return (index + within) / count * NEARLY if turn == 0 else NEARLY


class _Probe:
    """Measures one factor on one sample at a position."""

    def __init__(
        self, generator: Generator, latent: FloatArray, factor: Factor, factors: FactorSet, keep: Collection[str]
    ) -> None:
        card = generator.card
        self.factor = factor
        self.evaluations = 0
        self.range = factor.range_at(np.asarray(latent, dtype=np.float32).reshape(-1))
        self.tolerance = CLOSE * factor.unit.least
        self._generator, self._latent, self._factors, self._keep = generator, latent, factors, tuple(keep)
        self._device = next(generator.network.parameters()).device
        self._effect = effect_of(transformation_named(factor.name), measure=card.measure, side=card.image_size[0])

    def measure(self, position: float, others: Mapping[str, float]) -> float:
        """The effect of setting the factor to ``position``, the others as they stand; NaN where nothing is seen."""
        self.evaluations += 1
        start = self._moved(0.0, others)
        move = self._moved(position, others) - start
        # as many pieces for every position, so that what is measured has no jumps where their number would change
        longest = max(float((self._moved(end, others) - start).norm()) for end in self.range)
        return float(follow(self._generator, self._effect, start, move, length=longest)[0])

    def judged(self, exact: Exact, others: Mapping[str, float]) -> Exact:
        """The same position, measured again beside the others' new positions."""
        measured = self.measure(exact.position, others)
        reached = abs(measured - exact.asked) <= self.tolerance
        reason = "" if reached else exact.reason or "the other factors still move it"
        return replace(exact, measured=measured, reached=reached, reason=reason)

    def _moved(self, position: float, others: Mapping[str, float]) -> torch.Tensor:
        keep = (*self._keep, self.factor.name)  # at 0 its coordinate stays, whatever the others do
        positions = {**others, self.factor.name: position}
        latent = apply_factors(self._latent, positions, self._factors, keep=keep).latent
        return torch.from_numpy(latent)[None].to(self._device)


_Solving = Steps[ExactStep, None, Exact]


def _solve(probe: _Probe, t: float, others: Mapping[str, float], place: tuple[int, int, int]) -> _Solving:
    """One factor: bracket outwards from 0, then Brent."""
    factor, write = probe.factor, probe.factor.unit.format
    if not np.isfinite(t):
        raise UsageError(f"{factor.name} is {t}", expected=f"a number in {factor.unit.symbol}")
    known = {0.0: -t}
    first = probe.evaluations

    def evaluate(position: float) -> Iterator[ExactStep]:
        measured = probe.measure(position, others)
        known[position] = measured - t
        words = f"{factor.name}: {write(t)} asked, {write(measured)} measured" if np.isfinite(measured) else "not seen"
        yield ExactStep(_share(*place, probe.evaluations - first), words)

    inner = 0.0
    for outer in _outward(t, probe.range):
        if abs(known[inner]) <= probe.tolerance:
            break
        yield from evaluate(outer)
        if not np.isfinite(known[outer]):
            del known[outer]
            return _closest(probe, t, known, f"nothing can be measured at {write(outer)} of the curve")
        if known[inner] * known[outer] <= 0.0:
            yield from _brent(evaluate, known, (inner, outer), probe)
            break
        inner = outer
    return _closest(probe, t, known, "")


def _outward(t: float, reach: tuple[float, float]) -> list[float]:
    """Positions to look at beyond 0: the curve's own answer first, then on to the end of the known range."""
    low, high = reach
    end = high if t > 0 else low
    guess = min(max(t, low), high)
    places = np.linspace(guess, end, OUTWARD)
    return [float(place) for place in dict.fromkeys(places) if place != 0.0]


class _Unknown(Exception):  # noqa: N818 (a message to ourselves, not an error)
    """Brent asks for a place that was not measured yet."""

    def __init__(self, place: float) -> None:
        super().__init__()
        self.place = place


def _brent(
    evaluate: Callable[[float], Iterator[ExactStep]], known: dict[float, float], bracket: tuple[float, float],
    probe: _Probe,
) -> Iterator[ExactStep]:
    """scipy's root finder, in steps: it is asked anew after each measured place, and finds the earlier ones at hand."""

    def lookup(place: float) -> float:
        if place not in known:
            raise _Unknown(place)
        return 0.0 if abs(known[place]) <= probe.tolerance else known[place]

    while True:
        try:
            brentq(lookup, *bracket, xtol=_FINEST * probe.factor.unit.least)
        except _Unknown as missing:
            yield from evaluate(missing.place)
            if not np.isfinite(known[missing.place]):
                del known[missing.place]
                return
        else:
            return


def _closest(probe: _Probe, t: float, known: Mapping[float, float], reason: str) -> Exact:
    """The place whose measured effect comes nearest to t, and why it is not t where it is not."""
    position = min(known, key=lambda place: abs(known[place]))
    measured = known[position] + t
    reached = abs(known[position]) <= probe.tolerance
    if reached:
        reason = ""
    elif not reason:
        reason = _why_not(probe, t, known)
    return Exact(probe.factor.name, t, position, measured, reached, probe.evaluations, reason)


def _why_not(probe: _Probe, t: float, known: Mapping[float, float]) -> str:
    write = probe.factor.unit.format
    below = [value for value in known.values() if value <= 0.0]
    above = [value for value in known.values() if value >= 0.0]
    if below and above:
        return f"the measured effect of this sample jumps from {write(max(below) + t)} to {write(min(above) + t)}"
    most = max(below) if below else min(above)
    end = probe.range[1] if t > 0 else probe.range[0]
    if end == 0.0:
        return "this sample stands at the end of the known range already"
    return f"up to {write(end)} of the curve, where the known range ends, this sample gives {write(most + t)} at most"
