"""What the library lists: models that are installed or shipped, add-ons that can be had, and words about each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from latentstudio.generators import addons
from latentstudio.generators.catalogue import Catalogue
from latentstudio.pixels import BytePictures

LEADING = ("faces", "scenes", "faces-gan", "fashion-avae", "sprites-b10")

RowState = Literal["ready", "available", "fetching", "broken"]


@dataclass(frozen=True)
class LibraryRow:
    """One model: ``picture`` is uint8 (H, W, 3) or None; ``detail`` is the tool tip (licence, origin, error).

    ``fraction`` in [0, 1] is how far the fetching is; below 0 while that is unknown. ``removable`` models may be
    renamed and removed from the context menu. ``folded`` ones are shown when the person asks for more.
    """

    name: str
    facts: str
    picture: NDArray[np.uint8] | None
    state: RowState
    detail: str = ""
    fraction: float = 0.0
    removable: bool = False
    folded: bool = False


def library_rows(
    catalogue: Catalogue, fetching: dict[str, float], pictures: dict[str, BytePictures]
) -> tuple[LibraryRow, ...]:
    """The leading models first, then the others that are installed, then the add-ons that can be fetched.

    Where the leading ones are there, those that ship beside them for comparison are folded.
    """
    rows = []
    for entry in catalogue.models:
        if entry.card is None or entry.error:
            own = not entry.shipped
            rows.append(LibraryRow(entry.name, "cannot be opened", None, "broken", entry.error, removable=own))
        else:
            picture, card = pictures.get(entry.name), entry.card
            rows.append(LibraryRow(entry.name, card.facts, picture, "ready", card.title, removable=not entry.shipped))
    present = {entry.name for entry in catalogue.models}
    for addon in addons.list_add_ons():
        if addon.name in present:
            continue
        said, picture = f"licence {addon.licence}", pictures.get(addon.name)
        if addon.name in fetching:
            rows.append(LibraryRow(addon.name, addon.facts, picture, "fetching", said, fetching[addon.name]))
        else:
            rows.append(LibraryRow(addon.name, addon.facts, picture, "available", said))
    there = sum(row.name in LEADING for row in rows) > 1
    shipped = {entry.name for entry in catalogue.models if entry.shipped}
    rows = [replace(row, folded=there and row.name in shipped and row.name not in LEADING) for row in rows]
    order = {name: place for place, name in enumerate(LEADING)}
    return tuple(sorted(rows, key=lambda row: (order.get(row.name, len(order)), row.folded)))


def model_info(catalogue: Catalogue, name: str) -> str:
    """Title, origin, licence and data of a model or add-on, in one line."""
    for entry in catalogue.models:
        if entry.name == name and entry.card is not None:
            card = entry.card
            said = (card.title, card.origin, f"licence {card.licence}" if card.licence else "", card.data, card.notice)
            return f"{name}: " + "; ".join(part.rstrip(".") for part in said if part)
        if entry.name == name:
            return f"{name}: {entry.error}"
    for addon in addons.list_add_ons():
        if addon.name == name:
            return f"{name}: {addon.title}; licence {addon.licence}; {addon.data_licence}"
    return f"{name} is not in the library"
