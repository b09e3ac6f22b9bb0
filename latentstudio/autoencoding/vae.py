"""VAE and Split-VAE: the evidence bound, with the divergence weighted by beta or balanced by gamma."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from latentstudio.autoencoding.course import PictureCourse, parameters_of, set_mode
from latentstudio.autoencoding.losses import divergence, reconstruction
from latentstudio.autoencoding.parts import Bench
from latentstudio.training.course import Batch, Turn
from latentstudio.training.recipe import Recipe


class VaeStep:
    """One step of encoder and decoder down equation 3.5; sigma has a learning rate of its own."""

    def __init__(self, course: PictureCourse, *, beta: float, balanced: bool) -> None:
        self.encoder, self.decoder = course.part("encoder"), course.part("decoder")
        spread = getattr(self.encoder, "spread", None)
        own = [spread] if isinstance(spread, nn.Parameter) else []
        rate = course.recipe.learning_rate
        groups = [(parameters_of(self.encoder, self.decoder, without=own), rate)]
        groups += [(own, course.setting("spread_rate"))] if own else []
        self.optimiser = course.adam(*groups, first_moment=course.setting("vae_moment"))
        self._bench, self._beta, self._balanced = course.bench, beta, balanced

    def make(self, turn: Turn) -> dict[str, Tensor]:
        """Train both networks on the turn's pictures."""
        set_mode(self.encoder, training=True)
        with turn.mixed():
            mean, variance = self.encoder(turn.images)
            noise = turn.normal(mean.shape[1])
        code = mean + noise * variance.sqrt()
        with turn.mixed():
            made = self.decoder(code)
        error, nats = reconstruction(made, turn.images), divergence(mean, variance)
        loss = self._weight(self._bench, error, turn.images[0].numel()) * error + self._beta * nats
        turn.minimise(loss, self.optimiser)
        return {"loss": loss, "reconstruction": error, "divergence": nats}

    def _weight(self, bench: Bench, error: Tensor, size: int) -> float:
        """1, or with balancing 1 / gamma^2, gamma^2 the least squared error so far (Asperti and Trentin 2020)."""
        if not self._balanced:
            return 1.0
        with torch.no_grad():
            bench.balance.copy_(torch.minimum(bench.balance, 2.0 * error / size))
        return 1.0 / float(bench.balance)


class VaeCourse(PictureCourse):
    """Methods ``vae`` and ``split-vae``."""

    settings = {"beta": 1.0, "balanced": 0.0, "spread_rate": 1e-2, "vae_moment": 0.9}
    averages = False

    def __init__(self, recipe: Recipe, model: nn.Module, *, batch: Batch, shown: Tensor) -> None:
        super().__init__(recipe, model, batch=batch, shown=shown)
        split = recipe.method == "split-vae"
        beta = recipe.settings.get("beta", 3.0 if split else 1.0)
        balanced = recipe.settings.get("balanced", 1.0 if split else 0.0)
        self._step = VaeStep(self, beta=beta, balanced=bool(balanced))

    def advance(self, turn: Turn) -> Mapping[str, Tensor]:
        """One step of encoder and decoder."""
        self.set_rates(turn.step)
        return self._step.make(turn)
