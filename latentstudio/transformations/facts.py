"""What every built-in transformation is, in words and numbers. No torch: the window shows it before torch is there."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from latentstudio.errors import UsageError
from latentstudio.units import DEGREES, PERCENT, PIXELS, TIMES, Unit

GREY = 0.5
BILINEAR = "bilinear"
INTERPOLATIONS = (BILINEAR, "nearest", "bicubic")
OWN = "own"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.+-]{0,60}")
_NOTHING = "nothing"


@dataclass(frozen=True)
class Facts:
    """What a person must know of a transformation T_t before using it.

    Attributes:
        name: the factor's name on sliders and on the command line.
        unit: unit of t, see ``units``.
        reach: the largest |t| that trajectories are asked for, as a share of the picture's side where ``is_relative``
            and in t's own parameter otherwise.
        plus, minus: what t above and below 0 does.
        title: both in one line with their signs; made from ``plus`` and ``minus`` where it is left empty.
        is_relative: t counts pixels and scales with the picture's side.
        fill: value in [0, 1] of pixels that the source does not define; None where every pixel is defined.
        interpolation: one of ``INTERPOLATIONS`` where pixels change place, else empty.
        ignores: where the validity mask is 0.
        law: what T_a after T_b is.
        measured: how ``measures.effects`` reads t from pictures; ``own`` searches the transformation's own family.
    """

    name: str
    unit: Unit
    reach: float
    plus: str = ""
    minus: str = ""
    title: str = ""
    is_relative: bool = False
    fill: float | None = None
    interpolation: str = ""
    ignores: str = _NOTHING
    law: str = ""
    measured: str = OWN

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise UsageError(f"'{self.name}' cannot be a transformation's name",
                             expected="a letter, then letters, digits and underscores")
        if not (isinstance(self.reach, int | float) and math.isfinite(self.reach) and self.reach > 0):
            raise UsageError(f"the reach of '{self.name}' is {self.reach}", expected="a finite number above 0")
        if self.fill is not None and not 0.0 <= self.fill <= 1.0:
            raise UsageError(f"the fill of '{self.name}' is {self.fill}", expected="0 (black) to 1 (white)")
        if self.interpolation not in ("", *INTERPOLATIONS):
            raise UsageError(f"there is no interpolation '{self.interpolation}'", expected=" or ".join(INTERPOLATIONS))
        if not self.title:
            object.__setattr__(self, "title", self._signs() if self.plus else self.name)

    def _signs(self) -> str:
        above, below = ("above 1", "below 1") if self.unit == TIMES else ("+", "−")
        return f"{self.plus} ({above}) or {self.minus} ({below})"

    @property
    def moves(self) -> bool:
        """Whether pixels change place, so that some of the result may be undefined."""
        return self.fill is not None

    def largest(self, side: int) -> float:
        """The largest |t| asked for on pictures of this side, in t's own parameter."""
        return self.reach * side if self.is_relative else self.reach

    @property
    def range_text(self) -> str:
        """The default range in words: ``± 20 % of the side``, ``× 0.71 to × 1.41``, ``± 30°``."""
        if self.is_relative:
            return f"± {100 * self.reach:g} % of the side"
        if self.unit == TIMES:
            return f"{self.unit.format(-self.reach)} to {self.unit.format(self.reach)}"
        return "± " + self.unit.format(self.reach).lstrip("+")


_EXACT = "T_(a+b)"
_INSIDE = "T_(a+b) while nothing is clipped"
_CLIPPED = "nothing; values are clipped to 0 and 1"


def _moving(name: str, unit: Unit, reach: float, plus: str, minus: str, ignores: str, law: str = _EXACT) -> Facts:
    return Facts(name, unit, reach, plus, minus, is_relative=unit == PIXELS, fill=GREY, interpolation=BILINEAR,
                 ignores=ignores, law=law, measured=name)


def _lighting(name: str, unit: Unit, reach: float, plus: str, minus: str, law: str = _INSIDE) -> Facts:
    return Facts(name, unit, reach, plus, minus, ignores=_CLIPPED, law=law, measured=name)


FACTS = (
    _moving("x", PIXELS, 0.2, "to the right", "to the left", "the strip that is moved in"),
    _moving("y", PIXELS, 0.2, "down", "up", "the strip that is moved in"),
    _moving("scale", TIMES, 0.5, "larger", "smaller", "the rim around a smaller picture"),
    _moving("rotation", DEGREES, 30.0, "counter-clockwise", "clockwise", "the corners that are turned in"),
    _moving("turn", DEGREES, 30.0, "about the vertical, the right side goes away", "the left side goes away",
            "the wedges that are turned in", "not T_(a+b): a turned picture is flat again"),
    _lighting("brightness", PERCENT, 0.4, "brighter", "darker"),
    _lighting("contrast", TIMES, 0.7, "more contrast about the mean luminance, colours as they are", "less"),
    _lighting("red", PERCENT, 0.3, "more red", "less red"),
    _lighting("green", PERCENT, 0.3, "more green", "less green"),
    _lighting("blue", PERCENT, 0.3, "more blue", "less blue"),
    _lighting("saturation", TIMES, 1.0, "more colourful, luminance as it is", "greyer"),
    _lighting("hue", DEGREES, 40.0, "from red towards green, green towards blue", "from red towards blue"),
    Facts("blur", PIXELS, 0.03, "softer, by a Gaussian of this standard deviation",
          "sharper, by an unsharp mask of it", is_relative=True,
          ignores="nothing; beyond the border its pixels repeat",
          law="T_√(a²+b²) for a, b ≥ 0; −t undoes t only nearly", measured="blur"),
)
NAMES = tuple(facts.name for facts in FACTS)


def as_markdown() -> str:
    """The table of the built-in transformations that stands in docs/transformations.md."""
    head = ("name", "unit", "+", "−", "largest \\|t\\|", "fill, interpolation", "mask is 0 on", "T_a after T_b")
    rows = [
        (f"`{facts.name}`", facts.unit.symbol, facts.plus, facts.minus, facts.range_text,
         f"{facts.fill:g}, {facts.interpolation}" if facts.fill is not None else "–", facts.ignores, facts.law)
        for facts in FACTS
    ]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, ("---",) * len(head), *rows))
