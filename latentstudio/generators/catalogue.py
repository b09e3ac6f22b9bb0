"""What is there: backends and models, shipped and the user's own, listed without importing any of them. No torch."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from importlib.metadata import entry_points
from pathlib import Path
from typing import TypeVar

from latentstudio.errors import ModelFileError, PluginError, StudioError, UnknownNameError
from latentstudio.files import is_regular
from latentstudio.generators.addons import FEATURES, AddOn, list_add_ons
from latentstudio.generators.card import CARD_FILE, ModelCard, read_card
from latentstudio.generators.contract import Backend
from latentstudio.generators.loading import load_backend
from latentstudio.generators.manifest import MANIFEST_FILE, Manifest, code_hash, read_manifest
from latentstudio.places import bundled, user_models, user_plugins
from latentstudio.readers import border

Found = TypeVar("Found")

ENTRY_POINT_GROUP = "latentstudio.backends"
SHIPPED, USER, ENTRY_POINT = "shipped", "user", "entry point"


@dataclass(frozen=True)
class BackendEntry:
    """A backend plugin as listed; ``manifest`` is None and ``error`` says why where it cannot be used."""

    id: str
    manifest: Manifest | None
    folder: Path
    source: str
    error: str = ""


@dataclass(frozen=True)
class ModelEntry:
    """A model folder as listed; ``card`` is None or ``error`` non-empty where it cannot be opened."""

    name: str
    card: ModelCard | None
    folder: Path
    shipped: bool
    error: str = ""


class Catalogue:
    """The backends, models and add-ons of one moment; make a new one after installing or removing something."""

    def __init__(self, backends: tuple[BackendEntry, ...], models: tuple[ModelEntry, ...]) -> None:
        self.backends = backends
        self.models = models
        self._opened: dict[str, Backend] = {}
        self._code: dict[str, str] = {}

    @property
    def add_ons(self) -> tuple[AddOn, ...]:
        """Models that can be fetched, whether installed or not."""
        return list_add_ons()

    def backend(self, id: str) -> Backend:
        """The backend of this id; its code is imported now, once.

        Raises:
            UnknownNameError: there is none; the message lists those that work.
            PluginError: it is broken; the message tells how.
        """
        if id in self._opened:
            return self._opened[id]
        entry = self.backend_entry(id)
        if entry.manifest is None or entry.error:
            raise PluginError(f"the backend '{id}' cannot be used ({entry.error})", action="mend or remove the plugin")
        backend = load_backend(entry.manifest, entry.folder, installed=entry.source == ENTRY_POINT)
        self._opened[id] = backend
        return backend

    def backend_code(self, id: str) -> str:
        """SHA-256 of the code of the backend of this id: what was made by it is of no use once it changes.

        Raises:
            UnknownNameError: there is none.
        """
        if id not in self._code:
            self._code[id] = code_hash(self.backend_entry(id).folder)
        return self._code[id]

    def backend_entry(self, id: str) -> BackendEntry:
        """What is listed under this id, the usable one first.

        Raises:
            UnknownNameError: nothing is.
        """
        named = [entry for entry in self.backends if entry.id == id]
        if not named:
            usable = ", ".join(entry.id for entry in self.backends if not entry.error)
            raise UnknownNameError(f"there is no backend '{id}'", expected=f"one of: {usable}",
                                   action="put its plugin into the plugins folder that `latentstudio doctor` names")
        return next((entry for entry in named if not entry.error), named[0])

    def model(self, name_or_path: str | Path) -> ModelEntry:
        """The model of this name, or in this folder (or beside this weights file).

        Raises:
            UnknownNameError: no such model; the message lists the names.
            ModelFileError: the model is listed but broken, or the path is not a model folder.
        """
        text = str(name_or_path)
        for entry in self.models:
            if entry.name == text and not entry.error:
                return entry
        for entry in self.models:
            if entry.name == text:
                raise ModelFileError(f"the model '{text}' cannot be opened ({entry.error})",
                                     action=f"mend or remove {entry.folder}")
        path = Path(text)
        if os.path.isdir(path) or is_regular(path):
            return _entry_at(path)
        raise UnknownNameError(f"there is no model '{text}'", expected=f"one of: {self._names()}",
                               action=self._hint(text))

    def model_for(self, name: str, sha256: str) -> ModelEntry:
        """The model that a picture or factor was made with; names are for people, the hash of the weights counts.

        Raises:
            UnknownNameError: no model of these weights, and none of this name.
            ModelFileError: the model of this name has other weights, or is broken.
        """
        same = [entry for entry in self.models if not entry.error and entry.card is not None
                and sha256 and entry.card.weights_sha256 == sha256]
        if same:
            return next((entry for entry in same if entry.name == name), same[0])
        entry = self.model(name)
        there = entry.card.weights_sha256 if entry.card is not None else ""
        if sha256 and there and there != sha256:
            raise ModelFileError(f"it was made by another '{name}' (weights {sha256[:12]})",
                                 expected=f"the installed one ({there[:12]})", action="install the model that made it")
        return entry

    def _names(self) -> str:
        return ", ".join(entry.name for entry in self.models if not entry.error) or "(none installed)"

    def _hint(self, name: str) -> str:
        if any(add_on.name == name for add_on in list_add_ons((FEATURES,))):
            return "it is an add-on that measures pictures, not a model that can be opened"
        if any(add_on.name == name for add_on in self.add_ons):
            return f"fetch it with `latentstudio models get {name}`"
        return "see `latentstudio models list`"


def find_catalogue() -> Catalogue:
    """Look at everything that is installed now. A broken plugin or model is listed with its error, never raised."""
    backends = _without_doubles(tuple(_find_backends()))
    usable = {entry.id for entry in backends if not entry.error}
    models = tuple(_find_models(usable))
    return Catalogue(backends, _without_double_models(models))


def _entry_at(path: Path) -> ModelEntry:
    folder = path if path.is_dir() else path.parent
    if path.is_file() and not is_regular(folder / CARD_FILE):
        raise ModelFileError(f"{path.name} has no {CARD_FILE} beside it", expected="a model folder or a model's name",
                             action=f"bring it in with `latentstudio models add {path}`")
    card = read_card(folder)
    return ModelEntry(card.name, card, folder.resolve(), shipped=False)


def _find_backends() -> Iterator[BackendEntry]:
    for source, parent in ((SHIPPED, bundled("plugins")), (USER, user_plugins())):
        for folder in _folders(parent):
            if source == SHIPPED and not (folder / MANIFEST_FILE).is_file():
                continue
            yield _backend_at(folder, source)
    points, _ = _listed(lambda: sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name))
    for point in points or ():
        package = point.value.partition(":")[0]
        found, _ = _listed(partial(_package_folder, package))
        if found is None:
            yield BackendEntry(point.name, None, Path(), ENTRY_POINT, f"the package '{package}' cannot be found")
        else:
            yield _backend_at(found, ENTRY_POINT)


def _listed(find: Callable[[], Found]) -> tuple[Found | None, str]:
    """What was found, or why it was not: whatever is wrong with one entry, the others are listed."""
    try:
        with border(StudioError):
            return find(), ""
    except StudioError as problem:
        return None, problem.sentence


def _package_folder(package: str) -> Path | None:
    """Folder of an installed package, found without importing anything of it."""
    top, *rest = package.split(".")
    spec = importlib.util.find_spec(top)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations))).joinpath(*rest)


def _backend_at(folder: Path, source: str) -> BackendEntry:
    manifest, error = _listed(partial(_read, read_manifest, folder))
    if manifest is None:
        return BackendEntry(folder.name, None, folder, source, error)
    return BackendEntry(manifest.id, manifest, folder, source)


def _read(read: Callable[[Path], Found], folder: Path) -> Found:
    if folder.is_symlink() and not os.path.exists(folder):
        raise ModelFileError(f"{folder} is a link to {os.readlink(folder)}, where nothing is", action="remove it")
    return read(folder)


def _without_doubles(entries: tuple[BackendEntry, ...]) -> tuple[BackendEntry, ...]:
    first: dict[str, BackendEntry] = {}
    kept = []
    for entry in entries:
        if not entry.error and entry.id in first:
            entry = replace(entry, error=f"the id '{entry.id}' is already taken by {first[entry.id].folder}")
        elif not entry.error:
            first[entry.id] = entry
        kept.append(entry)
    return tuple(kept)


def _find_models(backends: set[str]) -> Iterator[ModelEntry]:
    for shipped, parent in ((True, bundled("models")), (False, user_models())):
        for folder in _folders(parent):
            if shipped and not is_regular(folder / CARD_FILE):
                continue
            card, error = _listed(partial(_read, read_card, folder))
            yield ModelEntry(folder.name, card, folder, shipped, error or _wrong_with(card, folder, backends))


def _wrong_with(card: ModelCard | None, folder: Path, backends: set[str]) -> str:
    if card is None:
        return "it has no card"
    if card.name != folder.name:
        return f"the card in {folder} is called '{card.name}'; expected '{folder.name}'"
    if card.backend not in backends:
        return f"it needs the backend '{card.backend}', which is not installed or broken"
    if not is_regular(folder / card.weights):
        return f"its weights {card.weights} are missing"
    return ""


def _without_double_models(models: tuple[ModelEntry, ...]) -> tuple[ModelEntry, ...]:
    taken: set[str] = set()
    kept = []
    for entry in models:
        if entry.name in taken:
            entry = replace(entry, error=f"the name '{entry.name}' is already taken")
        taken.add(entry.name)
        kept.append(entry)
    return tuple(kept)


def _folders(parent: Path) -> list[Path]:
    """The folders in a folder, and links that lead nowhere: those are listed as broken."""
    try:
        names = sorted(name for name in os.listdir(parent) if not name.startswith((".", "_")))
    except OSError:
        return []
    return [parent / name for name in names if os.path.isdir(parent / name) or not os.path.exists(parent / name)]
