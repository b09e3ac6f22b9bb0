"""Backends and models are listed without being imported; the broken ones with their error."""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from latentstudio.errors import ModelFileError, PluginError, UnknownNameError
from latentstudio.factors import load_factors
from latentstudio.generators import catalogue as catalogue_module
from latentstudio.generators.card import CARD_FILE, ModelCard, read_card
from latentstudio.generators.catalogue import ENTRY_POINT, USER, find_catalogue
from latentstudio.generators.contract import Backend
from latentstudio.generators.manifest import read_manifest

WORKING = """
class Working:
    def probe(self, path):
        return None
    def open(self, card, folder, *, device):
        return None
def create():
    return Working()
"""


def test_the_shipped_backends_are_listed_and_open(home: Path) -> None:
    found = find_catalogue()
    assert {"beta_vae", "dcgan"} <= {entry.id for entry in found.backends if not entry.error}
    assert isinstance(found.backend("beta_vae"), Backend)
    assert found.backend("beta_vae") is found.backend("beta_vae")
    assert [add_on.name for add_on in found.add_ons] == ["faces-gan"]


def test_listing_imports_neither_torch_nor_a_plugin(home: Path, make_plugin: Callable[..., Path]) -> None:
    make_plugin("loud", "raise RuntimeError('imported too early')")
    code = (
        "import sys; from latentstudio.generators.catalogue import find_catalogue; c = find_catalogue();"
        "assert 'loud' in [b.id for b in c.backends if not b.error]; c.add_ons;"
        "print([m for m in ('torch', 'onnxruntime', 'safetensors', 'latentstudio_plugins') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_user_plugin_opens_and_may_share_its_folder_name_with_a_shipped_one(
    home: Path, make_plugin: Callable[..., Path]
) -> None:
    make_plugin("dcgan", WORKING, id='"mine"')
    found = find_catalogue()
    shipped, mine = found.backend("dcgan"), found.backend("mine")
    assert type(mine).__name__ == "Working"
    assert type(shipped).__module__ != type(mine).__module__


@pytest.mark.parametrize(("code", "manifest", "told"), [
    ("raise RuntimeError('broken at import')", {}, "broken at import"),
    ("import sys; sys.exit(3)", {}, "SystemExit"),
    ("import no_such_package_anywhere", {}, "no_such_package_anywhere"),
    ("x = (", {}, "SyntaxError"),
    ("x = 1", {}, "no function create"),
    ("def create(): return 7", {}, "returned int"),
    ("def create(): raise ValueError('factory')", {}, "factory"),
    (WORKING, {"factory": '"other.backend:create"'}, "begins with 'other'"),
])
def test_a_plugin_that_breaks_when_chosen_says_how(
    home: Path, make_plugin: Callable[..., Path], code: str, manifest: dict[str, str], told: str
) -> None:
    make_plugin("broken", code, **manifest)
    found = find_catalogue()
    with pytest.raises(PluginError, match=told):
        found.backend("broken")
    assert isinstance(found.backend("beta_vae"), Backend)


@pytest.mark.parametrize(("manifest", "told"), [
    ({"api_version": "3"}, "api version 3"),
    ({"api_version": '"one"'}, "api_version"),
    ({"colour": '"red"'}, "colour"),
    ({"id": '"Not An Id"'}, "Not An Id"),
    ({"factory": '"nowhere"'}, "nowhere"),
    ({"capabilities": '["fly"]'}, "fly"),
    ({"title": "= ="}, "not a valid manifest"),
])
def test_a_broken_manifest_is_listed_with_its_error(
    home: Path, make_plugin: Callable[..., Path], manifest: dict[str, str], told: str
) -> None:
    folder = make_plugin("broken", WORKING, **manifest)
    entry = next(entry for entry in find_catalogue().backends if entry.folder == folder)
    assert entry.source == USER
    assert told in entry.error
    with pytest.raises(PluginError, match="cannot be used"):
        find_catalogue().backend(entry.id)


def test_a_folder_without_a_manifest_is_listed_with_its_error(home: Path) -> None:
    (home / "data" / "plugins" / "empty").mkdir(parents=True)
    entry = next(entry for entry in find_catalogue().backends if entry.id == "empty")
    assert "plugin.toml" in entry.error
    with pytest.raises(PluginError):
        read_manifest(home / "data" / "plugins")


