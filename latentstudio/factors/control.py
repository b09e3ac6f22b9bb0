"""Setting factors on a sample: positions in true units in, one latent out. numpy only."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentstudio.errors import UsageError
from latentstudio.factors.factor import Factor, FactorSet
from latentstudio.factors.solving import DoubleArray, smallest_move

FloatArray = NDArray[np.float32]
_TOLERANCE = 1e-6
_HARDLY = 1e-3


@dataclass(frozen=True)
class Applied:
    """The moved latent (d,), what every factor was set to, and the names that had to stay within their known range.

    ``notes`` are sentences about factors whose axes are so much alike that not all could have what was asked.
    """

    latent: FloatArray
    reached: Mapping[str, float]
    clamped: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Wish:
    """One factor's wanted coordinate move, and the t that it stands for."""

    factor: Factor
    move: float
    t: float


def apply_factors(
    latent: FloatArray, positions: Mapping[str, float], factors: FactorSet, *, keep: Collection[str] = ()
) -> Applied:
    """Move one latent so that every named factor changes by its t; the order of the names does not matter.

    Each factor wants its own coordinate at p' = g_inverse(g(p) + t). The axes need not be orthogonal: the smallest
    move that brings all wanted coordinates about is z + (p' - p) (U U')^-1 U. Axes that are almost the same cannot be
    set apart; then least squares decides, ``reached`` says what came of it, and ``notes`` say why.

    Args:
        latent: one latent of the model's first space, any shape of d values; the result has the same shape.
        positions: t per factor name, in the unit's own parameter.
        factors: the model's factors.
        keep: names whose coordinates no other factor may move; each stays at its own position, or where it is.

    Raises:
        UnknownNameError: a name without a factor.
        UsageError: a value that is not finite, or a latent of another size.
    """
    start = np.asarray(latent, dtype=np.float32)
    flat = start.reshape(-1)
    reached: dict[str, float] = {}
    clamped = []
    held: list[_Wish] = []
    wishes: list[_Wish] = []
    for name in sorted({*positions, *keep}):
        factor, t = factors.get(name), float(positions.get(name, 0.0))
        if not np.isfinite(t):
            raise UsageError(f"{name} is {t}", expected=f"a number in {factor.unit.symbol}")
        if flat.size != factor.axis.size:
            raise UsageError(f"a latent of {flat.size} values", expected=f"{factor.axis.size} for this model")
        wanted, value = factor.target(flat, t)
        if name in positions:
            reached[name] = value
        if abs(value - t) > _TOLERANCE * max(1.0, abs(t)):
            clamped.append(name)
        if t != 0.0 or name in keep:
            (held if name in keep else wishes).append(_Wish(factor, wanted - factor.coordinate(flat), value))
    if not any(wish.move for wish in (*held, *wishes)):
        return Applied(start.copy(), reached, tuple(clamped))
    move, notes = _solve(flat, held, wishes, reached)
    moved = flat.astype(np.float64) + move
    return Applied(moved.astype(np.float32).reshape(start.shape), reached, tuple(clamped), notes)


def _solve(
    flat: FloatArray, held: list[_Wish], wishes: list[_Wish], reached: dict[str, float]
) -> tuple[DoubleArray, tuple[str, ...]]:
    """The move (d,), and notes about what could not be had; ``reached`` is corrected for those."""
    all_wishes = (*held, *wishes)
    axes = np.stack([wish.factor.axis for wish in all_wishes]).astype(np.float64)
    moves = np.array([wish.move for wish in all_wishes])
    if len(all_wishes) == 1:  # the usual drag; the general way costs as much as a small model's picture
        return moves[0] / float(axes[0] @ axes[0]) * axes[0], ()
    move = smallest_move(axes, moves, kept=len(held))
    came = axes @ move
    notes = []
    for index in np.flatnonzero(np.abs(came - moves) > _HARDLY):
        wish = all_wishes[index]
        factor = wish.factor
        before = factor.coordinate(flat)
        value = float(factor.curve(before + came[index]) - factor.curve(before))
        if factor.name in reached:
            reached[factor.name] = value
        notes.append(_alike(wish, value, axes, int(index), [one.factor.name for one in all_wishes]))
    return move, tuple(notes)


def _alike(wish: _Wish, value: float, axes: DoubleArray, index: int, names: list[str]) -> str:
    write = wish.factor.unit.format
    cosines = np.abs(axes @ axes[index])
    cosines[index] = 0.0
    nearest = int(cosines.argmax())
    return (
        f"{wish.factor.name}: {write(wish.t)} was asked, {write(value)} is what can be had beside {names[nearest]}, "
        f"whose axis is almost the same (cosine {cosines[nearest]:.3f})"
    )


def standing(
    latent: FloatArray, name: str, positions: Mapping[str, float], factors: FactorSet, *, keep: Collection[str] = ()
) -> float:
    """The t at which a factor stands once the others have moved: its position, or what they have done to it.

    A factor without a position is moved along by slanted axes. Keeping it at the t that this gives leaves the latent
    as it is. What lies beyond the known range counts as its end.

    Raises:
        UnknownNameError, UsageError: as ``apply_factors``.
    """
    if name in positions or name in keep:
        return float(positions.get(name, 0.0))
    factor = factors.get(name)
    moved = apply_factors(latent, positions, factors, keep=keep).latent
    before = factor.coordinate(np.asarray(latent, dtype=np.float32))
    t = float(factor.curve(factor.coordinate(moved)) - factor.curve(before))
    return t if abs(t) > _HARDLY * factor.unit.least else 0.0


def parse_settings(texts: Sequence[str], factors: FactorSet) -> dict[str, float]:
    """``["x=8px", "scale=1.2x"]`` as t per factor; a name given twice counts the last time.

    Raises:
        UsageError: not of the form NAME=VALUE, or not a value in the factor's unit.
        UnknownNameError: a name without a factor.
    """
    positions: dict[str, float] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"'{text}' is not a setting", expected="NAME=VALUE, for example x=8px")
        factor = factors.get(name.strip())
        positions[factor.name] = factor.unit.parse(value)
    return positions
