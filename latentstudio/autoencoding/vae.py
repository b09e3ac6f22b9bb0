"""VAE and Split-VAE: the evidence bound, with the divergence weighted by beta or balanced by gamma."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from latentstudio.autoencoding.losses import divergence, reconstruction
from latentstudio.autoencoding.parts import Bench
from latentstudio.autoencoding.picture_method import PictureMethod, parameters_of, set_mode
from latentstudio.autoencoding.settings import VaeSettings
from latentstudio.training.method import Batches, TrainingBatch
from latentstudio.training.recipe import Recipe


class VaeStep:
    """One step of encoder and decoder down equation 3.5; sigma has a learning rate of its own."""

    def __init__(
        self, method: PictureMethod, *, beta: float, balanced: bool, spread_rate: float, moment: float
    ) -> None:
        self.encoder, self.decoder = method.part("encoder"), method.part("decoder")
        spread = getattr(self.encoder, "spread", None)
        own = [spread] if isinstance(spread, nn.Parameter) else []
        rate = method.recipe.learning_rate
        groups = [(parameters_of(self.encoder, self.decoder, without=own), rate)]
        groups += [(own, spread_rate)] if own else []
        self.optimiser = method.adam(*groups, first_moment=moment)
        self._bench, self._beta, self._balanced = method.bench, beta, balanced

    def make(self, batch: TrainingBatch) -> dict[str, Tensor]:
        """Train both networks on the batch's pictures."""
        set_mode(self.encoder, training=True)
        with batch.mixed():
            mean, variance = self.encoder(batch.images)
            noise = batch.normal(mean.shape[1])
        code = mean + noise * variance.sqrt()
        with batch.mixed():
            made = self.decoder(code)
        error, nats = reconstruction(made, batch.images), divergence(mean, variance)
        loss = self._weight(self._bench, error, batch.images[0].numel()) * error + self._beta * nats
        batch.minimise(loss, self.optimiser)
        return {"loss": loss, "reconstruction": error, "divergence": nats}

    def _weight(self, bench: Bench, error: Tensor, size: int) -> float:
        """1, or with balancing 1 / gamma^2, gamma^2 the least squared error so far (Asperti and Trentin 2020)."""
        if not self._balanced:
            return 1.0
        with torch.no_grad():
            bench.balance.copy_(torch.minimum(bench.balance, 2.0 * error / size))
        return 1.0 / float(bench.balance)


class VaeMethod(PictureMethod):
    """Methods ``vae`` and ``split-vae``."""

    settings: VaeSettings

    averages = False

    def __init__(self, recipe: Recipe, model: nn.Module, *, batches: Batches, shown: Tensor) -> None:
        super().__init__(recipe, model, batches=batches, shown=shown)
        chosen = self.settings
        self._step = VaeStep(self, beta=chosen.beta, balanced=chosen.balanced, spread_rate=chosen.spread_rate,
                             moment=chosen.vae_moment)

    def advance(self, batch: TrainingBatch) -> Mapping[str, Tensor]:
        """One step of encoder and decoder."""
        self.set_rates(batch.step)
        return self._step.make(batch)
