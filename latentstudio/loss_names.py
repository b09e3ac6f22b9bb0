"""What losses are called, alone or in a sum, and the usual blur; ``losses.py`` computes them. No torch."""

from __future__ import annotations

from latentstudio.errors import UsageError

FEATURES = "features"
LOSSES = ("blurred", "mse", "l1", "dssim", FEATURES)
SQUARED = ("blurred", "mse")
SIGMA = 0.03


def parse_loss(text: str) -> tuple[tuple[float, str], ...]:
    """Weights and names in ``blurred``, or in a sum such as ``0.8*mse + 0.2*dssim``.

    Raises:
        UsageError: an unknown name, or a weight that is no positive number.
    """
    parts = []
    for term in text.split("+"):
        weight, star, name = term.strip().rpartition("*")
        try:
            number = float(weight) if star else 1.0
        except ValueError:
            number = float("nan")
        if name.strip() not in LOSSES or not 0.0 < number < float("inf"):
            raise UsageError(f"the loss '{text.strip()}'",
                             expected=f"{', '.join(LOSSES)}, or a sum such as 0.8*mse+0.2*dssim")
        parts.append((number, name.strip()))
    return tuple(parts)


def needs_features(text: str) -> bool:
    """Whether the loss ``text`` has a term that is measured on features."""
    return any(name == FEATURES for _, name in parse_loss(text))
