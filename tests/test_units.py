"""Units: signs, symbols, and what people type."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentstudio.errors import UsageError
from latentstudio.units import DEGREES, PERCENT, PIXELS, TIMES, unit_named


@pytest.mark.parametrize(
    ("unit", "t", "text"),
    [
        (PIXELS, 6.2, "+6.2 px"),
        (PIXELS, -3.0, "−3.0 px"),
        (PIXELS, 0.01, "0.0 px"),
        (TIMES, 0.0, "× 1.00"),
        (TIMES, 1.0, "× 2.00"),
        (PERCENT, -0.12, "−12 %"),
        (DEGREES, 14.0, "+14°"),
    ],
)
def test_format(unit, t, text):
    assert unit.format(t) == text


@pytest.mark.parametrize(
    ("unit", "text", "t"),
    [
        (PIXELS, "8px", 8.0),
        (PIXELS, " -3 ", -3.0),
        (PIXELS, "−3,5 px", -3.5),
        (TIMES, "2x", 1.0),
        (TIMES, "× 0.5", -1.0),
        (PERCENT, "+10%", 0.1),
        (DEGREES, "15°", 15.0),
    ],
)
def test_parse(unit, text, t):
    assert unit.parse(text) == pytest.approx(t)


@pytest.mark.parametrize(
    ("unit", "text"), [(PIXELS, "far"), (TIMES, "0x"), (TIMES, "-1x"), (PERCENT, "nan"), (PIXELS, "")]
)
def test_parse_refuses(unit, text):
    with pytest.raises(UsageError):
        unit.parse(text)


@given(st.floats(-3, 3), st.sampled_from([PIXELS, TIMES, PERCENT, DEGREES]))
def test_shown_numbers_come_back(t, unit):
    assert unit.from_display(unit.to_display(t)) == pytest.approx(t, abs=1e-9)


def test_unknown_unit_names_the_known_ones():
    with pytest.raises(UsageError, match="px or x or % or deg"):
        unit_named("parsec")


def test_numbers_beyond_all_measure_are_still_written() -> None:
    assert TIMES.format(1e9) == TIMES.format(1e12)
    assert len(TIMES.format(1e9)) < 16
    assert TIMES.to_display(-1e9) > 0
    assert PIXELS.format(-1e300) == "−1e+300 px"
