"""GAN (DCGAN's losses and WGAN-GP), VAE/GAN and BiGAN: what the AVAE is compared with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import cast

import torch
from torch import Tensor, nn

from latentstudio.autoencoding.course import PictureCourse, parameters_of, variety
from latentstudio.autoencoding.losses import critic_loss, divergence, gradient_penalty, non_saturating
from latentstudio.errors import TrainingError
from latentstudio.training.course import Batch, Turn
from latentstudio.training.recipe import Recipe


class GanCourse(PictureCourse):
    """Method ``gan``: generator and critic with the losses of DCGAN (Radford et al. 2016)."""

    settings = {"generator_rate": 2e-4, "critic_rate": 2e-4, "moment": 0.5, "average": 0.999, "smoothness": 0.0}

    def __init__(self, recipe: Recipe, model: nn.Module, *, batch: Batch, shown: Tensor) -> None:
        super().__init__(recipe, model, batch=batch, shown=shown)
        self._generator, self._critic = self.part("generator"), self.part("critic")
        moment = self.setting("moment")
        self._of_generator = self.adam(
            (parameters_of(self._generator), self.setting("generator_rate")), first_moment=moment
        )
        self._of_critic = self.adam((parameters_of(self._critic), self.setting("critic_rate")), first_moment=moment)

    def advance(self, turn: Turn) -> Mapping[str, Tensor]:
        """One step of the critic, then one of the generator."""
        self.set_rates(turn.step)
        with turn.mixed():
            made = self._generator(turn.normal(self.latent_size + self.noise_size))
        told = self.train_critic(turn, self._critic, self._of_critic, (turn.images,), (made,))
        with turn.mixed():
            logits = self._critic(made)
        loss = non_saturating(logits)
        turn.minimise(loss, self._of_generator)
        self.bench.follow(self.setting("average"), turn.step)
        return {**told, "generator": loss}


class WganCourse(GanCourse):
    """Method ``wgan-gp`` (Gulrajani et al. 2017): the critic learns in every step, the generator in every fifth.

    Its second derivatives are computed in float32.
    """

    settings = {**GanCourse.settings, "moment": 0.0, "penalty": 10.0, "critic_steps": 5.0}

    def advance(self, turn: Turn) -> Mapping[str, Tensor]:
        """One step of the critic, now and then one of the generator."""
        self.set_rates(turn.step)
        learns = turn.step % int(self.setting("critic_steps")) == 0
        with torch.set_grad_enabled(learns):
            made = self._generator(turn.normal(self.latent_size + self.noise_size))
        told = self._train(turn, made.detach())
        if learns:
            loss = -self._critic(made).mean()
            turn.minimise(loss, self._of_generator)
            self.bench.follow(self.setting("average"), turn.step)
        return told

    def _train(self, turn: Turn, made: Tensor) -> dict[str, Tensor]:
        mix = turn.together.share(
            torch.rand(len(made) * turn.together.size, generator=turn.noise)
        ).to(made.device)
        distance = self._critic(turn.images).mean() - self._critic(made).mean()
        penalty = gradient_penalty(self._critic, turn.images, made, mix)
        turn.minimise(self.setting("penalty") * penalty - distance, self._of_critic)
        return {"distance": distance, "penalty": penalty, "variety": variety(made, turn.images)}


class VaeGanCourse(PictureCourse):
    """Method ``vae-gan`` (Larsen et al. 2016): a VAE whose reconstructions are compared by the critic's features.

    Settings: ``beta`` weighs the encoder's divergence (thesis 3.4), ``feature_weight`` what the generator owes to
    reconstructions beside the critic's word.
    """

    settings = {
        "beta": 1.0, "feature_weight": 1e-3, "encoder_rate": 2e-4, "spread_rate": 1e-2, "generator_rate": 2e-4,
        "critic_rate": 2e-4, "moment": 0.5, "average": 0.999,
    }

    def __init__(self, recipe: Recipe, model: nn.Module, *, batch: Batch, shown: Tensor) -> None:
        super().__init__(recipe, model, batch=batch, shown=shown)
        self._encoder, self._generator = self.part("encoder"), self.part("generator")
        self._critic = self.part("critic")
        judged: Callable[[Tensor], tuple[Tensor, Tensor]] | None = getattr(self._critic, "judged", None)
        if judged is None:
            raise TrainingError("the critic of this design offers no features to VAE/GAN", expected="design 'thesis'")
        self._judged = judged
        moment = self.setting("moment")
        spread = cast(nn.Parameter, self._encoder.spread)
        self._of_encoder = self.adam(
            (parameters_of(self._encoder, without=[spread]), self.setting("encoder_rate")),
            ([spread], self.setting("spread_rate")), first_moment=moment,
        )
        self._of_generator = self.adam(
            (parameters_of(self._generator), self.setting("generator_rate")), first_moment=moment
        )
        self._of_critic = self.adam((parameters_of(self._critic), self.setting("critic_rate")), first_moment=moment)

    def advance(self, turn: Turn) -> Mapping[str, Tensor]:
        """One step of all three from one forward pass; reconstructions and samples are both "made" to the critic."""
        self.set_rates(turn.step)
        with turn.mixed():
            mean, variance = self._encoder(turn.images)
        code = mean + turn.normal(self.latent_size) * variance.sqrt()
        with turn.mixed():
            rebuilt, drawn = self._generator(code), self._generator(turn.normal(self.latent_size))
            real, seen = self._judged(turn.images)
            told_rebuilt, felt = self._judged(rebuilt)
            told_drawn, _ = self._judged(drawn)
        alike = 0.5 * (felt.float() - seen.detach().float()).square().sum(1).mean()
        nats = divergence(mean, variance)
        judged = critic_loss(real, torch.cat((told_rebuilt, told_drawn)))
        fooled = non_saturating(torch.cat((told_rebuilt, told_drawn)))
        turn.prepare(self.setting("beta") * nats + alike, self._of_encoder, more=True)
        turn.prepare(self.setting("feature_weight") * alike + fooled, self._of_generator, more=True)
        turn.prepare(judged, self._of_critic)
        for optimiser in self.optimisers:
            optimiser.step()
        self.bench.follow(self.setting("average"), turn.step)
        with torch.no_grad():
            right = 0.5 * ((real > 0).float().mean() + (told_drawn < 0).float().mean())
        return {"critic": 0.5 * judged, "right": right, "variety": variety(drawn, turn.images), "generator": fooled,
               "features": alike, "divergence": nats}


class BiGanCourse(PictureCourse):
    """Method ``bigan`` (Donahue et al. 2017): encoder and generator fool a critic of pairs (picture, latent)."""

    settings = {"generator_rate": 2e-4, "critic_rate": 2e-4, "moment": 0.5, "average": 0.999, "smoothness": 0.0}

    def __init__(self, recipe: Recipe, model: nn.Module, *, batch: Batch, shown: Tensor) -> None:
        super().__init__(recipe, model, batch=batch, shown=shown)
        self._encoder, self._generator = self.part("encoder"), self.part("generator")
        self._critic = self.part("critic")
        unused = [p for name, p in self._encoder.named_parameters() if name == "spread"]
        moment = self.setting("moment")
        self._of_pair = self.adam(
            (parameters_of(self._encoder, self._generator, without=unused), self.setting("generator_rate")),
            first_moment=moment,
        )
        self._of_critic = self.adam((parameters_of(self._critic), self.setting("critic_rate")), first_moment=moment)

    def advance(self, turn: Turn) -> Mapping[str, Tensor]:
        """One step of the critic, then one of encoder and generator."""
        self.set_rates(turn.step)
        z = turn.normal(self.latent_size)
        with turn.mixed():
            made, (mean, _) = self._generator(z), self._encoder(turn.images)
        told = self.train_critic(turn, self._critic, self._of_critic, (turn.images, mean.detach()), (made, z))
        with turn.mixed():
            real, fake = self._critic(turn.images, mean), self._critic(made, z)
        loss = non_saturating(-real) + non_saturating(fake)
        turn.minimise(loss, self._of_pair)
        self.bench.follow(self.setting("average"), turn.step)
        return {**told, "generator": loss}
