"""Transformations of the user's own: a Python file with a function of pictures and t.

    def warmth(images, t):
        ...
        return images, mask

Opening such a file runs its code, so only files that the user names are opened, never ones that another file names.
"""

from __future__ import annotations

import hashlib
import inspect
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from latentstudio.errors import StudioError, TransformationError
from latentstudio.transformations.checking import Origin, first_line, line_in
from latentstudio.transformations.facts import NAMES, OWN
from latentstudio.transformations.transformation import Function, Transformation
from latentstudio.units import DEGREES, PERCENT, PIXELS, TIMES, Unit, unit_named

SUFFIX = ".py"
LARGEST = 1 << 20
ATTRIBUTES = ("unit", "reach", "title", "plus", "minus", "ignores", "law")
REACHES = {PIXELS: 0.2, TIMES: 0.5, PERCENT: 0.4, DEGREES: 30.0}
_FORM = "FILE.py:name, or FILE.py where it holds one"


def load_transformation(text: str | Path) -> Transformation:
    """The transformation ``name`` of ``FILE.py:name``, or the only one in ``FILE.py``. Runs the file.

    The name belongs to a function (images, t) -> (images, mask) or to a ``Transformation``. A function may carry
    ``unit`` (``px``, ``x``, ``%``, ``deg``; per cent where it says nothing), ``reach``, ``title``, ``plus``, ``minus``,
    ``ignores`` and ``law`` as attributes; the title is else the first line of its docstring. See
    docs/transformations.md.

    Raises:
        TransformationError: whatever is wrong with the file, in one line with the line's number.
    """
    path, name = _split(str(text))
    module = _run(path)
    value: object = vars(module).get(name) if name else None
    if not name:
        name, value = _only(module, path)
    if value is None:
        there = ", ".join(_candidates(module)) or "none"
        raise TransformationError(f"{path.name} defines no '{name}'", expected=f"one of: {there}")
    if isinstance(value, Transformation):
        line = getattr(getattr(value.function, "__code__", None), "co_firstlineno", 1)
        return _checked_name(replace(value, origin=Origin(path, line)), name)
    if not callable(value) or isinstance(value, type):
        raise TransformationError(f"'{name}' in {path.name} is a {type(value).__name__}",
                                  expected="a function (images, t) or a Transformation")
    return _from_function(value, name, path)


def _split(text: str) -> tuple[Path, str]:
    file, colon, name = text.rpartition(":")
    if not colon or text.endswith(SUFFIX):
        file, name = text, ""
    if not file.endswith(SUFFIX) or (colon and not name and file != text):
        raise TransformationError(f"'{text}' names no transformation", expected=_FORM)
    path = Path(file).expanduser().resolve()
    if not path.is_file():
        raise TransformationError(f"there is no file {path}", expected=_FORM)
    return path, name


def _run(path: Path) -> ModuleType:
    module = ModuleType(f"latentstudio_own_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # dataclasses look their own module up there
    try:
        exec(compile(_source(path), str(path), "exec"), vars(module))
    except (KeyboardInterrupt, GeneratorExit, MemoryError, TransformationError):
        raise
    except SyntaxError as problem:
        where = f", line {problem.lineno}" if problem.lineno else ""
        raise TransformationError(f"{path.name}{where}: {problem.msg}", expected="Python") from problem
    except BaseException as problem:  # someone's file may raise anything, SystemExit too
        line = line_in(path, problem.__traceback__)
        where = f", line {line}" if line else ""
        what = problem.sentence if isinstance(problem, StudioError) else first_line(problem)
        raise TransformationError(f"{path.name}{where}: {what}", action="mend the file") from problem
    return module


def _source(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST:
            raise TransformationError(f"{path.name} has {path.stat().st_size >> 20} MiB", expected="a few lines")
        return path.read_bytes()
    except OSError as problem:
        raise TransformationError(f"{path} cannot be read ({problem.strerror})", expected=_FORM) from problem


def _candidates(module: ModuleType) -> dict[str, Transformation | Function]:
    """What the file defines that may be a transformation: ready ones, else public functions of two arguments."""
    public = {name: value for name, value in vars(module).items() if not name.startswith("_")}
    ready: dict[str, Transformation | Function] = {
        name: value for name, value in public.items() if isinstance(value, Transformation)
    }
    own: dict[str, Transformation | Function] = {
        name: value for name, value in public.items()
        if inspect.isfunction(value) and value.__module__ == module.__name__ and _takes_two(value)
    }
    return ready or own


def _only(module: ModuleType, path: Path) -> tuple[str, Transformation | Function]:
    found = _candidates(module)
    if not found:
        raise TransformationError(f"{path.name} defines no transformation", expected="a function (images, t)")
    if len(found) > 1:
        raise TransformationError(f"{path.name} defines {len(found)} transformations",
                                  expected=" or ".join(f"{path.name}:{name}" for name in found))
    return next(iter(found.items()))


def _takes_two(function: Function) -> bool:
    try:
        inspect.signature(function).bind(None, None)
    except TypeError:
        return False
    return True


def _from_function(function: Function, name: str, path: Path) -> Transformation:
    origin = Origin(path, getattr(getattr(function, "__code__", None), "co_firstlineno", 1))
    if not _takes_two(function):
        raise TransformationError(f"{origin.at()}'{name}' takes {inspect.signature(function)}",
                                  expected="(images, t)")
    said = {key: value for key, value in vars(function).items() if not key.startswith("_")}
    for key in said:
        if key not in ATTRIBUTES:
            raise TransformationError(f"{origin.at()}'{name}.{key}' means nothing",
                                      expected="one of: " + ", ".join(ATTRIBUTES))
    try:
        unit = _unit(said.pop("unit", PERCENT))
        reach = said.pop("reach", REACHES[unit])
        title = (inspect.getdoc(function) or "").partition("\n")[0].rstrip(".")
        if not said.get("plus"):
            said.setdefault("title", title)
        own = Transformation(name=name, unit=unit, reach=reach, is_relative=unit == PIXELS, measured=OWN,
                             function=function, origin=origin, **said)
    except StudioError as problem:
        raise TransformationError(f"{origin.at()}{problem.sentence}") from problem
    return _checked_name(own, name)


def _unit(said: object) -> Unit:
    return said if isinstance(said, Unit) else unit_named(str(said))


def _checked_name(own: Transformation, name: str) -> Transformation:
    assert own.origin is not None
    if own.name in NAMES:
        raise TransformationError(f"{own.origin.at()}there is a built-in transformation '{own.name}' already",
                                  expected="another name", action=f"rename '{name}'")
    return own
