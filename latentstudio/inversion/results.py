"""What an inversion, its judging and its tuning yield: frozen values without torch, for whoever shows them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from latentstudio.generators.tunings import Tuning
from latentstudio.steps import Step

HELD_OUT_SEED = 40_000_005


@dataclass(frozen=True)
class Inversion:
    """What was found.

    Attributes:
        latent: float32 (*shape), the best of all that were seen.
        picture: float32 (3, H, W), what the model draws there.
        target: float32 (3, H, W), the picture at the model's size.
        loss: the settings' loss; ``blurred_loss``, ``mse`` and ``dssim`` stand beside it whatever was asked for.
        norm: length of the latent.
        steps: optimiser steps made.
        seconds: from the first picture drawn to the end.
        start: ``encoder``, ``random`` or ``given``; ``start_mse`` is the error there.
        optimiser: which one looked; empty where none did.
        ended: why it stopped, in words.
        notes: what the user should know.
    """

    latent: NDArray[np.float32]
    picture: NDArray[np.float32]
    target: NDArray[np.float32]
    loss: float
    blurred_loss: float
    mse: float
    dssim: float
    norm: float
    steps: int
    seconds: float
    start: str
    start_mse: float
    optimiser: str
    ended: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class InversionStep(Step):
    """Progress: the best so far.

    Attributes:
        latent: float32 (*shape); it may be drawn, or kept, whenever the inversion is closed. None before the start.
        loss: the settings' loss there, as the optimiser sees it.
        norm: its length.
        step: optimiser steps done.
        seconds: since the beginning.
        result: the whole result; on the last step only.
    """

    latent: NDArray[np.float32] | None = None
    loss: float = float("nan")
    norm: float = float("nan")
    step: int = 0
    seconds: float = 0.0
    result: Inversion | None = None


@dataclass(frozen=True)
class HeldOut:
    """What this model reaches on samples of its own with these settings, and what its pictures are like.

    Attributes:
        losses: the settings' loss of each inverted sample, sorted; ``mses`` their mean squared errors, sorted.
        spread: mean squared difference of its pictures from their mean: the error of always answering the mean.
        brightness: 1st and 99th percentile of its pictures' means; ``contrast`` of their standard deviations.
    """

    model_sha256: str
    key: str
    losses: tuple[float, ...]
    mses: tuple[float, ...]
    spread: float
    brightness: tuple[float, float]
    contrast: tuple[float, float]
    seed: int = HELD_OUT_SEED


@dataclass(frozen=True)
class HeldOutStep(Step):
    """Progress; the last step has the ``held_out``."""

    held_out: HeldOut | None = None


@dataclass(frozen=True)
class Verdict:
    """``percentile`` of the loss among the model's own samples (0 best, 100 worse than all), and what that means.

    Attributes:
        words: one sentence.
        reasons: what may be the matter, one sentence each; empty where nothing is.
    """

    percentile: float
    words: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class LikenessPoint:
    """One point of the curve: ``likeness`` from 0 to 1, the ``distance`` allowed (None: any), and what was reached.

    ``moved`` is the distance from the start that was used of it.
    """

    likeness: float
    distance: float | None
    moved: float
    loss: float
    mse: float
    norm: float
    latent: NDArray[np.float32]


@dataclass(frozen=True)
class LikenessStep(Step):
    """Progress; ``points`` are those measured so far, from the most editable to the most alike."""

    points: tuple[LikenessPoint, ...] = ()


@dataclass(frozen=True)
class TuningResult:
    """What came out.

    Attributes:
        tuning: the difference of the weights; ``picture`` (3, H, W) is drawn with it, rounded as it is kept.
        mse, dssim: of the picture; ``before_mse`` and ``before_dssim`` with the untuned weights.
        drift: mean squared difference of the neighbours' pictures from the untuned ones, over the last steps.
        steps, seconds: made, and taken.
        ended: why it stopped, in words; ``notes`` are for the user.
    """

    tuning: Tuning
    picture: NDArray[np.float32]
    mse: float
    dssim: float
    before_mse: float
    before_dssim: float
    drift: float
    steps: int
    seconds: float
    ended: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class TuningStep(Step):
    """Progress. A step with a ``preview`` has the ``tuning`` as it stands, which may be kept if nothing follows.

    Attributes:
        loss: of the pivot's picture, locality left out; ``mse`` its squared error.
        step: optimiser steps done.
        seconds: since the beginning.
        result: on the last step only.
    """

    loss: float = float("nan")
    mse: float = float("nan")
    step: int = 0
    seconds: float = 0.0
    tuning: Tuning | None = None
    result: TuningResult | None = None
