"""Settings of learning a factor, each with its reason. No torch here: the window shows them before torch is loaded."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from latentstudio.errors import UsageError


@dataclass(frozen=True)
class LearnSettings:
    """How Algorithm 1 of Plumerault et al. 2020 is run and how its axis is judged.

    Attributes:
        starts: random starting points; many more than the latent has dimensions, or the axis explains the records
            without moving new pictures.
        targets: targets a sign, evenly spaced up to ``reach``.
        steps: Adam steps a target; each target starts from the last one's result with fresh optimiser state.
        learning_rate: Adam's step size in latent units.
        sigma: low-pass of the reconstruction error as a fraction of the picture's side.
        ball: keep ||z|| <= sqrt(d) (equation 2).
        dropped: share of the records with the worst errors that is left out.
        reach: largest |t|, as a share of the transformation's own; 1 is its default.
        batch: starting points computed at once; small, so that pictures can be served between two steps.
        held_out: share of the starting points kept for judging the fit.
        judged: new samples on which candidate axes are judged and the effect is measured.
        seed: seeds starting points and judging samples.
        axis: ``best`` takes the candidate that moves new samples best; or ``paper``, ``ridge``, ``mean``.
        mixed_precision: bfloat16 where the processor computes it faster.
    """

    starts: int = 256
    targets: int = 4
    steps: int = 12
    learning_rate: float = 0.08
    sigma: float = 0.03
    ball: bool = True
    dropped: float = 0.1
    reach: float = 1.0
    batch: int = 16
    held_out: float = 0.2
    judged: int = 192
    seed: int = 0
    axis: str = "best"
    mixed_precision: bool = True

    def __post_init__(self) -> None:
        counts = {"starts": self.starts, "targets": self.targets, "steps": self.steps, "batch": self.batch}
        for name, value in counts.items():
            if value < 1:
                raise UsageError(f"{name} is {value}", expected="1 or more")
        if self.starts < 8 or self.judged < 8:
            raise UsageError(f"{self.starts} starts and {self.judged} judged samples", expected="at least 8 of each")
        if not 0.0 <= self.dropped < 1.0 or not 0.0 < self.held_out < 1.0:
            raise UsageError(f"dropped {self.dropped}, held out {self.held_out}", expected="shares between 0 and 1")
        if not self.learning_rate > 0.0 or not 0.0 <= self.sigma <= 0.5 or not self.reach > 0.0:
            raise UsageError(
                f"learning rate {self.learning_rate}, sigma {self.sigma}, reach {self.reach}",
                expected="a positive rate and reach, and a sigma from 0 to 0.5 of the side",
            )
        if self.seed < 0:
            raise UsageError(f"seed {self.seed}", expected="0 or more")
        if self.axis not in AXES:
            raise UsageError(f"unknown axis '{self.axis}'", expected=" or ".join(AXES))

    def as_dict(self) -> dict[str, Any]:
        """Plain containers, for the factor file."""
        return asdict(self)


AXES = ("best", "paper", "ridge", "mean")
