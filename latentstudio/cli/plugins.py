"""``latentstudio plugins list|check PATH``."""

from __future__ import annotations

import argparse
from pathlib import Path

from latentstudio.cli.options import Parser, add_common, verb_parser
from latentstudio.cli.output import Output, table
from latentstudio.generators.catalogue import BackendEntry, find_catalogue


def parser() -> Parser:
    """The verb's options."""
    verb = verb_parser("plugins", "List backend plugins, or check one against the contract.")
    actions = verb.add_subparsers(dest="action", required=True, metavar="list|check")
    add_common(actions.add_parser("list", help="every plugin that was found, broken ones with their error"))
    check = actions.add_parser("check", help="run the contract suite on a plugin folder; exit code 1 if it fails")
    check.add_argument("path", metavar="PATH", type=Path)
    add_common(check)
    return verb


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Do the chosen action."""
    if arguments.action == "list":
        rows = [_row(entry) for entry in find_catalogue().backends]
        output.result({"plugins": rows})
        output.say(table([
            (str(row["id"]), str(row["title"]), str(row["source"]), f"broken: {row['error']}" if row["error"] else "ok")
            for row in rows
        ]))
        return 0
    return _check(arguments.path, output)


def _row(entry: BackendEntry) -> dict[str, object]:
    manifest = entry.manifest
    return {
        "id": entry.id, "title": manifest.title if manifest else "", "licence": manifest.licence if manifest else "",
        "capabilities": list(manifest.capabilities) if manifest else [],
        "file_kinds": list(manifest.file_kinds) if manifest else [],
        "source": entry.source, "folder": str(entry.folder), "error": entry.error or None,
    }


def _check(path: Path, output: Output) -> int:
    # the suite needs torch; listing does without
    from latentstudio.generators.contract_suite import check_plugin

    checks = check_plugin(path)
    passed = all(check.passed for check in checks)
    output.say(table([("ok" if check.passed else "FAILED", check.name, check.detail) for check in checks]))
    output.say(f"{path} {'keeps' if passed else 'breaks'} the contract")
    output.result({
        "path": str(path), "passed": passed,
        "checks": [{"name": check.name, "passed": check.passed, "detail": check.detail} for check in checks],
    })
    return 0 if passed else 1
