"""The DCGAN backend: sizes from tensors, folding, channels."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from latentstudio.generators.catalogue import find_catalogue


@pytest.fixture
def network(home: Path) -> Any:
    """The backend's network module."""
    backend = find_catalogue().backend("dcgan")
    return sys.modules[type(backend).__module__.replace("backend", "network")]


def lively(network: Any, sizes: Any) -> Any:
    """A network whose batch norms have seen something."""
    made = network.DcganNetwork(sizes)
    source = torch.Generator().manual_seed(0)
    for name, value in made.state_dict().items():
        if name.endswith(("running_mean", ".bias")):
            value.copy_(torch.randn(value.shape, generator=source) * 0.3)
        elif name.endswith("running_var"):
            value.copy_(torch.rand(value.shape, generator=source) + 0.5)
    return made.eval().requires_grad_(False)


@pytest.mark.parametrize(("widths", "side"), [((8, 4), 16), ((16, 8, 4, 4), 64), ((8, 8, 4, 4, 4), 128)])
@pytest.mark.parametrize("channels", [1, 3])
def test_sizes_come_from_the_tensors(network: Any, widths: tuple[int, ...], side: int, channels: int) -> None:
    sizes = network.Sizes(6, widths, channels)
    made = network.DcganNetwork(sizes)
    assert made(torch.zeros(2, 6)).shape == (2, channels, side, side)
    found = network.canonical(made.state_dict())
    assert found is not None
    assert found[0] == sizes
    assert sizes.side == side


def test_folding_changes_nothing_to_be_seen(network: Any) -> None:
    made = lively(network, network.Sizes(6, (16, 8, 4), 3))
    latents = torch.randn((4, 6), generator=torch.Generator().manual_seed(1))
    folded = network.FoldedNetwork(made).eval().requires_grad_(False)
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in folded.modules())
    assert float((folded(latents) - made(latents)).abs().max()) <= 1e-5


@pytest.mark.parametrize("spoil", [
    lambda state: state.pop("main.1.running_var"),
    lambda state: state.update({"main.0.weight": torch.zeros(6, 5, 4, 4)}),
    lambda state: state.update({"main.3.weight": torch.zeros(8, 4, 3, 3)}),
    lambda state: state.update({"more": torch.zeros(2)}),
    lambda state: state.update({"main.6.weight": torch.zeros(4, 2, 4, 4)}),
    lambda state: state.clear(),
])
def test_other_networks_are_not_taken_for_one(network: Any, spoil: Any) -> None:
    state = dict(network.DcganNetwork(network.Sizes(6, (8, 4), 3)).state_dict())
    assert network.canonical(state) is not None
    spoil(state)
    assert network.canonical(state) is None


def test_a_critic_is_not_taken_for_a_generator(network: Any) -> None:
    critic = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 4, 2, 1, bias=False), torch.nn.Conv2d(8, 16, 4, 2, 1, bias=False),
        torch.nn.BatchNorm2d(16), torch.nn.Conv2d(16, 32, 4, 2, 1, bias=False), torch.nn.BatchNorm2d(32),
        torch.nn.Conv2d(32, 1, 4, 1, 0, bias=False),
    )
    assert network.canonical(critic.state_dict()) is None
