"""AVAE (thesis chapter 3): a generator and a critic beside a VAE, with the VAE's encoder holding the latents in place.

With ``vae_steps`` above 0 the VAE is trained first and then frozen (the thesis' 3.5 proposes it); with 0 all four
networks take a step together, as in Figure 3.4.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from latentstudio.autoencoding.course import PictureCourse, parameters_of, set_mode
from latentstudio.autoencoding.losses import blurred, latent_loss, non_saturating, saturating
from latentstudio.autoencoding.parts import POSTERIOR_COUNT, warm_start
from latentstudio.autoencoding.vae import VaeStep
from latentstudio.training.course import Batch, Turn, rate_at
from latentstudio.training.recipe import Recipe


class AvaeCourse(PictureCourse):
    """Methods ``avae`` (L_Z^b, equation 3.12) and ``avae-a`` (L_Z^a, equation 3.8).

    Settings: ``vae_steps``; ``latent_weight`` of L_Z (the thesis has 1); ``matched`` 1 draws codes from the aggregated
    posterior instead of N(0, 1); ``blur`` 1 shows generated pictures to the encoder behind a 5x5 binomial filter;
    ``vae_decay`` the last share of the VAE's own steps over which its rate falls; ``saturating`` 1 takes L_M of
    equation 3.11, 0 DCGAN's loss; ``smoothness`` weighs R1 on the critic (not in the thesis: at 64 pixels the critic
    won without it).
    """

    settings = {
        "beta": 1.0, "vae_steps": 0.0, "vae_decay": 0.5, "vae_moment": 0.9, "spread_rate": 1e-2, "latent_weight": 0.05,
        "matched": 1.0, "blur": 1.0, "warm": 1.0, "generator_rate": 4e-4, "critic_rate": 2e-4, "moment": 0.5,
        "average": 0.999, "saturating": 1.0, "smoothness": 0.0,
    }

    def __init__(self, recipe: Recipe, model: nn.Module, *, batch: Batch, shown: Tensor) -> None:
        super().__init__(recipe, model, batch=batch, shown=shown)
        self._vae = VaeStep(self, beta=self.setting("beta"), balanced=False)
        self._encoder, self._generator = self._vae.encoder, self.part("generator")
        self._critic = self.part("critic")
        moment = self.setting("moment")
        self._of_generator = self.adam(
            (parameters_of(self._generator), self.setting("generator_rate")), first_moment=moment
        )
        self._of_critic = self.adam((parameters_of(self._critic), self.setting("critic_rate")), first_moment=moment)
        self._first = int(self.setting("vae_steps"))
        self._step = 0
        self._of_means = recipe.method != "avae-a"
        self._loss = saturating if self.setting("saturating") else non_saturating

    def advance(self, turn: Turn) -> Mapping[str, Tensor]:
        """A step of the VAE, of generator and critic, or of all four, as the recipe and the step say."""
        self.set_rates(turn.step)
        self._step = turn.step
        if turn.step <= self._first:
            self._set_vae_rate(turn.step)
            return self._vae.make(turn)
        if self._first == 0:
            told = self._vae.make(turn)
            return {**told, **self._adversarial(turn)}
        if turn.step == self._first + 1:
            self.begin(turn)
        return self._adversarial(turn)

    @property
    def draws(self) -> bool:
        """The generator begins after the VAE."""
        return self._step > self._first

    def begin(self, turn: Turn) -> None:
        """After the VAE's last step: measure its codes, and let the generator start from the decoder."""
        turn.together.align(self.bench)
        set_mode(self._encoder, training=False)
        if self.setting("matched"):
            means = []
            with torch.no_grad():
                for step in range(1, 1 + -(-POSTERIOR_COUNT // self.recipe.batch)):
                    mean, variance = self._encoder(self._batch(step).to(turn.images.device))
                    means.append(mean)
            self.bench.measure_codes(torch.cat(means), variance.mean(0))
        if self.setting("warm"):
            warm_start(self._generator, self._vae.decoder)

    def _adversarial(self, turn: Turn) -> dict[str, Tensor]:
        set_mode(self._encoder, training=False)  # generated pictures must not enter its running statistics
        variance = torch.sigmoid(self._encoder.spread).detach()  # type: ignore[arg-type]
        z, target = self.bench.codes(turn.normal(self.latent_size), variance, of_means=self._of_means)
        z, target = z.detach(), target.detach()
        code = torch.cat((z, turn.normal(self.noise_size)), dim=1) if self.noise_size else z
        with turn.mixed():
            made = self._generator(code)
        told = self.train_critic(turn, self._critic, self._of_critic, (turn.images,), (made,))
        with turn.mixed():
            logits = self._critic(made)
            mean, _ = self._encoder(blurred(made.float()) if self.setting("blur") else made)
        distance, realism = latent_loss(mean, target, variance), self._loss(logits)
        turn.minimise(self.setting("latent_weight") * distance + realism, self._of_generator)
        self.bench.follow(self.setting("average"), turn.step - self._first)
        return {**told, "latent": distance, "generator": realism}

    def _set_vae_rate(self, step: int) -> None:
        """The VAE's own decay, over the end of its own steps."""
        left = (self._first - step) / max(1.0, self.setting("vae_decay") * self._first)
        share = (0.05 + 0.95 * min(1.0, left)) * min(1.0, rate_at(self.recipe, step) / self.recipe.learning_rate)
        for group, rate in zip(
            self._vae.optimiser.param_groups, (self.recipe.learning_rate, self.setting("spread_rate")), strict=True
        ):
            group["lr"] = rate * share
