"""Scenes in hand: who knows objects, what was found in a photo, what is written. No torch: see ``decompose``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from latentstudio.generators.capabilities import Decomposes
from latentstudio.generators.opening import Model
from latentstudio.scenes.scene import Scene, write_scene
from latentstudio.steps import Step

if TYPE_CHECKING:  # imports torch
    from latentstudio.scenes.decomposing import Decomposition


@dataclass(frozen=True)
class TakenApart:
    """What was found in a photo, and the facts in words."""

    found: Decomposition
    facts: str


@dataclass(frozen=True)
class TakenApartStep(Step):
    """Progress; ``result`` on the last step only."""

    result: TakenApart | None = None


def knows_objects(model: Model) -> bool:
    """Whether a model can take pictures apart."""
    return model.card.promises(Decomposes)


def export_scene(scene: Scene, path: Path) -> str:
    """Write a scene's JSON; answers with a sentence."""
    target = path if path.suffix.lower() == ".json" else path.with_name(f"{path.name}.json")
    write_scene(target, scene)
    return f"Saved {target.name}"
