"""``latentstudio models list|get|info|add|rename|remove``: models, and the add-ons that measure pictures."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypedDict

import msgspec

from latentstudio.cli.options import Parser, add_common, verb_parser
from latentstudio.cli.output import Output, table
from latentstudio.errors import ModelFileError, UsageError
from latentstudio.generators.addons import (
    KINDS,
    MODEL,
    AddOn,
    NetworkCard,
    add_on,
    is_installed,
    is_whole,
    list_add_ons,
    list_networks,
    network_folder,
    remove,
)
from latentstudio.generators.catalogue import Catalogue, ModelEntry, find_catalogue
from latentstudio.generators.values import texts
from latentstudio.training.datasets import data_set, data_set_folder, data_set_names, fetch_data_set


def parser() -> Parser:
    """The verb's options."""
    verb = verb_parser("models", "List, fetch, describe, add and remove models.")
    actions = verb.add_subparsers(dest="action", required=True, metavar="list|get|info|add|rename|remove")
    add_common(actions.add_parser("list", help="every model, installed or to be fetched"))
    get = actions.add_parser("get", help="fetch an add-on model, or the data set fashion-mnist")
    get.add_argument("name", metavar="NAME")
    get.add_argument("--yes", action="store_true", help="accept the licence that is shown")
    info = actions.add_parser("info", help="a model's card")
    info.add_argument("name", metavar="NAME")
    add = actions.add_parser("add", help="bring a weights file or a model folder in")
    add.add_argument("path", metavar="PATH", type=Path)
    add.add_argument("--name", default="", help="what to call it (default: the name in its card, or its file's)")
    rename = actions.add_parser("rename", help="call a model of your own otherwise")
    rename.add_argument("name", metavar="OLD")
    rename.add_argument("new", metavar="NEW")
    gone = actions.add_parser("remove", help="delete a fetched or added model")
    gone.add_argument("name", metavar="NAME")
    for action in (get, info, add, rename, gone):
        add_common(action)
    return verb


def run(arguments: argparse.Namespace, output: Output) -> None:
    """Do the chosen action."""
    actions: dict[str, Callable[[argparse.Namespace, Output], None]] = {
        "list": _list, "get": _get, "info": _info, "add": _add, "rename": _rename,
        "remove": _remove,
    }
    actions[arguments.action](arguments, output)


def _list(arguments: argparse.Namespace, output: Output) -> None:
    catalogue = find_catalogue()
    rows = [_installed_row(entry) for entry in catalogue.models]
    rows += [_network_row(card) for card in list_networks()]
    names = {row["name"] for row in rows}
    rows += [_add_on_row(found, catalogue) for found in list_add_ons(KINDS) if found.name not in names]
    output.result({"models": rows})
    output.say(table([(row["name"], row["facts"], _state(row), row["licence"]) for row in rows]))


class _Row(TypedDict):
    name: str
    kind: str
    backend: str | None
    installed: bool
    shipped: bool
    capabilities: list[str]
    licence: str
    title: str
    facts: str
    error: str | None


def _installed_row(entry: ModelEntry) -> _Row:
    card = entry.card
    return {
        "name": entry.name,
        "kind": MODEL,
        "backend": card.backend if card else None,
        "installed": True,
        "shipped": entry.shipped,
        "capabilities": list(card.capabilities) if card else [],
        "licence": card.licence if card else "",
        "title": card.title if card else "",
        "facts": card.facts if card else "",
        "error": entry.error or None,
    }


def _network_row(card: NetworkCard) -> _Row:
    """A network that measures pictures: it is listed, and cannot be opened."""
    return {
        "name": card.name, "kind": card.kind, "backend": None, "installed": True, "shipped": False, "capabilities": [],
        "licence": card.licence, "title": card.title, "facts": add_on(card.name).facts, "error": None,
    }


def _add_on_row(found: AddOn, catalogue: Catalogue) -> _Row:
    manifests = [entry.manifest for entry in catalogue.backends if entry.id == found.backend and entry.manifest]
    able = texts(found.card, "capabilities") or (manifests[0].capabilities if manifests else ())
    return {
        "name": found.name, "kind": found.kind, "backend": found.backend or None, "installed": False, "shipped": False,
        "capabilities": [name for name in able if name != "build"], "licence": found.licence,
        "title": found.title, "facts": found.facts, "error": None,
    }


def _state(row: _Row) -> str:
    if row["error"]:
        return f"broken: {row['error']}"
    if not row["installed"]:
        return f"to be fetched: latentstudio models get {row['name']}"
    return "shipped" if row["shipped"] else "installed"


