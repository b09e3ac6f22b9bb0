"""Measures the runtimes after a call in which torch had to draw, so that the next call starts without it.

A model that was brought in has no exported graph, and every call would load torch for it (a second or more) until a
window was opened. Torch being there already, exporting and measuring cost little once. Where ONNX Runtime drew nothing
is measured: that would load torch for nothing in a call that is over in a moment; the window does it while it rests.
"""

from __future__ import annotations

import contextlib
import time

import numpy as np

from latentstudio.cli.output import Output
from latentstudio.errors import StudioError
from latentstudio.generators.calibration import RUNS, WARM_UP
from latentstudio.generators.graph_session import thread_choices
from latentstudio.generators.opening import Model

MOST_SECONDS = 5.0
TRIES = 3


def measure_after_torch(model: Model, output: Output) -> None:
    """Measure both runtimes of an open model when that is cheap; what goes wrong here spoils no answer.

    Call it last: the answer is out already, and a terminal shows the progress.
    """
    if not model.needs_calibration or not model.runtime_name.startswith("torch"):
        return
    with contextlib.suppress(StudioError, KeyboardInterrupt, MemoryError):
        if _expected_seconds(model) <= MOST_SECONDS:
            output.follow(model.calibration(), f"measuring the runtimes of {model.card.name}, once")


def _expected_seconds(model: Model) -> float:
    """What the runs of the measurement will take, if ONNX Runtime is not slower than torch."""
    latent = np.zeros((1, *model.card.spaces[0].shape), np.float32)
    spent = []
    for _ in range(TRIES):  # the quickest counts: a machine that is busy now is not a slow one
        began = time.perf_counter()
        model.pictures(latent)
        spent.append(time.perf_counter() - began)
    return min(spent) * (RUNS + WARM_UP) * (1 + len(thread_choices()))
