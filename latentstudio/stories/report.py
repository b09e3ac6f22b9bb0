"""What a story tells afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class StoryReport:
    """The pictures that were written, in order, and the facts that were checked (plain values only)."""

    name: str
    pictures: tuple[Path, ...]
    facts: Mapping[str, object] = field(default_factory=dict)
