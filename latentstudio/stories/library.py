"""The library story: one click shows the licence, one more fetches the faces; they open and move."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from latentstudio.generators import addons
from latentstudio.stories.drag import drag_one
from latentstudio.stories.driver import Driver, story_window
from latentstudio.stories.report import StoryReport

ADD_ON = "faces-gan"
MINUTES = 5.0
HOME = "LATENTSTUDIO_HOME"


def library_story(out: Path, model: str | None = None) -> StoryReport:
    """Fetch the face generator in a home of its own, open it and drag; without network the window says so."""
    facts: dict[str, object] = {"model": ADD_ON}
    with own_home(), story_window(out, model=model) as driver:
        driver.check(not addons.is_installed(ADD_ON), f"{ADD_ON} is not installed in a fresh home")
        driver.shoot("before")
        library = driver.parts.library_panel
        driver.parts.picture_panel.notices.hide_notice()
        driver.click(library.library.row_view(ADD_ON))
        driver.wait(library.licence.isVisible, "the licence")
        facts["licence_shown_first"] = True
        driver.shoot("licence")
        ended: list[object] = []
        driver.parts.library.fetch_ended.connect(ended.append)
        driver.click(library.licence.accept_button)
        driver.wait(lambda: bool(driver.parts.runner.jobs) or bool(ended), "the fetch")
        driver.live(0.5)
        driver.shoot("fetching")
        driver.wait(lambda: bool(ended), "the end of the fetch", seconds=60 * MINUTES)
        _finish(driver, facts)
    return StoryReport("library", tuple(driver.pictures), facts)


def _finish(driver: Driver, facts: dict[str, object]) -> None:
    facts["fetched"] = addons.is_installed(ADD_ON)
    if not facts["fetched"]:
        notice = driver.parts.notices.last
        driver.check(notice is not None and notice.kind == "bad", "a failed fetch is told")
        facts["message"] = "" if notice is None else notice.sentence
        driver.shoot("not-fetched")
        return
    desk = driver.parts.desk
    driver.wait(lambda: desk.current is not None and desk.current.name == ADD_ON, f"{ADD_ON} to open")
    driver.settle()
    driver.shoot("opened")
    if desk.current is not None and desk.current.factors.names:
        facts["reached"] = {name: drag_one(driver, name) for name in desk.current.factors.names[:2]}


@contextmanager
def own_home() -> Iterator[Path]:
    """A fresh user folder for this process while the story is played."""
    before = os.environ.get(HOME)
    with tempfile.TemporaryDirectory(prefix="latentstudio-home-") as folder:
        os.environ[HOME] = folder
        try:
            yield Path(folder)
        finally:
            if before is None:
                del os.environ[HOME]
            else:
                os.environ[HOME] = before
