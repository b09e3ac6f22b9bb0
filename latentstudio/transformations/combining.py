"""Several transformations at once, moved by one t.

The order is fixed whatever order they are named in: light and colour first, on a picture that is whole; then scale,
rotation and turn about the picture's centre; then the translations. What is undefined after one is carried along by
those that follow, and the masks are multiplied.
"""

from __future__ import annotations

import re

import torch
from torch import Tensor

from latentstudio.errors import UsageError
from latentstudio.transformations.facts import NAMES, OWN
from latentstudio.transformations.transformation import Function, Transformation
from latentstudio.units import PERCENT

Shares = tuple[tuple[Transformation, float], ...]

_PART = re.compile(r"([+-]?)(\d+(?:\.\d+)?|\.\d+)?([A-Za-z_]\w*)")
_LATE = ("scale", "rotation", "turn", "x", "y")
_WHOLE = 1.0 - 1e-3


def parts_of(name: str) -> tuple[tuple[str, float], ...]:
    """Names and shares of ``x+scale``, ``x+0.5scale``, ``red-blue``; a name alone is one part.

    Raises:
        UsageError: not of this form.
    """
    text = name.replace(" ", "")
    found = list(_PART.finditer(text))
    if not found or "".join(match.group() for match in found) != text or any(
        not match.group(1) for match in found[1:]
    ):
        return ((name, 1.0),)
    return tuple(
        (match.group(3), (-1.0 if match.group(1) == "-" else 1.0) * float(match.group(2) or 1.0)) for match in found
    )


def combine(parts: Shares, *, name: str = "") -> Transformation:
    """Move several parameters together by one t, each by its own share.

    Where all have the same unit, t counts in it, and a part moves by share * t. Otherwise t is a fraction (per cent),
    and at 1 every part stands at its share of its own reach.

    Args:
        parts: the transformations with their shares, from -1 to 1 but not 0.
        name: the factor's name; made from the parts where it is left empty.

    Raises:
        UsageError: fewer than two parts, one of them twice, or a share out of range.
    """
    _check(parts)
    first = parts[0][0]
    alike = all(part.unit == first.unit and part.is_relative == first.is_relative for part, _ in parts)
    moving = next((part for part, _ in parts if part.moves), None)
    ordered = tuple(sorted(parts, key=lambda pair: _rank(pair[0])))
    return Transformation(
        name=name or _written(parts),
        unit=first.unit if alike else PERCENT,
        reach=min(part.reach / abs(share) for part, share in parts) if alike else 1.0,
        plus=" and ".join(part.plus if share > 0 else part.minus for part, share in parts),
        minus=" and ".join(part.minus if share > 0 else part.plus for part, share in parts),
        title="" if alike else f"{_written(parts)} together, 100 % is the reach of each",
        is_relative=first.is_relative and alike,
        fill=moving.fill if moving else None,
        interpolation=moving.interpolation if moving else "",
        ignores="; ".join(dict.fromkeys(part.ignores for part, _ in parts)),
        law=", then ".join(part.name for part, _ in ordered),
        measured=OWN,
        function=_one_after_another(ordered, alike),
        origin=next((part.origin for part, _ in parts if part.origin), None),
    )


def _one_after_another(ordered: Shares, alike: bool) -> Function:
    """Apply the parts in this order; t counts in their unit where ``alike``, else in shares of their reaches."""

    def apply(
        images: Tensor, t: Tensor, *, fill: float | None = None, interpolation: str | None = None
    ) -> tuple[Tensor, Tensor]:
        mask = torch.ones_like(images[:, :1])
        for part, share in ordered:
            amount = share * t * (1.0 if alike else part.largest(int(images.shape[-1])))
            chosen = part.with_options(fill=fill, interpolation=interpolation) if part.moves else part
            images, defined = chosen.trial(images, amount)
            mask = (_carried(chosen, mask, amount) if part.moves else mask) * defined
        return images, mask

    return apply


def _check(parts: Shares) -> None:
    names = [part.name for part, _ in parts]
    if len(parts) < 2:
        raise UsageError(f"a combination of {len(parts)}", expected="two or more, for example x+scale")
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"'{name}' is named twice in one combination", expected="every name once")
    for part, share in parts:
        if not 0.0 < abs(share) <= 1.0:
            raise UsageError(f"the share {share:g} of '{part.name}'", expected="above 0 and at most 1, or below")


def _rank(part: Transformation) -> int:
    """The user's own first, then light and colour in the table's order, then what moves, translations last."""
    if part.name not in NAMES:
        return -1
    return len(NAMES) + _LATE.index(part.name) if part.name in _LATE else NAMES.index(part.name)


def _carried(part: Transformation, mask: Tensor, amount: Tensor) -> Tensor:
    """Where the mask lies after the part moved it; a pixel that is blended with undefined ones counts as undefined."""
    moved, _ = part.with_options(fill=0.0).trial(mask, amount)
    return (moved >= _WHOLE).to(mask.dtype)


def _written(parts: Shares) -> str:
    words = [f"{'-' if share < 0 else '+'}{'' if abs(share) == 1.0 else f'{abs(share):g}'}{part.name}"
             for part, share in parts]
    return "".join(words).lstrip("+")
