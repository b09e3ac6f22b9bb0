"""GAN (DCGAN's losses and WGAN-GP), VAE/GAN and BiGAN: what the AVAE is compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

import torch
from torch import Tensor, nn

from latentstudio.autoencoding.losses import critic_loss, divergence, gradient_penalty, non_saturating
from latentstudio.autoencoding.picture_method import PictureMethod, parameters_of, variety
from latentstudio.autoencoding.settings import GanSettings, VaeGanSettings, WganSettings
from latentstudio.errors import TrainingError
from latentstudio.training.method import Batches, TrainingBatch
from latentstudio.training.recipe import Recipe


class GanMethod(PictureMethod):
    """Method ``gan``: generator and critic with the losses of DCGAN (Radford et al. 2016)."""

    settings: GanSettings


    def __init__(self, recipe: Recipe, model: nn.Module, *, batches: Batches, shown: Tensor) -> None:
        super().__init__(recipe, model, batches=batches, shown=shown)
        self._generator, self._critic = self.part("generator"), self.part("critic")
        moment = self.settings.moment
        self._of_generator = self.adam(
            (parameters_of(self._generator), self.settings.generator_rate), first_moment=moment
        )
        self._of_critic = self.adam((parameters_of(self._critic), self.settings.critic_rate), first_moment=moment)

    def advance(self, batch: TrainingBatch) -> Mapping[str, Tensor]:
        """One step of the critic, then one of the generator."""
        self.set_rates(batch.step)
        with batch.mixed():
            made = self._generator(batch.normal(self.latent_size + self.noise_size))
        told = self.train_critic(batch, self._critic, self._of_critic, (batch.images,), (made,),
                                 smoothness=self.settings.smoothness)
        with batch.mixed():
            logits = self._critic(made)
        loss = non_saturating(logits)
        batch.minimise(loss, self._of_generator)
        self.bench.follow(self.settings.average, batch.step)
        return {**told, "generator": loss}


class WganMethod(GanMethod):
    """Method ``wgan-gp`` (Gulrajani et al. 2017): the critic learns in every step, the generator in every fifth.

    Its second derivatives are computed in float32.
    """

    settings: WganSettings


    def advance(self, batch: TrainingBatch) -> Mapping[str, Tensor]:
        """One step of the critic, now and then one of the generator."""
        self.set_rates(batch.step)
        learns = batch.step % self.settings.critic_steps == 0
        with torch.set_grad_enabled(learns):
            made = self._generator(batch.normal(self.latent_size + self.noise_size))
        told = self._train(batch, made.detach())
        if learns:
            loss = -self._critic(made).mean()
            batch.minimise(loss, self._of_generator)
            self.bench.follow(self.settings.average, batch.step)
        return told

    def _train(self, batch: TrainingBatch, made: Tensor) -> dict[str, Tensor]:
        mix = batch.processes.share(
            torch.rand(len(made) * batch.processes.size, generator=batch.noise)
        ).to(made.device)
        distance = self._critic(batch.images).mean() - self._critic(made).mean()
        penalty = gradient_penalty(self._critic, batch.images, made, mix)
        batch.minimise(self.settings.penalty * penalty - distance, self._of_critic)
        return {"distance": distance, "penalty": penalty, "variety": variety(made, batch.images)}


class VaeGanMethod(PictureMethod):
    """Method ``vae-gan`` (Larsen et al. 2016): a VAE whose reconstructions are compared by the critic's features."""

    settings: VaeGanSettings


    def __init__(self, recipe: Recipe, model: nn.Module, *, batches: Batches, shown: Tensor) -> None:
        super().__init__(recipe, model, batches=batches, shown=shown)
        self._encoder, self._generator = self.part("encoder"), self.part("generator")
        self._critic = self.part("critic")
        judged: Callable[[Tensor], tuple[Tensor, Tensor]] | None = getattr(self._critic, "judged", None)
        if judged is None:
            raise TrainingError("the critic of this design offers no features to VAE/GAN", expected="design 'thesis'")
        self._judged = judged
        moment = self.settings.moment
        spread = cast(nn.Parameter, self._encoder.spread)
        self._of_encoder = self.adam(
            (parameters_of(self._encoder, without=[spread]), self.settings.encoder_rate),
            ([spread], self.settings.spread_rate), first_moment=moment,
        )
        self._of_generator = self.adam(
            (parameters_of(self._generator), self.settings.generator_rate), first_moment=moment
        )
        self._of_critic = self.adam((parameters_of(self._critic), self.settings.critic_rate), first_moment=moment)

    def advance(self, batch: TrainingBatch) -> Mapping[str, Tensor]:
        """One step of all three from one forward pass; reconstructions and samples are both "made" to the critic."""
        self.set_rates(batch.step)
        with batch.mixed():
            mean, variance = self._encoder(batch.images)
        code = mean + batch.normal(self.latent_size) * variance.sqrt()
        with batch.mixed():
            rebuilt, drawn = self._generator(code), self._generator(batch.normal(self.latent_size))
            real, seen = self._judged(batch.images)
            told_rebuilt, felt = self._judged(rebuilt)
            told_drawn, _ = self._judged(drawn)
        alike = 0.5 * (felt.float() - seen.detach().float()).square().sum(1).mean()
        nats = divergence(mean, variance)
        judged = critic_loss(real, torch.cat((told_rebuilt, told_drawn)))
        fooled = non_saturating(torch.cat((told_rebuilt, told_drawn)))
        batch.prepare(self.settings.beta * nats + alike, self._of_encoder, more=True)
        batch.prepare(self.settings.feature_weight * alike + fooled, self._of_generator, more=True)
        batch.prepare(judged, self._of_critic)
        for optimiser in self.optimisers:
            optimiser.step()
        self.bench.follow(self.settings.average, batch.step)
        with torch.no_grad():
            right = 0.5 * ((real > 0).float().mean() + (told_drawn < 0).float().mean())
        return {"critic": 0.5 * judged, "right": right, "variety": variety(drawn, batch.images), "generator": fooled,
               "features": alike, "divergence": nats}


class BiGanMethod(PictureMethod):
    """Method ``bigan`` (Donahue et al. 2017): encoder and generator fool a critic of pairs (picture, latent)."""

    settings: GanSettings


    def __init__(self, recipe: Recipe, model: nn.Module, *, batches: Batches, shown: Tensor) -> None:
        super().__init__(recipe, model, batches=batches, shown=shown)
        self._encoder, self._generator = self.part("encoder"), self.part("generator")
        self._critic = self.part("critic")
        unused = [p for name, p in self._encoder.named_parameters() if name == "spread"]
        moment = self.settings.moment
        self._of_pair = self.adam(
            (parameters_of(self._encoder, self._generator, without=unused), self.settings.generator_rate),
            first_moment=moment,
        )
        self._of_critic = self.adam((parameters_of(self._critic), self.settings.critic_rate), first_moment=moment)

    def advance(self, batch: TrainingBatch) -> Mapping[str, Tensor]:
        """One step of the critic, then one of encoder and generator."""
        self.set_rates(batch.step)
        z = batch.normal(self.latent_size)
        with batch.mixed():
            made, (mean, _) = self._generator(z), self._encoder(batch.images)
        told = self.train_critic(batch, self._critic, self._of_critic, (batch.images, mean.detach()), (made, z),
                                 smoothness=self.settings.smoothness)
        with batch.mixed():
            real, fake = self._critic(batch.images, mean), self._critic(made, z)
        loss = non_saturating(-real) + non_saturating(fake)
        batch.minimise(loss, self._of_pair)
        self.bench.follow(self.settings.average, batch.step)
        return {**told, "generator": loss}
