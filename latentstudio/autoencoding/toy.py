"""The toy experiment of thesis 3.4.1: two-dimensional data, a one-dimensional latent, the networks perceptrons.

It is trained by the same method and loop as the picture models: a point is a picture of 2 channels and one pixel, in
half of its unit, so that the squared error of pictures in [-1, 1] is that of the points.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.stats import spearmanr
from torch import Tensor, nn

from latentstudio.autoencoding.avae import AvaeMethod
from latentstudio.autoencoding.parts import parts
from latentstudio.steps import Step
from latentstudio.training.loop import Surroundings, train_method
from latentstudio.training.recipe import Recipe, stream_seed

HIDDEN = 128
BATCH = 256
VAE_STEPS, GAN_STEPS = 3000, 9000
DATA, SHOWN = 20_000, 2000
NOISE = 2
_UNIT = 0.5
_DATA_SEED = 31_415


def toy_points(count: int, source: torch.Generator) -> Tensor:
    """Points (count, 2): x = (3 z1 + 0.1 e, cos(3 z1 + tanh(3 z2)) + 0.1 e'), all of them N(0, 1) (thesis 3.4.1)."""
    first, second = torch.randn(2, count, generator=source)
    jitter = 0.1 * torch.randn(count, 2, generator=source)
    return torch.stack((3.0 * first, torch.cos(3.0 * first + torch.tanh(3.0 * second))), dim=1) + jitter


class Perceptron(nn.Module):
    """Two hidden layers of 128."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.first = nn.Linear(before, HIDDEN)
        self.rest = nn.Sequential(nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, after))

    def forward(self, inputs: Tensor) -> Tensor:
        """(N, before) to (N, after)."""
        found: Tensor = self.rest(self.first(inputs))
        return found


class _ToyEncoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mean = Perceptron(2, 1)
        self.spread = nn.Parameter(torch.zeros(1))

    def forward(self, points: Tensor) -> tuple[Tensor, Tensor]:
        mean = self.mean(points.flatten(1) / _UNIT)
        return mean, torch.sigmoid(self.spread).expand_as(mean)


class _ToyDecoder(Perceptron):
    def forward(self, inputs: Tensor) -> Tensor:
        return super().forward(inputs)[:, :, None, None] * _UNIT


class _ToyCritic(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = Perceptron(2, 1)

    def forward(self, points: Tensor) -> Tensor:
        found: Tensor = self.body(points.flatten(1) / _UNIT)
        return found[:, 0]


class ToyNetwork(nn.Module):
    """Encoder, decoder, generator and critic of the toy."""

    def __init__(self, noise_size: int) -> None:
        super().__init__()
        self.encoder = _ToyEncoder()
        self.decoder = _ToyDecoder(1, 2)
        self.generator = _ToyDecoder(1 + noise_size, 2)
        self.critic = _ToyCritic()
        self.register_buffer("centre", torch.zeros(1))
        self.register_buffer("root", torch.eye(1))


@dataclass(frozen=True)
class ToyStep(Step):
    """A step of the experiment; the last one carries its results."""

    result: ToyResult | None = None


@dataclass(frozen=True)
class ToyResult:
    """What Figure 3.7 shows.

    Attributes:
        data: points (N, 2); ``colours`` (N,) is where the encoder puts them.
        codes: a grid of the latent (K,).
        decoded: the VAE's curve (K, 2); ``generated`` the AVAE's without xi (K, 2).
        drawn: points (M, 2) of the AVAE with xi, and ``drawn_codes`` (M,) theirs.
        figures: mean distances of reconstructions to the nearest data point; ``data`` is that of new data points, which
            is not 0 either, and ``..._beyond_data`` what lies beyond it; ``..._order`` is the rank correlation of codes
            before and after the generator.
    """

    data: NDArray[np.float32]
    colours: NDArray[np.float32]
    codes: NDArray[np.float32]
    decoded: NDArray[np.float32]
    generated: NDArray[np.float32]
    drawn: NDArray[np.float32]
    drawn_codes: NDArray[np.float32]
    figures: dict[str, float]


def toy_recipe(seed: int = 0, *, scale: float = 1.0) -> Recipe:
    """The recipe of both models; ``scale`` shortens it for tests."""
    vae = max(1, round(VAE_STEPS * scale))
    return Recipe(
        "toy", "avae", "none", "toy", steps=vae + max(1, round(GAN_STEPS * scale)), batch=BATCH, learning_rate=2e-3,
        seed=seed, checkpoint_every=1 << 20, final_decay=0.3, mixed_precision=False,
        settings={"vae_steps": vae, "latent_weight": 1.0, "blur": 0.0, "generator_rate": 1e-3, "critic_rate": 1e-3,
                  "average": 0.995, "saturating": 1.0, "moment": 0.5, "vae_decay": 0.5},
    )


def toy_steps(folder: Path, *, seed: int = 0, scale: float = 1.0) -> Iterator[ToyStep]:
    """Train both AVAEs (without and with xi) and measure them; ``folder`` takes their logs.

    Raises:
        TrainingError: a run diverged.
        StorageError: ``folder`` may not be written.
    """
    recipe = toy_recipe(seed, scale=scale)
    trained = []
    for index, noise_size in enumerate((0, NOISE)):
        method = _method(recipe, noise_size)
        for step in train_method(recipe, method, _batch, Surroundings(folder)):
            if step.step % 50 == 0:
                yield ToyStep(0.5 * (index + step.fraction), f"model {index + 1} of 2, {step.message}")
        trained.append(method)
    yield ToyStep(1.0, "measured", result=_measure(*trained))


def _method(recipe: Recipe, noise_size: int) -> AvaeMethod:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        return AvaeMethod(recipe, ToyNetwork(noise_size), batches=_batch, shown=torch.zeros(1, 2, 1, 1))


def _batch(step: int) -> Tensor:
    points = toy_points(BATCH, torch.Generator().manual_seed(stream_seed(7, step)))
    return points[:, :, None, None] * _UNIT


@torch.no_grad()
def _measure(plain: AvaeMethod, with_noise: AvaeMethod) -> ToyResult:
    source = torch.Generator().manual_seed(_DATA_SEED)
    data, new = toy_points(DATA, source), toy_points(SHOWN, source)
    tree = cKDTree(data.numpy())
    for method in (plain, with_noise):
        method.bench.eval()
    figures: dict[str, float] = {"data": _distance(tree, new)}
    codes, points = _rebuilt(plain, new, generator=False)
    figures["vae"] = _distance(tree, points)
    for name, method in (("avae", plain), ("avae_with_xi", with_noise)):
        codes, points = _rebuilt(method, new, generator=True)
        figures[name] = _distance(tree, points)
        again = _means(method, points)
        figures[f"{name}_order"] = float(spearmanr(codes[:, 0].numpy(), again[:, 0].numpy()).statistic)
    for name in ("vae", "avae", "avae_with_xi"):
        figures[f"{name}_beyond_data"] = figures[name] - figures["data"]
    grid = torch.linspace(float(codes.quantile(0.002)), float(codes.quantile(0.998)), 400)[:, None]
    drawn_codes = _rebuilt(with_noise, new, generator=False)[0]
    return ToyResult(
        new.numpy(), _means(plain, new)[:, 0].numpy(), grid[:, 0].numpy(), _decode(plain, grid).numpy(),
        _generate(plain, grid).numpy(), _generate(with_noise, drawn_codes).numpy(), drawn_codes[:, 0].numpy(),
        {key: round(value, 4) for key, value in figures.items()},
    )


def _rebuilt(method: AvaeMethod, points: Tensor, *, generator: bool) -> tuple[Tensor, Tensor]:
    codes = _means(method, points)
    return codes, _generate(method, codes) if generator else _decode(method, codes)


def _means(method: AvaeMethod, points: Tensor) -> Tensor:
    encoder = method.part("encoder")
    mean: Tensor = encoder(points[:, :, None, None] * _UNIT)[0]
    return mean


def _decode(method: AvaeMethod, codes: Tensor) -> Tensor:
    made: Tensor = method.part("decoder")(codes)
    return made[:, :, 0, 0] / _UNIT


def _generate(method: AvaeMethod, codes: Tensor) -> Tensor:
    generator = method.bench.average or parts(method.model).generator
    assert generator is not None
    if method.noise_size:
        xi = torch.randn(len(codes), method.noise_size, generator=torch.Generator().manual_seed(_DATA_SEED))
        codes = torch.cat((codes, xi), dim=1)
    made: Tensor = generator(codes)
    return made[:, :, 0, 0] / _UNIT


def _distance(tree: cKDTree, points: Tensor) -> float:
    return float(tree.query(points.numpy())[0].mean())
