"""The dial between likeness and editability: how far a latent may go from home, and what it costs.

The nearer an inverted latent stays to the encoder's answer (or to the shell that samples of the prior lie on), the more
edits do what they do on ordinary pictures; the further it may go, the more it looks like the photograph.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from latentstudio.generators.conditions import NONE, Conditions
from latentstudio.generators.contract import Generator
from latentstudio.inversion.inverting import invert
from latentstudio.inversion.results import Inversion, LikenessPoint, LikenessStep
from latentstudio.inversion.settings import InversionSettings

MARKS = (0.0, 0.125, 0.25, 0.5, 0.75, 1.0)




def likeness_curve(
    generator: Generator, target: Tensor, settings: InversionSettings | None = None, *,
    marks: Sequence[float] = MARKS, start: Tensor | None = None, mask: Tensor | None = None,
    conditions: Conditions = NONE,
) -> Iterator[LikenessStep]:
    """Invert ``target`` once for each of ``marks``; the last step has the whole curve.

    Raises:
        CapabilityError, UsageError: as ``invert``; also a mark that is no likeness.
    """
    chosen = settings or InversionSettings()
    radius = generator.card.spaces[0].radius
    points: list[LikenessPoint] = []
    first: NDArray[np.float32] | None = None
    for number, mark in enumerate(sorted(marks)):
        asked = replace(chosen, likeness=mark, distance=None)
        result: Inversion | None = None
        for step in invert(generator, target, asked, start=start, mask=mask, conditions=conditions):
            first = step.latent if first is None else first
            result = step.result
            yield LikenessStep((number + step.fraction) / len(marks), f"likeness {mark:g}", points=tuple(points))
        assert result is not None
        assert first is not None
        moved = float(np.linalg.norm(result.latent - first))
        points.append(LikenessPoint(
            mark, asked.allowed(radius), moved, result.loss, result.mse, result.norm, result.latent
        ))
    yield LikenessStep(1.0, "measured", points=tuple(points))
