"""Inception-v3 for the FID: its size and names are the usual ones, and only such a file is taken."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from latentstudio.errors import ModelFileError
from latentstudio.generators.weights import write_tensors
from latentstudio.measures.inception import InceptionNetwork, inception_features


def test_size_and_names_are_those_of_the_published_network() -> None:
    network = InceptionNetwork()
    assert sum(parameter.numel() for parameter in network.parameters()) == 23_834_568 - 2_049_000
    names = set(network.state_dict())
    assert {"Conv2d_1a_3x3.conv.weight", "Mixed_5b.branch5x5_2.bn.running_var", "Mixed_6e.branch7x7dbl_5.conv.weight",
            "Mixed_7a.branch7x7x3_4.conv.weight", "Mixed_7c.branch3x3dbl_3b.conv.weight"} <= names


def test_a_file_of_such_weights_gives_features(tmp_path: Path) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        state = InceptionNetwork().state_dict()
    kept = {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}
    write_tensors(tmp_path / "w.safetensors", {**kept, "fc.bias": torch.zeros(1008)})
    features = inception_features(tmp_path / "w.safetensors")
    found = features.of(torch.rand(2, 1, 32, 32))
    assert found.shape == (2, 2048)
    assert bool(torch.isfinite(found).all())
    assert features.name == "inception-v3"


def test_another_file_is_refused(tmp_path: Path) -> None:
    write_tensors(tmp_path / "w.safetensors", {"weight": torch.zeros(3)})
    with pytest.raises(ModelFileError, match="does not hold an Inception-v3"):
        inception_features(tmp_path / "w.safetensors")
