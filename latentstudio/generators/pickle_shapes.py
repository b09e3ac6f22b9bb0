"""Names and shapes of the tensors in a pickle, told from its instructions; nothing of it runs and no tensor is made."""

from __future__ import annotations

import contextlib
import itertools
import re
from dataclasses import dataclass, field
from typing import IO

from latentstudio.errors import ModelFileError
from latentstudio.generators.pickles import instructions
from latentstudio.readers import border

Shapes = dict[str, tuple[int, ...] | None]
_DEEPEST = 60
_MOST_AXES, _MOST_SIDE = 32, 1 << 63
_MOST = 60_000  # instructions: more than a thousand tensors
_MARK = object()
_UNNAMED = ("_parameters", "_buffers", "_modules")  # where a torch module keeps its parts
_DICTS = ("collections.OrderedDict", "collections.defaultdict", "builtins.dict", "__builtin__.dict")
_ONE_ARGUMENT = ("_rebuild_parameter", "_rebuild_parameter_with_state")
_LIKE_A_TENSOR = re.compile(r"[\w.]{1,120}\.(weight|bias|running_mean|running_var)")


@dataclass
class _Call:
    """What a call of ``name`` would make; ``state`` is what it would be filled with."""

    name: str
    arguments: tuple[object, ...] = ()
    state: object = None


@dataclass
class _Name:
    name: str


def shapes_in(stream: IO[bytes]) -> tuple[Shapes, list[str]]:
    """Tensors of the next pickle in ``stream`` by where they stand in it, as ``netG/main.0.weight``, and its imports.

    Where it is more than containers and calls, or breaks off, those that were met until then; and where there are none,
    the words in it that look like names of weights, with None for a shape.
    """
    reading = _Reading()
    with contextlib.suppress(ModelFileError), border(ModelFileError):
        for opcode, argument in itertools.islice(instructions(stream), _MOST):
            reading.take(opcode, argument)
    found: Shapes = {}
    seen: set[int] = set()
    for value in reading.stack:
        _collect(value, "", "/", found, seen)
    return found or dict.fromkeys(reading.words), reading.imports


@dataclass
class _Reading:
    """A pickle's stack and memory, with stand-ins for whatever is no plain container."""

    stack: list[object] = field(default_factory=list)
    memory: dict[int, object] = field(default_factory=dict)
    words: dict[str, None] = field(default_factory=dict)
    imports: list[str] = field(default_factory=list)

    def take(self, name: str, argument: object) -> None:
        """Follow one instruction."""
        if name in ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE"):
            self.memory[argument if isinstance(argument, int) else len(self.memory)] = self.stack[-1]
        elif name in ("GET", "BINGET", "LONG_BINGET"):
            self.stack.append(self.memory[argument] if isinstance(argument, int) else None)
        elif name in ("EMPTY_DICT", "EMPTY_LIST", "EMPTY_SET"):
            self.stack.append({} if name == "EMPTY_DICT" else [])
        elif name in ("APPEND", "APPENDS", "ADDITEMS"):
            self._append([self.stack.pop()] if name == "APPEND" else self._since_mark())
        elif name in ("SETITEM", "SETITEMS"):
            parts = self._since_mark() if name == "SETITEMS" else [self.stack.pop(-2), self.stack.pop()]
            if isinstance(self.stack[-1], dict):
                self.stack[-1].update((_key(key), value) for key, value in _pairs(parts))
        elif name in ("TUPLE", "LIST", "DICT", "FROZENSET"):
            parts = self._since_mark()
            self.stack.append(tuple(parts) if name == "TUPLE" else parts if name != "DICT" else
                              {_key(key): value for key, value in _pairs(parts)})
        elif name in ("EMPTY_TUPLE", "TUPLE1", "TUPLE2", "TUPLE3"):
            count = int(name[-1]) if name[-1].isdecimal() else 0
            parts = [self.stack.pop() for _ in range(count)][::-1]
            self.stack.append(tuple(parts))
        elif name in ("POP", "POP_MARK"):
            self.stack.pop() if name == "POP" else self._since_mark()
        elif name == "DUP":
            self.stack.append(self.stack[-1])
        else:
            self._make(name, argument)

    def _make(self, name: str, argument: object) -> None:
        if name == "MARK":
            self.stack.append(_MARK)
        elif name == "GLOBAL":
            self._import(str(argument).replace(" ", "."))
        elif name == "STACK_GLOBAL":
            last, module = self.stack.pop(), self.stack.pop()
            self._import(f"{_key(module)}.{_key(last)}")
        elif name in ("REDUCE", "NEWOBJ", "NEWOBJ_EX"):
            if name == "NEWOBJ_EX":  # arguments by name lie on top
                self.stack.pop()
            arguments = self.stack.pop()
            self.stack.append(_called(self.stack.pop(), arguments))
        elif name in ("INST", "OBJ"):
            parts = self._since_mark()
            called = str(argument).replace(" ", ".") if name == "INST" else ""
            self.imports += [called] if called else []
            self.stack.append(_Call(called, tuple(parts)))
        elif name == "BUILD":
            state = self.stack.pop()
            if isinstance(self.stack[-1], _Call):
                self.stack[-1].state = state
        elif name in ("PERSID", "BINPERSID"):
            if name == "BINPERSID":
                self.stack.pop()
            self.stack.append(None)
        elif name not in ("PROTO", "FRAME", "STOP", "READONLY_BUFFER"):  # all others put one value down
            if isinstance(argument, str) and _LIKE_A_TENSOR.fullmatch(argument):
                self.words[argument] = None
            self.stack.append(argument if isinstance(argument, str | int) else None)

    def _import(self, name: str) -> None:
        self.imports.append(name)
        self.stack.append(_Name(name))

    def _append(self, parts: list[object]) -> None:
        if isinstance(self.stack[-1], list):
            self.stack[-1].extend(parts)

    def _since_mark(self) -> list[object]:
        parts: list[object] = []
        while (value := self.stack.pop()) is not _MARK:
            parts.append(value)
        return parts[::-1]


