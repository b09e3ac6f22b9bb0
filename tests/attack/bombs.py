"""Inputs that were found and are large, as the few lines that make them; most took much of a reader's time or memory.

Each takes the bytes of a sound file and gives those of the bomb.
"""

from __future__ import annotations

import io
import json
import math
import random
import zipfile
import zlib
from collections.abc import Callable

from tests.attack import shapes, trees

Bomb = Callable[[bytes], bytes]


def _tensors(count: int) -> Bomb:
    """A header of very many empty tensors."""
    def blow(data: bytes) -> bytes:
        length = int.from_bytes(data[:8], "little")
        header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
        empty = {"dtype": "F32", "shape": [0], "data_offsets": [len(body), len(body)]}
        text = json.dumps(header | {f"more{n}": empty for n in range(count)}).encode()
        return len(text).to_bytes(8, "little") + text + body
    return blow


def _notes(notes: object) -> Bomb:
    """Notes in the header that are no table of texts."""
    def change(data: bytes) -> bytes:
        length = int.from_bytes(data[:8], "little")
        header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
        text = json.dumps(header | {"__metadata__": notes}).encode()
        return len(text).to_bytes(8, "little") + text + body
    return change


def _without(end: str) -> Bomb:
    """The first tensor whose name ends so is gone, with its name only."""
    def change(data: bytes) -> bytes:
        length = int.from_bytes(data[:8], "little")
        header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
        name = next(name for name in header if name.endswith(end))
        header[f"other/{name}"] = header.pop(name)
        text = json.dumps(header).encode()
        return len(text).to_bytes(8, "little") + text + body
    return change


def _flat(end: str) -> Bomb:
    """The first tensor whose name ends so has its numbers in one row."""
    def change(data: bytes) -> bytes:
        length = int.from_bytes(data[:8], "little")
        header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
        entry = next(entry for name, entry in header.items() if name.endswith(end) and len(entry["shape"]) > 1)
        entry["shape"] = [math.prod(entry["shape"])]
        text = json.dumps(header).encode()
        return len(text).to_bytes(8, "little") + text + body
    return change


def _figures(**more: object) -> Bomb:
    """Figures of a factor that are no sensible numbers."""
    def change(data: bytes) -> bytes:
        length = int.from_bytes(data[:8], "little")
        header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
        notes = json.loads(header["__metadata__"]["factor"])
        notes["figures"] |= more
        header["__metadata__"]["factor"] = json.dumps(notes)
        text = json.dumps(header).encode()
        return len(text).to_bytes(8, "little") + text + body
    return change


def _dots(data: bytes) -> bytes:
    return b"a." * 20_000 + b"z = 1\n" + data


def _deep_table(data: bytes) -> bytes:
    return data.replace(b"[config]", b"[config]\nmore = " + b"[" * 100_000 + b"]" * 100_000 + b"\n")


def _pickled(piece: bytes) -> Bomb:
    """Very many instructions in the pickle of a torch file, of either kind."""
    def blow(data: bytes) -> bytes:
        if not data.startswith(b"PK"):
            return data[:2] + piece + data[2:]
        written = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(written, "w") as changed:
            for entry in archive.infolist():
                content = archive.read(entry)
                if entry.filename.endswith(".pkl"):
                    content = content[:2] + piece + content[2:]
                changed.writestr(entry.filename, content)
        return written.getvalue()
    return blow


def _many(piece: bytes) -> Bomb:
    return lambda data: piece * 5


_TENSOR = b"\x80\2}X\1\0\0\0wctorch._utils\n_rebuild_tensor_v2\n(NK\0(%sttRs."
_ENDLESS = _TENSOR % (b"\x8b\x88\x13\0\0" + b"\x7f" * 5_000)  # one side, a number of 12,000 digits
_AXES = _TENSOR % (b"K\1" * 50_000)


def _frames(data: bytes) -> bytes:
    colours = bytes(3 << (1 + (data[10] & 7)) if data[10] & 0x80 else 0)
    return data[:13] + colours + b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0" * 400_000 + data[-1:]


def _pixels(width: int, height: int) -> Bomb:
    """A PNG of one colour, whole."""
    def blow(data: bytes) -> bytes:
        squeeze, row = zlib.compressobj(1), bytes(1 + 3 * width)
        packed = b"".join(squeeze.compress(row) for _ in range(height)) + squeeze.flush()
        head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\0\0\0"
        parts = [shapes.PNG]
        for kind, content in ((b"IHDR", head), (b"IDAT", packed), (b"IEND", b"")):
            parts.append(_chunk(kind, content))
        return b"".join(parts)
    return blow


