"""Trains a recoder: an encoder for a generator, on endless samples of the generator itself."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from latentstudio.errors import TrainingError
from latentstudio.files import make_folder, storage_error
from latentstudio.generators.contract import Generator
from latentstudio.generators.recoder import Recoder, RecoderCard, RecoderNetwork, open_recoder, write_recoder
from latentstudio.latents import LatentSpace, sample_prior
from latentstudio.places import bundled
from latentstudio.training.loop import TrainingStep, finished_checkpoint, train
from latentstudio.training.recipe import Recipe, read_recipe, stream_seed

HELD_OUT = 512
HELD_OUT_SEED = 40_000_004
REPRODUCING = ("The command trains such a recoder with the same batches in the same order; its weights are the same "
               "only on the same machine with the same versions, as sums are rounded differently elsewhere.")
_PIECE = 64


def recoder_recipe(card_name: str, backend: str) -> Recipe:
    """The shipped recipe, with the model's name and backend filled in."""
    return replace(read_recipe(bundled("resources") / "recoders" / "recipe.toml"), name=card_name, backend=backend)


class Averaged(nn.Module):
    """A recoder under training, and the running average of its weights, which is smoother than any single step."""

    def __init__(self, latent_size: int, seed: int) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = RecoderNetwork(latent_size)
        self.average = copy.deepcopy(self.network).requires_grad_(False).eval()

    @torch.no_grad()
    def follow(self, decay: float, step: int) -> None:
        """Move the average towards the weights; over the first steps it moves faster, to forget the random start."""
        kept = min(decay, step / (step + 10.0))
        theirs = self.network.state_dict()
        for name, mine in self.average.state_dict().items():
            if mine.is_floating_point():
                mine.lerp_(theirs[name], 1.0 - kept)
            else:
                mine.copy_(theirs[name])


class _LatentBatches:
    """Batches of latents, and the loss of a step: latent error, in the last phase also the pictures' error."""

    def __init__(self, generator: Generator, recipe: Recipe) -> None:
        self._generator, self._recipe = generator, recipe
        self._space = generator.card.spaces[0]
        self._first_of_images = recipe.steps * (1.0 - recipe.settings.get("image_share", 0.0))
        self._step = 0

    def draw(self, step: int) -> Tensor:
        """Latents (N, d, 1, 1) of this step; they depend on the recipe's data_seed and the step only."""
        self._step = step
        source = torch.Generator().manual_seed(stream_seed(self._recipe.data_seed, step))
        drawn = _draw(self._space, self._recipe.batch, source)
        return drawn[:, :, None, None]

    def loss(self, network: nn.Module, latents: Tensor, noise: torch.Generator) -> Mapping[str, Tensor]:
        """``latent`` is the mean squared error of the latents, ``image`` that of the pictures in [0, 1]."""
        assert isinstance(network, Averaged)
        network.follow(self._recipe.settings.get("average", 0.995), self._step)
        wanted = latents[:, :, 0, 0]
        with torch.no_grad():
            pictures = self._pictures(wanted)
        told = network.network(pictures).float()
        latent = functional.mse_loss(told, wanted)
        if self._step <= self._first_of_images:
            return {"loss": latent, "latent": latent}
        image = functional.mse_loss(self._pictures(told).float(), pictures.float())
        return {"loss": latent + self._recipe.settings["image_weight"] * image, "latent": latent, "image": image}

    def _pictures(self, flat: Tensor) -> Tensor:
        return self._generator.generate(flat.reshape(-1, *self._space.shape))


def train_recoder(
    generator: Generator, recipe: Recipe, folder: Path, *, resume: bool = False
) -> Iterator[TrainingStep]:
    """Train a recoder for ``generator``; checkpoint and log go to ``folder``; a frozen step per optimiser step.

    Raises:
        TrainingError: a prior that cannot be sampled, a generator without gradients, or another recipe's checkpoint.
        StorageError: the folder may not be written, or the disk is full.
    """
    space = generator.card.spaces[0]
    if space.prior == "none":
        raise TrainingError(f"{generator.card.name} has no prior to draw samples from",
                            expected="a normal or uniform one")
    make_folder(folder)
    batches = _LatentBatches(generator, recipe)
    device = next(generator.network.parameters()).device
    network = Averaged(space.size, recipe.seed).to(device)
    yield from train(recipe, network=network, batches=batches.draw, loss=batches.loss, folder=folder, resume=resume)


def finish_recoder(generator: Generator, recipe: Recipe, run: Path, out: Path, *, command: str) -> RecoderCard:
    """Write the averaged weights of the checkpoint in ``run`` to ``out``, measured on samples never trained on.

    Raises:
        TrainingError: no checkpoint, or one that is not finished.
        StorageError: ``out`` may not be written, or the disk is full.
    """
    checkpoint = finished_checkpoint(recipe, run)
    space = generator.card.spaces[0]
    network = Averaged(space.size, recipe.seed)
    network.load_state_dict(checkpoint.weights)
    card = RecoderCard(
        model=generator.card.name, model_sha256=generator.card.weights_sha256, latent_size=space.size,
        recipe=recipe.as_dict(), command=command, notice=generator.card.notice, reproducing=REPRODUCING,
    )
    try:
        write_recoder(out, network.average, card)  # measured as it will be read again, rounded
    except OSError as problem:
        raise storage_error(out, problem) from problem
    figures = {"steps": checkpoint.step, "held_out": held_out_figures(generator, open_recoder(out, space.shape))}
    return write_recoder(out, network.average, replace(card, figures=figures))


def held_out_figures(generator: Generator, recoder: Recoder) -> dict[str, object]:
    """Errors on ``HELD_OUT`` samples: of latents, and of pictures in [0, 1] (mean, median and 95th percentile)."""
    space = generator.card.spaces[0]
    latents = torch.from_numpy(sample_prior(space, count=HELD_OUT, seed=HELD_OUT_SEED))
    latent_errors, image_errors = [], []
    with torch.inference_mode():
        for piece in latents.split(_PIECE):
            pictures = generator.generate(piece)
            told = recoder.encode(pictures)
            latent_errors.append((told - piece).square().flatten(1).mean(dim=1))
            image_errors.append((generator.generate(told) - pictures).square().flatten(1).mean(dim=1))
    image = torch.cat(image_errors)
    return {
        "samples": HELD_OUT, "seed": HELD_OUT_SEED, "latent_mse": _rounded(torch.cat(latent_errors).mean()),
        "image_mse": _rounded(image.mean()), "image_mse_median": _rounded(image.median()),
        "image_mse_95": _rounded(image.quantile(0.95)),
    }


def _draw(space: LatentSpace, count: int, source: torch.Generator) -> Tensor:
    if space.prior == "uniform":
        return torch.rand(count, space.size, generator=source) * 2.0 - 1.0
    return torch.randn(count, space.size, generator=source)


def _rounded(value: Tensor) -> float:
    return float(f"{float(value):.4g}")
