"""Add-ons: fetched by pip from a folder of packages, so that no network is needed; the real one is marked ``faces``."""

from __future__ import annotations

import errno
import hashlib
import os
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from latentstudio.errors import AddOnError, StorageError, UnknownNameError
from latentstudio.files import sha256_of
from latentstudio.generators import addons, fetching
from latentstudio.generators.addons import AddOn, add_on, is_installed, is_whole, list_add_ons, remove
from latentstudio.generators.capabilities import BuildsNetworks
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.generators.fetching import fetch
from latentstudio.generators.opening import open_model
from latentstudio.places import user_models

WEIGHTS_OF_FACES = "b0d6cf446c67fb7c452b0a1e1a5f68d04ce301941f22420c4cafbec7acd176f9"


@pytest.fixture
def offline(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """pip without any index, looking into this folder only."""
    folder = tmp_path / "packages"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    return folder


@pytest.fixture
def package(offline: Path, tmp_path: Path) -> AddOn:
    """A small package with a DCGAN in it, and its description."""
    maker = find_catalogue().backend("dcgan")
    assert isinstance(maker, BuildsNetworks)
    weights = tmp_path / "weights.tar"
    network = maker.build({"latent_size": 8, "widths": [8, 4], "channels": 3})
    torch.save({"netG_state_dict": network.state_dict()}, weights)
    return packed(offline, weights.read_bytes())


def packed(offline: Path, weights: bytes) -> AddOn:
    wheel = offline / "tiny_faces-1.0-py3-none-any.whl"
    notes = {
        "tiny_faces/weights.tar": weights,
        "tiny_faces-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: tiny-faces\nVersion: 1.0\n"
                                             b"Requires-Python: <3.13\n",
        "tiny_faces-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        "tiny_faces-1.0.dist-info/RECORD": b"",
    }
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in notes.items():
            archive.writestr(name, content)
    return AddOn(
        name="tiny-faces", title="Tiny faces", requirement="tiny-faces==1.0", python_version="3.12",
        sha256=sha256_of(wheel), bytes=wheel.stat().st_size, member="tiny_faces/weights.tar",
        backend="dcgan", licence="MIT", licence_text="Do as you like.", data_licence="For research.",
        card={"title": "Tiny"},
    )  # fmt: skip


def get(addon: AddOn) -> list[float]:
    return [step.fraction for step in fetch(addon, catalogue=find_catalogue())]


def test_the_face_model_is_described_before_it_is_fetched() -> None:
    faces = add_on("faces-gan")
    assert faces in list_add_ons()
    assert faces.requirement == "gan-face-generate==1.1.1"
    assert faces.sha256 == "24102f4be41d164e44251168ede0458a45e498a888c81493e2aea48529640569"
    assert "Permission is hereby granted" in faces.licence_text
    assert "research" in faces.data_licence
    with pytest.raises(UnknownNameError, match="faces-gan"):
        add_on("cats-gan")


def test_fetching_installs_a_model_with_licence_and_graph(package: AddOn) -> None:
    assert not is_installed("tiny-faces")
    fractions = get(package)
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    assert is_installed("tiny-faces")
    folder = user_models() / "tiny-faces"
    assert sorted(item.name for item in user_models().iterdir()) == ["tiny-faces"]
    notice = (folder / "LICENCE.txt").read_text(encoding="utf-8")
    assert "Do as you like." in notice
    assert "For research." in notice
    model = open_model("tiny-faces")
    assert (model.card.title, model.card.licence, model.card.notice) == ("Tiny", "MIT", "For research.")
    assert model.runtime_name.startswith("ONNX Runtime")
    assert model.pictures(np.ones((1, 8), np.float32)).shape == (1, 3, 16, 16)
    get(package)
    remove("tiny-faces")
    assert not is_installed("tiny-faces")
    assert list(user_models().iterdir()) == []
    with pytest.raises(UnknownNameError):
        remove("tiny-faces")


def test_without_network_one_message_and_nothing_left(offline: Path) -> None:
    with pytest.raises(AddOnError, match="check the network") as caught:
        get(add_on("faces-gan"))
    assert "\n" not in caught.value.sentence
    assert list(user_models().iterdir()) == []


def test_another_hash_is_refused_before_the_package_is_opened(
    package: AddOn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching.zipfile, "ZipFile", lambda *_: pytest.fail("the package was opened"))
    with pytest.raises(AddOnError, match=hashlib.sha256(b"").hexdigest()):
        get(replace(package, sha256=hashlib.sha256(b"").hexdigest()))
    assert list(user_models().iterdir()) == []


def test_a_package_with_other_content_is_refused(package: AddOn) -> None:
    with pytest.raises(AddOnError, match=r"other\.tar"):
        get(replace(package, member="tiny_faces/other.tar"))
    with pytest.raises(AddOnError, match="wings"):
        get(replace(package, card={"wings": 2}))
    assert list(user_models().iterdir()) == []


def test_a_package_whose_weights_would_run_code_is_refused(offline: Path, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(tmp_path / "it-ran"),)

    torch.save({"netG_state_dict": Trap()}, tmp_path / "trap.tar")
    with pytest.raises(Exception, match=r"(posix|nt)\.mkdir"):
        get(packed(offline, (tmp_path / "trap.tar").read_bytes()))
    assert not (tmp_path / "it-ran").exists()
    assert list(user_models().iterdir()) == []


def test_closing_ends_the_download_and_leaves_nothing(package: AddOn) -> None:
    steps = fetch(package, catalogue=find_catalogue())
    next(steps)
    next(steps)
    steps.close()
    assert list(user_models().iterdir()) == []


def test_a_full_disk_while_converting_is_one_message(package: AddOn, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, *_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(StorageError, match="no space left"):
        get(package)
    assert list(user_models().iterdir()) == []


def test_without_pip_the_message_says_how_to_get_it(package: AddOn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pip", None)
    monkeypatch.setattr(fetching.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(AddOnError, match="ensurepip"):
        get(package)


def test_a_broken_description_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("name = 3", encoding="utf-8")
    with pytest.raises(AddOnError):
        addons.read_add_on(tmp_path / "a.toml")


@pytest.mark.faces
def test_the_real_face_model_draws_faces_with_both_runtimes(faces_home: Path) -> None:
    fast, eager = open_model("faces-gan"), open_model("faces-gan", runtime="eager")
    assert fast.card.weights_sha256 == WEIGHTS_OF_FACES
    latents = np.random.Generator(np.random.PCG64(0)).standard_normal((8, 100)).astype(np.float32)
    drawn = fast.pictures(latents)
    assert fast.runtime_name.startswith("ONNX Runtime")
    assert drawn.shape == (8, 3, 64, 64)
    assert float(np.abs(drawn - eager.pictures(latents)).max()) <= 1e-4
    assert float(drawn.std()) > 0.1


@pytest.mark.parametrize("name", ["", ".", "..", ".import", "../models", "a/b"])
def test_only_a_models_own_name_removes_it(home: Path, name: str) -> None:
    kept = user_models() / "kept"
    kept.mkdir(parents=True)
    with pytest.raises(UnknownNameError):
        remove(name)
    assert kept.is_dir()


def test_a_damaged_installation_is_not_whole_and_is_replaced(package: AddOn) -> None:
    assert not is_whole("tiny-faces")
    get(package)
    assert is_whole("tiny-faces")
    weights = user_models() / "tiny-faces" / "weights.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8])
    assert is_installed("tiny-faces")
    assert not is_whole("tiny-faces")
    get(package)
    assert is_whole("tiny-faces")
