"""Stories: the real window, driven by real mouse and key events, photographed and checked."""

from latentstudio.studio.stories.report import StoryReport
from latentstudio.studio.stories.run import STORIES, run_story

__all__ = ["STORIES", "StoryReport", "run_story"]
