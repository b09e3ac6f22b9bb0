"""Brings a model from elsewhere into the user's models folder: a model folder, or a foreign weights file. No torch."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from latentstudio.errors import ModelFileError, StudioError, UnsafeFileError, UsageError
from latentstudio.files import is_regular, sha256_of, storage_error, work_folder
from latentstudio.generators.addons import KINDS, list_add_ons
from latentstudio.generators.card import CARD_FILE, ModelCard, read_card, write_card
from latentstudio.generators.catalogue import Catalogue, ModelEntry
from latentstudio.generators.contents import Contents, contents_of, groups_of
from latentstudio.generators.contract import Backend, ComparesLayouts, ImportsFiles
from latentstudio.generators.guarding import guarded
from latentstudio.generators.pickles import HEAD, check_torch_file, looks_like_torch
from latentstudio.generators.weights import check_safetensors, write_tensors
from latentstudio.places import bundled, data_folder, records_folder, user_factors, user_models

_NAME = re.compile(r"[^a-z0-9._-]+")
_LONGEST = 60
_WORDS = ("name", "title", "licence", "data", "origin", "notice", "measure")
_EXTRAS = ("LICENCE.txt", "LICENSE", "LICENSE.txt", "recipe.toml")


@dataclass(frozen=True)
class Imported:
    """A model that was brought in; ``known`` says, in a sentence, that its weights were here already and what was kept.
    """

    entry: ModelEntry
    known: str = ""


def import_model(path: Path, *, catalogue: Catalogue, name: str = "") -> Imported:
    """Copy or convert a model into the user's models folder; make a new catalogue afterwards.

    A model folder (or its card) is copied. A weights file is checked first, then shown to every backend; the first that
    recognises it converts it. A model whose weights are there already is returned as it stands.

    Args:
        name: what to call it; the name in its card, or a free one like it, where it is empty.

    Raises:
        UsageError: the name is taken or cannot be one.
        UnsafeFileError: a pickle that would import something; the message names it, and nothing of it was run.
        UnknownNameError: the folder's card names a backend that is not installed.
        ModelFileError: a broken file, or of a kind that no backend recognises.
        StorageError: the disk is full or the folder may not be written.
    """
    path = Path(path)
    if name:
        check_model_name(name)
    if path.name == CARD_FILE and path.is_file():
        path = path.parent
    if path.is_dir():
        if not is_regular(path / CARD_FILE):
            raise _told(ModelFileError(f"the folder {path.name} holds no {CARD_FILE}"), path)
        return _copy_folder(path, catalogue, name)
    try:
        check_weights_file(path)
    except ModelFileError as problem:
        raise _told(problem, path) from problem
    backend_id, backend, card = _recognise(path, catalogue)
    tensors: Mapping[str, object] | None = None
    if isinstance(backend, ImportsFiles):
        card, tensors = guarded(lambda: _converted(backend, path), backend_id, "convert the file")
    return _keep(path, replace(card, name=name or card.name), tensors, catalogue, name)


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


def _told(problem: ModelFileError, path: Path) -> ModelFileError:
    """The same problem, with what the file or folder holds."""
    try:
        held = contents_of(path)
    except StudioError:
        return problem
    if held.kind in ("unknown", "broken", "safetensors", "torch"):
        return problem
    why = f"; {problem.found}" if isinstance(problem, UnsafeFileError) else ""
    return type(problem)(f"{path.name or path} is {held.sentence}{why}", expected=held.expected or problem.expected,
                         action=held.action or problem.action)


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
    held = contents_of(path)
    near = _nearest(held, catalogue)
    raise ModelFileError(
        f"no backend recognises {path.name}, {held.sentence}{f': {near}' if near else ''}{note}",
        expected=f"weights of one of: {titles}",
        action="install or write a backend plugin for it (see docs/plugin-guide.md)",
    )


def _nearest(held: Contents, catalogue: Catalogue) -> str:
    """What a backend says that the file nearly is; empty where none knows it."""
    for entry in catalogue.backends:
        if entry.error:
            continue
        for where, shapes in groups_of(held.tensors).items():
            with contextlib.suppress(StudioError):
                backend = catalogue.backend(entry.id)
                if isinstance(backend, ComparesLayouts):
                    said = guarded(partial(backend.compare_layout, shapes), entry.id, "compare the file")
                    if said:
                        return f"{where or 'it'} is {said}"
    return ""


def _converted(backend: ImportsFiles, path: Path) -> tuple[ModelCard, Mapping[str, object]]:
    card, tensors = backend.import_file(path)
    if not isinstance(card, ModelCard) or not isinstance(tensors, Mapping) or not tensors:
        raise TypeError(f"import_file gave {type(card).__name__} and {type(tensors).__name__}, not a card and tensors")
    return card, tensors


def _copy_folder(folder: Path, catalogue: Catalogue, name: str) -> Imported:
    card = read_card(folder)
    catalogue.backend_entry(card.backend)
    check_safetensors(folder / card.weights)
    sha256 = sha256_of(folder / card.weights)
    if card.weights_sha256 and card.weights_sha256 != sha256:
        raise ModelFileError(f"the weights in {folder} are not those of its card", expected=card.weights_sha256[:12],
                             action="copy the folder again")
    known = _known(sha256, catalogue)
    if known is not None:
        return Imported(known, _already(known, card, name))
    with work_folder(user_models() / card.name) as work:
        for part in (card.weights, *_EXTRAS):  # not its graph: those of strangers are not run (``acceleration``)
            if is_regular(folder / part):
                shutil.copyfile(folder / part, work / part)
        for factor in sorted(folder.glob("factors/*.safetensors")):
            if is_regular(factor):
                (work / "factors").mkdir(exist_ok=True)
                shutil.copyfile(factor, work / "factors" / factor.name)
        ours = replace(card, weights_sha256=sha256, accelerated="", accelerated_sha256="", accelerated_code="")
        return _finish(work, ours, catalogue, name)


def _keep(
    path: Path, card: ModelCard, tensors: Mapping[str, object] | None, catalogue: Catalogue, name: str
) -> Imported:
    with work_folder(user_models() / (name or "import")) as work:
        if tensors is None:
            shutil.copyfile(path, work / card.weights)
        else:
            write_tensors(work / card.weights, tensors)
        sha256 = sha256_of(work / card.weights)
        known = _known(sha256, catalogue)
        if known is not None:
            return Imported(known, _already(known, None, name))
        origin = card.origin or f"file {path.name}"
        return _finish(work, replace(card, weights_sha256=sha256, origin=origin), catalogue, name)


def _known(sha256: str, catalogue: Catalogue) -> ModelEntry | None:
    for entry in catalogue.models:
        if not entry.error and entry.card is not None and entry.card.weights_sha256 == sha256:
            return entry
    return None


def _already(known: ModelEntry, card: ModelCard | None, name: str) -> str:
    """What is said when the weights are here: under which name, and what of the new folder was left out."""
    parts = [f"these weights are already here as {known.name}"]
    if card is not None and known.card is not None:
        other = [key for key in _WORDS if getattr(card, key) and getattr(card, key) != getattr(known.card, key)]
        if other:
            parts.append(f"its card was kept, the new one has another {', '.join(other)}")
    if name and name != known.name:
        parts.append(f"the name was kept (rename it with `latentstudio models rename {known.name} {name}`)"
                     if not known.shipped else "a shipped model keeps its name")
    return "; ".join(parts)


def _finish(work: Path, card: ModelCard, catalogue: Catalogue, name: str) -> Imported:
    named = replace(card, name=name or _free_name(card.name, catalogue), title=card.title or card.name)
    write_card(work, named)
    target = user_models() / named.name
    work.rename(target)
    return Imported(ModelEntry(named.name, named, target, shipped=False))


def _free_name(wanted: str, catalogue: Catalogue) -> str:
    plain = _NAME.sub("-", wanted.lower()).strip("-._")[:_LONGEST] or "model"
    names = {entry.name for entry in catalogue.models}
    name, number = plain, 2
    while name in names or is_taken(name):
        name, number = f"{plain}-{number}", number + 1
    return name


def is_taken(name: str) -> bool:
    """Whether a model of this name is here, ships, or can be fetched."""
    places = (user_models() / name, bundled("models") / name)
    return any(os.path.lexists(place) for place in places) or name in {found.name for found in list_add_ons(KINDS)}


def check_model_name(name: str) -> None:
    """See that a model can be called so.

    Raises:
        UsageError: it cannot, or another one is.
    """
    if _NAME.search(name) or not name[:1].isalnum() or len(name) > _LONGEST:
        raise UsageError(f"a model cannot be called '{name[:80]}'", expected="small letters, digits, '.', '_' and '-', "
                         f"a letter or digit first, at most {_LONGEST}")
    if is_taken(name):
        raise UsageError(f"there is a model '{name}' already", action="choose another name")


def rename_model(entry: ModelEntry, name: str) -> ModelEntry:
    """Call a model of the user's otherwise; what was learned for it goes along. Make a new catalogue afterwards.

    Pictures and sessions find it as before, by the hash of its weights.

    Raises:
        UsageError: a shipped model, one that is a link, one without a card, or a name that is taken or cannot be one.
        StorageError: the folder may not be written.
    """
    if entry.shipped:
        raise UsageError(f"{entry.name} ships with the program", expected="a model of your own")
    if entry.folder.is_symlink():
        raise UsageError(f"{entry.name} is a link to {os.path.realpath(entry.folder)}", action="rename that one")
    if entry.card is None:
        raise UsageError(f"{entry.name} has no readable card ({entry.error})", action="mend or remove it")
    check_model_name(name)
    target, old = entry.folder.with_name(name), entry.folder.name
    title = name if entry.card.title in ("", entry.card.name, old) else entry.card.title
    card = replace(entry.card, name=name, title=title)
    try:
        entry.folder.rename(target)
        write_card(target, card)
        for before, after in (
            (user_factors(old), user_factors(name)), (records_folder(old, ""), records_folder(name, "")),
            (data_folder() / "recoders" / old, data_folder() / "recoders" / name),
        ):
            if before.is_dir() and not os.path.lexists(after):
                before.rename(after)
    except OSError as problem:
        raise storage_error(target, problem) from problem
    return ModelEntry(name, card, target, shipped=False)
