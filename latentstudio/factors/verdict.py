"""What a learned factor is worth, in plain words. numpy only."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from latentstudio.factors.factor import Factor
from latentstudio.generators.values import below, number, texts
from latentstudio.units import Unit

_MINUS = "−"
_WHOLE = 5.0  # from here on tenths say nothing to a reader
_GRADES = {
    "A": "new pictures follow it closely",
    "B": "new pictures follow it well",
    "C": "new pictures follow it roughly",
    "D": "new pictures hardly follow it",
}

_STOPS = {
    "median": "new pictures follow no further",
    "spread": "one cannot tell where a new picture will go",
    "residual": "it is another picture that moved",
}
# what the slider does besides, towards its upper end: for a change above 0, and for one below; its unit
_WORDS = {
    "x": ("moves right", "moves left", "px"),
    "y": ("moves down", "moves up", "px"),
    "scale": ("grows", "shrinks", "x"),
    "rotation": ("turns counter-clockwise", "turns clockwise", "deg"),
    "brightness": ("brightens", "darkens", "%"),
    "contrast": ("gains contrast", "loses contrast", "x"),
    "saturation": ("gains colour", "loses colour", "x"),
}
# natural parameter: a change of the first is a little, of the second is clearly seen
_THRESHOLDS = {"px": (0.5, 2.0), "x": (0.03, 0.1), "deg": (1.5, 5.0), "%": (0.015, 0.05)}


def verdict_of(factor: Factor) -> str:
    """Range, spread, what else moves, grade and notes.

    ``x: known from −6 px to +7 px, single pictures differ by 1.1 px; also brightens a little. Grade B: …``
    """
    low, high = factor.reach
    known = f"known from {_value(factor.unit, low)} to {_value(factor.unit, high)}"
    said = f"{factor.shown}: {known}, single pictures differ by {_spread(factor)}"
    sentences = [said + _beside(factor.figures.get("leak")), f"Grade {factor.grade}: {grade_words(factor)}"]
    sentences += _stopped(factor.figures.get("range_stops"))
    sentences += [_sentence(note) for note in texts(factor.figures, "notes")]
    return ". ".join(sentences) + "."


def grade_words(factor: Factor) -> str:
    """Why the grade is what it is: ``measured by one ruler; by that ruler new pictures follow it closely``."""
    words = _GRADES[factor.closeness]
    return words if factor.grade == factor.closeness else f"measured by one ruler; by that ruler {words}"


def leak_words(leak: Mapping[str, float]) -> tuple[str, ...]:
    """``brightens a little``, ``clearly moves right``: what goes beyond the threshold of its unit, clear ones first.

    ``leak`` is name -> change in the natural parameter when the slider goes from the middle to its upper end.
    """
    found = []
    for name, change in leak.items():
        if name not in _WORDS or not isinstance(change, int | float):  # a file may hold anything
            continue
        above, below, unit = _WORDS[name]
        little, clear = _THRESHOLDS[unit]
        words = above if change > 0 else below
        if abs(change) >= clear:
            found.append((0, -abs(change) / clear, f"clearly {words}"))
        elif abs(change) >= little:
            found.append((1, -abs(change) / clear, f"{words} a little"))
    return tuple(words for _, _, words in sorted(found))


def replacement(factor: Factor, present: Factor | None) -> str:
    """What keeping a factor would do to the slider that stands under its name; empty where there is none."""
    if present is None:
        return ""
    low, high = present.reach
    words = (f"Kept, it takes the place of the present {present.shown} (grade {present.grade}, "
             f"{_value(present.unit, low)} to {_value(present.unit, high)})")
    worse = factor.closeness > present.closeness or (
        factor.closeness == present.closeness and factor.reach[1] - factor.reach[0] < 0.8 * (high - low)
    )
    return words + (", which is the better one." if worse else ".")


def facts_of(factor: Factor) -> str:
    """How it was learned and how well the fit says what it did not see; empty of an older file.

    ``From 256 starts, 1,843 of 2,048 records kept; axis: mean; r² on held-out starts 0.97 (the paper's axis 0.93);
    measured on 256 new samples.``
    """
    figures = factor.figures
    parts = []
    if {"starts", "records", "records_kept"} <= set(figures):
        starts, kept, records = (f"{number(figures, name):,.0f}" for name in ("starts", "records_kept", "records"))
        parts.append(f"From {starts} starts, {kept} of {records} records kept")
    if "axis" in figures:
        parts.append(f"axis: {figures['axis']}")
    if "r2_heldout_starts" in figures:
        fit = f"r² on held-out starts {number(figures, 'r2_heldout_starts'):.2f}"
        own = number(figures, "r2_heldout_starts_paper")
        parts.append(fit + ("" if math.isnan(own) else f" (the paper's axis {own:.2f})"))
    if "judged" in figures:
        parts.append(f"measured on {number(figures, 'judged'):,.0f} new samples")
    return "; ".join(parts) + "." if parts else ""


def leak_shares(factor: Factor, others: Sequence[Factor]) -> dict[str, float]:
    """name -> how much of half its own known range another factor moves when this one goes to its upper end.

    Only what was measured is told: an older file has nothing to tell.
    """
    leak = below(factor.figures, "leak")
    found: dict[str, float] = {}
    for other in others:
        change = number(leak, other.name) if other.name != factor.name else math.nan
        low, high = other.reach
        if not math.isnan(change) and high > low:
            found[other.name] = abs(change) / ((high - low) / 2)
    return found


def _stopped(stops: object) -> list[str]:
    """Why the range ends where it ends; nothing of an older file, or where the model itself ends."""
    if not isinstance(stops, list | tuple) or len(stops) != 2:
        return []
    below, above = (_STOPS.get(str(stop), "") for stop in stops)
    if below == above:
        return [f"Beyond this range {below}"] if below else []
    return [f"{side} this range {words}" for side, words in (("Below", below), ("Above", above)) if words]


def _beside(leak: object) -> str:
    if not isinstance(leak, Mapping):
        return ""  # an older file: nothing was measured
    words = leak_words(leak)
    if not words:
        return "; nothing else moves noticeably"
    return "; also " + (words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}")


def _value(unit: Unit, t: float) -> str:
    """As ``Unit.format``, without the tenths of large numbers of pixels."""
    if unit.symbol != "px" or abs(t) < _WHOLE:
        return unit.format(t)
    return f"{'+' if t > 0 else _MINUS}{abs(t):.0f} px"


def _spread(factor: Factor) -> str:
    shown = factor.unit.to_display(factor.measured.spread)
    if factor.unit.symbol == "x":
        return f"a factor of {shown:.2f}"
    return f"{shown:.1f}°" if factor.unit.symbol == "deg" else f"{shown:.1f} {factor.unit.symbol}"


def _sentence(note: str) -> str:
    note = note.strip().rstrip(".")
    return note[:1].upper() + note[1:]
