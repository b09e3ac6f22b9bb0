"""Bringing foreign models in."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from latentstudio.errors import ModelFileError, StudioError, UnknownNameError, UnsafeFileError
from latentstudio.generators.capabilities import BuildsNetworks
from latentstudio.generators.card import ModelCard, write_card
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.generators.importing import import_model
from latentstudio.generators.opening import open_model
from latentstudio.places import user_models


def fresh(backend: str, config: dict[str, object]) -> dict[str, torch.Tensor]:
    maker = find_catalogue().backend(backend)
    assert isinstance(maker, BuildsNetworks)
    return dict(maker.build(config).state_dict())


@pytest.mark.parametrize("kind", ["pt", "safetensors"])
def test_a_foreign_dcgan_is_converted_and_draws(home: Path, tmp_path: Path, kind: str) -> None:
    state = fresh("dcgan", {"latent_size": 8, "widths": [16, 8, 4], "channels": 1})
    renamed = {f"module.{name.replace('main', 'layers')}": value for name, value in state.items()}
    path = tmp_path / f"My GAN.{kind}"
    if kind == "pt":
        torch.save({"netD_state_dict": {"main.0.weight": torch.zeros(4, 1, 4, 4)}, "netG_state_dict": renamed}, path)
    else:
        save_file(renamed, path)
    entry = import_model(path, catalogue=find_catalogue())
    assert (entry.name, entry.folder) == ("my-gan", user_models() / "my-gan")
    pictures = open_model("my-gan").pictures(np.ones((2, 8), np.float32))
    assert pictures.shape == (2, 3, 32, 32)
    assert np.array_equal(pictures[:, 0], pictures[:, 2])


def test_a_beta_vae_file_is_recognised(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "sprites.safetensors"
    save_file(fresh("beta_vae", {"latent_size": 7}), path)
    entry = import_model(path, catalogue=find_catalogue())
    assert entry.card is not None
    assert (entry.card.backend, entry.card.spaces[0].shape) == ("beta_vae", (7,))
    assert import_model(path, catalogue=find_catalogue()).name == entry.name
    assert len(find_catalogue().models) == len([m for m in find_catalogue().models if not m.error])


def test_another_model_of_the_same_name_gets_a_number(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "faces-gan.safetensors"
    names = []
    for size in (5, 6):
        save_file(fresh("beta_vae", {"latent_size": size}), path)
        names.append(import_model(path, catalogue=find_catalogue()).name)
    assert names == ["faces-gan-2", "faces-gan-3"]


def test_a_model_folder_is_copied(home: Path, tmp_path: Path, make_model: Callable[..., ModelCard]) -> None:
    card = make_model("given", parent=tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "given" / "private.txt").write_text("not part of a model", encoding="utf-8")
    for way in ("given", "given/card.json"):
        entry = import_model(tmp_path / "elsewhere" / way, catalogue=find_catalogue())
        assert entry.name == "given"
    assert sorted(item.name for item in entry.folder.iterdir()) == ["card.json", card.weights]
    assert open_model("given").card.weights_sha256 == card.weights_sha256


@pytest.mark.parametrize(("name", "content", "told"), [
    ("empty.pt", b"", "empty"),
    ("words.txt", b"nothing of a model in here", "not a safetensors"),
    ("huge.safetensors", (10 << 30).to_bytes(8, "little") + b"{" + b" " * 99, "10,737,418,240"),
    ("cut.pt", b"PK\x03\x04 and no more", "cut.pt"),
])
def test_what_is_no_model_is_refused_and_leaves_nothing(
    home: Path, tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelFileError, match=told):
        import_model(tmp_path / name, catalogue=find_catalogue())
    with pytest.raises(ModelFileError, match="no file"):
        import_model(tmp_path / "missing.pt", catalogue=find_catalogue())
    with pytest.raises(ModelFileError, match=r"card\.json"):
        import_model(tmp_path, catalogue=find_catalogue())
    assert list(home.rglob("*.*")) == []


def test_a_good_file_of_an_unknown_kind_names_the_backends(home: Path, tmp_path: Path) -> None:
    save_file({"a": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(ModelFileError, match="beta_vae, dcgan"):
        import_model(tmp_path / "other.safetensors", catalogue=find_catalogue())


def test_a_pickle_that_would_run_code_is_named(home: Path, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.system, (f"touch {tmp_path / 'it-ran'}",)

    (tmp_path / "trap.pth").write_bytes(pickle.dumps({"state_dict": Trap()}))
    with pytest.raises(UnsafeFileError, match=r"(posix|nt)\.system"):
        import_model(tmp_path / "trap.pth", catalogue=find_catalogue())
    assert not (tmp_path / "it-ran").exists()


def test_a_plugin_that_raises_in_probe_does_not_stop_the_others(
    home: Path, tmp_path: Path, make_plugin: Callable[..., Path]
) -> None:
    code = """
class Bad:
    def probe(self, path): raise RuntimeError("probe fell over")
    def open(self, card, folder, *, device): return None
def create(): return Bad()
"""
    make_plugin("aaa", code)
    path = tmp_path / "sprites.safetensors"
    save_file(fresh("beta_vae", {"latent_size": 7}), path)
    assert import_model(path, catalogue=find_catalogue()).name == "sprites"
    save_file({"a": torch.zeros(3)}, tmp_path / "other.safetensors")
    with pytest.raises(ModelFileError, match="probe fell over"):
        import_model(tmp_path / "other.safetensors", catalogue=find_catalogue())


def test_a_folder_for_a_missing_backend_is_refused(home: Path, make_model: Callable[..., ModelCard], tmp_path: Path
                                                   ) -> None:
    card = make_model("strange", parent=tmp_path)
    write_card(tmp_path / "strange", replace(card, backend="nosuch"))
    with pytest.raises(UnknownNameError, match="no backend 'nosuch'"):
        import_model(tmp_path / "strange", catalogue=find_catalogue())
    assert not (user_models() / "strange").exists()


@pytest.mark.parametrize(("probe", "convert", "told"), [
    ("raise SystemExit(0)", "", "could not probe the file"),
    ("return 'a model'", "", "answered probe with a str"),
    ("return CARD", "return None", "could not convert the file"),
    ("return CARD", "return CARD, {}", "could not convert the file"),
    ("return CARD", "raise SystemExit(0)", "could not convert the file"),
])
def test_a_plugin_that_breaks_while_importing_is_one_line(
    home: Path, make_plugin: Callable[..., Path], tmp_path: Path, probe: str, convert: str, told: str
) -> None:
    lines = ["from latentstudio.generators.card import ModelCard", "CARD = ModelCard('odd', 'odd')", "class Odd:",
             "    def probe(self, path):", f"        {probe}", "    def open(self, card, folder, *, device):",
             "        return None"]
    if convert:
        lines += ["    def import_file(self, path):", f"        {convert}"]
    make_plugin("odd", "\n".join([*lines, "def create():", "    return Odd()", ""]))
    path = tmp_path / "strange.safetensors"
    save_file({"a": torch.zeros(3)}, path)
    with pytest.raises(StudioError, match=told):
        import_model(path, catalogue=find_catalogue())
    assert not [folder for folder in user_models().glob("*") if folder.is_dir()]