def test_of_two_plugins_with_one_id_the_shipped_one_is_used(home: Path, make_plugin: Callable[..., Path]) -> None:
    make_plugin("twin", WORKING, id='"beta_vae"')
    entries = [entry for entry in find_catalogue().backends if entry.id == "beta_vae"]
    assert [bool(entry.error) for entry in entries] == [False, True]
    assert "already taken" in entries[1].error
    assert type(find_catalogue().backend("beta_vae")).__name__ == "BetaVaeBackend"


def test_entry_points_are_found_without_importing_them(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site" / "outside_backend"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(WORKING, encoding="utf-8")
    (package / "plugin.toml").write_text(
        'id = "outside"\napi_version = 2\nfactory = "outside_backend:create"', encoding="utf-8"
    )
    points = [
        importlib.metadata.EntryPoint("outside", "outside_backend", "latentstudio.backends"),
        importlib.metadata.EntryPoint("gone", "no_such_backend_package", "latentstudio.backends"),
    ]
    monkeypatch.syspath_prepend(str(package.parent))
    monkeypatch.setattr(catalogue_module, "entry_points", lambda group: points)
    found = find_catalogue()
    assert "outside_backend" not in sys.modules
    listed = {entry.id: entry for entry in found.backends if entry.source == ENTRY_POINT}
    assert listed["outside"].error == ""
    assert "no_such_backend_package" in listed["gone"].error
    assert type(found.backend("outside")).__name__ == "Working"


def test_unknown_backends_and_models_list_the_known_ones(home: Path, make_model: Callable[..., ModelCard]) -> None:
    make_model("mine")
    with pytest.raises(UnknownNameError, match="beta_vae"):
        find_catalogue().backend("biggan")
    with pytest.raises(UnknownNameError, match="mine"):
        find_catalogue().model("yours")
    with pytest.raises(UnknownNameError, match="models get faces-gan"):
        find_catalogue().model("faces-gan")


def test_models_are_found_by_name_folder_and_weights_file(home: Path, make_model: Callable[..., ModelCard]) -> None:
    make_model("mine")
    folder = home / "data" / "models" / "mine"
    found = find_catalogue()
    for way in ("mine", folder, folder / "weights.safetensors"):
        assert found.model(way).folder == folder
    stray = home / "stray.safetensors"
    stray.write_bytes(b"x")
    with pytest.raises(ModelFileError, match="models add"):
        found.model(stray)


@pytest.mark.parametrize(("change", "told"), [
    (('"mine"', '"yours"'), "called 'yours'"),
    (('"beta_vae"', '"biggan"'), "backend 'biggan'"),
    (('"weights.safetensors"', '"../../../etc/passwd"'), "outside its folder"),
    (('"accelerated": ""', '"accelerated": "/tmp/graph.onnx"'), "outside its folder"),
    (('"weights.safetensors"', '"other.safetensors"'), "missing"),
    (('"api": 1', '"api": 9'), "card version 9"),
    (("{", "{{"), "not a valid model card"),
])
def test_a_broken_model_is_listed_with_its_error(
    home: Path, make_model: Callable[..., ModelCard], change: tuple[str, str], told: str
) -> None:
    make_model("mine")
    card = home / "data" / "models" / "mine" / CARD_FILE
    card.write_text(card.read_text(encoding="utf-8").replace(*change), encoding="utf-8")
    entry = next(entry for entry in find_catalogue().models if entry.name == "mine")
    assert told in entry.error
    with pytest.raises(ModelFileError):
        find_catalogue().model("mine")


def _bad_models(models: Path) -> dict[str, str]:
    """Folders that each break the reading of a card in a way of their own; and what is told of them."""
    card = '{"name": "%s", "backend": "beta_vae", "weights": "%s"%s}'
    told = {
        "long": "outside its folder", "nul": "outside its folder", "surrogate": "not a valid model card",
        "big": "not a valid model card", "deep": "not a valid model card", "pipe": "no ordinary file",
        "folder": "directory", "device-weights": "missing", "wrong": "not a valid model card", "nowhere": "a link to",
    }
    for name in told:
        (models / name).mkdir(parents=True)
    (models / "nowhere").rmdir()
    (models / "nowhere").symlink_to(models / "gone")
    texts = {
        "long": card % ("long", "w" * 300, ""), "nul": card % ("nul", "a\\u0000b", ""),
        "surrogate": card % ("surrogate", "\\ud800", ""),
        "big": card % ("big", "w", ', "api": ' + "9" * 5_000), "wrong": card % ("wrong", "w", ', "spaces": [7]'),
        "deep": card % ("deep", "w", ', "config": ' + '{"a":' * 5_000 + "1" + "}" * 5_000),
        "device-weights": card % ("device-weights", "zero", ""),
    }
    for name, text in texts.items():
        (models / name / CARD_FILE).write_text(text, encoding="utf-8")
    (models / "device-weights" / "zero").symlink_to("/dev/zero")
    os.mkfifo(models / "pipe" / CARD_FILE)
    (models / "folder" / CARD_FILE).mkdir()
    os.mkfifo(models / "a-pipe-is-no-model")
    (models / "a-file-is-no-model").write_bytes(b"x")
    return told


def test_whatever_is_wrong_with_one_model_it_is_listed_and_the_others_open(
    home: Path, make_model: Callable[..., ModelCard]
) -> None:
    make_model("mine")
    told = _bad_models(home / "data" / "models")
    found = find_catalogue()
    errors = {entry.name: entry.error for entry in found.models if entry.error}
    assert set(errors) == set(told)
    for name, words in told.items():
        assert words in errors[name], name
        with pytest.raises(ModelFileError):
            found.model(name)
    assert found.model("mine").card is not None
    for odd in ("a\0b", "n" * 300, "/dev/zero", str(home / "data" / "models" / "a-pipe-is-no-model")):
        with pytest.raises(UnknownNameError):
            found.model(odd)


def test_whatever_is_wrong_with_one_plugin_it_is_listed_and_the_others_work(
    home: Path, make_plugin: Callable[..., Path]
) -> None:
    for name, title in (
        ("big", "9" * 5_000), ("deep", "[" * 9_000), ("dots", "1\na" + ".a" * 20_000 + " = 1"), ("date", "1979-05-27"),
    ):
        make_plugin(name, WORKING, title=title)
    pipe = home / "data" / "plugins" / "pipe"
    pipe.mkdir()
    os.mkfifo(pipe / "plugin.toml")
    (home / "data" / "plugins" / "nowhere").symlink_to("gone")
    waits = make_plugin("waits", WORKING)
    os.mkfifo(waits / "more.py")
    found = find_catalogue()
    assert {entry.folder.name for entry in found.backends if entry.error} == {
        "big", "deep", "dots", "date", "pipe", "nowhere"}
    assert isinstance(found.backend("beta_vae"), Backend)
    assert len(found.backend_code("waits")) == 64


def test_a_defect_of_the_reader_itself_hides_nothing_either(
    home: Path, make_model: Callable[..., ModelCard], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_model("mine")
    make_model("odd")

    def reading(folder: Path) -> ModelCard:
        if folder.name == "odd":
            raise ZeroDivisionError("a defect")
        return read_card(folder)

    monkeypatch.setattr(catalogue_module, "read_card", reading)
    found = find_catalogue()
    assert {entry.name: entry.error for entry in found.models if entry.error} == {"odd": "a defect"}
    monkeypatch.setattr(catalogue_module, "entry_points", lambda group: 1 / 0)
    assert find_catalogue().model("mine")


def test_one_broken_factor_does_not_hide_the_others(home: Path, make_model: Callable[..., ModelCard]) -> None:
    card = make_model("mine")
    folder = home / "data" / "models" / "mine" / "factors"
    folder.mkdir()
    for name, header in (
        ("list", b'{"__metadata__":[1]}'), ("text", b'{"__metadata__":{"factor":"[[["}}'), ("none", b"{}"),
        ("f8", b'{"__metadata__":{"factor":"{}"},"axis":{"dtype":"F8_E4M3","shape":[0],"data_offsets":[0,0]}}'),
        ("big", b'{"axis":{"dtype":"F32","shape":[' + b"9" * 5_000 + b'],"data_offsets":[0,0]}}'),
    ):
        (folder / f"{name}.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    os.mkfifo(folder / "pipe.safetensors")
    (folder / "nowhere.safetensors").symlink_to("gone")
    (folder / "folder.safetensors").mkdir()
    found = load_factors(home / "data" / "models" / "mine", card)
    assert len(found.errors) == 8
    assert found.factors == ()
