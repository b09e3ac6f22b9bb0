"""A recoder: an encoder for a generator that came without one, trained on the generator's own samples.

It lies in a folder of its own, beside the model: shipped below ``resources/recoders``, or in the user's data folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
import torch
from torch import Tensor, nn
from torch.nn import functional

from latentstudio.errors import ModelFileError
from latentstudio.files import sha256_of, write_whole
from latentstudio.generators.capabilities import Encodes
from latentstudio.generators.card import CARD_FILE, MOST_BYTES, ModelCard
from latentstudio.generators.contract import Generator
from latentstudio.generators.weights import read_tensors, write_tensors
from latentstudio.places import bundled, data_folder
from latentstudio.readers import border, read_json

SIDE = 64
WIDTHS = (32, 64, 128, 256)
HIDDEN = 768
WEIGHTS_FILE = "weights.safetensors"


class RecoderNetwork(nn.Module):
    """Pictures (N, 3, H, W) in [0, 1] to flat latents (N, d); every picture is seen at 64 x 64 pixels.

    Only the first convolution has a 4 x 4 kernel: backwards through later ones of that size costs twice as much time.
    """

    def __init__(self, latent_size: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for index, width in enumerate(WIDTHS):
            kernel = 4 if index == 0 else 3
            layers += [nn.Conv2d(before, width, kernel, 2, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            before = width
        flat = WIDTHS[-1] * (SIDE // 2 ** len(WIDTHS)) ** 2
        self.trunk = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.Linear(flat, HIDDEN, bias=False), nn.BatchNorm1d(HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, latent_size)
        )

    def forward(self, images: Tensor) -> Tensor:
        """Flat latents (N, d)."""
        if images.shape[-2:] != (SIDE, SIDE):
            images = functional.interpolate(images, (SIDE, SIDE), mode="bilinear", antialias=True, align_corners=False)
        latents: Tensor = self.head(self.trunk(images * 2.0 - 1.0).flatten(1))
        return latents


@dataclass(frozen=True)
class RecoderCard:
    """What a recoder is: the model it belongs to, how it was trained, what was measured on held-out samples.

    Attributes:
        notice: terms that the data behind the model bring with them.
        command: what trained it; ``reproducing`` says how far it would make these weights again.
    """

    model: str
    model_sha256: str
    latent_size: int
    weights_sha256: str = ""
    recipe: Mapping[str, object] = field(default_factory=dict)
    figures: Mapping[str, object] = field(default_factory=dict)
    command: str = ""
    notice: str = ""
    reproducing: str = ""


class Recoder:
    """An opened recoder; ``encode`` is what the capability asks for."""

    def __init__(self, network: nn.Module, shape: tuple[int, ...]) -> None:
        self._network = network
        self._shape = shape

    def encode(self, images: Tensor) -> Tensor:
        """Latents (N, *shape) of pictures (N, 3, H, W) in [0, 1]; differentiable."""
        latents: Tensor = self._network(images)
        return latents.reshape(-1, *self._shape)


def recoder_folder(card: ModelCard) -> Path | None:
    """Where this very model's recoder lies: the user's own before the shipped one; None where there is none.

    Raises:
        ModelFileError: a card that cannot be read.
    """
    for folder in (data_folder() / "recoders" / card.name, bundled("resources") / "recoders" / card.name):
        if (folder / CARD_FILE).is_file() and read_recoder_card(folder).model_sha256 == card.weights_sha256:
            return folder
    return None


def read_recoder_card(folder: Path) -> RecoderCard:
    """The card of a recoder's folder.

    Raises:
        ModelFileError: it is missing or broken.
    """
    path = folder / CARD_FILE

    def refuse(reason: str) -> ModelFileError:
        return ModelFileError(f"{path} is not the card of a recoder ({reason})",
                              action="train the recoder again, or delete the folder")

    with border(refuse):
        return read_json(path, RecoderCard, refuse, most=MOST_BYTES)


def write_recoder(folder: Path, network: nn.Module, card: RecoderCard) -> RecoderCard:
    """Write weights (float16, half the size for a rounding far below the encoder's own error) and card.

    Returns:
        the card with the SHA-256 of the weights.

    Raises:
        StorageError: the folder may not be written, or the disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        name: value.half() if value.is_floating_point() else value for name, value in network.state_dict().items()
    }
    write_tensors(folder / WEIGHTS_FILE, tensors, {"model": card.model})
    finished = replace(card, weights_sha256=sha256_of(folder / WEIGHTS_FILE))
    write_whole(folder / CARD_FILE, msgspec.json.format(msgspec.json.encode(finished), indent=1) + b"\n")
    return finished


def open_recoder(folder: Path, shape: tuple[int, ...], *, device: str = "cpu") -> Recoder:
    """Open the recoder in ``folder`` for latents of ``shape``.

    Raises:
        ModelFileError: weights that are broken, changed since, or of another network.
    """
    card = read_recoder_card(folder)
    path = folder / WEIGHTS_FILE
    tensors = read_tensors(path)
    if sha256_of(path) != card.weights_sha256:
        raise ModelFileError(f"{path} is not the file that its card names", action="train the recoder again")
    network = RecoderNetwork(card.latent_size)
    try:
        network.load_state_dict({
            name: value.float() if value.is_floating_point() else value for name, value in tensors.items()
        })
    except RuntimeError as problem:
        raise ModelFileError(f"{path} does not hold the weights of a recoder", expected=f"{card.latent_size} latents",
                             action="train the recoder again") from problem
    network.eval().requires_grad_(False)
    return Recoder(network.to(device, memory_format=torch.channels_last), shape)  # type: ignore[call-overload]


def attach_recoder(generator: Generator, *, device: str) -> None:
    """Give a generator without an encoder the capability ``encode`` where its recoder lies ready.

    Raises:
        ModelFileError: the recoder's files are broken.
    """
    folder = None if isinstance(generator, Encodes) else recoder_folder(generator.card)
    if folder is not None:
        recoder = open_recoder(folder, generator.card.spaces[0].shape, device=device)
        vars(generator)["encode"] = recoder.encode
