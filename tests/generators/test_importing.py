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

from latentstudio.errors import ModelFileError, StudioError, UnknownNameError, UnsafeFileError, UsageError
from latentstudio.generators.addons import remove
from latentstudio.generators.capabilities import BuildsNetworks
from latentstudio.generators.card import ModelCard, write_card
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.generators.importing import import_model, rename_model
from latentstudio.generators.opening import open_model
from latentstudio.places import user_models
from latentstudio.tasks.read_file import read_file


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
    entry = import_model(path, catalogue=find_catalogue()).entry
    assert (entry.name, entry.folder) == ("my-gan", user_models() / "my-gan")
    pictures = open_model("my-gan").pictures(np.ones((2, 8), np.float32))
    assert pictures.shape == (2, 3, 32, 32)
    assert np.array_equal(pictures[:, 0], pictures[:, 2])


def test_a_beta_vae_file_is_recognised(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "sprites.safetensors"
    save_file(fresh("beta_vae", {"latent_size": 7}), path)
    entry = import_model(path, catalogue=find_catalogue()).entry
    assert entry.card is not None
    assert (entry.card.backend, entry.card.spaces[0].shape) == ("beta_vae", (7,))
    assert import_model(path, catalogue=find_catalogue()).entry.name == entry.name
    assert len(find_catalogue().models) == len([m for m in find_catalogue().models if not m.error])


def test_another_model_of_the_same_name_gets_a_number(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "faces-gan.safetensors"
    names = []
    for size in (5, 6):
        save_file(fresh("beta_vae", {"latent_size": size}), path)
        names.append(import_model(path, catalogue=find_catalogue()).entry.name)
    assert names == ["faces-gan-2", "faces-gan-3"]


def test_a_model_folder_is_copied(home: Path, tmp_path: Path, make_model: Callable[..., ModelCard]) -> None:
    card = make_model("given", parent=tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "given" / "private.txt").write_text("not part of a model", encoding="utf-8")
    for way in ("given", "given/card.json"):
        entry = import_model(tmp_path / "elsewhere" / way, catalogue=find_catalogue()).entry
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
    assert import_model(path, catalogue=find_catalogue()).entry.name == "sprites"
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


def test_a_name_is_given_when_it_is_added_and_known_weights_say_so(
    home: Path, tmp_path: Path, make_model: Callable[..., ModelCard]
) -> None:
    card = make_model("theirs", parent=tmp_path)
    found = import_model(tmp_path / "theirs", catalogue=find_catalogue(), name="mine-2")
    assert (found.entry.name, found.known) == ("mine-2", "")
    assert find_catalogue().model("mine-2").card is not None
    write_card(tmp_path / "theirs", replace(card, title="A newer title", licence="CC0"))
    again = import_model(tmp_path / "theirs", catalogue=find_catalogue(), name="other")
    assert again.entry.name == "mine-2"
    assert "already here as mine-2" in again.known
    assert "title, licence" in again.known
    assert "models rename mine-2 other" in again.known
    assert [entry.name for entry in find_catalogue().models if not entry.shipped] == ["mine-2"]
    weights = import_model(tmp_path / "theirs" / "weights.safetensors", catalogue=find_catalogue())
    assert weights.known == "these weights are already here as mine-2"
    dropped = read_file(tmp_path / "theirs", find_catalogue())
    assert (dropped.model, "already here as mine-2" in dropped.known) == ("mine-2", True)


@pytest.mark.parametrize("name", ["", "faces", "faces-gan", "mine", "A", "a/b", ".a", "-a", "a b", "n" * 61, "\u00e4"])
def test_a_name_that_is_taken_or_no_name_is_refused(
    home: Path, tmp_path: Path, make_model: Callable[..., ModelCard], name: str
) -> None:
    make_model("mine")
    make_model("theirs", parent=tmp_path, seed=1)
    with pytest.raises(UsageError):
        rename_model(find_catalogue().model("mine"), name)
    if name:
        with pytest.raises(UsageError):
            import_model(tmp_path / "theirs", catalogue=find_catalogue(), name=name)
    assert [entry.name for entry in find_catalogue().models if not entry.shipped] == ["mine"]


def test_a_renamed_model_keeps_its_factors_and_is_found_by_the_hash_of_its_weights(
    home: Path, make_model: Callable[..., ModelCard]
) -> None:
    card = make_model("mine")
    own = home / "data" / "factors" / "mine"
    own.mkdir(parents=True)
    (own / "x.safetensors").write_bytes(b"a factor")
    renamed = rename_model(find_catalogue().model("mine"), "yours")
    assert (home / "data" / "factors" / "yours" / "x.safetensors").is_file()
    found = find_catalogue()
    assert found.model("yours").card == renamed.card
    assert found.model_for("mine", card.weights_sha256).name == "yours"
    assert found.model_for("yours", "").name == "yours"
    with pytest.raises(ModelFileError, match="made by another 'yours'"):
        found.model_for("yours", "0" * 64)
    with pytest.raises(UnknownNameError):
        found.model_for("mine", "0" * 64)
    shipped = next(entry for entry in found.models if entry.shipped)
    with pytest.raises(UsageError, match="ships"):
        rename_model(shipped, "own")
    (home / "data" / "models" / "linked").symlink_to(home / "data" / "models" / "yours")
    linked = next(entry for entry in find_catalogue().models if entry.name == "linked")
    with pytest.raises(UsageError, match="is a link"):
        rename_model(linked, "own")
    remove("linked")
    assert (home / "data" / "models" / "yours" / "card.json").is_file()
