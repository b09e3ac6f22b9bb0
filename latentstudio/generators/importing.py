"""Brings a model from elsewhere into the user's models folder: a model folder, or a foreign weights file. No torch."""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from latentstudio.errors import ModelFileError, StudioError
from latentstudio.files import sha256_of, storage_error
from latentstudio.generators.addons import KINDS, list_add_ons
from latentstudio.generators.card import CARD_FILE, ModelCard, read_card, write_card
from latentstudio.generators.catalogue import Catalogue, ModelEntry
from latentstudio.generators.contract import Backend, ImportsFiles
from latentstudio.generators.guarding import guarded
from latentstudio.generators.pickles import HEAD, check_torch_file, looks_like_torch
from latentstudio.generators.weights import check_safetensors, write_tensors
from latentstudio.places import user_models

_NAME = re.compile(r"[^a-z0-9._-]+")
_EXTRAS = ("LICENCE.txt", "LICENSE", "LICENSE.txt", "recipe.toml")


def import_model(path: Path, *, catalogue: Catalogue) -> ModelEntry:
    """Copy or convert a model into the user's models folder and return its entry; make a new catalogue afterwards.

    A model folder (or its card) is copied. A weights file is checked first, then shown to every backend; the first that
    recognises it converts it. A model whose weights are there already is returned as it stands.

    Raises:
        UnsafeFileError: a pickle that would import something; the message names it, and nothing of it was run.
        UnknownNameError: the folder's card names a backend that is not installed.
        ModelFileError: a broken file, or of a kind that no backend recognises.
        StorageError: the disk is full or the folder may not be written.
    """
    path = Path(path)
    if path.name == CARD_FILE and path.is_file():
        path = path.parent
    if path.is_dir():
        return _copy_folder(path, catalogue)
    check_weights_file(path)
    backend_id, backend, card = _recognise(path, catalogue)
    tensors: Mapping[str, object] | None = None
    if isinstance(backend, ImportsFiles):
        card, tensors = guarded(lambda: _converted(backend, path), backend_id, "convert the file")
    return _keep(path, card, tensors, catalogue)


def check_weights_file(path: Path) -> None:
    """Refuse what is broken or unsafe before any backend sees it; header and names are read, no tensor.

    Raises:
        UnsafeFileError, ModelFileError: as ``import_model``.
    """
    if path.is_dir() or not path.is_file():
        check_safetensors(path)
    try:
        with open(path, "rb") as stream:
            head = stream.read(HEAD)
    except OSError as problem:
        raise ModelFileError(f"{path.name} cannot be read ({problem.strerror})", expected="a weights file") from problem
    if looks_like_torch(head):
        check_torch_file(path)
    else:
        check_safetensors(path)


def _recognise(path: Path, catalogue: Catalogue) -> tuple[str, Backend, ModelCard]:
    problems: list[str] = []
    for entry in catalogue.backends:
        if entry.error:
            continue
        try:
            backend = catalogue.backend(entry.id)
            card = guarded(partial(backend.probe, path), entry.id, "probe the file")
        except StudioError as problem:
            problems.append(problem.found)
            continue
        if isinstance(card, ModelCard):
            return entry.id, backend, card
        if card is not None:
            problems.append(f"the backend '{entry.id}' answered probe with a {type(card).__name__}")
    titles = ", ".join(entry.id for entry in catalogue.backends if not entry.error)
    note = f"; {problems[0]}" if problems else ""
    raise ModelFileError(f"no backend recognises {path.name}{note}", expected=f"weights of one of: {titles}",
                         action="install a backend plugin for it (see docs/plugin-guide.md)")


def _converted(backend: ImportsFiles, path: Path) -> tuple[ModelCard, Mapping[str, object]]:
    card, tensors = backend.import_file(path)
    if not isinstance(card, ModelCard) or not isinstance(tensors, Mapping) or not tensors:
        raise TypeError(f"import_file gave {type(card).__name__} and {type(tensors).__name__}, not a card and tensors")
    return card, tensors


def _copy_folder(folder: Path, catalogue: Catalogue) -> ModelEntry:
    card = read_card(folder)
    catalogue.backend_entry(card.backend)
    check_safetensors(folder / card.weights)
    sha256 = sha256_of(folder / card.weights)
    if card.weights_sha256 and card.weights_sha256 != sha256:
        raise ModelFileError(f"the weights in {folder} are not those of its card", expected=card.weights_sha256[:12],
                             action="copy the folder again")
    known = _known(sha256, catalogue)
    if known is not None:
        return known
    with _prepared() as work:
        for name in (card.weights, *_EXTRAS):  # not its graph: those of strangers are not run (``acceleration``)
            if (folder / name).is_file():
                shutil.copyfile(folder / name, work / name)
        for factor in sorted(folder.glob("factors/*.safetensors")):
            (work / "factors").mkdir(exist_ok=True)
            shutil.copyfile(factor, work / "factors" / factor.name)
        ours = replace(card, weights_sha256=sha256, accelerated="", accelerated_sha256="", accelerated_code="")
        return _finish(work, ours, catalogue)


def _keep(
    path: Path, card: ModelCard, tensors: Mapping[str, object] | None, catalogue: Catalogue
) -> ModelEntry:
    with _prepared() as work:
        if tensors is None:
            shutil.copyfile(path, work / card.weights)
        else:
            write_tensors(work / card.weights, tensors)
        sha256 = sha256_of(work / card.weights)
        known = _known(sha256, catalogue)
        if known is not None:
            return known
        origin = card.origin or f"file {path.name}"
        return _finish(work, replace(card, weights_sha256=sha256, origin=origin), catalogue)


@contextlib.contextmanager
def _prepared() -> Any:
    parent = user_models()
    work: Path | None = None
    try:
        parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".import.", dir=parent))
        yield work
    except OSError as problem:
        raise storage_error(parent, problem) from problem
    finally:
        if work is not None:
            shutil.rmtree(work, ignore_errors=True)


def _known(sha256: str, catalogue: Catalogue) -> ModelEntry | None:
    for entry in catalogue.models:
        if not entry.error and entry.card is not None and entry.card.weights_sha256 == sha256:
            return entry
    return None


def _finish(work: Path, card: ModelCard, catalogue: Catalogue) -> ModelEntry:
    named = replace(card, name=_free_name(card.name, catalogue), title=card.title or card.name)
    write_card(work, named)
    target = user_models() / named.name
    work.rename(target)
    target.chmod(0o755)
    return ModelEntry(named.name, named, target, shipped=False)


def _free_name(wanted: str, catalogue: Catalogue) -> str:
    plain = _NAME.sub("-", wanted.lower()).strip("-._")[:60] or "model"
    taken = {entry.name for entry in catalogue.models} | {found.name for found in list_add_ons(KINDS)}
    name, number = plain, 2
    while name in taken or (user_models() / name).exists():
        name, number = f"{plain}-{number}", number + 1
    return name
