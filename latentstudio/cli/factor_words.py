"""How factors are written in answers and tables."""

from __future__ import annotations

from latentstudio.factors import Factor


def factor_row(factor: Factor) -> dict[str, object]:
    """The json of one factor; the range in its unit."""
    shown = factor.unit.to_display
    return {
        "name": factor.name, "label": factor.shown, "title": factor.title, "unit": factor.unit.symbol,
        "grade": factor.grade, "closeness": factor.closeness,
        "range": [shown(t) for t in factor.reach], "figures": dict(factor.figures),
    }


def range_text(factor: Factor) -> str:
    """``−6.2 px to +7.4 px``."""
    low, high = factor.reach
    return f"{factor.unit.format(low)} to {factor.unit.format(high)}"
