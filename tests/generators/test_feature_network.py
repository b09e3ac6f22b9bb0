"""The add-on that measures pictures: its network, and where it is and is not offered."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from latentstudio.errors import AddOnError, ModelFileError, UnknownNameError
from latentstudio.generators.addons import (
    FEATURES,
    KINDS,
    add_on,
    is_installed,
    is_whole,
    list_add_ons,
    network_folder,
    read_add_on,
    remove,
)
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.generators.feature_network import (
    ADD_ON,
    SEEN,
    SIDE,
    FeatureNetwork,
    _padded,
    convert_features,
    find_features,
)
from latentstudio.generators.opening import open_model
from latentstudio.places import bundled


def test_it_is_an_add_on_but_never_offered_as_a_model(home: Path) -> None:
    found = add_on(ADD_ON)
    assert (found.kind, found.licence, found.backend) == (FEATURES, "Apache-2.0", "")
    assert "Apache License" in found.licence_text
    assert found.sha256 == "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be"
    assert found not in list_add_ons()
    assert found in list_add_ons(KINDS)
    with pytest.raises(UnknownNameError, match="not a model"):
        open_model(ADD_ON)


def test_a_description_of_another_kind_is_refused(tmp_path: Path) -> None:
    text = (bundled("resources") / "addons" / f"{ADD_ON}.toml").read_text(encoding="utf-8")
    (tmp_path / "odd.toml").write_text(text.replace('"features"', '"melody"'), encoding="utf-8")
    with pytest.raises(AddOnError, match="melody"):
        read_add_on(tmp_path / "odd.toml")


def test_without_the_add_on_there_are_no_features(home: Path) -> None:
    assert not is_installed(ADD_ON)
    assert find_features() is None


def test_odd_paddings_lie_at_the_right_and_at_the_bottom() -> None:
    layer = torch.nn.Conv2d(1, 1, 3, 2)
    padded = _padded(torch.ones(1, 1, 4, 4), layer)
    assert padded.shape == (1, 1, 5, 5)
    assert padded[0, 0].sum(dim=0).tolist() == [4.0, 4.0, 4.0, 4.0, 0.0]
    assert padded[0, 0].sum(dim=1).tolist() == [4.0, 4.0, 4.0, 4.0, 0.0]


def test_batch_norms_are_folded_rightly(tmp_path: Path) -> None:
    foreign = _foreign()
    torch.save(foreign, tmp_path / "weights.pth")
    tensors = convert_features(tmp_path / "weights.pth")
    images = torch.rand(2, 32, 9, 9, generator=torch.Generator().manual_seed(1))
    scale = foreign["_blocks.0._bn1.weight"] / (foreign["_blocks.0._bn1.running_var"] + 1e-3).sqrt()
    raw = functional.conv2d(images, foreign["_blocks.0._depthwise_conv.weight"], groups=32)
    shifted = raw - foreign["_blocks.0._bn1.running_mean"][:, None, None]
    wanted = shifted * scale[:, None, None] + foreign["_blocks.0._bn1.bias"][:, None, None]
    folded = functional.conv2d(images, tensors["blocks.0.filter.weight"], tensors["blocks.0.filter.bias"], groups=32)
    assert torch.allclose(folded, wanted, atol=1e-4)


def test_another_network_is_refused(tmp_path: Path) -> None:
    foreign = _foreign()
    del foreign["_blocks.3._bn1.weight"]
    torch.save(foreign, tmp_path / "weights.pth")
    with pytest.raises(ModelFileError, match="EfficientNet-Lite0"):
        convert_features(tmp_path / "weights.pth")


def test_the_real_one_sees_what_is_alike(features_home: Path) -> None:
    assert is_installed(ADD_ON)
    assert is_whole(ADD_ON)
    assert ADD_ON not in [entry.name for entry in find_catalogue().models]
    notice = (network_folder(ADD_ON) / "LICENCE.txt").read_text(encoding="utf-8")
    assert "Apache License" in notice
    assert "ImageNet" in notice
    network = find_features()
    assert network is not None
    pictures = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    maps = network(pictures)
    assert [tuple(part.shape) for part in maps] == [
        (2, width, SIDE // step, SIDE // step) for width, step in ((16, 2), (24, 4), (40, 8), (112, 16), (320, 32))
    ]
    assert len(maps) == len(SEEN)
    remove(ADD_ON)
    assert not is_installed(ADD_ON)
    with pytest.raises(UnknownNameError):
        remove(ADD_ON)


def test_it_knows_a_cat_when_it_sees_one(features_home: Path) -> None:
    """Same picture, smaller and brighter, is nearer than another picture: what the layers see is no noise."""
    from skimage import data

    network = find_features()
    assert network is not None

    def vector(picture: np.ndarray) -> torch.Tensor:
        image = torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1))).float()[None] / 255.0
        return functional.normalize(network(image)[-1].mean(dim=(2, 3)), dim=1)[0]

    cat, cup = data.chelsea()[:, 75:375], data.coffee()[:, 100:500]
    changed = np.clip(cat[::2, ::-2] * 1.2, 0, 255).astype(np.uint8)
    assert float(vector(cat) @ vector(changed)) > float(vector(cat) @ vector(cup)) + 0.3


def test_broken_files_are_named(features_home: Path) -> None:
    weights = network_folder(ADD_ON) / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"abcd")
    assert not is_whole(ADD_ON)
    with pytest.raises(ModelFileError, match=f"models get {ADD_ON}"):
        find_features()
    shutil.rmtree(network_folder(ADD_ON))
    assert find_features() is None


def _foreign() -> dict[str, torch.Tensor]:
    """The package's names with numbers of a small seed."""
    source = torch.Generator().manual_seed(3)
    made: dict[str, torch.Tensor] = {}

    def norm(name: str, width: int) -> None:
        for part in ("weight", "bias", "running_mean"):
            made[f"{name}.{part}"] = torch.randn(width, generator=source)
        made[f"{name}.running_var"] = torch.rand(width, generator=source) + 0.5

    def convolution(name: str, layer: torch.nn.Conv2d, after: str) -> None:
        made[f"{name}.weight"] = torch.randn(layer.weight.shape, generator=source) * 0.1
        norm(after, layer.out_channels)

    network = FeatureNetwork()
    convolution("_conv_stem", network.stem, "_bn0")
    for index, block in enumerate(network.blocks):
        name = f"_blocks.{index}"
        if block.expand is not None:
            convolution(f"{name}._expand_conv", block.expand, f"{name}._bn0")
        convolution(f"{name}._depthwise_conv", block.filter, f"{name}._bn1")
        convolution(f"{name}._project_conv", block.narrow, f"{name}._bn2")
    return made
