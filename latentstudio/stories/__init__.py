"""Stories: the real window, driven by real mouse and key events, photographed and checked."""

from latentstudio.stories.report import StoryReport
from latentstudio.stories.run import STORIES, run_story

__all__ = ["STORIES", "StoryReport", "run_story"]
