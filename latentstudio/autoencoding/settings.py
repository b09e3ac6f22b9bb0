"""Numbers that a recipe may set under ``[settings]``, for each method of this room. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from latentstudio.settings import Setting, Settings


@dataclass(frozen=True)
class BetaVaeSettings(Settings):
    """Of ``beta-vae``."""

    beta: Annotated[float, Setting("Weight of the divergence", 0, why="Higgins et al. 2017, equation 4")] = 1.0


@dataclass(frozen=True)
class VaeSettings(Settings):
    """Of ``vae``."""

    beta: Annotated[float, Setting("Weight of the divergence", 0)] = 1.0
    balanced: Annotated[bool, Setting(
        "Balanced error", why="divided by the least one so far (Asperti and Trentin 2020)")] = False
    spread_rate: Annotated[float, Setting("Learning rate of the encoder's spread", 0, above=True)] = 1e-2
    vae_moment: Annotated[float, Setting("First moment of Adam", 0, 1, below=True)] = 0.9


@dataclass(frozen=True)
class SplitVaeSettings(VaeSettings):
    """Of ``split-vae``, which weighs the divergence more and balances."""

    beta: Annotated[float, Setting("Weight of the divergence", 0)] = 3.0
    balanced: Annotated[bool, Setting("Balanced error", why="divided by the least one so far")] = True


@dataclass(frozen=True)
class CriticSettings(Settings):
    """Of every method with a generator and a critic."""

    generator_rate: Annotated[float, Setting("Learning rate of the generator", 0, above=True)] = 2e-4
    critic_rate: Annotated[float, Setting("Learning rate of the critic", 0, above=True)] = 2e-4
    moment: Annotated[float, Setting("First moment of Adam", 0, 1, below=True)] = 0.5
    average: Annotated[float, Setting(
        "Running average", 0, 1, why="the share of the generator's averaged weights that stays in a step")] = 0.999


@dataclass(frozen=True)
class GanSettings(CriticSettings):
    """Of ``gan`` and ``bigan``."""

    smoothness: Annotated[float, Setting(
        "Weight of R1 on the critic", 0, why="keeps a critic from winning; computed in every eighth step")] = 0.0


@dataclass(frozen=True)
class WganSettings(GanSettings):
    """Of ``wgan-gp`` (Gulrajani et al. 2017)."""

    moment: Annotated[float, Setting("First moment of Adam", 0, 1, below=True)] = 0.0
    penalty: Annotated[float, Setting("Weight of the gradient penalty", 0)] = 10.0
    critic_steps: Annotated[int, Setting("Critic's steps to one of the generator", 1)] = 5


@dataclass(frozen=True)
class VaeGanSettings(CriticSettings):
    """Of ``vae-gan`` (Larsen et al. 2016)."""

    beta: Annotated[float, Setting("Weight of the divergence", 0, why="of the encoder (thesis 3.4)")] = 1.0
    feature_weight: Annotated[float, Setting(
        "Weight of the features", 0, why="what the generator owes to reconstructions beside the critic's word")] = 1e-3
    encoder_rate: Annotated[float, Setting("Learning rate of the encoder", 0, above=True)] = 2e-4
    spread_rate: Annotated[float, Setting("Learning rate of the encoder's spread", 0, above=True)] = 1e-2


@dataclass(frozen=True)
class AvaeSettings(GanSettings):
    """Of ``avae`` and ``avae-a``."""

    generator_rate: Annotated[float, Setting("Learning rate of the generator", 0, above=True)] = 4e-4
    smoothness: Annotated[float, Setting(
        "Weight of R1 on the critic", 0, why="not in the thesis: at 64 pixels the critic won without it")] = 0.0
    beta: Annotated[float, Setting("Weight of the divergence", 0)] = 1.0
    vae_steps: Annotated[int, Setting("Steps of the VAE alone", 0, why="with 0 all four networks learn at once")] = 0
    vae_decay: Annotated[float, Setting(
        "Decay of the VAE", 0, 1, why="the last share of its own steps over which its rate falls")] = 0.5
    vae_moment: Annotated[float, Setting("First moment of the VAE's Adam", 0, 1, below=True)] = 0.9
    spread_rate: Annotated[float, Setting("Learning rate of the encoder's spread", 0, above=True)] = 1e-2
    latent_weight: Annotated[float, Setting("Weight of the latent loss L_Z", 0, why="the thesis has 1")] = 0.05
    matched: Annotated[bool, Setting(
        "Matched codes", why="drawn from the aggregated posterior instead of N(0, 1)")] = True
    blur: Annotated[bool, Setting(
        "Blur for the encoder", why="it sees generated pictures behind a 5x5 binomial filter")] = True
    warm: Annotated[bool, Setting("Warm start", why="the generator begins with the decoder's weights")] = True
    saturating: Annotated[bool, Setting(
        "Saturating loss", why="L_M of equation 3.11; without it DCGAN's loss")] = True


@dataclass(frozen=True)
class StudySettings(Settings):
    """How large the comparison of all methods is."""

    data: Annotated[str, Setting("Pictures", why="fashion-mnist, samples:MODEL or a folder")] = "fashion-mnist"
    steps: Annotated[int, Setting("Steps of each network", 1)] = 4000
    seeds: Annotated[int, Setting("Runs of each method", 1)] = 3
    seed: Annotated[int, Setting("Seed", 0, why="of the first run; the others count on from it")] = 0
    side: Annotated[int, Setting("Pixels a side", 8)] = 32
    channels: Annotated[int, Setting("Channels of the pictures", 1, 3)] = 1
    width: Annotated[int, Setting("Width multiplier of the networks", 1)] = 16
    latent_size: Annotated[int, Setting("Coordinates of the latent", 1, flag="latent")] = 100
    batch: Annotated[int, Setting("Pictures a step", 1)] = 64
    inception: Annotated[str, Setting(
        "File of Inception-v3's weights", why="your own: the Frechet distance is then a FID")] = ""
