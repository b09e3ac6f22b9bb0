"""Units of factors: how a transformation's parameter t is written for people and read back.

Inside, t is a float in the unit's natural parameter: pixels of the model's own picture for ``px`` (x to the right, y
downwards), the binary logarithm of the magnification for ``x`` (so 0 is unchanged and 1 is twice as large), a fraction
of the full luminance range for ``%``, degrees for ``deg`` (counter-clockwise as seen on the screen), standard
deviations of the prior for ``sd`` (a direction that nobody measured).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from latentstudio.errors import UsageError

_MINUS = "−"
_TIMES = "×"
_LARGEST_POWER = 1000.0
_PLAIN = 1e6


@dataclass(frozen=True)
class Unit:
    """A unit of a factor: ``symbol`` is what people type (``px``, ``x``, ``%``, ``deg``)."""

    symbol: str

    def to_display(self, t: float) -> float:
        """The number shown for parameter ``t`` (2**t for ``x``, 100 t for ``%``, t otherwise)."""
        if self.symbol == "x":
            return float(2.0 ** min(max(t, -_LARGEST_POWER), _LARGEST_POWER))
        if self.symbol == "%":
            return 100.0 * t
        return t

    def from_display(self, shown: float) -> float:
        """The parameter t of a shown number; a magnification must be above 0."""
        if not math.isfinite(shown):
            raise UsageError(f"the value {shown} is not a finite number", expected=f"a number in {self.symbol}")
        if self.symbol == "x":
            if shown <= 0:
                raise UsageError(f"the magnification {shown:g} is not above 0", expected="for example 1.2x or 0.8x")
            return math.log2(shown)
        if self.symbol == "%":
            return shown / 100.0
        return shown

    def format(self, t: float) -> str:
        """Text for a slider: ``+6.2 px``, ``× 1.08``, ``−12 %``, ``+14°``."""
        shown = self.to_display(t)
        if self.symbol == "x":
            return f"{_TIMES} {shown:.2f}" if shown < _PLAIN else f"{_TIMES} {shown:.3g}"
        digits = 1 if self.symbol in ("px", "sd") else 0
        rounded = round(shown, digits)
        sign = "+" if rounded > 0 else _MINUS if rounded < 0 else ""
        suffix = "°" if self.symbol == "deg" else f" {self.symbol}"
        number = f"{abs(rounded):.{digits}f}" if abs(rounded) < _PLAIN else f"{abs(rounded):.3g}"
        return f"{sign}{number}{suffix}"

    def parse(self, text: str) -> float:
        """The parameter t of what a person typed: ``8px``, ``-3``, ``1.2x``, ``× 1.2``, ``+10%``, ``10 %``.

        Raises:
            UsageError: the text is no number in this unit.
        """
        cleaned = text.strip().replace(_MINUS, "-").replace(",", ".").replace("°", "deg").lower()
        cleaned = cleaned.replace(_TIMES, "x").replace(" ", "")
        if self.symbol == "x" and cleaned.startswith("x"):
            cleaned = cleaned[1:]
        if cleaned.endswith(self.symbol):
            cleaned = cleaned[: -len(self.symbol)]
        try:
            return self.from_display(float(cleaned))
        except ValueError:
            raise UsageError(
                f"'{text}' is not a value in {self.symbol}", expected=f"for example {self.example}"
            ) from None

    @property
    def example(self) -> str:
        """A sample of what may be typed."""
        return {"px": "8px or -3px", "x": "1.2x or 0.8x", "%": "+10% or -5%", "deg": "15deg"}.get(self.symbol, "1.5")

    @property
    def least(self) -> float:
        """The smallest change of t worth a slider; a factor that reaches less is reported as not found."""
        return {"px": 0.5, "x": 0.02, "%": 0.01, "deg": 1.0}.get(self.symbol, 1e-6)

    @property
    def step(self) -> float:
        """A sensible single step of t for arrow keys and the wheel."""
        return {"px": 0.5, "x": 0.025, "%": 0.01, "deg": 1.0}.get(self.symbol, 0.1)


PIXELS = Unit("px")
TIMES = Unit("x")
PERCENT = Unit("%")
DEGREES = Unit("deg")
DEVIATIONS = Unit("sd")

_ALL = {unit.symbol: unit for unit in (PIXELS, TIMES, PERCENT, DEGREES, DEVIATIONS)}


def unit_named(symbol: str) -> Unit:
    """The unit with this symbol (``px``, ``x``, ``%``, ``deg``).

    Raises:
        UsageError: there is no such unit.
    """
    try:
        return _ALL[symbol]
    except KeyError:
        raise UsageError(f"unknown unit '{symbol}'", expected=" or ".join(_ALL)) from None


def ticks(low: float, high: float, most: int) -> tuple[float, ...]:
    """At most ``most`` + 1 round values in [low, high], a step of 1, 2, 2.5 or 5 times a power of ten apart."""
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * size for size in (1, 2, 2.5, 5, 10) if power * size >= rough)
    return tuple(round(index * step, 10) for index in range(math.ceil(low / step), math.floor(high / step) + 1))


def log_ticks(low: float, high: float) -> tuple[float, ...]:
    """Round values between the powers 10^low and 10^high, at most four; less round ones where there are too few."""
    powers = range(math.floor(low), math.ceil(high) + 1)
    for digits in ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 4, 5, 7)):
        found = tuple(digit * 10.0**power for power in powers for digit in digits
                      if low <= math.log10(digit * 10.0**power) <= high)
        if len(found) >= 2:
            return found[:: math.ceil(len(found) / 4)]
    return ()
