"""What an inversion may be told; every default has its reason here."""

from __future__ import annotations

from dataclasses import dataclass

from latentstudio.errors import UsageError
from latentstudio.loss_names import SIGMA, parse_loss

AUTO = "auto"
STARTS = (AUTO, "encoder", "random", "given")
CONSTRAINTS = ("ball", "sphere", "none")
AROUND = ("start", "shell")
GAUSS_NEWTON = "gauss-newton"
OPTIMISERS = (AUTO, "adam", "lbfgs", GAUSS_NEWTON)
SQUARED = ("blurred", "mse")
STEPS = {"adam": 300, "lbfgs": 60, GAUSS_NEWTON: 12}


@dataclass(frozen=True)
class InversionSettings:
    """How to look for the latent of a picture.

    Attributes:
        loss: ``blurred`` (equation 3), ``mse``, ``l1``, ``dssim``, ``features`` (see
            ``losses.features_for``), or a sum such as ``0.8*mse+0.2*dssim``.
        sigma: standard deviation of the blur in heights of the picture. The paper's best at 128 pixels, 3 to 5, is
            0.02 to 0.04.
        start: ``encoder``, ``random``, ``given`` (a latent beside the settings), or ``auto``: the encoder where there
            is one, for nothing else tried came as far.
        restarts: starts that run side by side. One is enough for an encoder; a random one is often unlucky.
        candidates: samples of which random starts are the best; they cost one picture each and no gradient.
        constraint: ``ball`` (equation 2), ``sphere`` or ``none``; without one, latents leave what the model knows.
        radius: of the ball or sphere; None is sqrt(d). Smaller stays nearer to ordinary pictures, less like this one.
        distance: how far the latent may go from where it starts; None is any way (see ``likeness.py``).
        around: what ``distance`` is counted from: ``start``, or the ``shell`` of the prior's radius.
        space: the latent space to search; empty is the model's first. In another one (``w``, ``w+``) a search starts
            at the mean of mapped samples, or at the mapped answer of the encoder, and no ball is known.
        optimiser: ``gauss-newton`` (Levenberg-Marquardt), ``lbfgs``, ``adam``, or ``auto``: Gauss-Newton where the loss
            is a sum of squares and the generator has forward derivatives, else L-BFGS.
        steps: at most so many optimiser steps; None is the optimiser's own number in ``STEPS``, where it has settled.
        seconds: stop after this time; None is no limit.
        learning_rate: Adam's; the prototype's fastest of those that still settled.
        tolerance: end when the loss fell by a smaller share over the last few steps.
        mixed_precision: bfloat16 where the processor computes it faster; the final figures are float32 always.
        seed: of random starts.
    """

    loss: str = "blurred"
    sigma: float = SIGMA
    start: str = AUTO
    restarts: int = 1
    candidates: int = 64
    constraint: str = "ball"
    radius: float | None = None
    distance: float | None = None
    around: str = "start"
    space: str = ""
    optimiser: str = AUTO
    steps: int | None = None
    seconds: float | None = None
    learning_rate: float = 0.1
    tolerance: float = 1e-3
    mixed_precision: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        names = parse_loss(self.loss)
        _one_of("start", self.start, STARTS)
        _one_of("constraint", self.constraint, CONSTRAINTS)
        _one_of("around", self.around, AROUND)
        if self.distance is not None and not 0.0 <= self.distance < float("inf"):
            raise UsageError(f"distance {self.distance}", expected="a number of 0 or more")
        _one_of("optimiser", self.optimiser, OPTIMISERS)
        if self.optimiser == GAUSS_NEWTON and any(name not in SQUARED for _, name in names):
            raise UsageError(f"gauss-newton on the loss '{self.loss}'", expected=f"a sum of {' and '.join(SQUARED)}",
                             action="choose lbfgs or adam")
        numbers = {
            "restarts": self.restarts, "candidates": self.candidates, "learning rate": self.learning_rate,
            "radius": self.radius, "steps": self.steps, "seconds": self.seconds,
        }
        for name, value in numbers.items():
            if value is not None and not 0 < value < float("inf"):
                raise UsageError(f"{name} {value}", expected="a number above 0")
        if not 0.0 <= self.sigma <= 1.0 or not 0.0 <= self.tolerance < 1.0:
            raise UsageError(f"sigma {self.sigma} and tolerance {self.tolerance}", expected="shares from 0 to 1")


def _one_of(what: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UsageError(f"unknown {what} '{value}'", expected=f"one of: {', '.join(known)}")
