"""What a generative model offers, and what a backend plugin answers.

What a model can do beside ``generate`` stands in ``capabilities``. torch is needed only by whoever calls these methods;
this file does not import it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from latentstudio.generators.capabilities import Generates
from latentstudio.generators.card import ModelCard
from latentstudio.generators.conditions import NONE, Conditions

if TYPE_CHECKING:
    from torch import Tensor, nn

API_VERSION = 2


@runtime_checkable
class Generator(Generates, Protocol):
    """A generator on one device. ``network`` holds all its parameters (evaluation mode, gradients off)."""

    card: ModelCard
    network: nn.Module


@runtime_checkable
class MapsLatents(Protocol):
    """A generator with further latent spaces: latents (N, *shape) of its first space, told in another, such as w."""

    def map_latents(self, latent: Tensor, *, space: str, conditions: Conditions = NONE) -> Tensor: ...


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
class ComparesLayouts(Protocol):
    """A backend that can say what keeps the weights of a file from being such as it opens.

    It gets the shapes of the tensors of one container by their names, and gives one clause, such as "a DCGAN generator,
    but main.12.weight is 64 x 3 x 1 x 1, not 4 x 4"; nothing where they are not at all alike.
    """

    def compare_layout(self, shapes: Mapping[str, tuple[int, ...]]) -> str: ...


@runtime_checkable
class MakesExample(Protocol):
    """A backend that can write a tiny untrained model (weights and card) into a folder, for the contract suite."""

    def make_example(self, folder: Path, *, seed: int) -> ModelCard: ...