def _text(data: bytes) -> bytes:
    """The recipe behind 60 MB of blanks."""
    text = b"latentstudio\0\1\0\0\0" + zlib.compress(b" " * 60_000_000 + b"{}")
    return data[:33] + _chunk(b"iTXt", text) + data[33:]


def _chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")


def _lines(data: bytes) -> bytes:
    return data + data.splitlines(keepends=True)[0] * 200_000


def _graph(data: bytes) -> bytes:
    """A graph that makes 3.6 GB on its way to the picture."""
    for number in range(10_000):
        rng = random.Random(number)
        if rng.randrange(8) in (3, 4) and rng.choice((10, 30_000, 2**40)) == 30_000:
            return shapes.as_graph(data, random.Random(number))
    raise AssertionError("no seed gives that change")


def _deep_json(data: bytes) -> bytes:
    tree = json.loads(data)
    tree[next(iter(tree))] = trees.Raw("[" * 100_000 + "]" * 100_000)
    return trees.as_json(tree)


def _long_integer(data: bytes) -> bytes:
    return b"api = " + b"9" * 5000 + b"\n" + data


BOMBS: dict[str, tuple[str, str, Bomb]] = {
    "a header of 100,000 tensors, weights": ("weights", "0.safetensors", _tensors(100_000)),
    "a header of 100,000 tensors, factor": ("factor", "0.safetensors", _tensors(100_000)),
    "a header of 100,000 tensors, tuning": ("tuning", "0.safetensors", _tensors(100_000)),
    "a header of 100,000 tensors, checkpoint": ("checkpoint", "0.safetensors", _tensors(100_000)),
    **{f"notes that are {notes!r}, {kind}": (kind, "0.safetensors", _notes(notes))
       for kind in ("weights", "factor", "tuning", "checkpoint", "records-batch")
       for notes in (7, "text", [], ["a"], {"step": 3}, None)},
    **{f"a checkpoint without {end}": ("checkpoint", "0.safetensors", _without(end))
       for end in ("/step", "/exp_avg", "running_var", ".weight")},
    **{f"a checkpoint with a flat {end}": ("checkpoint", "0.safetensors", _flat(end))
       for end in ("/exp_avg", ".weight")},
    **{f"a factor with a flat {end}": ("factor", "0.safetensors", _flat(end)) for end in ("_origins", "_ends")},
    **{f"a factor with an endless {name}": ("factor", "0.safetensors", _figures(**{name: 10**400}))
       for name in ("judged", "r2_heldout_starts")},
    "a factor with an endless leak": ("factor", "0.safetensors", _figures(leak={"y": 10**400})),
    "a key of 20,000 dots, manifest": ("manifest", "0.toml", _dots),
    "a key of 20,000 dots, recipe": ("training-recipe", "0.toml", _dots),
    "an integer of 5,000 digits, manifest": ("manifest", "0.toml", _long_integer),
    "an integer of 5,000 digits, recipe": ("training-recipe", "0.toml", _long_integer),
    "a deep list, recipe": ("training-recipe", "0.toml", _deep_table),
    "a deep list, card": ("card", "0.json", _deep_json),
    "a deep list, session": ("session", "0.latentstudio", _deep_json),
    "a deep list, scene": ("scene", "0.json", _deep_json),
    "four million instructions, archive": ("torch", "0.pt", _pickled(b"N0" * 2_000_000)),
    "four million instructions, old kind": ("torch", "1.pt", _pickled(b"N0" * 2_000_000)),
    "lists that hold each other twice": ("torch", "1.pt", _pickled(b"]q\0" + b"(h\0h\0e" * 40 + b"0")),
    "tuples in tuples": ("torch", "1.pt", _pickled(b"N" + b"\x85" * 300_000 + b"0")),
    "five pickles that are long together": ("torch", "1.pt", _many(b"\x80\2" + b"N0" * 140_000 + b"N.")),
    "a tensor of endless sides": ("torch", "1.pt", _many(_ENDLESS)),
    "a tensor of very many sides": ("torch", "1.pt", _many(_AXES)),
    "400,000 frames": ("photo", "plain.gif", _frames),
    "9,999 x 9,999 pixels": ("photo", "plain.png", _pixels(9_999, 9_999)),
    "12,000 x 12,000 pixels": ("photo", "plain.png", _pixels(12_000, 12_000)),
    "a recipe behind 60 MB of blanks": ("recipe", "0.png", _text),
    "9,999 x 9,999 pixels for a recipe": ("recipe", "0.png", _pixels(9_999, 9_999)),
    "200,000 boxes": ("scene-boxes", "0.txt", _lines),
    "a graph that makes gigabytes": ("graph", "0.onnx", _graph),
}
