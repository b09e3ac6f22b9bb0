"""Learning with several seeds: how far do the axes agree, and which moves new samples best?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from latentstudio.errors import UsageError
from latentstudio.factors.factor import Factor
from latentstudio.factors.learning import LearnStep, learn_factor, score
from latentstudio.factors.settings import LearnSettings
from latentstudio.generators.contract import Generator
from latentstudio.transformations import Transformation


def learn_with_seeds(
    generator: Generator, *, transformation: str | Transformation, settings: LearnSettings, seeds: int,
    records_folder: Path | None = None,
) -> Iterator[LearnStep]:
    """As ``learn_factor`` with ``seeds`` seeds from ``settings.seed`` on; the last step carries the best factor.

    Its ``figures["seeds"]`` tells for each seed the score (reach for spread), the spread in t's own parameter, and the
    cosine of its axis with the one that was taken.

    Raises:
        UsageError: fewer than one seed.
        LearningError, StorageError: as ``learn_factor``.
    """
    if seeds < 1:
        raise UsageError(f"{seeds} seeds", expected="1 or more")
    found: list[tuple[int, Factor]] = []
    for index in range(seeds):
        chosen = replace(settings, seed=settings.seed + index)
        folder = None if records_folder is None else records_folder / f"seed-{chosen.seed}"
        for step in learn_factor(generator, transformation=transformation, settings=chosen, records_folder=folder):
            said = f"seed {chosen.seed}: {step.message}"
            yield replace(step, fraction=min(0.999, (index + step.fraction) / seeds), message=said, factor=None)
            if step.factor is not None:
                found.append((chosen.seed, step.factor))
    best = max((factor for _, factor in found), key=lambda factor: score(factor.measured))
    told = {
        str(seed): {
            "score": round(score(factor.measured), 3), "spread": round(factor.measured.spread, 4),
            "cosine": round(float(np.dot(factor.axis, best.axis)), 3),
        }
        for seed, factor in found
    }
    chosen_factor = replace(best, figures={**best.figures, "seeds": told})
    yield LearnStep(1.0, chosen_factor.describe(), factor=chosen_factor, phase="measuring")
