"""What a person in front of a window says about an inversion; becomes ``InversionSettings`` in the worker. No torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from latentstudio.errors import UsageError

STARTS = ("auto", "encoder", "random")
LOSSES = ("blurred", "mse", "l1", "dssim", "features")
CONSTRAINTS = ("ball", "sphere", "none")
OPTIMISERS = ("auto", "gauss-newton", "lbfgs", "adam")
AROUND = ("start", "shell")
REASONS: Mapping[str, str] = {
    "sigma": "Blur of the blurred error, as a share of the picture's height. The paper's best lies at 0.02 to 0.04.",
    "optimiser": "auto takes Gauss-Newton where the error is a sum of squares, else L-BFGS.",
    "steps": "At most so many; 0 is the optimiser's own number, where it has settled.",
    "seconds": "Stop after so long; 0 is no limit.",
    "restarts": "Starts side by side. One is enough for an encoder; a random one is often unlucky.",
    "radius": "Of the ball or the sphere; 0 is the root of the number of coordinates. Smaller stays nearer to ordinary "
              "pictures.",
    "around": "What the likeness holds near: where the search starts, or the shell on which samples lie.",
    "seed": "Of random starts.",
}


@dataclass(frozen=True)
class LookSettings:
    """How to look for a photo's latent, in plain numbers; 0 means "as usual" for ``steps``, ``seconds`` and ``radius``.

    Attributes:
        likeness: the dial from 0, as editable as the model's own pictures, to 1, as alike as can be.
        start, loss, sigma, constraint, optimiser, steps, seconds, restarts, radius, around, seed: as
            ``inversion/settings.py`` has them.

    Raises:
        UsageError: a value that is out of range.
    """

    start: str = "auto"
    loss: str = "blurred"
    constraint: str = "ball"
    likeness: float = 1.0
    optimiser: str = "auto"
    sigma: float = 0.03
    steps: int = 0
    seconds: float = 0.0
    restarts: int = 1
    radius: float = 0.0
    around: str = "start"
    seed: int = 0

    def __post_init__(self) -> None:
        numbers = {"steps": self.steps, "seconds": self.seconds, "radius": self.radius, "seed": self.seed}
        for name, value in numbers.items():
            if not 0 <= value < math.inf:
                raise UsageError(f"{name} is {value}", expected="0 or more")
        if self.restarts < 1 or self.restarts > 64:
            raise UsageError(f"restarts is {self.restarts}", expected="1 to 64")
        for name, value in (("sigma", self.sigma), ("likeness", self.likeness)):
            if not 0.0 <= value <= 1.0:
                raise UsageError(f"{name} is {value}", expected="a share from 0 to 1")
        if self.optimiser == "gauss-newton" and self.loss not in ("blurred", "mse"):
            raise UsageError(f"gauss-newton with the error '{self.loss}'", expected="blurred or mse",
                             action="choose lbfgs or adam")

    def as_changes(self) -> dict[str, Any]:
        """The fields of ``InversionSettings``; the likeness is left to ``likeness_distance``."""
        return {
            "start": self.start, "loss": self.loss, "constraint": self.constraint, "optimiser": self.optimiser,
            "sigma": self.sigma, "steps": self.steps or None, "seconds": self.seconds or None,
            "restarts": self.restarts, "radius": self.radius or None, "around": self.around, "seed": self.seed,
        }
