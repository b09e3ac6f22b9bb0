"""Inception-v3 as the FID uses it (Szegedy et al. 2016; Heusel et al. 2017), for the user who has its weights file.

The file is a state dict with the usual names (``Mixed_5b.branch1x1.conv.weight`` ...), as safetensors or as a torch
file, which is read without running anything of it. It does not ship with the program.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from latentstudio.errors import ModelFileError
from latentstudio.generators.weights import read_state_dicts

NAME = "inception-v3"
SIDE = 299
_UNUSED = ("fc.", "AuxLogits.")


class _Unit(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(
        self, before: int, after: int, kernel: int | tuple[int, int], stride: int = 1, *, pad: bool = False
    ) -> None:
        super().__init__()
        sides = (kernel, kernel) if isinstance(kernel, int) else kernel
        padding = (sides[0] // 2, sides[1] // 2) if pad else (0, 0)
        self.conv = nn.Conv2d(before, after, sides, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(after, eps=1e-3)

    def forward(self, inputs: Tensor) -> Tensor:
        return functional.relu(self.bn(self.conv(inputs)))


class _Block(nn.Module):
    """Branches side by side: each a chain of units; a name ending in a and b splits the last unit in two.

    ``pooled`` says what the pooling branch takes: the mean of defined pixels, or the maximum; ``strided`` blocks take
    the maximum with stride 2 and have no unit behind it.
    """

    def __init__(self, units: dict[str, _Unit], chains: tuple[tuple[str, ...], ...], pooled: str) -> None:
        super().__init__()
        for name, unit in units.items():
            self.add_module(name, unit)
        self._chains, self._pooled = chains, pooled

    def forward(self, inputs: Tensor) -> Tensor:
        found = []
        for chain in self._chains:
            hidden = inputs
            for name in chain:
                if "|" in name:
                    hidden = torch.cat([self.get_submodule(part)(hidden) for part in name.split("|")], dim=1)
                else:
                    hidden = self.get_submodule(name)(hidden)
            found.append(hidden)
        if self._pooled == "strided":
            found.append(functional.max_pool2d(inputs, 3, 2))
        elif self._pooled == "mean":
            mean = functional.avg_pool2d(inputs, 3, 1, 1, count_include_pad=False)
            found.append(self.get_submodule("branch_pool")(mean))
        else:
            found.append(self.get_submodule("branch_pool")(functional.max_pool2d(inputs, 3, 1, 1)))
        return torch.cat(found, dim=1)


def _block_a(before: int, pool: int) -> _Block:
    return _Block({
        "branch1x1": _Unit(before, 64, 1), "branch5x5_1": _Unit(before, 48, 1),
        "branch5x5_2": _Unit(48, 64, 5, pad=True), "branch3x3dbl_1": _Unit(before, 64, 1),
        "branch3x3dbl_2": _Unit(64, 96, 3, pad=True), "branch3x3dbl_3": _Unit(96, 96, 3, pad=True),
        "branch_pool": _Unit(before, pool, 1),
    }, (("branch1x1",), ("branch5x5_1", "branch5x5_2"), ("branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3")), "mean")


def _block_b(before: int) -> _Block:
    return _Block({
        "branch3x3": _Unit(before, 384, 3, 2), "branch3x3dbl_1": _Unit(before, 64, 1),
        "branch3x3dbl_2": _Unit(64, 96, 3, pad=True), "branch3x3dbl_3": _Unit(96, 96, 3, 2),
    }, (("branch3x3",), ("branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3")), "strided")


def _block_c(before: int, middle: int) -> _Block:
    wide, tall = (1, 7), (7, 1)
    units = {"branch1x1": _Unit(before, 192, 1), "branch7x7_1": _Unit(before, middle, 1),
             "branch7x7_2": _Unit(middle, middle, wide, pad=True), "branch7x7_3": _Unit(middle, 192, tall, pad=True),
             "branch7x7dbl_1": _Unit(before, middle, 1), "branch_pool": _Unit(before, 192, 1)}
    for number, (kernel, after) in enumerate(((tall, middle), (wide, middle), (tall, middle), (wide, 192)), start=2):
        units[f"branch7x7dbl_{number}"] = _Unit(middle, after, kernel, pad=True)
    double = tuple(f"branch7x7dbl_{number}" for number in range(1, 6))
    return _Block(units, (("branch1x1",), ("branch7x7_1", "branch7x7_2", "branch7x7_3"), double), "mean")


def _block_d(before: int) -> _Block:
    return _Block({
        "branch3x3_1": _Unit(before, 192, 1), "branch3x3_2": _Unit(192, 320, 3, 2),
        "branch7x7x3_1": _Unit(before, 192, 1), "branch7x7x3_2": _Unit(192, 192, (1, 7), pad=True),
        "branch7x7x3_3": _Unit(192, 192, (7, 1), pad=True), "branch7x7x3_4": _Unit(192, 192, 3, 2),
    }, (("branch3x3_1", "branch3x3_2"), tuple(f"branch7x7x3_{number}" for number in range(1, 5))), "strided")


def _block_e(before: int, pooled: str) -> _Block:
    units = {"branch1x1": _Unit(before, 320, 1), "branch3x3_1": _Unit(before, 384, 1),
             "branch3x3dbl_1": _Unit(before, 448, 1), "branch3x3dbl_2": _Unit(448, 384, 3, pad=True),
             "branch_pool": _Unit(before, 192, 1)}
    for name in ("branch3x3_2", "branch3x3dbl_3"):
        units |= {f"{name}a": _Unit(384, 384, (1, 3), pad=True), f"{name}b": _Unit(384, 384, (3, 1), pad=True)}
    return _Block(units, (
        ("branch1x1",), ("branch3x3_1", "branch3x3_2a|branch3x3_2b"),
        ("branch3x3dbl_1", "branch3x3dbl_2", "branch3x3dbl_3a|branch3x3dbl_3b"),
    ), pooled)


class InceptionNetwork(nn.Module):
    """Pictures (N, 3, H, W) in [0, 1], seen at 299 pixels, to the 2048 means of the last block."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv2d_1a_3x3 = _Unit(3, 32, 3, 2)
        self.Conv2d_2a_3x3 = _Unit(32, 32, 3)
        self.Conv2d_2b_3x3 = _Unit(32, 64, 3, pad=True)
        self.Conv2d_3b_1x1 = _Unit(64, 80, 1)
        self.Conv2d_4a_3x3 = _Unit(80, 192, 3)
        self.Mixed_5b, self.Mixed_5c, self.Mixed_5d = _block_a(192, 32), _block_a(256, 64), _block_a(288, 64)
        self.Mixed_6a = _block_b(288)
        self.Mixed_6b, self.Mixed_6c = _block_c(768, 128), _block_c(768, 160)
        self.Mixed_6d, self.Mixed_6e = _block_c(768, 160), _block_c(768, 192)
        self.Mixed_7a = _block_d(768)
        self.Mixed_7b, self.Mixed_7c = _block_e(1280, "mean"), _block_e(2048, "max")

    def forward(self, pictures: Tensor) -> Tensor:
        """Features (N, 2048)."""
        resized = functional.interpolate(pictures, (SIDE, SIDE), mode="bilinear", align_corners=False)
        hidden = self.Conv2d_2b_3x3(self.Conv2d_2a_3x3(self.Conv2d_1a_3x3(resized * 2.0 - 1.0)))
        hidden = self.Conv2d_4a_3x3(self.Conv2d_3b_1x1(functional.max_pool2d(hidden, 3, 2)))
        hidden = functional.max_pool2d(hidden, 3, 2)
        for block in (self.Mixed_5b, self.Mixed_5c, self.Mixed_5d, self.Mixed_6a, self.Mixed_6b, self.Mixed_6c,
                      self.Mixed_6d, self.Mixed_6e, self.Mixed_7a, self.Mixed_7b, self.Mixed_7c):
            hidden = block(hidden)
        means: Tensor = hidden.mean(dim=(2, 3))
        return means


