"""Tables as CSV files, written whole or not at all."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from latentstudio.files import write_whole


def write_csv(path: Path, names: Sequence[str], rows: Iterable[Iterable[Any]]) -> None:
    """Write rows under their columns' names; numbers to seven digits, None and what is not finite as an empty field.

    Raises:
        StorageError: the disk is full or the folder may not be written.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([_field(value) for value in row] for row in rows)
    write_whole(path, stream.getvalue().encode("utf-8"))


def _field(value: Any) -> str:
    if value is None or value != value:
        return ""
    number = value.item() if hasattr(value, "item") else value
    return f"{number:.7g}" if isinstance(number, float) else str(number)
