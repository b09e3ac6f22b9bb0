"""Settings of learning a factor, each with its reason. No torch here: the window shows them before torch is loaded."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated, Literal

from latentstudio.errors import UsageError
from latentstudio.loss_names import SIGMA
from latentstudio.settings import Setting, Settings, Value, part_of

Axis = Literal["best", "paper", "ridge", "mean", "refined"]
Optimiser = Literal["auto", "adam", "levenberg-marquardt"]
MapSpace = Literal["z", "images"]
RECORDS = "records"
EVALUATION_SEED, PROTOCOL_SEED = 2_000_003, 3_000_017  # of new samples, where none is given


@dataclass(frozen=True)
class LearnSettings(Settings):
    """How Algorithm 1 of Plumerault et al. 2020 is run and how its axis is judged.

    Settings of the part ``records`` decide the trajectories; the others may change without new ones.
    """

    starts: Annotated[int, Setting(
        "Starting points", 8, part=RECORDS,
        why="drawn at random; many more than the latent has dimensions, or the axis explains the records without "
            "moving new pictures")] = 256
    targets: Annotated[int, Setting(
        "Targets a sign", 1, part=RECORDS,
        why="evenly spaced up to the reach; few, as more starting points serve the axis better")] = 4
    steps: Annotated[int, Setting(
        "Steps of Adam a target", 1, part=RECORDS,
        why="at most; each target starts from the last one's result with fresh optimiser state")] = 12
    optimiser: Annotated[Optimiser, Setting(
        "Optimiser", part=RECORDS,
        why="levenberg-marquardt's step costs about as many pictures as the latent has coordinates; auto takes it for "
            "latents of up to 16")] = "auto"
    damped_steps: Annotated[int, Setting(
        "Steps of Levenberg-Marquardt a target", 1, part=RECORDS,
        why="at most; two go as far as fifty of Adam's")] = 2
    learning_rate: Annotated[float, Setting(
        "Learning rate", 0, above=True, part=RECORDS, why="Adam's step size in latent units")] = 0.08
    tolerance: Annotated[float, Setting(
        "Tolerance", 0, part=RECORDS,
        why="a target ends early once three steps together lower the mean error by less than this share of it")] = 0.02
    encoder_start: Annotated[bool, Setting(
        "Start from the encoder", part=RECORDS,
        why="where the model has one, the target's own latent is tried as a start beside the last result, and the "
            "better one is taken for each picture")] = True
    sigma: Annotated[float, Setting(
        "Blur, share of the side", 0, 0.5, part=RECORDS,
        why="low-pass of the reconstruction error")] = SIGMA
    ball: Annotated[bool, Setting(
        "Stay in the ball", part=RECORDS, why="keep ||z|| <= sqrt(d) (equation 2)")] = True
    dropped: Annotated[float, Setting(
        "Records left out", 0, 1, below=True, why="the share with the worst errors")] = 0.1
    reach: Annotated[float, Setting(
        "Reach", 0, above=True, part=RECORDS,
        why="largest |t|, as a share of the transformation's own; 1 is its default")] = 1.0
    batch: Annotated[int, Setting(
        "Batch", 1, part=RECORDS,
        why="starting points computed at once; small, so that pictures can be served between two steps")] = 32
    labels: Annotated[tuple[int, ...], Setting(
        "Classes of a conditional model", part=RECORDS,
        why="one a batch in turn; their records are pooled")] = ()
    held_out: Annotated[float, Setting(
        "Held out", 0, 1, above=True, below=True,
        why="share of the starting points kept for judging the fit")] = 0.2
    knots: Annotated[int, Setting(
        "Knots of the calibration", 3, why="of the paper's piecewise linear g, evenly spaced on [-5, 5]")] = 101
    smoothness: Annotated[float, Setting(
        "Smoothness", 0, why="weight of the mean squared difference of neighbouring slopes of g")] = 1.0
    l2: Annotated[float, Setting(
        "Shrinkage", 0, why="weight of ||u||^2 while u is fitted; pulls u towards the mean displacement")] = 0.1
    epochs: Annotated[int, Setting("Passes over the records", 1, why="in the paper's fit")] = 100
    refined: Annotated[int, Setting(
        "Refining steps", 0,
        why="end-to-end steps that move the mean axis by what moving along it does; 0 leaves it out")] = 40
    judged: Annotated[int, Setting(
        "Samples that judge", 8,
        why="new samples on which candidate axes are judged and the effect is measured")] = 256
    seed: Annotated[int, Setting(
        "Seed", 0, part=RECORDS, why="seeds starting points and judging samples")] = 0
    axis: Annotated[Axis, Setting("Axis", why="best takes the candidate that moves new samples best")] = "best"
    mixed_precision: Annotated[bool, Setting(
        "Mixed precision", part=RECORDS, why="bfloat16 where the processor computes it faster")] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.axis == "refined" and not self.refined:
            raise UsageError("the refined axis with 0 refining steps", expected="refined of 1 or more")

    def as_dict(self) -> dict[str, Value | list[int]]:
        """Plain containers, for the factor file."""
        return {**asdict(self), "labels": list(self.labels)}

    def of_records(self) -> dict[str, Value | list[int]]:
        """The settings on which the records depend; the others may change without new trajectories."""
        return {**part_of(self, RECORDS), "labels": list(self.labels)}


@dataclass(frozen=True)
class MapSettings(Settings):
    """What a map of samples is made of."""

    space: Annotated[MapSpace, Setting(
        "Space", why="principal components of z, or of the pictures at 32 pixels a side")] = "z"
    count: Annotated[int, Setting("Samples", 3, 20_000, why="sample k has the seed SEED + k")] = 5_000
