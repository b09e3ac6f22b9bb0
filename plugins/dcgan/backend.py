"""Opens DCGAN generators and converts foreign state dicts of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from latentstudio.errors import ModelFileError, StudioError
from latentstudio.files import sha256_of
from latentstudio.generators.card import ModelCard, write_card
from latentstudio.generators.conditions import NONE, TRUNCATION, Conditions
from latentstudio.generators.values import whole, wholes
from latentstudio.generators.weights import read_state_dicts, read_tensors, write_tensors
from latentstudio.latents import LatentSpace

from .network import DcganNetwork, FoldedNetwork, Sizes, canonical, compare

BACKEND = "dcgan"
FOLD_AGREEMENT = 1e-5
_GENERATOR_WORDS = ("netg", "generator", "gen", "g_ema", "g")


class DcganGenerator:
    """A DCGAN generator on one device."""

    def __init__(self, card: ModelCard, network: nn.Module) -> None:
        self.card = card
        self.network = network

    def generate(self, latent: Tensor, *, space: str = "z", conditions: Conditions = NONE) -> Tensor:
        """Pictures float32 (N, 3, side, side) in [0, 1] of latents (N, d)."""
        self.card.space(space)
        truncation = self.card.resolve(conditions).number(TRUNCATION)
        pictures: Tensor = self.network(latent if truncation == 1.0 else latent * truncation)
        scaled = (pictures * 0.5 + 0.5).clamp(0.0, 1.0)
        return scaled if self.card.channels == 3 else scaled.expand(-1, 3, -1, -1)


class DcganBackend:
    """Recognises, opens, converts and builds DCGAN generators of any power-of-two size from 16."""

    def probe(self, path: Path) -> ModelCard | None:
        """A card when the file holds the state dict of a DCGAN generator; nothing of the file runs."""
        try:
            return self.import_file(path)[0]
        except StudioError:
            return None

    def open(self, card: ModelCard, folder: Path, *, device: str) -> DcganGenerator:
        """Open the weights in ``folder``; batch norms are folded where that changes pictures by less than 1e-5.

        Raises:
            ModelFileError: they are not those of a DCGAN generator of the card's sizes.
        """
        found = canonical(read_tensors(folder / card.weights))
        if found is None or found[0] != _sizes(card):
            raise ModelFileError(f"{card.weights} of {card.name} is not the DCGAN that its card describes",
                                 expected=f"{card.spaces[0].size} dimensions to {card.image_size} pixels")
        sizes, tensors = found
        network = DcganNetwork(sizes)
        network.load_state_dict(tensors, strict=False)
        network.eval().requires_grad_(False)
        folded = FoldedNetwork(network).eval().requires_grad_(False)
        probe = torch.linspace(-2.0, 2.0, 2 * sizes.latent_size).view(2, -1)
        agree = float((network(probe) - folded(probe)).abs().max()) <= FOLD_AGREEMENT
        chosen = (folded if agree else network).to(device)
        chosen.to(memory_format=torch.channels_last)  # type: ignore[call-overload] # torch's own overloads forget it
        return DcganGenerator(card, chosen)

    def import_file(self, path: Path) -> tuple[ModelCard, Mapping[str, Tensor]]:
        """Card and float32 tensors of the generator in a state dict, also one below a key such as ``netG_state_dict``.

        Raises:
            UnsafeFileError: a torch file that would import something else; the message names it.
            ModelFileError: the file is broken or holds no DCGAN generator.
        """
        dicts = read_state_dicts(path)
        for name in sorted(dicts, key=_less_like_a_generator):
            found = canonical(dicts[name])
            if found is not None:
                return _card(path.stem, found[0]), found[1]
        raise ModelFileError(f"{path.name} holds no DCGAN generator",
                             expected="4x4 transposed convolutions with batch norm from z to 1 or 3 channels")

    def compare_layout(self, shapes: Mapping[str, tuple[int, ...]]) -> str:
        """What keeps tensors of these shapes from being such a generator, in a clause; nothing if they are not alike.
        """
        return compare(shapes)

    def build(self, config: Mapping[str, object]) -> DcganNetwork:
        """A fresh network; ``config`` gives ``latent_size`` (100), ``widths`` and ``channels`` (3)."""
        widths = wholes(config, "widths", (512, 256, 128, 64))
        return DcganNetwork(Sizes(whole(config, "latent_size", 100), widths, whole(config, "channels", 3)))

    def make_example(self, folder: Path, *, seed: int) -> ModelCard:
        """Write a small untrained model into ``folder``, for the contract suite."""
        sizes = Sizes(6, (16, 8), 3)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = DcganNetwork(sizes)
        weights = folder / "weights.safetensors"
        found = canonical(network.state_dict())
        assert found is not None
        write_tensors(weights, found[1])
        card = _card("example", sizes, sha256_of(weights))
        write_card(folder, card)
        return card


def create() -> DcganBackend:
    """The factory named in ``plugin.toml``."""
    return DcganBackend()


def _less_like_a_generator(name: str) -> tuple[bool, str]:
    last = name.rpartition("/")[2].lower()
    return (not last.startswith(_GENERATOR_WORDS), name)


def _sizes(card: ModelCard) -> Sizes:
    return Sizes(card.spaces[0].size, wholes(card.config, "widths", ()), card.channels)


def _card(name: str, sizes: Sizes, sha256: str = "") -> ModelCard:
    return ModelCard(
        name=name, backend=BACKEND, kind="GAN", image_size=(sizes.side, sizes.side), channels=sizes.channels,
        spaces=(LatentSpace("z", (sizes.latent_size,)),), capabilities=("generate",), weights_sha256=sha256,
        config={"latent_size": sizes.latent_size, "widths": list(sizes.widths), "channels": sizes.channels},
    )
