"""What is named by a string and imported later: every such name leads to something, and one door opens them."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import latentstudio
from latentstudio import api, transformations
from latentstudio.cli.main import VERBS, load_verb
from latentstudio.generators.manifest import read_manifest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "latentstudio"
DOOR = PACKAGE / "engine" / "loading.py"
OURS = re.compile(r"latentstudio(\.[A-Za-z_]\w*)+(:[A-Za-z_]\w*)?")
DOORS = ("job", "call", "named", "load", "import_module")
NO_MODULES = ("latentstudio.backends",)  # the group of entry points that plugins enter


def strings_of(path: Path) -> Iterator[tuple[int, str]]:
    """Every string in a file that names a module of ours, or one that a door is asked for; docstrings are words."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    words = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    asked = {node.args[0] for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args
             and (getattr(node.func, "id", "") in DOORS or getattr(node.func, "attr", "") in DOORS)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or node in words:
            continue
        if node in asked or (OURS.fullmatch(node.value) and node.value not in NO_MODULES):
            yield node.lineno, node.value


def problem_of(name: str) -> str:
    """Why a name leads nowhere; empty where it does not."""
    module, _, attribute = name.partition(":")
    try:
        if not attribute:
            found = importlib.util.find_spec(module)
            return "" if found is not None else "there is no such module"
        return "" if hasattr(importlib.import_module(module), attribute) else f"the module has no {attribute}"
    except ImportError as problem:
        return str(problem)


NAMED = sorted({name for path in PACKAGE.rglob("*.py") for _, name in strings_of(path)})


def test_there_are_names_to_look_at() -> None:
    assert "latentstudio.tasks.invert:find" in NAMED
    assert len(NAMED) > 15


@pytest.mark.parametrize("name", NAMED)
def test_every_name_in_the_code_leads_to_something(name: str) -> None:
    assert problem_of(name) == ""


def test_a_name_that_leads_nowhere_is_seen(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text('"""latentstudio.words.only"""\nstart("latentstudio.tasks.invert:fnd")\n')
    assert list(strings_of(tmp_path / "a.py")) == [(2, "latentstudio.tasks.invert:fnd")]
    assert problem_of("latentstudio.tasks.invert:fnd") == "the module has no fnd"
    assert problem_of("latentstudio.tasks.nothing:here") == "No module named 'latentstudio.tasks.nothing'"
    assert problem_of("latentstudio.nothing") == "there is no such module"


def test_what_is_asked_for_by_name_is_named_in_full() -> None:
    """A name that is put together cannot be looked at here."""
    built = [
        f"{path.relative_to(ROOT)}:{node.lineno}" for room in ("engine", "tasks", "studio", "cli")
        for path in (PACKAGE / room).rglob("*.py") if path != DOOR
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("job", "call", "named", "load")
        and not isinstance(node.args[0], ast.Constant | ast.Name)
    ]
    assert built == []


def test_engine_tasks_and_studio_import_by_name_through_one_door() -> None:
    found = []
    for room in ("engine", "tasks", "studio"):
        for path in (PACKAGE / room).rglob("*.py"):
            if path == DOOR:
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else (
                    [node.module or ""] if isinstance(node, ast.ImportFrom) else (
                        [node.id] if isinstance(node, ast.Name) else []))
                if any(name.split(".")[0] in ("importlib", "__import__", "runpy", "imp") for name in names):
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert found == []


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_its_module(verb: str) -> None:
    loaded = load_verb(verb)
    assert callable(loaded.parser)
    assert callable(loaded.run)


@pytest.mark.parametrize("name", transformations.__all__)
def test_every_lazy_name_of_the_transformations_is_there(name: str) -> None:
    assert getattr(transformations, name) is not None


@pytest.mark.parametrize("name", api.HOMES)
def test_every_lazy_name_of_the_library_is_there(name: str) -> None:
    assert getattr(api, name) is not None


def test_the_package_offers_names_of_the_one_table_and_type_checkers_are_told_the_same() -> None:
    assert set(latentstudio.__all__) - {"__version__"} <= set(api.HOMES)
    told = {
        alias.asname or alias.name: f"{node.module}:{alias.name}" for name in ("api.py", "__init__.py")
        for node in ast.walk(ast.parse((PACKAGE / name).read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module not in ("latentstudio.api", "latentstudio.version")
        and (node.module or "").startswith("latentstudio.") for alias in node.names
    }
    assert told == api.HOMES


@pytest.mark.parametrize("path", sorted((ROOT / "plugins").glob("*/plugin.toml")), ids=lambda path: path.parent.name)
def test_every_plugin_has_the_factory_that_it_names(path: Path) -> None:
    module, _, function = read_manifest(path).factory.partition(":")
    assert callable(getattr(importlib.import_module(f"plugins.{module}"), function))
