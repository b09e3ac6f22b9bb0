"""What a backend must build to be trained and asked in this room, typed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, cast

from torch import Tensor, nn

from latentstudio.errors import CapabilityError
from latentstudio.generators.capabilities import Decomposes
from latentstudio.generators.contract import Generator


class SceneSizes(Protocol):
    """The sizes of a scene model that this room asks for: its picture, its cells and boxes, and their latents."""

    side: int
    slots: int
    components: int
    glimpse: int
    what_size: int
    box_size: int
    background_size: int
    latent_size: int
    rotates: bool
    learned_prior: bool
    smallest: float
    largest: float

    def config(self) -> dict[str, object]: ...


class Background(Protocol):
    """Mean and deviation of z_bg (B, K, d) of pictures, and z_bg as pictures and masks (B, K, 3 or 1, S, S)."""

    def encode(self, images: Tensor) -> tuple[Tensor, Tensor]: ...

    def draw(self, latent: Tensor) -> tuple[Tensor, Tensor]: ...


class Proposals(Protocol):
    """What is proposed for every slot: mean and deviation of z_box (B, slots, d), logit of the presence (B, slots)."""

    mean: Tensor
    deviation: Tensor
    logit: Tensor


class Glimpses(Protocol):
    """Mean and deviation of z_what (N, d) of glimpses (N, 6, s, s), and z_what as colour and alpha (N, 4, s, s)."""

    def encode(self, glimpses: Tensor) -> tuple[Tensor, Tensor]: ...

    def decode(self, latent: Tensor) -> Tensor: ...


State = tuple[Tensor, Tensor]


class Prior(Protocol):
    """The learned prior, slot after slot of a cell: mean, deviation and presence logit from those before."""

    def start(self, background: Tensor) -> tuple[Tensor, State]: ...

    def step(self, given: Tensor, before: Tensor, state: State) -> tuple[Tensor, Tensor, Tensor, State]: ...


class SceneParts(Protocol):
    """The parts of a scene model (thesis Figure 5.1)."""

    sizes: SceneSizes
    background: Background
    structure: Callable[[Tensor], Tensor]
    proposer: Callable[[Tensor], Proposals]
    places: Callable[[Tensor], tuple[Tensor, Tensor]]
    glimpses: Glimpses
    prior: Prior

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
