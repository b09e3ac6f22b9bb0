"""The learn story: a slider is learned while another is dragged; its verdict is read, and it is kept and moved."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from latentstudio.errors import StudioError
from latentstudio.factors import Factor
from latentstudio.stories.drag import drag_one
from latentstudio.stories.driver import Driver, story_window
from latentstudio.stories.library import own_home
from latentstudio.stories.report import StoryReport

MODEL = "sprites-b10"
TRANSFORMATION = "x"
EFFORT = "quick"
SHOWN_FROM = 0.2
MINUTES = 10.0


def learn_story(out: Path, model: str | None = None) -> StoryReport:
    """Learn x with little effort in a home of its own, drag a slider meanwhile, keep what came out, and drag that."""
    facts: dict[str, object] = {"model": model or MODEL, "transformation": TRANSFORMATION}
    with own_home(), story_window(out, model=model or MODEL) as driver:
        choose(driver)
        driver.shoot("chosen")
        began = time.perf_counter()
        press_learn(driver)
        facts["dragged_meanwhile"] = _drag_meanwhile(driver)
        driver.shoot("running")
        finish(driver)
        facts["seconds"] = round(time.perf_counter() - began, 1)
        facts["verdict"] = driver.parts.learn_panel.verdict.sentence.text()
        driver.shoot("verdict")
        scroll(driver, to_the_end=True)
        driver.shoot("evidence")
        facts["kept"] = _keep(driver)
        driver.shoot("kept")
    return StoryReport("learn", tuple(driver.pictures), facts)


def choose(driver: Driver) -> None:
    """Open the panel and choose what to learn by the mouse."""
    docks = driver.window.docks
    docks.bring_forward("learn")
    docks.docks["map"].close()  # the learning takes the whole side
    panel = driver.parts.learn_panel
    driver.wait(panel.what.isVisible, "the learning panel")
    driver.click(panel.what, panel.what.area_of(TRANSFORMATION).center().toPoint())
    driver.click(panel.effort, panel.effort.area_of(EFFORT).center().toPoint())
    driver.check(panel.settings is not None and panel.effort.current == EFFORT, "the effort is chosen")


def press_learn(driver: Driver) -> None:
    """Press Learn and wait until targets, results and the loss can be seen."""
    presenter, panel = driver.parts.learn, driver.parts.learn_panel
    driver.click(panel.start_button)
    driver.check(presenter.running, "Learn starts a job")
    view = panel.run_view
    scale = view.bar.maximum()
    driver.wait(
        lambda: not presenter.running or (not view.mosaic.is_empty and view.bar.value() >= SHOWN_FROM * scale),
        "targets beside results", seconds=60 * MINUTES,
    )
    driver.check(presenter.running, "the run goes on once pictures are seen")


def finish(driver: Driver) -> None:
    """Wait for the verdict with its strip of new pictures.

    Raises:
        StudioError: nothing was learned; the panel's sentence says why.
    """
    presenter, verdict = driver.parts.learn, driver.parts.learn_panel.verdict
    driver.wait(lambda: not presenter.running, "the verdict", seconds=60 * MINUTES)
    if presenter.factor is None:
        raise StudioError(verdict.sentence.text() or "the learning ended without a factor")
    driver.wait(lambda: not verdict.strip.is_empty, "the new pictures")


def scroll(driver: Driver, *, to_the_end: bool) -> None:
    """To the last plot, or to the verdict's words."""
    panel = driver.parts.learn_panel
    bar = panel.scroller.verticalScrollBar()
    bar.setValue(bar.maximum() if to_the_end else panel.verdict.y())


def _drag_meanwhile(driver: Driver) -> str:
    opened = driver.parts.desk.current
    assert opened is not None
    name = opened.factors.names[0]
    driver.window.docks.bring_forward("factors")
    driver.wait(driver.card(name).slider.isVisible, "the sliders")
    drag_one(driver, name)
    driver.window.docks.bring_forward("learn")
    return name


def _keep(driver: Driver) -> dict[str, object]:
    panel = driver.parts.learn_panel
    learned = driver.parts.learn.factor
    assert learned is not None
    scroll(driver, to_the_end=False)
    driver.click(panel.verdict.keep_button)
    driver.wait(lambda: _is_there(driver, learned), "the kept slider")
    driver.window.docks.bring_forward("factors")
    driver.wait(driver.card(learned.name).slider.isVisible, "its card")
    driver.key("Ctrl+R")
    driver.settle()
    return {"name": learned.name, "grade": learned.grade, **drag_one(driver, learned.name)}


def _is_there(driver: Driver, learned: Factor) -> bool:
    """Whether the model's factor of this name is the learned one, not the one that it replaces."""
    current = driver.parts.desk.current
    if current is None or learned.name not in current.factors.names:
        return False
    return bool(np.array_equal(current.factors.get(learned.name).axis, learned.axis))
