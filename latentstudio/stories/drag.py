"""The drag story: the picture stands, the sliders are dragged, the picture follows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt

from latentstudio.stories.driver import Driver, story_window
from latentstudio.stories.report import StoryReport

ORDER = ("x", "y", "scale", "brightness")
SHARES = {"x": 0.7, "y": -0.6, "scale": 0.6, "brightness": 0.6}


def drag_story(out: Path, model: str | None = None) -> StoryReport:
    """Drag every slider of the model, check each value and that the picture changed; then compare with before."""
    facts: dict[str, object] = {}
    with story_window(out, model=model) as driver:
        opened = driver.parts.desk.current
        assert opened is not None
        facts["model"] = opened.name
        facts["runtime"] = opened.model.runtime_name
        driver.shoot("opened")
        names = [name for name in ORDER if name in opened.factors.names]
        driver.check(bool(names), f"{opened.name} has sliders")
        facts["reached"] = {name: drag_one(driver, name) for name in names}
        facts["input_to_picture_ms"] = round(1000 * driver.parts.picture.times[-1].age, 2)
        _compare(driver)
        driver.key("Ctrl+R")
        driver.settle()
        driver.check(not driver.view.positions, "every factor stands at 0 after the reset")
        driver.shoot("reset")
        facts["pictures_painted"] = len(driver.parts.picture.times)
    return StoryReport("drag", tuple(driver.pictures), facts)


def drag_one(driver: Driver, name: str) -> dict[str, object]:
    """Drag one factor to a share of its known range; the value reached and how much of the picture changed."""
    view, factor = driver.view, driver.parts.factors.factor(name)
    assert factor is not None
    low, high = factor.range_at(view.latent_array().reshape(-1))
    share = SHARES.get(name, 0.6)
    asked = share * high if share > 0 else -share * low
    before = driver.parts.picture.last_drawn
    reached = driver.drag(name, asked, meanwhile=f"drag-{name}")
    after = driver.parts.picture.last_drawn
    assert before is not None
    assert after is not None
    driver.check(abs(reached - asked) <= (high - low) / 100, f"{name} reached what was asked ({asked:.3f})")
    changed = float(np.abs(after.pixels.astype(np.int16) - before.pixels.astype(np.int16)).mean())
    driver.check(changed > 0.1 or abs(reached) < 1e-6, f"the picture changed with {name}")
    return {"asked": round(asked, 4), "reached": factor.unit.format(reached), "mean_change": round(changed, 2)}


def _compare(driver: Driver) -> None:
    canvas = driver.parts.picture_panel.canvas
    driver.key_down(Qt.Key.Key_B)
    driver.wait(lambda: canvas.comparing, "the picture before the edits")
    driver.shoot("before")
    driver.key_up(Qt.Key.Key_B)
    driver.check(not canvas.comparing, "the comparison ends with the key")
