"""What a backend must build to be trained and asked in this room, typed."""

from __future__ import annotations

from typing import Any, Protocol, cast

from torch import Tensor, nn

from latentstudio.errors import CapabilityError
from latentstudio.generators.capabilities import Decomposes
from latentstudio.generators.contract import Generator


class SceneParts(Protocol):
    """The parts of a scene model (thesis Figure 5.1)."""

    sizes: Any
    background: Any
    structure: nn.Module
    proposer: nn.Module
    places: nn.Module
    glimpses: Any
    prior: Any

    def draw(self, back: Tensor, boxes: Tensor, what: Tensor, presence: Tensor) -> Tensor: ...

    def unfold(self, latent: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]: ...


def scene_parts(network: nn.Module) -> SceneParts:
    """The network, typed."""
    return cast(SceneParts, network)


def parts_of(generator: Generator) -> SceneParts:
    """The parts of an opened scene model.

    Raises:
        CapabilityError: the model knows no objects.
    """
    if not isinstance(generator, Decomposes):
        raise CapabilityError(f"{generator.card.name} draws whole pictures and knows no objects",
                              expected="a scene model, such as scenes", action="open the model scenes")
    return scene_parts(generator.scene_parts())
