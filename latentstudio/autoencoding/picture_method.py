"""What all methods of this room do alike: optimisers, learning rates, previews, and when a run has failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from latentstudio import pixels
from latentstudio.autoencoding.losses import critic_loss, gradient_size
from latentstudio.autoencoding.parts import Bench, part, parts
from latentstudio.settings import Settings
from latentstudio.training.method import Batches, TrainingBatch, rate_at
from latentstudio.training.methods import settings_of
from latentstudio.training.recipe import Recipe

WON = 0.02  # cross-entropy of a critic that no longer errs
UNIFORM = 0.05  # share of the data's spread over a batch
LAZY = 8  # steps between two penalties on the critic's gradient
SHOWN = 8
_PREVIEW_SEED = 20_220_301


class PictureMethod:
    """Base of the methods; ``network`` is a ``Bench``. Subclasses make one step in ``advance``.

    ``settings`` are the numbers that the recipe sets, of the class that the table of methods names.
    """

    settings: Settings
    averages: ClassVar[bool] = True

    def __init__(self, recipe: Recipe, model: nn.Module, *, batches: Batches, shown: Tensor) -> None:
        self.recipe, self.settings = recipe, settings_of(recipe)
        self.bench = Bench(model, averages=self.averages)
        self.model = model
        self._batches, self._shown = batches, shown[:SHOWN]
        self._rates: list[tuple[torch.optim.Optimizer, list[float]]] = []

    @property
    def network(self) -> nn.Module:
        """Everything that a checkpoint keeps."""
        return self.bench

    @property
    def optimisers(self) -> Sequence[torch.optim.Optimizer]:
        """All optimisers, in the order in which they were made."""
        return [optimiser for optimiser, _ in self._rates]

    @property
    def latent_size(self) -> int:
        """d."""
        return len(parts(self.model).centre)

    def advance(self, batch: TrainingBatch) -> Mapping[str, Tensor]:
        """Make one step."""
        raise NotImplementedError

    def part(self, name: str) -> nn.Module:
        """The network of this name; a recipe without it is refused."""
        return part(self.model, name, self.recipe.method)

    def adam(self, *groups: tuple[list[nn.Parameter], float], first_moment: float) -> torch.optim.Optimizer:
        """An Adam over groups of (parameters, learning rate); ``set_rates`` scales the rates by the recipe's course."""
        optimiser = torch.optim.Adam(
            [{"params": parameters, "lr": rate} for parameters, rate in groups],
            betas=(first_moment, self.recipe.second_moment),
        )
        self._rates.append((optimiser, [rate for _, rate in groups]))
        return optimiser

    def set_rates(self, step: int) -> None:
        """Apply warm-up and final decay of the recipe to every rate."""
        share = rate_at(self.recipe, step) / self.recipe.learning_rate
        for optimiser, rates in self._rates:
            for group, rate in zip(optimiser.param_groups, rates, strict=True):
                group["lr"] = rate * share

    def train_critic(
        self, batch: TrainingBatch, critic: nn.Module, optimiser: torch.optim.Optimizer, real: Sequence[Tensor],
        made: Sequence[Tensor], *, smoothness: float,
    ) -> dict[str, Tensor]:
        """One step of a critic on real and made inputs (pictures, for BiGAN with their latents).

        ``smoothness`` weighs R1, which keeps a critic from winning; it is computed in every eighth step.
        """
        with batch.mixed():
            told_real, told_made = critic(*real), critic(*(value.detach() for value in made))
        loss = critic_loss(told_real, told_made)
        weight = smoothness * LAZY if batch.step % LAZY == 0 else 0.0
        smooth = gradient_size(lambda pictures: critic(pictures, *real[1:]), real[0]) if weight else 0.0
        batch.minimise(loss + weight * smooth, optimiser)
        with torch.no_grad():
            right = 0.5 * ((told_real > 0).float().mean() + (told_made < 0).float().mean())
        return {"critic": 0.5 * loss, "right": right, "variety": variety(made[0], real[0])}

    @property
    def draws(self) -> bool:
        """False while the generator has not begun to learn: previews leave it out."""
        return True

    def trouble(self, losses: Mapping[str, float]) -> str:
        """Words for a critic that has won, and for a generator that makes one picture only."""
        if "right" in losses and losses["critic"] < WON:
            return "the critic has told every picture apart, and the generator learns nothing more,"
        if losses.get("variety", 1.0) < UNIFORM:
            return "the generator has made one and the same picture"
        return ""

    @torch.no_grad()
    def preview(self) -> NDArray[np.uint8] | None:
        """Rows of pictures: originals with what decoder and generator make of them, then samples."""
        modes = [(module, module.training) for module in self.bench.modules()]
        self.bench.eval()
        model, images = parts(self.model), self._shown
        drawn = torch.randn(len(images), self.latent_size, generator=torch.Generator().manual_seed(_PREVIEW_SEED))
        rows = []
        if model.encoder is not None:
            code = model.encoder(images)[0]
            rows.append(images)
            rows += [made for made in (self._decoded(code), self._generated(code)) if made is not None]
        z = model.centre + drawn @ model.root.T
        samples = [made for made in (self._generated(z), self._decoded(z)) if made is not None]
        rows += samples[:1]
        for module, training in modes:
            module.training = training
        pictures = torch.cat(rows).clamp(0.0, 1.0).expand(-1, 3, -1, -1)
        return pixels.grid(pixels.to_bytes(pictures.float().numpy()), columns=len(images))

    def _decoded(self, code: Tensor) -> Tensor | None:
        decoder = parts(self.model).decoder
        return None if decoder is None else decoder(code)

    def _generated(self, code: Tensor) -> Tensor | None:
        network = self.bench.average or parts(self.model).generator
        if network is None or not self.draws:
            return None
        noise = self.noise_size
        if noise:
            xi = torch.randn(len(code), noise, generator=torch.Generator().manual_seed(_PREVIEW_SEED + 1))
            code = torch.cat((code, xi), dim=1)
        made: Tensor = network(code)
        return made

    @property
    def noise_size(self) -> int:
        """Coordinates of xi; 0 where the generator has none."""
        generator = parts(self.model).generator
        first = getattr(generator, "first", None)
        return int(first.in_features) - self.latent_size if isinstance(first, nn.Linear) else 0


@torch.no_grad()
def variety(made: Tensor, real: Tensor) -> Tensor:
    """Spread of made pictures over the batch as a share of the real ones', on every fourth row and column."""
    thin = (..., slice(None, None, 4), slice(None, None, 4))
    return made[thin].float().std(0).mean() / real[thin].std(0).mean().clamp_min(1e-6)


def set_mode(network: nn.Module, *, training: bool) -> None:
    """Training or evaluation mode, changed only where it is another: walking through all modules takes time."""
    if network.training != training:
        network.train(training)


def parameters_of(*networks: nn.Module, without: Sequence[nn.Parameter] = ()) -> list[nn.Parameter]:
    """All parameters of these networks but those named."""
    left_out = {id(parameter) for parameter in without}
    return [p for network in networks for p in network.parameters() if id(p) not in left_out]
