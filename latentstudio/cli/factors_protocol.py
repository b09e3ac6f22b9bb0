"""What the paper's protocol measured, as rows for JSON and CSV; used by ``evaluate`` and ``compare``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentstudio.cli.factors_traverse import shown_at
from latentstudio.factors import Factor
from latentstudio.factors.figures import protocol_figure
from latentstudio.factors.protocol import Protocol
from latentstudio.figures import write_csv, write_figure
from latentstudio.generators.card import ModelCard
from latentstudio.generators.values import below


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


@dataclass(frozen=True)
class Measured:
    """One model's part of a figure: its name, beta of its training (None where it has none), its factor, what was
    measured."""

    model: str
    beta: float | None
    factor: Factor
    protocol: Protocol

    @property
    def title(self) -> str:
        """For the figure."""
        return self.model if self.beta is None else f"{self.model} (beta {self.beta:g})"


def measured_on(card: ModelCard, factor: Factor, protocol: Protocol) -> Measured:
    """With beta of a beta-VAE's training recipe."""
    beta = below(card.recipe, "settings").get("beta")
    return Measured(card.name, float(beta) if isinstance(beta, int | float) else None, factor, protocol)


def write_protocols(path: Path, parts: Sequence[Measured]) -> None:
    """Write the figure, a panel a model, and its table, a row a model and alpha.

    Raises:
        StorageError: the disk is full or the folder may not be written.
    """
    figure = protocol_figure(parts[0].factor, [(part.title, part.protocol) for part in parts])
    write_figure(path, figure, ("model", "beta", "alpha", "t", "mean", "median", "std", "samples"), _rows(parts))


def _rows(parts: Sequence[Measured]) -> Iterator[tuple[object, ...]]:
    for part in parts:
        shown = columns_of(part.factor, part.protocol)
        columns = (shown.alphas, shown.t, shown.mean, shown.median, shown.std, shown.samples)
        for row in zip(*columns, strict=True):
            yield (part.model, part.beta, *row)


def _shown(factor: Factor, values: NDArray[np.float64]) -> list[float | None]:
    return [factor.unit.to_display(float(value)) if np.isfinite(value) else None for value in values]
