"""A tuning: how a generator's weights were changed for one picture, kept as a difference. No torch at import.

The file is a safetensors file: float16 differences under the names of the network's own tensors, the latent that was
tuned around (the pivot) in float32, and the hash of the weights that the differences belong to.
"""

from __future__ import annotations

import contextlib
import copy
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latentstudio.errors import ModelFileError, StudioError
from latentstudio.files import read_limited, write_whole
from latentstudio.generators.card import ModelCard
from latentstudio.generators.weights import (
    check_safetensors,
    metadata_in,
    pack_tensors,
    read_metadata,
    tensors_in,
    tensors_in_numpy,
)
from latentstudio.places import data_folder
from latentstudio.readers import border, json_from

if TYPE_CHECKING:
    from torch import Tensor

    from latentstudio.generators.contract import Generator

FORMAT = "latentstudio tuning"
SUFFIX = ".tuning.safetensors"
MOST_BYTES = 256 << 20
PIVOT = "pivot"
_PREFIX = "difference."


@dataclass(frozen=True)
class Tuning:
    """A tuning as its file holds it; small enough to be kept inside a session.

    Attributes:
        sha256: of ``data``; a session names the tuning by it.
        model, model_sha256: the model whose weights it changes; it fits no other.
        data: the bytes of the file.
        figures: what was measured when it was made (``mse``, ``dssim``, ``steps``, ``seconds``, ``kept``).
    """

    sha256: str
    model: str
    model_sha256: str
    data: bytes = field(repr=False)
    figures: tuple[tuple[str, float], ...] = ()

    def pivot(self) -> NDArray[np.float32]:
        """The latent that was tuned around: float32, in the shape of its space."""
        found = tensors_in_numpy(self.data, "the tuning")
        if PIVOT not in found:
            raise _no_tuning("the tuning")
        return np.asarray(found[PIVOT], dtype=np.float32)


def make_tuning(
    card: ModelCard, pivot: NDArray[np.float32], differences: Mapping[str, Tensor], figures: Mapping[str, float]
) -> Tuning:
    """The tuning of these differences, rounded to float16; equal tensors give equal bytes and so an equal hash."""
    tensors: dict[str, object] = {f"{_PREFIX}{name}": value.half() for name, value in differences.items()}
    told = {
        "format": FORMAT, "model": card.name, "model_sha256": card.weights_sha256,
        "figures": json.dumps({name: float(f"{value:.4g}") for name, value in sorted(figures.items())}),
    }
    return tuning_from(pack_tensors({**tensors, PIVOT: pivot.astype(np.float32)}, told))


def read_tuning(path: Path) -> Tuning:
    """Read a tuning file.

    Raises:
        ModelFileError: missing, broken, or another kind of file.
    """
    path = Path(path)
    check_safetensors(path)
    with border(lambda reason: ModelFileError(f"{path.name} cannot be read ({reason})", expected="a tuning")):
        return tuning_from(read_limited(path, MOST_BYTES), where=path.name)


def write_tuning(path: Path, tuning: Tuning) -> None:
    """Write the tuning's file, whole or not at all.

    Raises:
        StorageError: the disk is full or the folder may not be written.
    """
    write_whole(Path(path), tuning.data)


def tuning_from(data: bytes, *, where: str = "the tuning") -> Tuning:
    """The tuning in the bytes of its file, for example out of a session.

    Raises:
        ModelFileError: the bytes are not those of a tuning.
    """
    def refuse(reason: str) -> ModelFileError:
        return _no_tuning(where)

    try:
        told = metadata_in(data, where)
    except ModelFileError as problem:
        raise refuse(problem.found) from problem
    with border(refuse):
        if told.get("format") != FORMAT:
            raise refuse("")
        figures = json_from(told["figures"], dict[str, float], refuse, lenient=True)
        return Tuning(hashlib.sha256(data).hexdigest(), told["model"], told["model_sha256"], bytes(data),
                      tuple(sorted(figures.items())))


def _no_tuning(where: str) -> ModelFileError:
    return ModelFileError(f"{where} is no tuning", expected="a file written by `invert --tune`")


def tuning_store() -> Path:
    """The user's folder of tunings that saved pictures refer to, one file each, named by its hash."""
    return data_folder() / "tunings"


def keep_tuning(tuning: Tuning) -> Path:
    """Put the tuning into the store, so that pictures that name it can be made again; the file's path.

    Raises:
        StorageError: the disk is full or the folder may not be written.
    """
    path = tuning_store() / f"{tuning.sha256}{SUFFIX}"
    if not path.is_file():
        write_tuning(path, tuning)
    return path


def has_tuning(sha256: str) -> bool:
    """Whether the store holds the tuning of this hash."""
    return (tuning_store() / f"{sha256}{SUFFIX}").is_file()


def find_tuning(sha256: str, beside: Path | None = None) -> Tuning:
    """The tuning of this hash: from the store, or from a file in the folder ``beside``.

    Raises:
        ModelFileError: it is nowhere.
    """
    places = [tuning_store() / f"{sha256}{SUFFIX}"]
    if beside is not None:
        places += sorted(beside.glob("*.safetensors"))
    for path in places:
        with contextlib.suppress(StudioError, OSError):
            if path.is_file() and read_metadata(path).get("format") == FORMAT:
                found = read_tuning(path)
                if found.sha256 == sha256:
                    return found
    raise ModelFileError(f"the tuning {sha256[:12]} that this picture was drawn with is not here",
                         action="name its file with --tuning, or put it beside the picture")


def check_fits(tuning: Tuning, card: ModelCard) -> None:
    """Nothing, when the tuning belongs to this very model.

    Raises:
        ModelFileError: it belongs to another.
    """
    if tuning.model_sha256 != card.weights_sha256:
        raise ModelFileError(
            f"the tuning belongs to {tuning.model} (weights {tuning.model_sha256[:12]})",
            expected=f"one of {card.name} ({card.weights_sha256[:12]})", action="tune this model on the photo again",
        )


def tuned_generator(generator: Generator, tuning: Tuning) -> Generator:
    """A copy of the generator with the tuning's weights; the generator itself stays as it is.

    Raises:
        ModelFileError: the tuning belongs to another model, or its tensors fit no such network.
    """
    import torch  # torch must stay off the way to the first window

    check_fits(tuning, generator.card)
    tuned = copy.deepcopy(generator)
    known = tuned.network.state_dict()
    for name, difference in tensors_in(tuning.data, "the tuning").items():
        target = known.get(name.removeprefix(_PREFIX)) if name.startswith(_PREFIX) else None
        if target is None and name != PIVOT:
            raise ModelFileError(f"the tuning changes '{name}', which {tuning.model} does not have here",
                                 action="tune this model on the photo again")
        if target is None:
            continue
        if target.shape != difference.shape or not bool(torch.isfinite(difference).all()):
            raise ModelFileError(f"the tuning's '{name}' does not fit {tuning.model}",
                                 action="tune this model on the photo again")
        with torch.no_grad():
            target.add_(difference.to(target))
    return tuned
