"""The dataset D of Algorithm 1 (Plumerault et al. 2020): one row a record, and a folder that keeps each batch."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import torch
from torch import Tensor

from latentstudio.errors import LearningError, ModelFileError
from latentstudio.files import storage_error, write_whole
from latentstudio.generators.weights import read_tensors, write_tensors
from latentstudio.readers import MOST_KEPT, as_read_back, read_json

ABOUT = "about.json"
NO_LABEL = -1


@dataclass(frozen=True)
class Records:
    """Rows of D.

    Attributes:
        start: index of the starting point, int64 (R,).
        origin: z_0 (R, d).
        end: z_t (R, d).
        t: parameter of the target (R,).
        error: reconstruction error at ``end`` (R,).
        label: class of a conditional model, int64 (R,); ``NO_LABEL`` without classes.
    """

    start: Tensor
    origin: Tensor
    end: Tensor
    t: Tensor
    error: Tensor
    label: Tensor

    def __len__(self) -> int:
        return len(self.t)

    def where(self, kept: Tensor) -> Records:
        """The rows for which ``kept`` (R,) is true."""
        return Records(**{name: column[kept] for name, column in self.columns().items()})

    @property
    def displacement(self) -> Tensor:
        """z_t - z_0 (R, d)."""
        return self.end - self.origin

    def columns(self) -> dict[str, Tensor]:
        """The columns by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @staticmethod
    def join(parts: Sequence[Records]) -> Records:
        """All rows of all parts in order."""
        return Records(**{
            field.name: torch.cat([getattr(part, field.name) for part in parts]) for field in fields(Records)
        })


class RecordStore:
    """A folder with one file a finished batch, so that a killed run goes on where it stood.

    Args:
        folder: made when it is not there.
        about: everything that the records depend on, plain containers; a folder with another ``about`` is refused.

    Raises:
        LearningError: the folder holds the records of another model, transformation or setting.
        StorageError: the folder may not be written.
    """

    def __init__(self, folder: Path, about: Mapping[str, object]) -> None:
        self.folder = folder
        mine = as_read_back(about)
        assert isinstance(mine, dict)
        path = folder / ABOUT
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise storage_error(folder, problem) from problem

        def refuse(reason: str) -> LearningError:
            return LearningError(f"{path} is broken ({reason})", expected="the notes of a records folder",
                                 action="delete the folder to start anew")

        theirs = read_json(path, dict[str, object], refuse, most=MOST_KEPT) if path.exists() else None
        if theirs is None:
            write_whole(path, json.dumps(mine, indent=1, sort_keys=True).encode())
        elif theirs != mine:
            name = next(key for key in sorted({*mine, *theirs}) if mine.get(key) != theirs.get(key))
            raise LearningError(
                f"{folder} holds records with {name} {theirs.get(name)!r}", expected=f"{name} {mine.get(name)!r}",
                action="choose another folder, or delete this one to start anew",
            )

    def load(self, batch: int) -> Records | None:
        """The records of a batch that was finished before, or None; a file cut short counts as not finished."""
        with contextlib.suppress(ModelFileError, KeyError):
            tensors = read_tensors(self._path(batch))
            found = Records(**{field.name: tensors[field.name] for field in fields(Records)})
            rows = found.t.shape
            if len(rows) == 1 and found.end.ndim == 2 and found.end.shape == found.origin.shape and all(
                column.shape[:1] == rows for column in found.columns().values()
            ):
                return found
        return None

    def save(self, batch: int, records: Records) -> None:
        """Keep the records of a batch, whole or not at all.

        Raises:
            StorageError: the disk is full; the batches before it stay.
        """
        write_tensors(self._path(batch), records.columns())

    def _path(self, batch: int) -> Path:
        return self.folder / f"batch-{batch:05d}.safetensors"
