"""Features of pictures from a network that knows ImageNet: the add-on ``features-efficientnet-lite0``.

EfficientNet-Lite0 (Tan and Le 2019; the lite variant has ReLU6, no squeeze-and-excitation) up to its last block, with
every batch norm folded into the convolution before it. The classifier on top of it is not needed and not kept.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from latentstudio.errors import CapabilityError, ModelFileError
from latentstudio.files import sha256_of
from latentstudio.generators.addons import FEATURES, is_installed, network_folder, read_network_card
from latentstudio.generators.weights import read_state_dicts, read_tensors

ADD_ON = "features-efficientnet-lite0"
STEM = 32
STAGES = ((1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3), (6, 5, 1, 112, 3), (6, 5, 2, 192, 4),
          (6, 3, 1, 320, 1))
"""Expansion, kernel, stride, width and repeats of the stages, from the paper's table."""
SEEN = (0, 2, 4, 10, 15)
"""Blocks whose answers are the features: the last one before each halving, and the last of all."""
SIDE = 128
MIDDLE, SPREAD = 127.0 / 255.0, 128.0 / 255.0
_EPSILON = 1e-3


class Block(nn.Module):
    """An inverted residual block: widen, filter each channel, narrow; what comes in is added where it fits."""

    def __init__(self, before: int, expansion: int, kernel: int, stride: int, width: int) -> None:
        super().__init__()
        inner = before * expansion
        self.expand = nn.Conv2d(before, inner, 1) if expansion > 1 else None
        self.filter = nn.Conv2d(inner, inner, kernel, stride, groups=inner)
        self.narrow = nn.Conv2d(inner, width, 1)
        self._adds = stride == 1 and before == width

    def forward(self, inputs: Tensor) -> Tensor:
        """(N, before, H, W) to (N, width, H / stride, W / stride)."""
        hidden = inputs if self.expand is None else functional.relu6(self.expand(inputs))
        hidden = functional.relu6(self.filter(_padded(hidden, self.filter)))
        narrowed: Tensor = self.narrow(hidden)
        return narrowed + inputs if self._adds else narrowed


class FeatureNetwork(nn.Module):
    """Pictures (N, 3, H, W) in [0, 1] to the answers of the blocks in ``SEEN``, coarser and coarser."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, STEM, 3, 2)
        self.blocks = nn.ModuleList(_blocks())

    def forward(self, images: Tensor) -> list[Tensor]:
        """Feature maps (N, C, h, w), one for each of ``SEEN``; every picture is seen at ``SIDE`` pixels a side."""
        if images.shape[-2:] != (SIDE, SIDE):
            images = functional.interpolate(images, (SIDE, SIDE), mode="bilinear", antialias=True, align_corners=False)
        hidden = functional.relu6(self.stem(_padded((images - MIDDLE) / SPREAD, self.stem)))
        found = []
        for index, block in enumerate(self.blocks):
            hidden = block(hidden)
            if index in SEEN:
                found.append(hidden)
        return found


def convert_features(path: Path) -> Mapping[str, Tensor]:
    """Float32 tensors for ``FeatureNetwork`` from the state dict in the package's torch file, batch norms folded.

    Raises:
        UnsafeFileError: opening the file would import something; the message names it.
        ModelFileError: it is broken, or holds another network.
    """
    foreign = read_state_dicts(path).get("", {})
    try:
        tensors = dict(_folded(foreign, "_conv_stem", "_bn0", "stem"))
        for index, block in enumerate(_blocks()):
            there, here = f"_blocks.{index}.", f"blocks.{index}."
            if block.expand is not None:
                tensors |= _folded(foreign, f"{there}_expand_conv", f"{there}_bn0", f"{here}expand")
            tensors |= _folded(foreign, f"{there}_depthwise_conv", f"{there}_bn1", f"{here}filter")
            tensors |= _folded(foreign, f"{there}_project_conv", f"{there}_bn2", f"{here}narrow")
        FeatureNetwork().load_state_dict(tensors)
    except (KeyError, RuntimeError) as problem:
        raise ModelFileError(f"{path.name} does not hold an EfficientNet-Lite0", expected="its state dict") from problem
    return tensors


def find_features(*, device: str | torch.device = "cpu") -> FeatureNetwork | None:
    """The add-on's network on ``device``, gradients off; None where it is not installed.

    Raises:
        ModelFileError: its files are broken.
    """
    if not is_installed(ADD_ON):
        return None
    folder = network_folder(ADD_ON)
    card = read_network_card(folder)
    path = folder / card.weights
    if card.kind != FEATURES or sha256_of(path) != card.weights_sha256:
        raise ModelFileError(f"{path} is not the file that its card names",
                             action=f"remove it and fetch it again: `latentstudio models get {ADD_ON}`")
    network = FeatureNetwork()
    try:
        network.load_state_dict(read_tensors(path))
    except RuntimeError as problem:
        raise ModelFileError(f"{path} does not hold the weights of {ADD_ON}",
                             action=f"fetch it again: `latentstudio models get {ADD_ON}`") from problem
    network.eval().requires_grad_(False)
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload] # torch's overloads forget it
    return network


def missing_features(doing: str) -> CapabilityError:
    """The one error that says how to get features; ``doing`` is what needs them."""
    return CapabilityError(f"{doing} needs features of pictures, and neither add-on nor critic gives them",
                           action=f"fetch the add-on with `latentstudio models get {ADD_ON}`")


def _blocks() -> Iterator[Block]:
    before = STEM
    for expansion, kernel, stride, width, repeats in STAGES:
        for number in range(repeats):
            yield Block(before, expansion, kernel, stride if number == 0 else 1, width)
            before = width


def _padded(inputs: Tensor, convolution: nn.Conv2d) -> Tensor:
    """Zeros around, one more at the right and at the bottom where the number is odd, as the network was trained."""
    sides = []
    for size, kernel, stride in zip(reversed(inputs.shape[-2:]), reversed(convolution.kernel_size),
                                    reversed(convolution.stride), strict=True):
        total = max(0, (-(-size // stride) - 1) * stride + kernel - size)
        sides.append((total // 2, total - total // 2))
    return functional.pad(inputs, tuple(itertools.chain(*sides)))


def _folded(foreign: Mapping[str, Tensor], convolution: str, norm: str, name: str) -> Iterator[tuple[str, Tensor]]:
    scale = foreign[f"{norm}.weight"] / (foreign[f"{norm}.running_var"] + _EPSILON).sqrt()
    yield f"{name}.weight", (foreign[f"{convolution}.weight"] * scale[:, None, None, None]).float()
    yield f"{name}.bias", (foreign[f"{norm}.bias"] - foreign[f"{norm}.running_mean"] * scale).float()