class InceptionFeatures:
    """Features of the user's own Inception weights; a Frechet distance on them is called FID."""

    name = NAME

    def __init__(self, network: InceptionNetwork) -> None:
        self._network = network

    def of(self, pictures: Tensor) -> Tensor:
        """Vectors (N, 2048) of pictures (N, 1 or 3, H, W) in [0, 1]."""
        with torch.inference_mode():
            found: Tensor = self._network(pictures.expand(-1, 3, -1, -1))
        return found


def inception_features(path: Path) -> InceptionFeatures:
    """Features from a weights file.

    Raises:
        ModelFileError: it does not hold an Inception-v3.
        UnsafeFileError: opening it the ordinary way would run code.
    """
    tensors = read_state_dicts(path).get("", {})
    kept = {name: value.float() for name, value in tensors.items() if not name.startswith(_UNUSED)}
    network = InceptionNetwork()
    counters = {name: value for name, value in network.state_dict().items() if name.endswith("num_batches_tracked")}
    try:
        network.load_state_dict({**counters, **kept})
    except RuntimeError as problem:
        raise ModelFileError(f"{Path(path).name} does not hold an Inception-v3",
                             expected="its state dict, such as pt_inception-2015-12-05") from problem
    network.eval().requires_grad_(False)
    return InceptionFeatures(network)