def _get(arguments: argparse.Namespace, output: Output) -> None:
    # fetching draws the converter in; listing does without
    from latentstudio.generators.fetching import fetch

    if arguments.name in data_set_names():
        _get_data(arguments, output)
        return
    found = add_on(arguments.name)
    if is_whole(found.name):
        output.say(f"{found.name} is installed already")
        output.result({"name": found.name, "installed": True, "fetched": False, "licence": found.licence})
        return
    if is_installed(found.name):
        output.note(f"the files of {found.name} are damaged; it is fetched again")
    _show_licence(found, output)
    if not arguments.yes and not _accepted(found.name):
        raise UsageError(f"the licence of {found.name} was not accepted", action="repeat with --yes to accept it")
    output.follow(fetch(found, catalogue=find_catalogue()), f"fetching {found.name}")
    output.say(f"{found.name} is installed")
    output.result({"name": found.name, "installed": True, "fetched": True, "licence": found.licence})


def _get_data(arguments: argparse.Namespace, output: Output) -> None:
    found = data_set(arguments.name)
    there = data_set_folder(found)
    if there is None:
        speak = output.note if output.as_json else output.say
        speak(f"{found.name}: {found.title} ({found.bytes / 1e6:.0f} MB). Licence: {found.licence}.")
        speak(found.licence_text.strip())
        if not arguments.yes and not _accepted(found.name):
            raise UsageError(f"the licence of {found.name} was not accepted", action="repeat with --yes to accept it")
        output.follow(fetch_data_set(found), f"fetching {found.name}")
    output.say(f"{found.name} is there" + ("" if there is None else " already"))
    output.result({"name": found.name, "installed": True, "fetched": there is None, "licence": found.licence,
                   "folder": str(data_set_folder(found))})


def _show_licence(found: AddOn, output: Output) -> None:
    speak = output.note if output.as_json else output.say
    megabytes = f", {found.bytes / 1e6:.0f} MB" if found.bytes else ""
    speak(f"{found.name}: {found.title} ({found.requirement}{megabytes}). Licence: {found.licence}.")
    if found.data_licence:
        speak(found.data_licence)
    speak(found.licence_text.strip())


def _accepted(name: str) -> bool:
    if not sys.stdin or not sys.stdin.isatty():
        return False
    print(f"Fetch {name} under this licence? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _info(arguments: argparse.Namespace, output: Output) -> None:
    catalogue = find_catalogue()
    waiting = {found.name: found for found in list_add_ons(KINDS) if not is_installed(found.name)}
    listed = {entry.name for entry in catalogue.models}
    if arguments.name in waiting and arguments.name not in listed:
        found = waiting[arguments.name]
        _show_licence(found, output)
        output.result({**msgspec.to_builtins(found), "installed": False})
        return
    for card in list_networks():
        if card.name == arguments.name:
            _describe(msgspec.to_builtins(card), network_folder(card.name), shipped=False, output=output)
            return
    entry = catalogue.model(arguments.name)
    if entry.card is None:
        raise ModelFileError(f"the model '{entry.name}' has no readable card ({entry.error})")
    _describe(msgspec.to_builtins(entry.card), entry.folder, shipped=entry.shipped, output=output)


def _describe(facts: Mapping[str, object], folder: Path, *, shipped: bool, output: Output) -> None:
    output.result({**facts, "installed": True, "shipped": shipped, "folder": str(folder)})
    shown = [(key, str(value)) for key, value in facts.items() if value not in ("", [], {}, None)]
    output.say(table([*shown, ("folder", str(folder))]))


def _add(arguments: argparse.Namespace, output: Output) -> None:
    # converting a foreign file needs torch; the other actions do without
    from latentstudio.generators.importing import import_model

    found = import_model(arguments.path, catalogue=find_catalogue(), name=arguments.name)
    entry = found.entry
    backend = entry.card.backend if entry.card else None
    output.say(found.known or f"{entry.name} is installed (backend {backend}) in {entry.folder}")
    output.result({"name": entry.name, "backend": backend, "installed": True, "folder": str(entry.folder),
                   "known": found.known or None})


def _rename(arguments: argparse.Namespace, output: Output) -> None:
    from latentstudio.generators.importing import rename_model  # as above

    listed = [entry for entry in find_catalogue().models if entry.name == arguments.name]
    entry = next((entry for entry in listed if not entry.shipped), None) or find_catalogue().model(arguments.name)
    renamed = rename_model(entry, arguments.new)
    output.say(f"{arguments.name} is called {renamed.name} now")
    output.result({"name": renamed.name, "before": arguments.name, "folder": str(renamed.folder)})


def _remove(arguments: argparse.Namespace, output: Output) -> None:
    remove(arguments.name)
    output.say(f"{arguments.name} is removed")
    output.result({"name": arguments.name, "installed": False, "removed": True})
