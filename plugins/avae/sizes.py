"""How large the networks are and which there are, read from a recipe's or card's ``config``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from latentstudio.errors import ModelFileError
from latentstudio.readers import converted

PARTS = ("encoder", "decoder", "generator", "critic", "joint-critic")
DESIGNS = ("thesis", "split", "vanilla")
SIDES = (16, 32, 64, 128)
WIDEST = 1024
MOST_LATENT = 4096


@dataclass(frozen=True)
class Sizes:
    """Sizes of one model.

    Attributes:
        side: of the pictures, in pixels: 16, 32, 64 or 128.
        channels: 1 or 3.
        latent_size: d.
        noise_size: coordinates of xi, the generator's variation that the encoder does not see; 0 = none.
        width: w, the width multiplier; layers have w, 2 w, 4 w, ... channels.
        kernel: side of the filters (thesis: 5).
        parts: which networks there are.
        critic_norm: batch norm in the critic; the gradient penalty of WGAN-GP wants it without.
        design: ``thesis`` (Figure 3.5), or ``split`` and ``vanilla`` (Asperti and Tonelli 2022, Appendix A).
    """

    side: int = 64
    channels: int = 3
    latent_size: int = 100
    noise_size: int = 0
    width: int = 32
    kernel: int = 5
    parts: tuple[str, ...] = ("encoder", "decoder", "generator", "critic")
    critic_norm: bool = True
    design: str = "thesis"

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels after each down-block; the last one leaves 4 x 4 pixels."""
        return tuple(self.width << level for level in range((self.side // 8).bit_length()))

    @property
    def flat(self) -> int:
        """Numbers that the last down-block leaves."""
        return self.widths[-1] * 16

    def config(self) -> dict[str, object]:
        """What the card holds."""
        return {**asdict(self), "parts": list(self.parts)}


def read_sizes(config: Mapping[str, object]) -> Sizes:
    """Sizes from a config.

    Raises:
        ModelFileError: an unknown key, or a size that the networks cannot have.
    """
    unknown = sorted(set(config) - set(Sizes.__dataclass_fields__))
    if unknown:
        raise ModelFileError(f"the config has the key '{unknown[0]}'", expected=", ".join(Sizes.__dataclass_fields__))
    for key in ("side", "channels", "latent_size", "noise_size", "width", "kernel"):
        value = config.get(key, 1)
        if not isinstance(value, int) or isinstance(value, bool):
            raise ModelFileError(f"the config gives {key} {value!r}", expected="a whole number")
    if not isinstance(config.get("critic_norm", True), bool):
        raise ModelFileError(f"the config gives critic_norm {config['critic_norm']!r}", expected="true or false")
    sizes = converted(dict(config), Sizes, lambda reason: ModelFileError(f"the config does not fit ({reason})",
                                                                         expected="sizes of an autoencoder"))
    for found, right, expected in (
        (f"side {sizes.side}", sizes.side in SIDES, f"one of: {', '.join(map(str, SIDES))} pixels"),
        (f"{sizes.channels} channels", sizes.channels in (1, 3), "1 or 3"),
        (f"width {sizes.width}", 1 <= sizes.width <= WIDEST, f"1 to {WIDEST}"),
        (f"latent_size {sizes.latent_size}", 1 <= sizes.latent_size <= MOST_LATENT, f"1 to {MOST_LATENT}"),
        (f"noise_size {sizes.noise_size}", 0 <= sizes.noise_size <= MOST_LATENT, f"0 to {MOST_LATENT}"),
        (f"kernel {sizes.kernel}", sizes.kernel in (3, 4, 5, 7), "3, 4, 5 or 7"),
        (f"design '{sizes.design}'", sizes.design in DESIGNS, ", ".join(DESIGNS)),
        (f"parts {', '.join(map(str, sizes.parts))}", _sound(sizes.parts), f"a decoder or generator, of {PARTS}"),
    ):
        if not right:
            raise ModelFileError(f"the config gives {found}", expected=expected)
    return sizes


def _sound(parts: tuple[str, ...]) -> bool:
    return (
        set(parts) <= set(PARTS) and len(set(parts)) == len(parts) and bool({"decoder", "generator"} & set(parts))
        and not {"critic", "joint-critic"} <= set(parts)
    )
