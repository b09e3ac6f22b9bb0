"""The beta-VAE objective (Higgins et al. 2017) as the papers train it on sprites."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from latentstudio.autoencoding.settings import BetaVaeSettings
from latentstudio.generators.card import ModelCard
from latentstudio.training.building import FindsBackends, build_network
from latentstudio.training.checkpoint import Checkpoint
from latentstudio.training.method import Batches, Loss, OneLoss
from latentstudio.training.methods import settings_of
from latentstudio.training.recipe import Recipe
from latentstudio.training.sprites import SHAPES, Sprites, render
from latentstudio.training.writing import write_model

HELD_OUT = 2048
FACTS = {"measure": "barycentre", "data": "sprites made to the dSprites protocol, drawn by this program"}
_HELD_OUT_SEED = 20_200_107


class _Posterior(Protocol):
    def posterior(self, images: Tensor) -> tuple[Tensor, Tensor]: ...
    def logits(self, latent: Tensor) -> Tensor: ...


def normal_divergence(mean: Tensor, log_deviation: Tensor) -> Tensor:
    """KL(N(mean, exp(log_deviation)^2) || N(0, 1)) per coordinate, in nats; same shape as ``mean``."""
    return 0.5 * (mean**2 + torch.exp(2 * log_deviation) - 1.0) - log_deviation


def beta_vae_loss(
    network: nn.Module, images: Tensor, noise: torch.Generator, *, beta: float
) -> Mapping[str, Tensor]:
    """Negative evidence bound with the divergence weighted by ``beta``; sums over pixels, means over the batch.

    Args:
        network: offers ``posterior(images)`` and ``logits(latent)``.
        images: (N, 1, H, W) in [0, 1].
        noise: source of the reparametrisation noise.
        beta: weight of the divergence (Higgins et al. 2017, equation 4).
    """
    model: _Posterior = network  # type: ignore[assignment]
    mean, log_deviation = (part.float() for part in model.posterior(images))
    drawn = torch.randn(mean.shape, generator=noise).to(mean.device)
    logits = model.logits(mean + torch.exp(log_deviation) * drawn).float()
    reconstruction = functional.binary_cross_entropy_with_logits(logits, images, reduction="sum") / len(images)
    divergence = normal_divergence(mean, log_deviation).sum() / len(images)
    return {"loss": reconstruction + beta * divergence, "reconstruction": reconstruction, "divergence": divergence}


class BetaVaeMethod(OneLoss):
    """Method ``beta-vae``."""

    def __init__(
        self, recipe: Recipe, network: nn.Module, *, batches: Batches | None = None, shown: Tensor | None = None
    ) -> None:
        """``batches`` and ``shown``, which every method is given, are not needed: there is no preview."""
        super().__init__(recipe, network, _loss(recipe))


def write_beta_vae(
    recipe: Recipe, checkpoint: Checkpoint, out: Path, *, catalogue: FindsBackends, command: str
) -> ModelCard:
    """Write the model folder of a finished run, measured on ``HELD_OUT`` new sprites; returns the card.

    Raises:
        TrainingError: a key of the recipe's card that cards do not have.
        StorageError: ``out`` may not be written, or the disk is full.
    """
    network = build_network(recipe, catalogue=catalogue)
    network.load_state_dict(checkpoint.weights)
    network.eval()
    figures = {"steps": checkpoint.step, "held_out": held_out_losses(recipe, network, count=HELD_OUT)}
    tensors = {name: value.float().contiguous() for name, value in network.state_dict().items()}
    return write_model(recipe, tensors, out, catalogue=catalogue, command=command, config=None,
                       figures=lambda generator: figures, facts=FACTS)


def held_out_losses(recipe: Recipe, network: nn.Module, *, count: int) -> dict[str, float]:
    """Mean losses on ``count`` pictures that the training never drew (positions, sizes and turns between the grid's).

    ``loss`` is the negative evidence bound with the recipe's weights, in nats a picture.
    """
    pictures = new_sprites(count, seed=_HELD_OUT_SEED)
    noise, loss = torch.Generator().manual_seed(_HELD_OUT_SEED), _loss(recipe)
    sums: dict[str, float] = {}
    with torch.inference_mode():
        for piece in pictures.split(128):
            for name, value in loss(network, piece, noise).items():
                sums[name] = sums.get(name, 0.0) + float(value) * len(piece)
    return {"pictures": count, **{name: round(total / count, 3) for name, total in sums.items()}}


def new_sprites(count: int, *, seed: int) -> Tensor:
    """Sprites float32 (count, 1, 64, 64), 0 or 1, with position, size and turn drawn continuously."""
    source = torch.Generator().manual_seed(seed)

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=source)

    return render(Sprites(
        shape=torch.randint(len(SHAPES), (count,), generator=source),
        scale=uniform(0.5, 1.0),
        angle=uniform(0.0, 2 * math.pi), x=uniform(-15.5, 15.5), y=uniform(-15.5, 15.5),
    ))


def _loss(recipe: Recipe) -> Loss:
    chosen = settings_of(recipe)
    assert isinstance(chosen, BetaVaeSettings)
    return partial(beta_vae_loss, beta=chosen.beta)
