"""Scenes in hand: who knows objects, what was found in a photo, what is written. No torch: see ``decompose``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from latentstudio.generators.capabilities import Decomposes
from latentstudio.generators.opening import Model
from latentstudio.scenes.scene import Scene, write_scene
from latentstudio.steps import Step


@dataclass(frozen=True)
class TakenApart:
    """A scene that was found in a photo, with what there is to say of it."""

    scene: Scene
    facts: str
    notes: tuple[str, ...]


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
