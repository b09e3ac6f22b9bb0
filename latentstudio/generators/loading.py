"""Imports a backend plugin when it is chosen, and not before."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
import types
from pathlib import Path

from latentstudio.errors import PluginError, StudioError
from latentstudio.generators.contract import Backend
from latentstudio.generators.manifest import Manifest

ROOT = "latentstudio_plugins"


def load_backend(manifest: Manifest, folder: Path, *, installed: bool = False) -> Backend:
    """Import the plugin in ``folder`` and call its factory.

    Args:
        manifest: what its ``plugin.toml`` says.
        folder: the package's folder; ``factory`` begins with the folder's name.
        installed: the package is importable by its own name (an entry point) rather than a folder of plugins.

    Raises:
        PluginError: anything that the plugin raises, with its type and message; or not a backend.
    """
    module_name, _, function_name = manifest.factory.partition(":")
    try:
        if not installed:
            head, _, rest = module_name.partition(".")
            if head != folder.name:
                raise PluginError(
                    f"the factory of '{manifest.id}' begins with '{head}'",
                    expected=f"the folder's name '{folder.name}'",
                )
            package = _package(folder)
            module_name = f"{package}.{rest}" if rest else package
        module = importlib.import_module(module_name)
        factory = getattr(module, function_name, None)
        if factory is None:
            raise PluginError(f"'{manifest.id}' has no function {function_name} in {module_name}",
                              expected=f"the factory {manifest.factory}")
        backend = factory()
    except StudioError:
        raise
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as problem:  # a plugin's import may raise anything, SystemExit too
        raise plugin_problem(manifest.id, "be imported", problem) from problem
    if not isinstance(backend, Backend):
        raise PluginError(
            f"the factory of '{manifest.id}' returned {type(backend).__name__}",
            expected="an object with probe(path) and open(card, folder, device=)",
        )
    return backend


def plugin_problem(backend: str, doing: str, problem: BaseException) -> PluginError:
    """One line about an exception that a plugin let out: ``the backend 'x' could not be imported: ...``."""
    text = (str(problem).strip().splitlines() or [""])[0][:200]
    what = f"{type(problem).__name__}: {text}" if text else type(problem).__name__
    return PluginError(f"the backend '{backend}' could not {doing} ({what})",
                       action="report it to the plugin's author; the program goes on without it")


def _package(folder: Path) -> str:
    """Make ``folder`` importable below ``latentstudio_plugins`` and return its module name."""
    if ROOT not in sys.modules:
        root = types.ModuleType(ROOT)
        root.__path__ = []
        sys.modules[ROOT] = root
    folder = folder.resolve()
    name = f"{ROOT}.{folder.name}"
    known = sys.modules.get(name)
    if known is not None and str(folder) not in getattr(known, "__path__", ()):
        name = f"{name}_{hashlib.sha256(str(folder).encode()).hexdigest()[:8]}"
        known = sys.modules.get(name)
    if known is not None:
        return name
    start = folder / "__init__.py"
    if start.is_file():
        spec = importlib.util.spec_from_file_location(name, start, submodule_search_locations=[str(folder)])
        if spec is None or spec.loader is None:
            raise PluginError(f"{start} cannot be imported", expected="a Python package")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            sys.modules.pop(name, None)
            raise
    else:
        module = types.ModuleType(name)
        module.__path__ = [str(folder)]
        sys.modules[name] = module
    setattr(sys.modules[ROOT], name.rpartition(".")[2], module)
    return name
