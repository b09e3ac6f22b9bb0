"""What a file or folder of weights holds, told without running anything of it: for who brings what cannot be opened."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from latentstudio.errors import ModelFileError, StudioError
from latentstudio.files import is_regular, open_regular
from latentstudio.generators.card import CARD_FILE
from latentstudio.generators.pickle_shapes import Shapes, shapes_in
from latentstudio.generators.pickles import HEAD, MAX_PICKLE, Archive, is_harmless, looks_like_torch, open_archive
from latentstudio.generators.weights import check_safetensors
from latentstudio.readers import border, read_json

WEIGHTS = (".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".pkl", ".onnx")
_SHOWN, _LONGEST_NAME = 3, 48
_MOST_LISTED = 2_000  # entries of a folder that are looked at
_MOST_GRAPH = 512 << 20
_MOST_SIDES = 8
_PIPELINE = "model_index.json"
_STYLEGAN = {"torch_utils.persistence": "stylegan2-ada or stylegan3", "dnnlib.tflib": "of TensorFlow"}
_GUIDE = "write a backend plugin (see docs/plugin-guide.md)"
_GRAPH = f"save the weights where they were trained: torch.save(model.state_dict(), 'weights.pt'); or {_GUIDE}"
_TAKE_OUT = ("in Python with its authors' code, where you trust it: torch.save(pickle.load(open('{}', 'rb'))['G_ema']"
             f".state_dict(), 'weights.pt'); then {_GUIDE}")
_HEADS = (  # where, what stands there, what it is, what to do
    (0, b"\x89HDF\r\n", "an HDF5 file, as Keras writes", "convert its weights in Python to safetensors"),
    (0, b"GGUF", "a GGUF file of a language model", "bring a generator of pictures"),
    (0, b"version https://git-lfs", "a note of Git LFS, not the file itself", "fetch it with `git lfs pull`"),
    (0, b"<!doctype html", "a web page", "fetch the file itself; a page was saved in its place"),
    (0, b"<html", "a web page", "fetch the file itself; a page was saved in its place"),
    (0, b"\x1f\x8b", "a packed file (gzip)", "unpack it and add the weights in it"),
    (0, b"7z\xbc\xaf", "a packed file (7z)", "unpack it and add the weights in it"),
    (257, b"ustar", "a packed file (tar)", "unpack it and add the weights in it"),
    (0, b"\x93NUMPY", "an array of NumPy", "bring the weights of a generator"),
)


@dataclass(frozen=True)
class Contents:
    """What was found.

    Attributes:
        kind: ``safetensors``, ``torch``, ``torchscript``, ``pickle``, ``stylegan``, ``onnx``, ``diffusers``,
            ``folder``, ``archive``, ``other`` (known by its first bytes), ``broken`` or ``unknown``.
        what: the kind in words, with its article.
        tensors: names and shapes as far as they can be read; a shape that cannot be told is None.
        detail: what else is to be said, such as the parts of a folder.
        expected, action: what would have been right and what to do, where that follows from the kind.
    """

    kind: str
    what: str
    tensors: Mapping[str, tuple[int, ...] | None] = field(default_factory=dict)
    detail: str = ""
    expected: str = ""
    action: str = ""

    @property
    def sentence(self) -> str:
        """``a torch file with 23 tensors (main.0.weight 100 x 512 x 4 x 4, ...)``."""
        parts = [self.what]
        if self.tensors:
            parts.append(f"with {len(self.tensors):,} tensor{'s' * (len(self.tensors) != 1)} ({shown(self.tensors)})")
        return " ".join(parts) + self.detail


def shown(tensors: Mapping[str, tuple[int, ...] | None]) -> str:
    """The first names and shapes, as words; counters last."""
    ordered = sorted(tensors.items(), key=lambda one: one[1] == ())
    return _listed([f"{_short(name)} {size_of(shape)}".strip() for name, shape in ordered])


def size_of(shape: tuple[int, ...] | None) -> str:
    """A shape in words; nothing where it is not known."""
    if shape is None:
        return ""
    return " x ".join(map(str, shape[:_MOST_SIDES])) + " x ..." * (len(shape) > _MOST_SIDES) or "one number"


def groups_of(tensors: Mapping[str, tuple[int, ...] | None]) -> dict[str, dict[str, tuple[int, ...]]]:
    """Tensors whose shapes are known by the container that they stand in, as ``netG``; empty at the top."""
    groups: dict[str, dict[str, tuple[int, ...]]] = {}
    for name, shape in tensors.items():
        if shape is not None:
            where, _, last = name.rpartition("/")
            groups.setdefault(where, {})[last.removeprefix("module.")] = shape
    return groups


def contents_of(path: Path) -> Contents:
    """What lies at ``path``. Nothing of it runs, no tensor is read; what is broken is told as far as it goes.

    Raises:
        ModelFileError: it is not there, or cannot be read at all.
    """
    path = Path(path)
    with border(lambda reason: ModelFileError(f"{path.name} cannot be read ({reason})", expected="a weights file")):
        return _of_folder(path) if path.is_dir() else _of_file(path)


def _of_file(path: Path) -> Contents:
    with open_regular(path) as stream:
        head = stream.read(512)
        stream.seek(0)
        if not head:
            return Contents("other", "an empty file", action="fetch or copy it again")
        for place, sign, what, action in _HEADS:
            if head[place : place + len(sign)].lower() == sign.lower():
                return Contents("other", what, action=action)
        if looks_like_torch(head[:HEAD]):
            return _of_archive(path, stream) if head.startswith(b"PK") else _of_pickles(path, stream)
        if head[8:9] == b"{":
            return _of_safetensors(path)
        return _of_graph(path, stream, head)


def _of_safetensors(path: Path) -> Contents:
    try:
        return Contents("safetensors", "a safetensors file",
                        {name: facts.shape for name, facts in check_safetensors(path).items()})
    except StudioError:
        return Contents("broken", "a broken safetensors file", action="fetch or copy it again")


def _of_archive(path: Path, stream: BinaryIO) -> Contents:
    try:
        with border(ModelFileError), open_archive(stream) as archive:
            return _of_parts(path, archive)
    except StudioError:
        return Contents("broken", "a broken archive, as torch writes", action="fetch or copy it again")


def _of_parts(path: Path, archive: Archive) -> Contents:
    names = archive.namelist()
    pickles = [part for part in archive.infolist() if part.filename.rpartition("/")[2] == "data.pkl"]
    tensors: Shapes = {}
    imported: list[str] = []
    for part in pickles[:1]:
        if part.file_size <= MAX_PICKLE:
            with archive.open(part) as inner:
                tensors, imported = shapes_in(inner)
    if any("/code/" in f"/{name}" for name in names):
        return Contents("torchscript", "a TorchScript program (code and weights in one)", tensors,
                        expected="weights alone", action=f"take them out in Python, where you trust it: "
                        f"torch.save(torch.jit.load('{path.name}').state_dict(), 'weights.pt')")
    if pickles:
        foreign = [name for name in imported if not is_harmless(name)]
        return _of_objects(path, "a torch file", foreign, tensors) if foreign else (
            Contents("torch", "a torch file", tensors))
    if names and all(name.endswith(".npy") for name in names):
        return Contents("archive", "a file of NumPy arrays", dict.fromkeys(name[:-4] for name in names),
                        expected="weights as safetensors or torch", action="write them as safetensors in Python")
    return Contents("archive", f"an archive of {len(names):,} files ({_listed([*map(_short, names[:9])])})",
                    action="unpack it and add the weights in it")


def _of_pickles(path: Path, stream: BinaryIO) -> Contents:
    """A torch file of the old kind is five pickles; the fourth holds the tensors."""
    tensors: Shapes = {}
    says: list[str] = []
    for _ in range(5):
        start = stream.tell()
        if stream.read(1) != b"\x80":
            break
        stream.seek(start)
        tensors, imported = shapes_in(stream)
        says += [name for name in imported if not is_harmless(name)]
        if tensors:
            break
    for sign, kind in _STYLEGAN.items():
        if any(name.startswith(sign) for name in says):
            return Contents("stylegan", f"an official StyleGAN pickle ({kind}: networks as program code)",
                            tensors, expected="weights alone", action=_TAKE_OUT.format(path.name))
    if says or not tensors:
        return _of_objects(path, "a Python pickle", says, tensors)
    return Contents("torch", "a torch file of the old kind", tensors)


def _of_objects(path: Path, what: str, foreign: Sequence[str], tensors: Shapes) -> Contents:
    strange = [name for name in foreign if not name.startswith(("torch.nn.modules.", "torch.nn.parameter."))]
    if strange or not foreign:  # no advice here may lead anybody to run what such a file asks for
        told = f" that imports {_short(strange[0])}" if strange else " without tensors"
        return Contents("pickle", what + told, tensors, expected="weights alone",
                        action="do not open it elsewhere; ask its author for safetensors")
    told = f" of objects ({_short(foreign[0])})"
    return Contents("pickle", what + told, tensors, expected="weights alone",
                    action="keep the tensors alone, in Python, where you trust it: "
                           f"torch.save(torch.load('{path.name}', weights_only=False).state_dict(), 'weights.pt')")


def _of_graph(path: Path, stream: BinaryIO, head: bytes) -> Contents:
    named = path.suffix.lower() == ".onnx"
    if not (named or (head[0] == 8 and head[1:2] < b"\x20" and head[2:3] in (b"\x12", b"\x1a", b"\x3a", b"\x42"))):
        return Contents("unknown", "a file of a kind that is not known here")
    import onnx  # heavy, and only for such a file

    data = stream.read(_MOST_GRAPH + 1)
    if len(data) > _MOST_GRAPH:
        return Contents("onnx", f"an ONNX graph of over {_MOST_GRAPH >> 20} MiB", expected="weights", action=_GRAPH)
    try:
        with border(ModelFileError):
            graph = onnx.load_model_from_string(data).graph
            tensors = {one.name: tuple(one.dims) for one in graph.initializer}
            count = len(graph.node)
    except StudioError:
        return Contents("onnx", "a broken ONNX graph", action="fetch or copy it again") if named else (
            Contents("unknown", "a file of a kind that is not known here"))
    return Contents("onnx", f"an ONNX graph of {count:,} operation{'s' * (count != 1)}", tensors,
                    expected="weights under the names that they were trained with", action=_GRAPH)


def _of_folder(path: Path) -> Contents:
    found = sorted(_weights_in(path), key=_size, reverse=True)
    names = [_short(str(one.relative_to(path))) for one in found]
    listed = f" with {len(found):,} weights file{'s' * (len(found) != 1)} ({_listed(names)})" if found else ""
    largest = contents_of(found[0]) if found else None
    detail = f"; {names[0]} is {largest.sentence}" if largest is not None else ""
    index = path / _PIPELINE
    if index.is_file():
        told = read_json(index, dict[str, object], ModelFileError, most=1 << 20)
        parts = [_short(name) for name, value in told.items() if isinstance(value, list) and name[:1] != "_"]
        return Contents(
            "diffusers", f"a diffusers folder ({_short(str(told.get('_class_name', 'of no class')))}: "
            f"{_listed(parts)}){listed}", detail=detail, expected="one generator from a latent to a picture",
            action=f"a pipeline of diffusion is not opened; for its VAE, {_GUIDE}",
        )
    if not found:
        return Contents("folder", f"a folder that holds no {CARD_FILE} and no weights", expected="a model folder")
    which = names[0] if len(found) == 1 else "the one of the generator"
    return Contents("folder", f"a folder that holds no {CARD_FILE}{listed}", detail=detail,
                    expected="a model folder, or one weights file", action=f"add {which} by itself")


def _weights_in(folder: Path) -> list[Path]:
    """Weights files in a folder and in the folders in it, as far as it is not very large."""
    entries = itertools.islice(itertools.chain(folder.glob("*"), folder.glob("*/*")), _MOST_LISTED)
    return [one for one in entries if one.suffix.lower() in WEIGHTS and is_regular(one)]


def _size(path: Path) -> int:
    return path.stat().st_size


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + ", ..." * (len(names) > _SHOWN)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 3]}..."
