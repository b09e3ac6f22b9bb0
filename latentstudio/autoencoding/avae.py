"""AVAE (thesis chapter 3): a generator and a critic beside a VAE, with the VAE's encoder holding the latents in place.

With ``vae_steps`` above 0 the VAE is trained first and then frozen (the thesis' 3.5 proposes it); with 0 all four
networks take a step together, as in Figure 3.4.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from latentstudio.autoencoding.losses import blurred, latent_loss, non_saturating, saturating
from latentstudio.autoencoding.parts import POSTERIOR_COUNT, warm_start
from latentstudio.autoencoding.picture_method import PictureMethod, parameters_of, set_mode
from latentstudio.autoencoding.settings import AvaeSettings
from latentstudio.autoencoding.vae import VaeStep
from latentstudio.training.method import Batches, TrainingBatch, rate_at
from latentstudio.training.recipe import Recipe


class AvaeMethod(PictureMethod):
    """Methods ``avae`` (L_Z^b, equation 3.12) and ``avae-a`` (L_Z^a, equation 3.8)."""

    settings: AvaeSettings


    def __init__(self, recipe: Recipe, model: nn.Module, *, batches: Batches, shown: Tensor) -> None:
        super().__init__(recipe, model, batches=batches, shown=shown)
        chosen = self.settings
        self._vae = VaeStep(self, beta=chosen.beta, balanced=False, spread_rate=chosen.spread_rate,
                            moment=chosen.vae_moment)
        self._encoder, self._generator = self._vae.encoder, self.part("generator")
        self._critic = self.part("critic")
        moment = self.settings.moment
        self._of_generator = self.adam(
            (parameters_of(self._generator), self.settings.generator_rate), first_moment=moment
        )
        self._of_critic = self.adam((parameters_of(self._critic), self.settings.critic_rate), first_moment=moment)
        self._first = self.settings.vae_steps
        self._step = 0
        self._of_means = recipe.method != "avae-a"
        self._loss = saturating if self.settings.saturating else non_saturating

    def advance(self, batch: TrainingBatch) -> Mapping[str, Tensor]:
        """A step of the VAE, of generator and critic, or of all four, as the recipe and the step say."""
        self.set_rates(batch.step)
        self._step = batch.step
        if batch.step <= self._first:
            self._set_vae_rate(batch.step)
            return self._vae.make(batch)
        if self._first == 0:
            told = self._vae.make(batch)
            return {**told, **self._adversarial(batch)}
        if batch.step == self._first + 1:
            self.begin(batch)
        return self._adversarial(batch)

    @property
    def draws(self) -> bool:
        """The generator begins after the VAE."""
        return self._step > self._first

    def begin(self, batch: TrainingBatch) -> None:
        """After the VAE's last step: measure its codes, and let the generator start from the decoder."""
        batch.processes.align(self.bench)
        set_mode(self._encoder, training=False)
        if self.settings.matched:
            means = []
            with torch.no_grad():
                for step in range(1, 1 + -(-POSTERIOR_COUNT // self.recipe.batch)):
                    mean, variance = self._encoder(self._batches(step).to(batch.images.device))
                    means.append(mean)
            self.bench.measure_codes(torch.cat(means), variance.mean(0))
        if self.settings.warm:
            warm_start(self._generator, self._vae.decoder)

    def _adversarial(self, batch: TrainingBatch) -> dict[str, Tensor]:
        set_mode(self._encoder, training=False)  # generated pictures must not enter its running statistics
        variance = torch.sigmoid(self._encoder.spread).detach()  # type: ignore[arg-type]
        z, target = self.bench.codes(batch.normal(self.latent_size), variance, of_means=self._of_means)
        z, target = z.detach(), target.detach()
        code = torch.cat((z, batch.normal(self.noise_size)), dim=1) if self.noise_size else z
        with batch.mixed():
            made = self._generator(code)
        told = self.train_critic(batch, self._critic, self._of_critic, (batch.images,), (made,),
                                 smoothness=self.settings.smoothness)
        with batch.mixed():
            logits = self._critic(made)
            mean, _ = self._encoder(blurred(made.float()) if self.settings.blur else made)
        distance, realism = latent_loss(mean, target, variance), self._loss(logits)
        batch.minimise(self.settings.latent_weight * distance + realism, self._of_generator)
        self.bench.follow(self.settings.average, batch.step - self._first)
        return {**told, "latent": distance, "generator": realism}

    def _set_vae_rate(self, step: int) -> None:
        """The VAE's own decay, over the end of its own steps."""
        left = (self._first - step) / max(1.0, self.settings.vae_decay * self._first)
        share = (0.05 + 0.95 * min(1.0, left)) * min(1.0, rate_at(self.recipe, step) / self.recipe.learning_rate)
        for group, rate in zip(
            self._vae.optimiser.param_groups, (self.recipe.learning_rate, self.settings.spread_rate), strict=True
        ):
            group["lr"] = rate * share
