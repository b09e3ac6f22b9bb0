"""Frozen steps that long computations yield."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Step:
    """One step of a long computation: at most about 50 ms of work lies between two of them.

    Attributes:
        fraction: share done, 0 to 1.
        message: what is going on, a few words.
        preview: uint8 (H, W, 3) to look at, or None.
        metrics: named numbers of this step.
    """

    fraction: float
    message: str = ""
    preview: NDArray[np.uint8] | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)


def time_left_text(seconds: float | None) -> str:
    """``1:12 left``, ``8 s left``, ``1:02:05 left``; empty while unknown."""
    if seconds is None:
        return ""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s left"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}:{rest:02d} left"
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d} left"
