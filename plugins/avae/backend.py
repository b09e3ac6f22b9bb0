"""Opens VAEs, GANs and AVAEs: pictures of latents by generator and decoder, latents of pictures, a critic's word."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from latentstudio.errors import ModelFileError, StudioError
from latentstudio.files import sha256_of
from latentstudio.generators.card import ModelCard, write_card
from latentstudio.generators.conditions import (
    NOISE_SEED,
    NONE,
    TRUNCATION,
    Condition,
    ConditionKind,
    Conditions,
)
from latentstudio.generators.weights import check_safetensors, read_config, read_tensors, write_tensors
from latentstudio.latents import LatentSpace

from .network import AvaeNetwork, fit
from .sizes import Sizes, read_sizes

BACKEND = "avae"
CONFIG = "config"


class AvaeGenerator:
    """One model on one device. ``generate`` draws with the generator, or with the decoder where there is none.

    The methods that the model has networks for are put on the object when it is made: a capability is never promised
    by a method that cannot keep it.
    """

    def __init__(self, card: ModelCard, network: AvaeNetwork) -> None:
        self.card = replace(card, conditions=_conditions(network.sizes, card.conditions))
        self.network: nn.Module = network
        self._avae = network
        self._usual = _xi(network, 0)
        if network.encoder is not None:
            self.encode = self._encode
        if network.decoder is not None:
            self.decode = self._decode
        if "critic" in network.sizes.parts:
            self.score = self._score

    def generate(self, latent: Tensor, *, space: str = "z", conditions: Conditions = NONE) -> Tensor:
        """Pictures float32 (N, 3, side, side) in [0, 1] of latents (N, d).

        The condition ``noise_seed`` draws xi, the variation that the encoder does not see, the same for all N.
        """
        self.card.space(space)
        settled = self.card.resolve(conditions)
        truncation, noise_seed = settled.number(TRUNCATION), settled.whole(NOISE_SEED)
        scaled = latent if truncation == 1.0 else latent * truncation
        xi = _xi(self._avae, noise_seed) if noise_seed else self._usual  # drawn beforehand: exported as a constant
        noise = None if xi is None else xi.to(latent.device).expand(latent.shape[0], -1)
        pictures = self._avae.generated(scaled, noise)
        return pictures.expand(-1, 3, -1, -1)

    def _decode(self, latent: Tensor) -> Tensor:
        """Pictures float32 (N, 3, side, side) in [0, 1] that the VAE's decoder makes of latents (N, d)."""
        return self._avae.decoded(latent).expand(-1, 3, -1, -1)

    def _encode(self, images: Tensor) -> Tensor:
        """Latents (N, d) of pictures (N, 3, H, W) in [0, 1]; 28 x 28 is padded to 32, other sizes are resampled."""
        return self._avae.encoded(fit(images, self._avae.sizes))

    def _score(self, images: Tensor) -> Tensor:
        """The critic's logits (N,) of pictures (N, 3, H, W) in [0, 1]."""
        assert self._avae.critic is not None
        logits: Tensor = self._avae.critic(fit(images, self._avae.sizes))
        return logits


class AvaeBackend:
    """Recognises, opens and builds the models of this plugin."""

    def probe(self, path: Path) -> ModelCard | None:
        """A card when the file's header names the sizes and lists exactly their tensors; only the header is read."""
        try:
            facts = check_safetensors(path)
            sizes = read_sizes(read_config(path, CONFIG))
        except (StudioError, ValueError, TypeError, AttributeError):
            return None
        with torch.device("meta"):
            expected = {name: tuple(value.shape) for name, value in AvaeNetwork(sizes).state_dict().items()}
        found = {name: fact.shape for name, fact in facts.items()}
        for counted in [name for name in expected if name.endswith("num_batches_tracked")]:
            expected.pop(counted)
            found.pop(counted, None)
        return _card(path.stem, sizes) if found == expected else None

    def open(self, card: ModelCard, folder: Path, *, device: str) -> AvaeGenerator:
        """Open the weights in ``folder``; they may be float16 and are computed in float32.

        Raises:
            ModelFileError: they are not those that the card describes.
        """
        sizes = read_sizes(card.config)
        network = AvaeNetwork(sizes)
        tensors = read_tensors(folder / card.weights)
        try:
            network.load_state_dict(
                {name: value.float() if value.is_floating_point() else value for name, value in tensors.items()}
            )
        except RuntimeError as problem:
            raise ModelFileError(f"{card.weights} of {card.name} does not hold the networks of its card",
                                 expected=", ".join(sizes.parts)) from problem
        if card.spaces[0].size != sizes.latent_size or card.image_size != (sizes.side, sizes.side):
            raise ModelFileError(f"the card of {card.name} contradicts its own config",
                                 expected=f"{sizes.latent_size} dimensions to {sizes.side} pixels")
        network.eval().requires_grad_(False)
        return AvaeGenerator(card, network.to(device))

    def build(self, config: Mapping[str, object]) -> AvaeNetwork:
        """A fresh network of these sizes (see ``Sizes``)."""
        return AvaeNetwork(read_sizes(config))

    def make_example(self, folder: Path, *, seed: int) -> ModelCard:
        """Write a small untrained AVAE into ``folder``, for the contract suite."""
        sizes = Sizes(side=16, channels=3, latent_size=6, noise_size=2, width=4)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = AvaeNetwork(sizes)
        weights = folder / "weights.safetensors"
        write_tensors(weights, network.state_dict(), {CONFIG: json.dumps(sizes.config())})
        card = replace(_card("example", sizes), weights_sha256=sha256_of(weights))
        write_card(folder, card)
        return card


def create() -> AvaeBackend:
    """The factory named in ``plugin.toml``."""
    return AvaeBackend()


def _xi(network: AvaeNetwork, seed: int) -> Tensor | None:
    """xi (1, noise_size) of a seed; None for a generator without."""
    size = network.sizes.noise_size
    return torch.randn(1, size, generator=torch.Generator().manual_seed(seed)) if size else None


def _conditions(sizes: Sizes, declared: tuple[Condition, ...] = ()) -> tuple[Condition, ...]:
    """What a card declares; an older one of a generator with xi does not name its seed yet."""
    if not sizes.noise_size or any(condition.name == NOISE_SEED for condition in declared):
        return declared
    return *declared, Condition(NOISE_SEED, ConditionKind.SEED, 0, least=0, words="draws what the encoder does not see")


def _card(name: str, sizes: Sizes) -> ModelCard:
    parts = set(sizes.parts)
    offered = (("encode", "encoder"), ("decode", "decoder"), ("score", "critic"))
    return ModelCard(
        name=name, backend=BACKEND, kind=_kind(sizes), image_size=(sizes.side, sizes.side), channels=sizes.channels,
        spaces=(LatentSpace("z", (sizes.latent_size,)),),
        capabilities=("generate", *(capability for capability, part in offered if part in parts)),
        config=sizes.config(), conditions=_conditions(sizes),
    )


def _kind(sizes: Sizes) -> str:
    parts = set(sizes.parts)
    if "joint-critic" in parts:
        return "BiGAN"
    if {"encoder", "decoder", "generator"} <= parts:
        return "AVAE"
    if "encoder" in parts:
        return "VAE/GAN" if "critic" in parts else ("Split-VAE" if sizes.design == "split" else "VAE")
    return "GAN"
