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
