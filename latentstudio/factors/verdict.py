"""What a learned factor is worth, in plain words. numpy only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from latentstudio.factors.factor import Factor
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
    said = f"{factor.name}: {known}, single pictures differ by {_spread(factor)}"
    sentences = [said + _beside(factor.figures.get("leak")), f"Grade {factor.grade}: {_GRADES[factor.grade]}"]
    sentences += _stopped(factor.figures.get("range_stops"))
    notes = factor.figures.get("notes")
    sentences += [_sentence(str(note)) for note in notes] if isinstance(notes, list | tuple) else []
    return ". ".join(sentences) + "."


def leak_words(leak: Mapping[str, float]) -> tuple[str, ...]:
    """``brightens a little``, ``clearly moves right``: what goes beyond the threshold of its unit, clear ones first.

    ``leak`` is name -> change in the natural parameter when the slider goes from the middle to its upper end.
    """
    found = []
    for name, change in leak.items():
        if name not in _WORDS:
            continue
        above, below, unit = _WORDS[name]
        little, clear = _THRESHOLDS[unit]
        words = above if change > 0 else below
        if abs(change) >= clear:
            found.append((0, -abs(change) / clear, f"clearly {words}"))
        elif abs(change) >= little:
            found.append((1, -abs(change) / clear, f"{words} a little"))
    return tuple(words for _, _, words in sorted(found))


def leak_shares(factor: Factor, others: Sequence[Factor]) -> dict[str, float]:
    """name -> how much of half its own known range another factor moves when this one goes to its upper end.

    Only what was measured is told: an older file has nothing to tell.
    """
    leak = factor.figures.get("leak")
    found: dict[str, float] = {}
    for other in others:
        change = leak.get(other.name) if isinstance(leak, Mapping) and other.name != factor.name else None
        low, high = other.reach
        if isinstance(change, int | float) and high > low:
            found[other.name] = abs(float(change)) / ((high - low) / 2)
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
