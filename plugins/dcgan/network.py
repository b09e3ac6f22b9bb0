"""The generator of a deep convolutional GAN (Radford et al. 2016), and its faster folded twin."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

KERNEL = 4
MAX_SIDE = 1024


@dataclass(frozen=True)
class Sizes:
    """Latent size d, channels after each hidden layer, channels of the picture (1 or 3)."""

    latent_size: int
    widths: tuple[int, ...]
    channels: int

    @property
    def side(self) -> int:
        """Side of the picture: 4 pixels after the first layer, doubled by every further one."""
        return int(KERNEL * 2 ** len(self.widths))


class DcganNetwork(nn.Module):
    """z (N, d) to pictures (N, channels, side, side) in [-1, 1]; one module list ``main`` of layers as in the paper."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = sizes.latent_size
        for index, width in enumerate(sizes.widths):
            layers += [_layer(before, width, first=index == 0, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            before = width
        layers += [_layer(before, sizes.channels, first=False, bias=False), nn.Tanh()]
        self.main = nn.Sequential(*layers)

    def forward(self, latent: Tensor) -> Tensor:
        """Pictures in [-1, 1] of latents (N, d)."""
        pictures: Tensor = self.main(latent[:, :, None, None])
        return pictures


class FoldedNetwork(nn.Module):
    """The same function in evaluation mode with every batch norm folded into the convolution before it."""

    def __init__(self, network: DcganNetwork) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        modules = list(network.main)
        for index, module in enumerate(modules):
            if isinstance(module, nn.ConvTranspose2d):
                following = modules[index + 1]
                layers.append(_fold(module, following) if isinstance(following, nn.BatchNorm2d) else module)
            elif not isinstance(module, nn.BatchNorm2d):
                layers.append(module)
        self.main = nn.Sequential(*layers)

    def forward(self, latent: Tensor) -> Tensor:
        """Pictures in [-1, 1] of latents (N, d)."""
        pictures: Tensor = self.main(latent[:, :, None, None])
        return pictures


def _layer(before: int, after: int, *, first: bool, bias: bool) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(before, after, KERNEL, 1 if first else 2, 0 if first else 1, bias=bias)


def _fold(convolution: nn.ConvTranspose2d, norm: nn.BatchNorm2d) -> nn.ConvTranspose2d:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    folded = _layer(convolution.in_channels, convolution.out_channels, first=convolution.stride == (1, 1), bias=True)
    assert folded.bias is not None
    with torch.no_grad():
        folded.weight.copy_(convolution.weight.double() * scale[None, :, None, None])
        folded.bias.copy_(norm.bias.double() - norm.running_mean.double() * scale)
    return folded


def canonical(tensors: Mapping[str, Tensor]) -> tuple[Sizes, dict[str, Tensor]] | None:
    """Sizes and tensors under our own names, when these are the weights of a DCGAN generator; else None.

    The layers are known by their shapes and by the order of the numbers in their names, not by the names themselves.
    """
    names = sorted(tensors, key=_natural)
    weights = [name for name in names if tensors[name].dim() == 4]
    norms = [name.removesuffix("running_mean") for name in names if name.endswith("running_mean")]
    if len(weights) < 3 or len(norms) != len(weights) - 1:
        return None
    shapes = [tuple(tensors[name].shape) for name in weights]
    chained = all(one[1] == other[0] for one, other in itertools.pairwise(shapes))
    sizes = Sizes(shapes[0][0], tuple(shape[1] for shape in shapes[:-1]), shapes[-1][1])
    if not chained or {shape[2:] for shape in shapes} != {(KERNEL, KERNEL)} or sizes.channels not in (1, 3):
        return None
    found: dict[str, Tensor] = {}
    for index, name in enumerate(weights):
        found[f"main.{3 * index}.weight"] = tensors[name]
        if index < len(norms):
            for part in ("weight", "bias", "running_mean", "running_var"):
                value = tensors.get(norms[index] + part)
                if value is None or tuple(value.shape) != (sizes.widths[index],):
                    return None
                found[f"main.{3 * index + 1}.{part}"] = value
    used = len(found) + sum(name.endswith("num_batches_tracked") for name in names)
    if used != len(names) or sizes.side > MAX_SIDE:
        return None
    return sizes, {name: value.detach().float().contiguous() for name, value in found.items()}


def compare(shapes: Mapping[str, tuple[int, ...]]) -> str:
    """What keeps tensors of these shapes from being a DCGAN generator, where they are convolutions that narrow down to
    the channels of a picture; else nothing.
    """
    names = [name for name in sorted(shapes, key=_natural) if len(shapes[name]) == 4]
    if len(names) < 3:
        return ""
    if any(shapes[one][1] != shapes[other][0] for one, other in itertools.pairwise(names)):
        return ""
    norms = sum(name.endswith("running_mean") for name in shapes)
    for name in names:
        if shapes[name][2:] != (KERNEL, KERNEL):
            place = " of the last layer" if name == names[-1] else ""
            return (f"a DCGAN generator, but for the kernel{place}: {name} is {_by(shapes[name])}, "
                    f"not {_by((*shapes[name][:2], KERNEL, KERNEL))}")
    last = names[-1]
    if shapes[last][1] not in (1, 3):
        return f"a DCGAN generator, but {last} is {_by(shapes[last])}: {shapes[last][1]} channels, not 1 or 3"
    if norms != len(names) - 1:
        return f"a DCGAN generator, but with {norms} batch norms, not one behind each of {len(names) - 1} layers"
    known = {f"{name.removesuffix('running_mean')}{part}" for name in shapes if name.endswith("running_mean")
             for part in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")}
    more = [name for name in sorted(shapes, key=_natural) if name not in known and name not in names]
    if more:
        return f"a DCGAN generator, but with {more[0]} {_by(shapes[more[0]])} beside its layers"
    return f"a DCGAN generator, but of {KERNEL * 2 ** (len(names) - 1)} pixels, more than {MAX_SIDE}"


def _by(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "(one number)"


def _natural(name: str) -> list[tuple[int, int, str]]:
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in re.split(r"(\d+)", name)]
