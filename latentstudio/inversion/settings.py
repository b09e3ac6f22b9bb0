"""What an inversion and a tuning may be told, every default with its reason. No torch: the window shows them too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from latentstudio.errors import UsageError
from latentstudio.loss_names import LOSSES, SIGMA, SQUARED, parse_loss
from latentstudio.settings import Setting, Settings

AUTO = "auto"
GAUSS_NEWTON = "gauss-newton"
Start = Literal["auto", "encoder", "random", "given"]
Constraint = Literal["ball", "sphere", "none"]
Around = Literal["start", "shell"]
Optimiser = Literal["auto", "gauss-newton", "lbfgs", "adam"]
STEPS = {"adam": 300, "lbfgs": 60, GAUSS_NEWTON: 12}


@dataclass(frozen=True)
class InversionSettings(Settings):
    """How to look for the latent of a picture."""

    start: Annotated[Start, Setting(
        "Start", why="auto takes the encoder where there is one, for nothing else tried came as far; given is a latent "
                     "beside the settings")] = "auto"
    loss: Annotated[str, Setting(
        "Error", offers=LOSSES,
        why="l1 came nearest by features of another network on 60 pictures that the model cannot draw, and soonest; "
            "blurred (equation 3, the paper's) came last of four; a sum such as 0.8*mse+0.2*dssim is one too"
    )] = "l1"
    sigma: Annotated[float, Setting(
        "Blur, share of the height", 0, 1,
        why="of the blurred error; the paper's best at 128 pixels, 3 to 5, is 0.02 to 0.04")] = SIGMA
    constraint: Annotated[Constraint, Setting(
        "Where latents may lie", why="ball is equation 2; without one, latents leave what the model knows")] = "ball"
    radius: Annotated[float | None, Setting(
        "Radius of ball or sphere", 0, above=True, usual="the root of the number of coordinates",
        why="a smaller one stays nearer to ordinary pictures, and is less like this one")] = None
    likeness: Annotated[float, Setting(
        "Likeness", 0, 1,
        why="from 0, as editable as the model's own pictures, to 1, as alike as can be: the share of the prior's "
            "radius that a latent may go, and no limit at 1")] = 1.0
    distance: Annotated[float | None, Setting(
        "Distance", 0, usual="what the likeness allows", why="how far the latent may go, in its own units")] = None
    around: Annotated[Around, Setting(
        "What likeness and distance count from", why="where the search starts, or the shell on which samples lie"
    )] = "start"
    space: Annotated[str, Setting(
        "Latent space", usual="the model's first",
        why="in another one, such as w or w+, a search starts at the mean of mapped samples or at the mapped answer of "
            "the encoder, no ball is known, and pictures carry no recipe")] = ""
    optimiser: Annotated[Optimiser, Setting(
        "Optimiser", flag="optimizer",
        why="auto takes Gauss-Newton (Levenberg-Marquardt) where the error is a sum of squares and the generator has "
            "forward derivatives, else L-BFGS")] = "auto"
    steps: Annotated[int | None, Setting(
        "Steps at most", 1, usual="the optimiser's own number, where it has settled")] = None
    seconds: Annotated[float | None, Setting("Seconds at most", 0, above=True, usual="no limit")] = None
    restarts: Annotated[int, Setting(
        "Starts side by side", 1, 64, why="one is enough for an encoder; a random one is often unlucky")] = 1
    candidates: Annotated[int, Setting(
        "Candidates", 1, why="samples of which random starts are the best; one costs one picture and no gradient")] = 64
    learning_rate: Annotated[float, Setting(
        "Learning rate", 0, above=True, why="Adam's; the prototype's fastest of those that still settled")] = 0.1
    tolerance: Annotated[float, Setting(
        "Tolerance", 0, 1, below=True,
        why="it ends when the error fell by a smaller share over the last few steps")] = 1e-3
    mixed_precision: Annotated[bool, Setting(
        "Mixed precision",
        why="bfloat16 where the processor computes it faster; the final figures are float32 always")] = True
    seed: Annotated[int, Setting("Seed", 0, why="of random starts")] = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        names = parse_loss(self.loss)
        if self.optimiser == GAUSS_NEWTON and any(name not in SQUARED for _, name in names):
            raise UsageError(f"gauss-newton on the loss '{self.loss}'", expected=f"a sum of {' and '.join(SQUARED)}",
                             action="choose lbfgs or adam, or the loss mse")

    def allowed(self, radius: float) -> float | None:
        """How far a latent may go in a space whose prior has this radius; None is any way."""
        if self.distance is not None or self.likeness == 1.0:
            return self.distance
        return self.likeness * radius


@dataclass(frozen=True)
class TuningSettings(Settings):
    """How to tune a copy of a model's weights on one photo (Roich et al. 2021)."""

    loss: Annotated[str, Setting(
        "Error", offers=LOSSES, why="of the pivot's picture; structure sharpens what squares leave soft"
    )] = "mse+0.1*dssim"
    steps: Annotated[int, Setting(
        "Steps", 1, why="of Adam, with a rate that rises at first and falls along a cosine")] = 300
    seconds: Annotated[float | None, Setting("Seconds at most", 0, above=True, usual="no limit")] = 90.0
    learning_rate: Annotated[float, Setting("Learning rate", 0, above=True, why="Adam's")] = 1e-3
    share: Annotated[float, Setting(
        "Share of the weights", 0, 1, above=True,
        why="the last ones first; on faces-gan the last three layers (a fifth of the weights) came closer than all of "
            "them, sooner, and left the factors' effects better as they were")] = 0.25
    locality: Annotated[float, Setting(
        "Locality", 0,
        why="weight of the term that keeps the pictures of other latents (equation 5): their mean squared difference "
            "from the untuned generator's; 3 left every factor of two photographs at least 78 % of its effect, 1 as "
            "little as 70 %")] = 3.0
    anchors: Annotated[float, Setting(
        "Anchors", 0, why="weight of the moved photographs that the tuning may be given")] = 0.5
    neighbours: Annotated[int, Setting("Neighbours a step", 1, why="other latents whose pictures are kept")] = 4
    reach: Annotated[float | None, Setting(
        "Reach of the neighbours", 0, above=True, usual="the prior's radius", why="how far from the pivot at most"
    )] = None
    seed: Annotated[int, Setting("Seed", 0, why="of the neighbours")] = 0
    space: Annotated[str, Setting("Latent space of the pivot", usual="the model's first")] = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        parse_loss(self.loss)
