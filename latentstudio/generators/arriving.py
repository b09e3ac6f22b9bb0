"""Imports what is heavy in a thread of its own, so that whoever waits for it can go on serving others meanwhile."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import importlib.util
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

_LOOK = 0.02
_LAZY = 0x1
_TORCH_LIBRARIES = ("libc10.so", "libtorch_cpu.so", "libtorch_python.so")


def arriving(*modules: str) -> Iterator[None]:
    """Import ``modules`` in order; yields every few milliseconds until all are there.

    A module that cannot be imported is passed over: whoever needs it gets the error from his own import. Closing the
    iterator waits for the import that runs, since a thread cannot be stopped in the middle of one.
    """
    if all(name in sys.modules for name in modules):
        return
    thread = threading.Thread(target=_import_all, args=(modules,), name="latentstudio-imports")
    thread.start()
    try:
        while thread.is_alive():
            thread.join(_LOOK)
            yield
    finally:
        thread.join()


def _import_all(modules: tuple[str, ...]) -> None:
    for name in modules:
        if name == "torch":
            _open_torch_libraries()
        with contextlib.suppress(Exception):  # the one who needs it will meet it again
            importlib.import_module(name)


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
