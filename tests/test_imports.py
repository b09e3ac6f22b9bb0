"""Who imports whom, over the whole package and the plugins: no circles, and nothing heavy where it is not needed."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parent.parent
MOST_ANY = 60
HEAVY = ("torch", "onnxruntime", "onnx", "sklearn", "scipy", "skimage")


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("latentstudio", "plugins", include_external_packages=True, cache_dir=None)


def circles(known: grimp.ImportGraph) -> list[list[str]]:
    """Sets of modules of which each imports, directly or not, every other one (Tarjan 1972), sorted."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(module: str) -> None:
        number[module] = lowest[module] = len(number)
        stack.append(module)
        for other in known.find_modules_directly_imported_by(module):
            if other not in number:
                visit(other)
                lowest[module] = min(lowest[module], lowest[other])
            elif other in stack:
                lowest[module] = min(lowest[module], number[other])
        if lowest[module] == number[module]:
            start = stack.index(module)
            if len(stack) - start > 1:
                found.append(sorted(stack[start:]))
            del stack[start:]

    for module in sorted(known.modules):
        if module not in number:
            visit(module)
    return sorted(found)


def test_a_circle_is_found_also_over_a_third_module() -> None:
    made = grimp.ImportGraph()
    for importer, imported in (("a", "b"), ("b", "c"), ("c", "a"), ("d", "a"), ("b", "e")):
        made.add_import(importer=importer, imported=imported)
    assert circles(made) == [["a", "b", "c"]]


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Imports inside functions and for types count too."""
    assert circles(graph()) == []


def test_the_graph_holds_every_file_so_that_no_contract_misses_one() -> None:
    files = {path.relative_to(ROOT) for top in ("latentstudio", "plugins") for path in (ROOT / top).rglob("*.py")}
    names = {".".join(path.with_suffix("").parts).removesuffix(".__init__") for path in files}
    missing = names - set(graph().modules)
    assert [name for name in sorted(missing) if ".tests." not in name] == []


def test_the_window_the_document_and_all_settings_are_imported_without_anything_heavy() -> None:
    light = sorted(
        module for module in graph().modules
        if module.startswith(("latentstudio.document", "latentstudio.engine", "latentstudio.studio"))
        or (module.startswith("latentstudio.") and module.endswith((".settings", ".addons", ".catalogue", ".recipe")))
    )
    code = f"import importlib, sys\nfor name in {light}: importlib.import_module(name)\n" \
           f"print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def test_few_values_are_of_any_type() -> None:
    """``Any`` switches the checker off; what is not known is an ``object`` until somebody looks at it."""
    found = [
        f"{path.relative_to(ROOT)}:{number}" for top in ("latentstudio", "plugins")
        for path in sorted((ROOT / top).rglob("*.py")) if "tests" not in path.relative_to(ROOT).parts
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if re.search(r"\bAny\b", line)
    ]
    assert len(found) <= MOST_ANY, "\n".join(found)
