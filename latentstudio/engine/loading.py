"""The one door to what is heavy: modules are named, imported in a thread of their own, and whoever waits goes on.

Nothing else in engine, tasks and studio imports by name.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import importlib.util
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from latentstudio.steps import Step

_LOOK = 0.02
_LAZY = 0x1
_TORCH_LIBRARIES = ("libc10.so", "libtorch_cpu.so", "libtorch_python.so")
_THREAD = "latentstudio-import "


def job(name: str, /, *args: object, **kwargs: object) -> Iterator[Step]:
    """The steps of ``module:function``, called with the arguments once its module is there; steps "loading" until then.

    Nothing happens before the first step is asked for. What the function or the import raises comes out of that step.
    Closing while the module is being imported returns at once; the import goes on to its end (see ``load``).
    """
    yield from load(name.partition(":")[0])
    yield from call(name, *args, **kwargs)


def call(name: str, /, *args: object, **kwargs: object) -> Any:
    """What ``module:function`` answers, its module imported here and now: for the worker, never for the window."""
    return named(name)(*args, **kwargs)


def named(name: str) -> Any:
    """What ``module:name`` is, its module imported here and now."""
    module, _, name = name.partition(":")
    return getattr(importlib.import_module(module), name)


def load(module: str) -> Iterator[Step]:
    """Import a module; steps every few milliseconds until it is there.

    One that cannot be imported is passed over: whoever needs it gets the error from his own import.

    A thread cannot be stopped in the middle of an import, so one that nobody waits for any more runs on; whoever asks
    for the same module waits for that thread. It is no daemon: a program that ends meanwhile waits for it, a second or
    two after its window has gone, because an interpreter that is taken down under torch's own start-up crashes.
    """
    if module in sys.modules and not _under_way(module):
        return
    thread = _under_way(module)
    if thread is None:
        thread = threading.Thread(target=_import, args=(module,), name=f"{_THREAD}{module}")
        thread.start()
    while thread.is_alive():
        thread.join(_LOOK)
        yield Step(0.0, "loading")


def wait_for_imports() -> None:
    """Return when no import that was given up is under way any more."""
    for thread in threading.enumerate():
        if thread.name.startswith(_THREAD):
            thread.join()


def _under_way(module: str) -> threading.Thread | None:
    return next((thread for thread in threading.enumerate() if thread.name == f"{_THREAD}{module}"), None)


def _import(module: str) -> None:
    if "torch" not in sys.modules:
        _open_torch_libraries()
    with contextlib.suppress(Exception):  # the one who needs it will meet it again
        importlib.import_module(module)


def _open_torch_libraries() -> None:
    """Let the system load torch's libraries without holding the interpreter.

    Python's own import holds it while the loader works, 200 ms long on two cores, and every window stands still. A call
    through ctypes lets it go; the import afterwards finds the libraries in memory. Where it fails nothing is lost.
    """
    found = importlib.util.find_spec("torch")
    if not sys.platform.startswith("linux") or found is None or found.origin is None:
        return
    load = ctypes.CDLL(None).dlopen
    load.restype, load.argtypes = ctypes.c_void_p, (ctypes.c_char_p, ctypes.c_int)
    for name in _TORCH_LIBRARIES:
        path = Path(found.origin).parent / "lib" / name
        if path.is_file():
            load(str(path).encode(), _LAZY)
