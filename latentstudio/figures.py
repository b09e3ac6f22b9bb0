"""Figures as files: a drawing, and beside it under the same name what it shows as a table in CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from latentstudio.files import check_writable, write_whole
from latentstudio.pixels import BytePictures, write_png
from latentstudio.svg import Drawing

TABLE = ".csv"
Rows = Iterable[Iterable[object]]


def write_figure(path: Path, drawing: Drawing | BytePictures, names: Sequence[str], rows: Rows) -> None:
    """Write a drawing as SVG, or a picture uint8 (H, W, 3) as PNG, and beside it the numbers that it shows.

    Args:
        path: of the figure; the table has its name with ``.csv`` behind.
        drawing: what is to be seen.
        names: of the table's columns.
        rows: of the table, see ``write_csv``.

    Raises:
        StorageError: the disk is full or the folder may not be written; what was there is as it was.
    """
    check_figure(path)
    write_csv(path.with_suffix(TABLE), names, rows)
    if isinstance(drawing, Drawing):
        write_whole(path, drawing.svg.encode())
    else:
        write_png(path, drawing)


def check_figure(path: Path) -> None:
    """See before long work whether a figure and its table can be made.

    Raises:
        StorageError: one of them cannot.
    """
    check_writable(path)
    check_writable(path.with_suffix(TABLE))


def write_csv(path: Path, names: Sequence[str], rows: Rows) -> None:
    """Write rows under their columns' names; numbers to seven digits, None and what is not finite as an empty field.

    Raises:
        StorageError: the disk is full or the folder may not be written.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_field(value) for value in row] for row in rows)
    write_whole(path, stream.getvalue().encode("utf-8"))


def _field(value: object) -> str:
    number = value.item() if isinstance(value, np.generic | np.ndarray) else value
    if isinstance(number, float):
        return f"{number:.7g}" if math.isfinite(number) else ""
    return "" if number is None else str(number)
