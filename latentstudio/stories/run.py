"""Plays a story by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from latentstudio.errors import UnknownNameError
from latentstudio.stories.crash import crash_story
from latentstudio.stories.drag import drag_story
from latentstudio.stories.learn import learn_story
from latentstudio.stories.library import library_story
from latentstudio.stories.photo import photo_story
from latentstudio.stories.reconstruct import reconstruct_story
from latentstudio.stories.report import StoryReport
from latentstudio.stories.scene import scene_story
from latentstudio.stories.train import train_story
from latentstudio.stories.undo import undo_story

Story = Callable[[Path, str | None], StoryReport]
STORIES: dict[str, Story] = {
    "drag": drag_story,
    "undo": undo_story,
    "crash": crash_story,
    "library": library_story,
    "learn": learn_story,
    "photo": photo_story,
    "reconstruct": reconstruct_story,
    "train": train_story,
    "scene": scene_story,
}


def run_story(name: str, out: Path, model: str | None = None) -> StoryReport:
    """Play a story in the real window and write its pictures into ``out``.

    Args:
        name: ``drag``, ``undo``, ``crash``, ``library``, ``learn``, ``photo``, ``reconstruct``, ``train`` or ``scene``.
        out: folder for the numbered screenshots; made if missing.
        model: the model to play with; what the window opens first when None.

    Raises:
        UnknownNameError: no such story.
        StudioError: something in the window is not as it must be.
    """
    if name not in STORIES:
        raise UnknownNameError(f"there is no story '{name}'", expected=" or ".join(STORIES))
    return STORIES[name](Path(out), model)
