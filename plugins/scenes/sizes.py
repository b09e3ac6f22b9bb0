"""How large a scene model is, read from a recipe's or card's ``config``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from latentstudio.errors import ModelFileError
from latentstudio.readers import converted

_RANGES: Mapping[str, tuple[int, int]] = {
    "side": (32, 256), "grid": (2, 32), "slots": (1, 8), "components": (1, 8), "glimpse": (8, 64),
    "what_size": (2, 256), "box_size": (2, 64), "background_size": (2, 256), "width": (8, 512), "prior_width": (8, 512),
}


@dataclass(frozen=True)
class SceneSizes:
    """Sizes and switches of one model.

    Attributes:
        side: of the pictures, in pixels.
        grid: G, cells a side.
        slots: K, boxes a cell.
        components: of the background (GENESIS); 1 is a single picture.
        glimpse: side of a glimpse, in pixels.
        what_size, box_size, background_size: coordinates of z_what, z_box and of each background component.
        width, prior_width: of the box encoder's and the prior's recurrent networks.
        rotates: boxes have an angle.
        half_turn: it is half that of the decoder's vector, since a box turned by half a turn is the same box; else all
            of it (thesis 5.3).
        learned_prior: False has the fixed normal priors of SPACE instead.
        smallest, largest: half-sizes that boxes may have, as shares of half the picture.
        reach: how far a box's centre may go from its cell's, in half cells times 2 (1: to the neighbour's centre).
    """

    side: int = 64
    grid: int = 4
    slots: int = 2
    components: int = 1
    glimpse: int = 16
    what_size: int = 16
    box_size: int = 8
    background_size: int = 8
    width: int = 96
    prior_width: int = 64
    rotates: bool = True
    half_turn: bool = True
    learned_prior: bool = True
    smallest: float = 0.06
    largest: float = 0.70
    reach: float = 0.65

    @property
    def capacity(self) -> int:
        """C = G^2 K, the most objects of one picture."""
        return self.grid**2 * self.slots

    @property
    def latent_size(self) -> int:
        """Coordinates of everything that is drawn for one picture."""
        return self.components * self.background_size + self.capacity * (self.box_size + self.what_size + 1)

    def config(self) -> dict[str, object]:
        """What the card holds."""
        return asdict(self)


def read_scene_sizes(config: Mapping[str, object]) -> SceneSizes:
    """Sizes from a config.

    Raises:
        ModelFileError: an unknown key, or a value that the networks cannot have.
    """
    known = SceneSizes.__dataclass_fields__
    unknown = sorted(set(config) - set(known))
    if unknown:
        raise ModelFileError(f"the config has the key '{unknown[0]}'", expected=", ".join(known))
    for name, (low, high) in _RANGES.items():
        value = config.get(name, low)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ModelFileError(f"the config gives {name} {value!r}", expected=f"a whole number from {low} to {high}")
    for name in ("rotates", "half_turn", "learned_prior"):
        if not isinstance(config.get(name, True), bool):
            raise ModelFileError(f"the config gives {name} {config[name]!r}", expected="true or false")
    for name, least, most in (("reach", 0.1, 2.0), ("smallest", 0.005, 0.5), ("largest", 0.05, 1.5)):
        value = config.get(name, getattr(SceneSizes, name))
        if not isinstance(value, int | float) or isinstance(value, bool) or not least <= value <= most:
            raise ModelFileError(f"the config gives {name} {value!r}", expected=f"a number from {least} to {most}")
    sizes = converted(dict(config), SceneSizes, lambda reason: ModelFileError(f"the config does not fit ({reason})",
                                                                              expected="sizes of scenes"))
    if sizes.smallest >= sizes.largest:
        raise ModelFileError(f"the config gives smallest {sizes.smallest} and largest {sizes.largest}",
                             expected="the smaller one first")
    if sizes.side % sizes.grid or (sizes.side // sizes.grid) & (sizes.side // sizes.grid - 1):
        raise ModelFileError(f"the config gives side {sizes.side} with a grid of {sizes.grid}",
                             expected="cells whose side is a power of two")
    return sizes
