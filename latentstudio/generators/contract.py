"""What a generative model offers, and what a backend plugin answers.

A capability beside ``generate`` is a small protocol each, asked for with ``isinstance`` and never guessed. torch is
needed only by whoever calls these methods; this file does not import it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from latentstudio.generators.card import ModelCard
from latentstudio.generators.conditions import NONE, Conditions

if TYPE_CHECKING:
    from torch import Tensor, nn

API_VERSION = 2


@runtime_checkable
class Generator(Protocol):
    """A generator on one device. ``network`` holds all its parameters (evaluation mode, gradients off)."""

    card: ModelCard
    network: nn.Module

    def generate(self, latent: Tensor, *, space: str = "z", conditions: Conditions = NONE) -> Tensor:
        """Pictures float32 (N, 3, H, W) RGB in [0, 1] of latents float32 (N, *shape); differentiable in ``latent``.

        ``conditions`` hold what was set; ``card.resolve`` checks them and gives the others their defaults.

        Raises:
            UsageError: a condition that the card does not offer, or a value that it does not take.
        """
        ...


@runtime_checkable
class Encodes(Protocol):
    """Capability ``encode``: latents (N, *shape) of pictures (N, 3, H, W) in [0, 1]; a VAE gives its posterior mean."""

    def encode(self, images: Tensor) -> Tensor: ...


@runtime_checkable
class Decodes(Protocol):
    """Capability ``decode``: pictures (N, 3, H, W) of latents by the VAE's decoder, where ``generate`` is a GAN's."""

    def decode(self, latent: Tensor) -> Tensor: ...


@runtime_checkable
class MapsLatents(Protocol):
    """A generator with further latent spaces: latents (N, *shape) of its first space, told in another, such as w."""

    def map_latents(self, latent: Tensor, *, space: str, conditions: Conditions = NONE) -> Tensor: ...


@runtime_checkable
class Scores(Protocol):
    """Capability ``score``: the critic's logit (N,) of pictures; higher is more like the training data."""

    def score(self, images: Tensor) -> Tensor: ...


@runtime_checkable
class ExtractsFeatures(Protocol):
    """Capability ``features``: feature vectors (N, F) of pictures."""

    def features(self, images: Tensor) -> Tensor: ...


@runtime_checkable
class Backend(Protocol):
    """What the factory named in ``plugin.toml`` returns."""

    def probe(self, path: Path) -> ModelCard | None:
        """Recognise a model file without running code from it: a card with what can be known, or None."""
        ...

    def open(self, card: ModelCard, folder: Path, *, device: str) -> Generator:
        """Open the model whose card and weights lie in ``folder`` on ``device`` (``cpu``, ``cuda``, ``cuda:1``)."""
        ...


@runtime_checkable
class ImportsFiles(Protocol):
    """A backend that can turn a foreign file which it recognises into tensors for a safetensors file."""

    def import_file(self, path: Path) -> tuple[ModelCard, Mapping[str, Tensor]]: ...


@runtime_checkable
class BuildsNetworks(Protocol):
    """A backend that can make a fresh network to be trained; ``config`` is what the card will hold."""

    def build(self, config: Mapping[str, Any]) -> nn.Module: ...


@runtime_checkable
class MakesExample(Protocol):
    """A backend that can write a tiny untrained model (weights and card) into a folder, for the contract suite."""

    def make_example(self, folder: Path, *, seed: int) -> ModelCard: ...
