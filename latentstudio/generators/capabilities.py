"""What a model can do: one small protocol each, and the table that names them. The only word on capabilities.

An opened generator is asked with ``isinstance``, never by a name; a card that is not opened yet is asked with
``ModelCard.promises``, and the contract suite checks that it keeps what it promises. No torch is imported here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from latentstudio.generators.conditions import NONE, Conditions

if TYPE_CHECKING:
    from torch import Tensor, nn


@runtime_checkable
class Generates(Protocol):
    """Capability ``generate``, which every model has."""

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
class Scores(Protocol):
    """Capability ``score``: the critic's logit (N,) of pictures; higher is more like the training data."""

    def score(self, images: Tensor) -> Tensor: ...


@runtime_checkable
class ExtractsFeatures(Protocol):
    """Capability ``features``: feature vectors (N, F) of pictures."""

    def features(self, images: Tensor) -> Tensor: ...


@runtime_checkable
class Decomposes(Protocol):
    """Capability ``decompose``: pictures into objects in boxes, and boxes into pictures.

    ``scene_parts`` is the network of a scene model, with the parts that ``scenes.parts.SceneParts`` names.
    """

    def scene_parts(self) -> nn.Module: ...


@runtime_checkable
class BuildsNetworks(Protocol):
    """Capability ``build`` of a backend: a fresh network to be trained; ``config`` is what the card will hold."""

    def build(self, config: Mapping[str, object]) -> nn.Module: ...


CAPABILITIES: Mapping[str, type] = {
    "generate": Generates, "encode": Encodes, "score": Scores, "features": ExtractsFeatures, "decode": Decodes,
    "decompose": Decomposes, "build": BuildsNetworks,
}