def _key(key: object) -> str:
    """A name in words; of anything but a text or a number none, as its words may be endless."""
    return key[:200] if isinstance(key, str) else str(key) if isinstance(key, int) and abs(key) < 1 << 63 else ""


def _pairs(parts: list[object]) -> zip[tuple[object, object]]:
    return zip(parts[::2], parts[1::2], strict=True)


def _called(called: object, arguments: object) -> object:
    name = called.name if isinstance(called, _Name) else ""
    given = arguments if isinstance(arguments, tuple) else ()
    if name in _DICTS:
        listed = given[0] if given and isinstance(given[0], list) else []
        return {_key(pair[0]): pair[1] for pair in listed if isinstance(pair, list | tuple) and len(pair) == 2}
    if name.endswith("_rebuild_from_type_v2") and len(given) > 2:
        return _called(given[0], given[2])
    if name.endswith("_reconstruct_persistent_obj") and given and isinstance(given[0], dict):  # as StyleGAN is kept
        return _Call(name, (), given[0].get("state"))
    if name.rpartition(".")[2] in _ONE_ARGUMENT and given:
        return given[0]
    return _Call(name, given)


def _shape_of(call: _Call) -> tuple[int, ...] | None:
    """The shape that a call would give a tensor or NumPy array; None where it makes something else."""
    last, shape = call.name.rpartition(".")[2], None
    if last in ("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3") and len(call.arguments) > 2:
        shape = call.arguments[2]
    elif last == "_reconstruct" and "numpy" in call.name and isinstance(call.state, tuple) and len(call.state) > 1:
        shape = call.state[1]
    if isinstance(shape, _Call) and shape.name == "torch.Size" and shape.arguments:
        shape = shape.arguments[0]
    if not isinstance(shape, tuple | list) or len(shape) > _MOST_AXES:
        return None
    sides = tuple(axis for axis in shape if isinstance(axis, int) and 0 <= axis < _MOST_SIDE)
    return sides if len(sides) == len(shape) else None


def _collect(value: object, where: str, between: str, found: Shapes, seen: set[int], depth: int = 0) -> None:
    """Add the tensors in ``value``; each container is looked into once, as one may stand inside itself."""
    shape = _shape_of(value) if isinstance(value, _Call) else None
    if shape is not None:
        found[where or "one without a name"] = shape
        return
    if id(value) in seen or depth > _DEEPEST:
        return
    seen.add(id(value))
    if isinstance(value, _Call):  # an object: what stands in it is named as torch names the parts of a module
        for part in (value.state, *value.arguments):
            _collect(part, where, ".", found, seen, depth + 1)
    elif isinstance(value, dict | list | tuple):
        for key, part in value.items() if isinstance(value, dict) else map(_named, enumerate(value)):
            named = where if key in _UNNAMED else f"{where}{between}{key}" if where else str(key)
            _collect(part, named, between, found, seen, depth + 1)


def _named(item: tuple[int, object]) -> tuple[object, object]:
    """A place in a list and what stands there; a pair of a name and a value goes by its name."""
    pair = item[1]
    if isinstance(pair, tuple | list) and len(pair) == 2 and isinstance(pair[0], str):
        return pair[0], pair[1]
    return item
