"""Settings of learning a factor, each with its reason. No torch here: the window shows them before torch is loaded."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import Any

from latentstudio.errors import UsageError


@dataclass(frozen=True)
class LearnSettings:
    """How Algorithm 1 of Plumerault et al. 2020 is run and how its axis is judged.

    Attributes:
        starts: random starting points; many more than the latent has dimensions, or the axis explains the records
            without moving new pictures.
        targets: targets a sign, evenly spaced up to ``reach``; few, as more starting points serve the axis better.
        steps: most steps of Adam a target; each target starts from the last one's result with fresh optimiser state.
        optimiser: ``adam``; ``levenberg-marquardt``, whose step costs about as many pictures as the latent has
            coordinates; ``auto`` takes it for latents of up to 16.
        damped_steps: most steps of Levenberg-Marquardt a target; two go as far as fifty of Adam's.
        learning_rate: Adam's step size in latent units.
        tolerance: a target ends early once three steps together lower the mean error by less than this share of it.
        encoder_start: where the model has an encoder, the target's own latent is tried as a start beside the last
            result, and the better one is taken for each picture.
        sigma: low-pass of the reconstruction error as a fraction of the picture's side.
        ball: keep ||z|| <= sqrt(d) (equation 2).
        dropped: share of the records with the worst errors that is left out.
        reach: largest |t|, as a share of the transformation's own; 1 is its default.
        batch: starting points computed at once; small, so that pictures can be served between two steps.
        labels: classes of a conditional model, one a batch in turn; their records are pooled.
        held_out: share of the starting points kept for judging the fit.
        knots: of the paper's piecewise linear g, evenly spaced on [-5, 5].
        smoothness: weight of the mean squared difference of neighbouring slopes of g.
        l2: weight of ||u||^2 while u is fitted; pulls u towards the mean displacement.
        epochs: passes over the records in the paper's fit.
        refined: end-to-end steps that move the mean axis by what moving along it does; 0 leaves it out.
        judged: new samples on which candidate axes are judged and the effect is measured.
        seed: seeds starting points and judging samples.
        axis: ``best`` takes the candidate that moves new samples best; or ``paper``, ``ridge``, ``mean``, ``refined``.
        mixed_precision: bfloat16 where the processor computes it faster.
    """

    starts: int = 256
    targets: int = 4
    steps: int = 12
    optimiser: str = "auto"
    damped_steps: int = 2
    learning_rate: float = 0.08
    tolerance: float = 0.02
    encoder_start: bool = True
    sigma: float = 0.03
    ball: bool = True
    dropped: float = 0.1
    reach: float = 1.0
    batch: int = 32
    labels: tuple[int, ...] = ()
    held_out: float = 0.2
    knots: int = 101
    smoothness: float = 1.0
    l2: float = 0.1
    epochs: int = 100
    refined: int = 40
    judged: int = 256
    seed: int = 0
    axis: str = "best"
    mixed_precision: bool = True

    def __post_init__(self) -> None:
        counts = {"starts": self.starts, "targets": self.targets, "steps": self.steps, "batch": self.batch,
                  "damped_steps": self.damped_steps, "epochs": self.epochs}
        for name, value in counts.items():
            if value < 1:
                raise UsageError(f"{name} is {value}", expected="1 or more")
        if self.starts < 8 or self.judged < 8 or self.knots < 3:
            raise UsageError(f"{self.starts} starts, {self.judged} judged samples and {self.knots} knots",
                             expected="at least 8 starts and samples, and 3 knots")
        if not 0.0 <= self.dropped < 1.0 or not 0.0 < self.held_out < 1.0:
            raise UsageError(f"dropped {self.dropped}, held out {self.held_out}", expected="shares between 0 and 1")
        if not self.learning_rate > 0.0 or not 0.0 <= self.sigma <= 0.5 or not self.reach > 0.0:
            raise UsageError(
                f"learning rate {self.learning_rate}, sigma {self.sigma}, reach {self.reach}",
                expected="a positive rate and reach, and a sigma from 0 to 0.5 of the side",
            )
        weights = {"tolerance": self.tolerance, "smoothness": self.smoothness, "l2": self.l2,
                   "refined": self.refined, "seed": self.seed}
        for name, weight in weights.items():
            if not weight >= 0:
                raise UsageError(f"{name} is {weight}", expected="0 or more")
        for name, chosen, known in (("axis", self.axis, AXES), ("optimiser", self.optimiser, OPTIMISERS)):
            if chosen not in known:
                raise UsageError(f"unknown {name} '{chosen}'", expected=" or ".join(known))
        if self.axis == "refined" and not self.refined:
            raise UsageError("the refined axis with 0 refining steps", expected="refined of 1 or more")

    def as_dict(self) -> dict[str, Any]:
        """Plain containers, for the factor file."""
        return {**asdict(self), "labels": list(self.labels)}

    def of_records(self) -> dict[str, Any]:
        """The settings on which the records depend; the others may change without new trajectories."""
        return {name: value for name, value in self.as_dict().items() if name in _OF_RECORDS}


AXES = ("best", "paper", "ridge", "mean", "refined")
OPTIMISERS = ("auto", "adam", "levenberg-marquardt")
_OF_RECORDS = (
    "starts", "targets", "steps", "optimiser", "damped_steps", "learning_rate", "tolerance", "encoder_start", "sigma",
    "ball", "reach", "batch", "labels", "seed", "mixed_precision",
)
_ENTRY = re.compile(r"^ {8}(\w+): (.*(?:\n {12}.*)*)", re.MULTILINE)


def reasons() -> dict[str, str]:
    """Each setting's words, as ``LearnSettings`` itself tells them, for the window and for the command line's help."""
    return {name: " ".join(words.split()) for name, words in _ENTRY.findall(LearnSettings.__doc__ or "")}
