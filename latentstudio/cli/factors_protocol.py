"""What the paper's protocol measured, as rows for JSON and CSV; used by ``evaluate`` and ``compare``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentstudio.cli.factors_traverse import shown_at
from latentstudio.cli.tables import write_csv
from latentstudio.factors import Factor
from latentstudio.factors.protocol import Protocol


@dataclass(frozen=True)
class Columns:
    """What has a value for each alpha, in the factor's unit; None where too few samples were seen."""

    alphas: NDArray[np.float64]
    t: list[float | None]
    paper_t: list[float | None]
    mean: list[float | None]
    median: list[float | None]
    std: list[float | None]
    samples: NDArray[np.int64]


def measured_of(factor: Factor, protocol: Protocol) -> dict[str, object]:
    """Rows over the alphas in the factor's unit; t by the measured curve (None beyond the known range) and the paper's.

    For magnifications the standard deviation is a factor as well.
    """
    return {
        **vars(columns_of(factor, protocol)),
        "mean_std": factor.unit.to_display(protocol.mean_std), "absolute": protocol.is_absolute,
        "reversed": protocol.is_reversed,
    }


def columns_of(factor: Factor, protocol: Protocol) -> Columns:
    """Of ``measured_of`` what has a value for each alpha."""
    alphas = 0.0 - protocol.alphas if protocol.is_reversed else protocol.alphas
    return Columns(
        protocol.alphas, shown_at(factor, alphas), _shown(factor, factor.paper(alphas)), _shown(factor, protocol.mean),
        _shown(factor, protocol.median), _shown(factor, protocol.std), protocol.samples,
    )


def write_values(path: Path, factor: Factor, protocol: Protocol) -> None:
    """Write one row a sample and alpha.

    Raises:
        StorageError: the disk is full or the folder may not be written.
    """
    write_csv(path, ("sample", "alpha", f"measured_{factor.unit.symbol}"), (
        (number, float(alpha), shown)
        for number, values in enumerate(protocol.values)
        for alpha, shown in zip(protocol.alphas, _shown(factor, values), strict=True)
    ))


def _shown(factor: Factor, values: NDArray[np.float64]) -> list[float | None]:
    return [factor.unit.to_display(float(value)) if np.isfinite(value) else None for value in values]
