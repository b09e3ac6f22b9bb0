"""The undo story: edits, back, on, to any entry; a saved picture brings its sliders back when it is dropped."""

from __future__ import annotations

from pathlib import Path

from latentstudio.document.view import View
from latentstudio.pixels import AS_DRAWN
from latentstudio.stories.drag import drag_one
from latentstudio.stories.driver import Driver, story_window
from latentstudio.stories.report import StoryReport
from latentstudio.tasks.write_file import SaveChoice


def undo_story(out: Path, model: str | None = None) -> StoryReport:
    """Play undo, redo, the film strip, saving and dropping; everything must be as it was."""
    with story_window(out, model=model) as driver:
        opened = driver.parts.desk.current
        assert opened is not None
        names = list(opened.factors.names)[:2]
        driver.check(bool(names), f"{opened.name} has sliders")
        states = [driver.view]
        for name in names:
            drag_one(driver, name)
            states.append(driver.view)
        driver.shoot("edited")
        _walk(driver, states)
        saved = _save_and_drop(driver, out, states[-1])
        facts = {
            "model": opened.name,
            "edits": len(states) - 1,
            "history_entries": len(driver.parts.workspace.history),
            "restored_from_picture": True,
            "saved_picture": saved.name,
        }
    return StoryReport("undo", tuple(driver.pictures), facts)


def _walk(driver: Driver, states: list[View]) -> None:
    for state in reversed(states[:-1]):
        driver.key("Ctrl+Z")
        driver.settle()
        driver.check(driver.view == state, "undo brings the state before")
    driver.shoot("undone")
    for state in states[1:]:
        driver.key("Ctrl+Shift+Z")
        driver.settle()
        driver.check(driver.view == state, "redo brings the state after")
    strip = driver.parts.picture_panel.strip
    first = len(strip.entries) - len(states)
    area = strip.area_of(first)
    driver.click(strip.viewport(), area.center().toPoint())
    driver.settle()
    driver.check(driver.view == states[0], "a click on the film strip goes there")
    driver.shoot("film-strip")
    driver.key("Ctrl+Y")
    for _ in states[2:]:
        driver.key("Ctrl+Y")
    driver.settle()
    driver.check(driver.view == states[-1], "redo follows the branch")


def _save_and_drop(driver: Driver, out: Path, state: View) -> Path:
    target = out / "saved-picture.png"
    target.unlink(missing_ok=True)
    driver.parts.files.request_save_picture(SaveChoice(target, AS_DRAWN))
    driver.wait(target.is_file, "the saved picture")
    driver.key("Space")
    driver.key("Ctrl+R")
    driver.settle()
    driver.check(driver.view != state, "a new sample is another one")
    driver.shoot("new-sample")
    driver.drop(target)
    driver.wait(lambda: driver.view == state, "the session of the dropped picture")
    driver.settle()
    driver.shoot("dropped")
    return target
