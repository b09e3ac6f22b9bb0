"""Changes of files by their structure, checksums and lengths put right again, and changes of bare bytes.

Every function takes the bytes of a sound file and a ``random.Random``, and gives other bytes.
"""

from __future__ import annotations

import base64
import functools
import io
import json
import random
import struct
import tomllib
import warnings
import zipfile
import zlib
from collections.abc import Callable

from tests.attack import trees

Change = Callable[[bytes, random.Random], bytes]
PNG = b"\x89PNG\r\n\x1a\n"
_NUMBERS = (0, 1, -1, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def raw(data: bytes, rng: random.Random) -> bytes:
    """Bits turned over, bytes and numbers replaced, pieces cut, doubled, moved or filled; or the end missing."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        at = rng.randrange(len(changed) + 1)
        size = min(len(changed) - at, rng.choice((1, 2, 4, 8, 64, 1000)))
        way = rng.randrange(9)
        if way == 0 and size:
            changed[at] ^= 1 << rng.randrange(8)
        elif way == 1 and size:
            changed[at] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
        elif way == 2:
            width, order = rng.choice((2, 4, 8)), rng.choice(("little", "big"))
            number = rng.choice(_NUMBERS) % (1 << 8 * width)
            changed[at : at + width] = number.to_bytes(width, order)
        elif way == 3:
            del changed[at : at + size]
        elif way == 4:
            changed[at:at] = changed[at : at + size] * rng.choice((1, 1, 2, 50))
        elif way == 5:
            other = rng.randrange(len(changed) + 1)
            changed[other:other] = changed[at : at + size]
        elif way == 6:
            changed[at : at + size] = bytes([rng.choice((0, 0x20, 0xFF))]) * size
        elif way == 7 and rng.random() < 0.3:
            del changed[at:]
        else:
            changed[at:at] = rng.randbytes(rng.choice((1, 4, 100)))
    return bytes(changed)


def as_json(data: bytes, rng: random.Random) -> bytes:
    """The JSON with values changed; what is no JSON any more, by bytes."""
    try:
        return trees.as_json(trees.changed(json.loads(data), rng))
    except (ValueError, RecursionError):
        return raw(data, rng)


def as_layout(data: bytes, rng: random.Random) -> bytes:
    """Preferences in which the window's place and state, opaque bytes in base64, are changed; nothing else."""
    try:
        tree = json.loads(data)
        layout = tree["layouts"][0]
        name = rng.choice(("geometry", "state"))
        layout[name] = base64.b64encode(raw(base64.b64decode(layout[name]), rng)).decode()
        return trees.as_json(tree)
    except (ValueError, KeyError, IndexError, TypeError):  # it was changed before
        return raw(data, rng)


def as_toml(data: bytes, rng: random.Random) -> bytes:
    """The TOML with values changed."""
    try:
        return trees.as_toml(trees.changed(tomllib.loads(data.decode()), rng), rng)
    except (ValueError, RecursionError):
        return raw(data, rng)


def as_lines(data: bytes, rng: random.Random) -> bytes:
    """A text of lines with one line changed, doubled very often, or gone."""
    lines = data.split(b"\n")
    at = rng.randrange(len(lines))
    way = rng.randrange(4)
    if way == 0:
        lines[at] = raw(lines[at], rng)
    elif way == 1:
        lines[at:at] = [lines[at]] * rng.choice((1, 10, 200_000))
    elif way == 2:
        del lines[at]
    else:
        parts = lines[at].split(b",")
        odd = (b"nan", b"inf", b"1e999", b"-1", b"", b"x", b"9" * 5000, b"1e308")
        parts[rng.randrange(len(parts))] = rng.choice(odd)
        lines[at] = b",".join(parts)
    return b"\n".join(lines)


DTYPES = ("F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL", "U16", "U32", "U64", "F8_E4M3",
          "F8_E5M2", "F4", "F8_E8M0", "C64", "f32", "", "X")


def as_safetensors(data: bytes, rng: random.Random) -> bytes:
    """Header, notes, names, shapes, offsets, kinds of number, or the numbers themselves changed."""
    try:
        return _tensors_changed(data, rng)
    except (ValueError, RecursionError, TypeError, KeyError):  # it was changed before
        return raw(data, rng)


def _tensors_changed(data: bytes, rng: random.Random) -> bytes:
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    if not isinstance(header, dict) or not header:
        return raw(data, rng)
    body = data[8 + length :]
    names = [name for name in header if name != "__metadata__" and isinstance(header[name], dict)]
    way = rng.randrange(12)
    if way == 0:
        header = trees.changed(header, rng)
    elif way in (1, 2) and "__metadata__" in header:
        header["__metadata__"] = _notes_changed(header["__metadata__"], rng)
    elif way == 3:
        header["__metadata__"] = trees.odd_value(rng)
    elif way == 4 and names:
        header[rng.choice(names)]["dtype"] = rng.choice(DTYPES)
    elif way == 5 and names:
        header, body = _same_size(header, body, rng.choice(names), rng)
    elif way == 6 and names:
        entry = header[rng.choice(names)]
        entry["shape"] = rng.choice(([], [0], [1] * 70, [-1], [2**62, 4], [2**32, 2**32], [1, 1], [0, 2**60], "x", 3))
    elif way == 7 and len(names) > 1:
        one, other = rng.sample(names, 2)
        header[one]["data_offsets"] = header[other]["data_offsets"]
    elif way == 8:
        body = _numbers(body, rng)
    elif way == 9:
        count = rng.choice((3, 200, 5000, 100_000))
        empty = f'{{"dtype":"F32","shape":[0],"data_offsets":[{len(body)},{len(body)}]}}'
        more = ",".join(f'"more{n}":{empty}' for n in range(1, count))
        header[trees.Raw(f'{more},"more"')] = trees.Raw(empty)  # written at once: it is what takes time to make
    elif way == 10 and names:
        header[trees.odd_text(rng)] = header.pop(rng.choice(names))
    else:
        return raw(data, rng) if rng.random() < 0.5 else rng.choice((data[:-1], data + b"\0", data[:8], data[:100]))
    text = trees.as_json(header)
    told = len(text) if rng.random() < 0.97 else rng.choice((0, 1, len(text) + 1, 2**32, 2**63, 2**64 - 1))
    return told.to_bytes(8, "little") + text + body


def _notes_changed(notes: object, rng: random.Random) -> object:
    """The notes in a header are texts, some of which are JSON."""
    if not isinstance(notes, dict) or not notes:
        return trees.odd_value(rng)
    notes = dict(notes)
    name = rng.choice(list(notes))
    try:
        inner = json.loads(notes[name])
    except (ValueError, TypeError, RecursionError):
        return trees.changed(notes, rng)
    notes[name] = trees.as_json(trees.changed(inner, rng)).decode("utf-8", errors="replace")
    return notes


def _same_size(header: dict, body: bytes, name: str, rng: random.Random) -> tuple[dict, bytes]:
    """Another kind of number or another shape for the same bytes, so that sizes agree."""
    entry = header[name]
    begin, end = entry["data_offsets"]
    size = end - begin
    kind, width = rng.choice((("F64", 8), ("F16", 2), ("BF16", 2), ("I64", 8), ("I32", 4), ("U8", 1), ("BOOL", 1),
                              ("F8_E4M3", 1), ("F8_E5M2", 1), ("U16", 2), ("U64", 8), ("F32", 4)))
    entry["dtype"] = kind
    entry["shape"] = [size // width] if rng.random() < 0.5 else [1, size // width]
    if rng.random() < 0.3 and size % width == 0:
        entry["shape"] = [width, size // width // width] if size % (width * width) == 0 else [size // width, 1]
    return header, body


def _numbers(body: bytes, rng: random.Random) -> bytes:
    changed = bytearray(body)
    if not changed:
        return body
    at = rng.randrange(0, max(1, len(changed) // 4)) * 4
    piece = rng.choice((struct.pack("<f", float("nan")), struct.pack("<f", float("inf")), struct.pack("<f", 3e38),
                        bytes(4), b"\xff" * 4, struct.pack("<f", 1e-42)))
    count = rng.choice((1, 4, 64, len(changed) // 4))
    changed[at : at + 4 * count] = (piece * count)[: len(changed) - at]
    return bytes(changed[: len(body)])


def as_png(data: bytes, rng: random.Random) -> bytes:
    """Chunks changed, doubled, moved, left out or put in; sums put right."""
    chunks = _chunks(data)
    if len(chunks) < 3:
        return raw(data, rng)
    at = rng.randrange(len(chunks))
    kind, content = chunks[at]
    way = rng.randrange(12)
    if way == 0:
        chunks[at] = (kind, raw(content, rng))
    elif way == 1:
        del chunks[at]
    elif way == 2:
        chunks[at:at] = [chunks[at]] * rng.choice((1, 2, 5000))
    elif way == 3:
        other = rng.randrange(len(chunks))
        chunks[at], chunks[other] = chunks[other], chunks[at]
    elif way in (4, 5):
        fields = list(struct.unpack(">IIBBBBB", chunks[0][1][:13])) if len(chunks[0][1]) >= 13 else [1] * 7
        which = rng.randrange(7)
        fields[which] = rng.choice((0, 1, 20_000, 100_000, 2**31 - 1) if which < 2 else (0, 1, 2, 3, 4, 6, 8, 16))
        chunks[0] = (chunks[0][0], struct.pack(">IIBBBBB", *fields))
    elif way in (6, 7, 8):
        return _recipe_changed(chunks, rng) if any(name == b"iTXt" for name, _ in chunks) else raw(data, rng)
    elif way == 9:
        chunks[1:1] = [_odd_chunk(rng)]
    elif way == 10:
        chunks[at] = (rng.choice((
            b"IDAT", b"iCCP", b"eXIf", b"tRNS", b"PLTE", b"gAMA", b"zTXt", b"tEXt", b"acTL", b"fcTL", b"fdAT", b"pHYs",
            b"cHRM", b"\0\0\0\0", b"xxxx",
        )), content)
    else:
        return _blown_up(rng)
    return _png(chunks, rng)


def _chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    found, at = [], len(PNG)
    while at + 12 <= len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        found.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + size]))
        at += 12 + size
    return found


def _png(chunks: list[tuple[bytes, bytes]], rng: random.Random) -> bytes:
    parts = [PNG]
    for kind, content in chunks:
        size = len(content) if rng.random() < 0.99 else rng.choice((0, len(content) + 1, 2**31 - 1, 2**32 - 1))
        parts.append(size.to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big"))
    return b"".join(parts)


def _recipe_changed(chunks: list[tuple[bytes, bytes]], rng: random.Random) -> bytes:
    """The JSON in a text chunk changed; ``iTXt`` is keyword, 0, compressed?, method, language, 0, key, 0, text."""
    for at, (kind, content) in enumerate(chunks):
        if kind != b"iTXt":
            continue
        keyword, _, rest = content.partition(b"\0")
        text = rest[4:]
        try:
            text = zlib.decompress(text) if rest[0] else text
        except (zlib.error, IndexError):
            return raw(_png(chunks, rng), rng)
        text = as_json(text, rng) if rng.random() < 0.8 else raw(text, rng)
        if rng.random() < 0.03:
            text = b" " * rng.choice((2_000_000, 60_000_000)) + text
        chunks[at] = (kind, keyword + b"\0\1\0\0\0" + zlib.compress(text))
    return _png(chunks, rng)


@functools.cache
def _zeros(count: int) -> bytes:
    return zlib.compress(bytes(count))


def _odd_chunk(rng: random.Random) -> tuple[bytes, bytes]:
    bomb = _zeros(rng.choice((10, 50_000_000)))
    return rng.choice((
        (b"zTXt", b"latentstudio\0\0" + bomb), (b"iTXt", b"latentstudio\0\1\0\0\0" + bomb), (b"iCCP", b"x\0\0" + bomb),
        (b"iCCP", b"x\0\0" + zlib.compress(rng.randbytes(200))), (b"eXIf", b"II*\0" + rng.randbytes(60)),
        (b"eXIf", b"MM\0*\0\0\0\x08" + b"\xff\xff" + bytes(200)), (b"tRNS", bytes(300)), (b"PLTE", bytes(7)),
        (b"acTL", struct.pack(">II", 2**31, 0)), (b"acTL", struct.pack(">II", 400_000, 0)),
        (b"fcTL", struct.pack(">IIIIIHHBB", 0, 10**6, 10**6, 0, 0, 1, 0, 0, 0)), (b"gAMA", bytes(4)),
        (b"cHRM", b"\xff" * 32),
        (b"tEXt", b"latentstudio\0{}"), (b"sBIT", b""), (b"pHYs", b"\xff" * 9),
    ))


def _blown_up(rng: random.Random) -> bytes:
    """Very many pixels of one colour in few bytes."""
    return _one_colour(*rng.choice((
        (9_999, 9_999, 2), (30_000, 30_000, 0), (3_000, 3_000, 6), (60_000, 300, 2), (1, 99_999, 0),
    )))


@functools.cache
def _one_colour(width: int, height: int, colour: int) -> bytes:
    squeeze = zlib.compressobj(1)
    row = bytes(1 + width * {0: 1, 2: 3, 6: 4}[colour])
    rows = min(height, 2_000)  # the rest is missing: whoever asks for memory first is caught all the same
    packed = b"".join(squeeze.compress(row) for _ in range(rows)) + squeeze.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    return _png([(b"IHDR", head), (b"IDAT", packed), (b"IEND", b"")], random.Random(0))


def as_jpeg(data: bytes, rng: random.Random) -> bytes:
    """Segments changed, doubled, left out or put in; sizes of the picture; very many scans."""
    parts = _segments(data)
    if len(parts) < 4:
        return raw(data, rng)
    at = rng.randrange(1, len(parts))
    way = rng.randrange(8)
    if way == 0:
        parts[at] = parts[at][:4] + raw(parts[at][4:], rng)
    elif way == 1:
        del parts[at]
    elif way == 2:
        parts[at:at] = [parts[at]] * rng.choice((1, 3, 2000))
    elif way == 3:
        parts[1:1] = [_odd_segment(rng)]
    elif way == 4:
        for index, part in enumerate(parts):
            if part[:1] == b"\xff" and part[1:2] in (b"\xc0", b"\xc2") and len(part) > 9:
                sides = struct.pack(">HH", rng.choice((0, 1, 8, 65_535, 20_000)), rng.choice((0, 1, 8, 65_535, 20_000)))
                parts[index] = part[:5] + sides + part[9:]
    elif way == 5:
        scans = [part for part in parts if part[:2] == b"\xff\xda"]
        parts[-1:-1] = scans * rng.choice((2, 300))
    elif way == 6:
        other = rng.randrange(1, len(parts))
        parts[at], parts[other] = parts[other], parts[at]
    else:
        return raw(data, rng)
    return b"".join(parts)


def _segments(data: bytes) -> list[bytes]:
    """Start, segments with their markers (the scan with its data), end."""
    found, at = [data[:2]], 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        size = 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        end = at + size
        if data[at + 1] == 0xDA:
            while end + 1 < len(data) and not (data[end] == 0xFF and data[end + 1] not in (0, *range(0xD0, 0xD8))):
                end += 1
        found.append(data[at:end])
        at = end
    return [*found, data[at:]]


def _odd_segment(rng: random.Random) -> bytes:
    entries = struct.pack(">HHHII", 1, 0x0112, 3, 1, rng.choice((0, 1, 3, 6, 8, 9, 0xFFFF)) << 16)
    exif = b"Exif\0\0MM\0*\0\0\0\x08"
    profile, photoshop = b"ICC_PROFILE\0", b"Photoshop 3.0\x008BIM"
    marker, content = rng.choice((
        (0xE1, exif + entries + bytes(4)), (0xE1, exif + entries + struct.pack(">I", 8)),
        (0xE1, exif + b"\xff\xff" + rng.randbytes(400)), (0xE1, exif + struct.pack(">HHHII", 1, 0x8769, 4, 1, 8)),
        (0xE1, b"http://ns.adobe.com/xap/1.0/\0<x tiff:Orientation='6'/>"),
        (0xE2, profile + b"\1\1" + rng.randbytes(300)), (0xE2, profile + b"\xff\xff" + bytes(40)),
        (0xE2, profile + bytes(2)), (0xE2, b"MPF\0MM\0*\0\0\0\x08" + bytes(60)),
        (0xED, photoshop + b"\x03\xed\0\0\xff\xff\xff\xff"), (0xEE, b"Adobe\0d\0\0\0\0\2"), (0xFE, bytes(60_000)),
        (0xDD, b"\0\1"), (0xDB, bytes(65)), (0xC4, bytes(17)), (0xE0, b"JFIF\0\1\1\1\0\0\0\0\xff\xff"),
    ))
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


def as_gif(data: bytes, rng: random.Random) -> bytes:
    """Size of the screen, very many frames, blocks changed."""
    way = rng.randrange(4)
    head, end = data[:13], data[-1:]
    if way == 0 and len(data) > 20:
        frame = b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0"
        colours = bytes(3 << (1 + (head[10] & 7)) if head[10] & 0x80 else 0)
        return head + colours + frame * rng.choice((3, 400_000)) + end
    if way == 1 and len(data) > 20:
        return data[:6] + struct.pack("<HH", rng.choice((0, 1, 65_535)), rng.choice((0, 1, 65_535))) + data[10:]
    return raw(data, rng)


def as_words(data: bytes, rng: random.Random) -> bytes:
    """Numbers at even places replaced by others that few expect: TIFF, BMP, WebP, AVIF, ICO."""
    changed = bytearray(data)
    front = min(len(changed), rng.choice((64, 400, len(changed))))
    for _ in range(rng.choice((1, 1, 2, 5))):
        width = rng.choice((2, 4, 4))
        at = rng.randrange(max(1, front // 2)) * 2
        number = rng.choice((*_NUMBERS, len(data), at, 8, 20_000, 100_000)) % (1 << 8 * width)
        changed[at : at + width] = number.to_bytes(width, rng.choice(("little", "big")))
    return bytes(changed)


def as_pickle(data: bytes, rng: random.Random) -> bytes:
    """Instructions of a pickle put in, changed or repeated very often."""
    at = rng.randrange(2, max(3, min(len(data), rng.choice((3, 40, 400, len(data))))))
    count = rng.choice((10, 1000, 100_000, 1_000_000))
    piece = rng.choice((
        b"(" * count, b"]" * count, b"N0" * count, b"]\x94" * min(count, 10_000), b"(lp0\n" * min(count, 10_000),
        b"N\x85" * count, b"]q\0" + b"(h\0h\0e" * 40, b"cos\nsystem\n", b"ctorch\n_utils\n", b"cbuiltins\neval\n",
        b"ctorch._utils\n_rebuild_tensor_v2\n", b"\x8c\x02os\x8c\x06system\x93", b"\x93", b"R", b"b", b"Q", b"u", b"s",
        b"X\xff\xff\xff\x7f", b"\x8d" + b"\xff" * 8, b"\x8b\xff\xff\xff\x7f", b"\x95" + b"\xff" * 8,
        b"I" + b"9" * 5000 + b"\n",
        b"L" + b"9" * 5000 + b"L\n", b"r\xff\xff\xff\xff", b"j\xff\xff\xff\xff", b"p999999999\n", b"F1e999\n", b"P1\n",
        b"\x80\x7f",
        b"\x82\x01", b"2" * min(count, 100_000), b"S'" + b"a" * 99_999 + b"'\n", b"ccollections\nOrderedDict\n)R",
        b"cbuiltins\nlist\n(I1\nI2\ntR", b"cbuiltins\nint\n(X\x05\0\0\0abcdetR", b"ctorch\nSize\n(]tR", b".",
    ))
    way = rng.randrange(4)
    if way == 0:
        return raw(data, rng)
    if way == 1 and len(data) > 12:
        inside = bytearray(data)
        inside[at] = rng.choice(b"()]}[0123.RbQucClNKMJGXVqrhjt\x85\x86\x87\x88\x89\x93\x94\x95")
        return bytes(inside)
    return data[:at] + piece + data[at:]


def as_torch_zip(data: bytes, rng: random.Random) -> bytes:
    """Entries of the archive changed, doubled, renamed, squeezed or left out, its pickle above all."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [(entry.filename, archive.read(entry)) for entry in archive.infolist()]
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError, NotImplementedError, zlib.error, EOFError):
        return raw(data, rng)
    if not entries:
        return raw(data, rng)
    way, at = rng.randrange(10), rng.randrange(len(entries))
    name, content = entries[at]
    squeeze = zipfile.ZIP_STORED
    if way <= 4:
        at = next((index for index, (found, _) in enumerate(entries) if found.endswith(".pkl")), 0)
        entries[at] = (entries[at][0], as_pickle(entries[at][1], rng))
    elif way == 5:
        entries[at] = (name, raw(content, rng) if rng.random() < 0.5 else b"")
    elif way == 6:
        del entries[at]
    elif way == 7:
        entries.append((rng.choice((name, "../x", "/etc/x", "constants.pkl", "a/data.pkl", "x" * 300)), content))
    elif way == 8:
        squeeze = zipfile.ZIP_DEFLATED
        entries.append(("archive/data/99", bytes(rng.choice((10, 20_000_000)))))
    else:
        return raw(data, rng)
    written = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(written, "w", squeeze) as archive:
        warnings.simplefilter("ignore")  # a name that is there twice is what is wanted
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name), content, squeeze)  # of no time: the same input at any hour
    return written.getvalue() if rng.random() < 0.9 else raw(written.getvalue(), rng)


def as_graph(data: bytes, rng: random.Random) -> bytes:
    """An ONNX graph with other shapes, operators and attributes, or with nodes that make very much of little."""
    import onnx  # heavy, and only for this kind
    from onnx import TensorProto, helper

    try:
        model = onnx.load_from_string(data)
    except Exception:  # protobuf raises kinds of its own
        return raw(data, rng)
    graph, way = model.graph, rng.randrange(8)
    if way == 0 and graph.initializer:
        tensor = rng.choice(list(graph.initializer))
        if tensor.dims:
            tensor.dims[rng.randrange(len(tensor.dims))] = rng.choice((0, 1, -1, 2**31, 2**62))
    elif way == 1 and graph.node:
        node = rng.choice(list(graph.node))
        kinds = ("Add", "Loop", "Tile", "Resize", "Conv", "Identity", "NonZero", "Expand", "Gather", "X")
        node.op_type = rng.choice(kinds)
    elif way == 2 and graph.node:
        node = rng.choice(list(graph.node))
        for attribute in node.attribute:
            if attribute.ints:
                attribute.ints[rng.randrange(len(attribute.ints))] = rng.choice((0, -1, 10_000, 2**31, 2**62))
    elif way in (3, 4):
        side = rng.choice((10, 30_000, 2**40))
        graph.initializer.append(helper.make_tensor("wide", TensorProto.INT64, [2], [side, side]))
        graph.node.insert(0, helper.make_node("ConstantOfShape", ["wide"], ["much"]))
        graph.node.insert(1, helper.make_node("ReduceSum", ["much"], ["sum"], keepdims=0))
        last = graph.output[0].name
        for node in graph.node:
            for index, name in enumerate(node.output):
                if name == last:
                    node.output[index] = "before"
        graph.node.append(helper.make_node("Add", ["before", "sum"], [last]))
    elif way == 5 and graph.initializer:
        tensor = rng.choice(list(graph.initializer))
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        place = rng.choice(("/etc/passwd", "../../x", "weights.safetensors", ""))
        tensor.external_data.add(key="location", value=place)
    elif way == 6 and graph.node:
        graph.node.append(rng.choice(list(graph.node)))
    else:
        return raw(data, rng)
    return model.SerializeToString()
