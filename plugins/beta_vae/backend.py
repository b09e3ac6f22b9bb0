"""Opens beta-VAEs: pictures from latents, and latents from pictures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from latentstudio.errors import ModelFileError, StudioError
from latentstudio.files import sha256_of
from latentstudio.generators.card import ModelCard, write_card
from latentstudio.generators.conditions import NONE, TRUNCATION, Conditions
from latentstudio.generators.values import whole
from latentstudio.generators.weights import check_safetensors, read_state_dicts, read_tensors, write_tensors
from latentstudio.latents import LatentSpace

from .network import IMAGE_SIDE, BetaVae

BACKEND = "beta_vae"
_LUMA = (0.2126, 0.7152, 0.0722)


class BetaVaeGenerator:
    """A beta-VAE on one device; its one channel is shown as grey RGB."""

    def __init__(self, card: ModelCard, network: BetaVae) -> None:
        self.card = card
        self.network: nn.Module = network
        self._vae = network

    def generate(self, latent: Tensor, *, space: str = "z", conditions: Conditions = NONE) -> Tensor:
        """Pictures float32 (N, 3, 64, 64) in [0, 1] of latents (N, d)."""
        self.card.space(space)
        truncation = self.card.resolve(conditions).number(TRUNCATION)
        pictures: Tensor = self._vae(latent if truncation == 1.0 else latent * truncation)
        return pictures.expand(-1, 3, -1, -1)

    def encode(self, images: Tensor) -> Tensor:
        """Posterior mean (N, d) of the luminance of pictures (N, 3, 64, 64) in [0, 1]."""
        weights = torch.tensor(_LUMA, dtype=images.dtype, device=images.device).view(1, 3, 1, 1)
        mean, _ = self._vae.posterior((images * weights).sum(1, keepdim=True))
        return mean


class BetaVaeBackend:
    """Recognises, opens, converts and builds beta-VAEs of thesis Table 4.2."""

    def probe(self, path: Path) -> ModelCard | None:
        """A card when the file's header lists exactly a beta-VAE's tensors; only the header is read."""
        try:
            facts = check_safetensors(path)
        except StudioError:
            return None
        return _recognise({name: fact.shape for name, fact in facts.items()}, path)

    def open(self, card: ModelCard, folder: Path, *, device: str) -> BetaVaeGenerator:
        """Open the weights in ``folder``.

        Raises:
            ModelFileError: they are not those of a beta-VAE of the card's size.
        """
        tensors = read_tensors(folder / card.weights)
        network = BetaVae(card.spaces[0].size)
        try:
            network.load_state_dict(tensors)
        except RuntimeError as problem:
            raise ModelFileError(f"{card.weights} of {card.name} is not a beta-VAE of {card.spaces[0].size} dimensions",
                                 expected="the weights that its card describes") from problem
        network.eval().requires_grad_(False)
        return BetaVaeGenerator(card, network.to(device))

    def import_file(self, path: Path) -> tuple[ModelCard, Mapping[str, Tensor]]:
        """Card and float32 tensors of a beta-VAE's state dict.

        Raises:
            ModelFileError: the file holds something else.
        """
        for tensors in read_state_dicts(path).values():
            card = _recognise({name: tuple(part.shape) for name, part in tensors.items()}, path)
            if card is not None:
                return card, {name: part.float().contiguous() for name, part in tensors.items()}
        raise ModelFileError(f"{path.name} holds no beta-VAE", expected="the state dict of one")

    def compare_layout(self, shapes: Mapping[str, tuple[int, ...]]) -> str:
        """What keeps tensors of these shapes from being a beta-VAE, in a clause; nothing if most names are others."""
        expected = _expected(shapes)
        if not expected or len(expected.keys() & shapes.keys()) < len(expected) / 2:
            return ""
        for name, wanted in expected.items():
            if shapes.get(name) != wanted:
                said = " x ".join(map(str, shapes[name])) if name in shapes else "missing"
                return f"a beta-VAE, but {name} is {said}, not {' x '.join(map(str, wanted))}"
        return f"a beta-VAE, but with {next(name for name in shapes if name not in expected)} beside its layers"

    def build(self, config: Mapping[str, object]) -> BetaVae:
        """A fresh network; ``config`` gives ``latent_size`` (10)."""
        return BetaVae(whole(config, "latent_size", 10))

    def make_example(self, folder: Path, *, seed: int) -> ModelCard:
        """Write a small untrained model into ``folder``, for the contract suite."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = BetaVae(5)
        weights = folder / "weights.safetensors"
        write_tensors(weights, network.state_dict())
        card = _card("example", 5, sha256_of(weights))
        write_card(folder, card)
        return card


def create() -> BetaVaeBackend:
    """The factory named in ``plugin.toml``."""
    return BetaVaeBackend()


def _recognise(shapes: Mapping[str, tuple[int, ...]], path: Path) -> ModelCard | None:
    expected = _expected(shapes)
    return _card(path.stem, expected["decoder.0.weight"][1]) if expected and dict(shapes) == expected else None


def _expected(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """The shapes of a beta-VAE with as many dimensions as these seem to have; none where that cannot be told."""
    first = shapes.get("decoder.0.weight", ())
    if len(first) != 2 or not 1 <= first[1] <= 1024:
        return {}
    with torch.device("meta"):
        return {name: tuple(value.shape) for name, value in BetaVae(first[1]).state_dict().items()}


def _card(name: str, latent_size: int, sha256: str = "") -> ModelCard:
    return ModelCard(
        name=name, backend=BACKEND, kind="beta-VAE", image_size=(IMAGE_SIDE, IMAGE_SIDE), channels=1,
        spaces=(LatentSpace("z", (latent_size,)),), capabilities=("generate", "encode"), measure="barycentre",
        weights_sha256=sha256, config={"latent_size": latent_size},
    )
