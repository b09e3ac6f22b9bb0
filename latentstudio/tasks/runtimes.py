"""Measuring which runtime draws a model faster. Imports torch: asked for by name (``engine.loading.job``)."""

from __future__ import annotations

from collections.abc import Iterator

import torch  # noqa: F401 (what measures brings it in late, for others do without)

from latentstudio.generators.calibration import CalibrationStep
from latentstudio.generators.opening import Model


def measure(model: Model) -> Iterator[CalibrationStep]:
    """The steps of ``Model.calibration``; the model then draws with the faster runtime."""
    yield from model.calibration()
