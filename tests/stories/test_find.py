"""Finding sliders in the real window: the job runs in the worker beside the pictures, and what is kept is a card."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from latentstudio.factors import Factor, MeasuredCalibration, MonotoneCurve
from latentstudio.factors.finding import NOT_FOUND, Finding, FindStep
from latentstudio.stories.driver import Driver, story_window
from latentstudio.units import DEGREES

MODEL = "story-model"
MOSAIC = np.full((128, 768, 3), 120, dtype=np.uint8)


@pytest.fixture
def driver(story_home, tmp_path, qapp):
    with story_window(tmp_path / "shots", model=MODEL) as made:
        yield made


def find_rotation(model, names):
    """Finds a rotation at once, and goes on looking until it is cancelled."""
    p = np.linspace(-3.0, 3.0, 13)
    measured = MeasuredCalibration(p, 5 * p, np.full(13, 0.5), (-3.0, 3.0))
    axis = np.eye(10, dtype=np.float32)[4]
    made = Factor("rotation", "counter-clockwise", DEGREES, axis, MonotoneCurve(p, 5 * p), measured, MODEL,
                  model.card.weights_sha256)
    findings = (Finding("x", None, NOT_FOUND, "nothing moves"), Finding("rotation", made, "A", made.describe()))
    yield FindStep(0.1, "x: trying", MOSAIC, {}, (), "x")
    pace = threading.Event()
    while not pace.wait(0.02):
        yield FindStep(0.5, "scale: trying", MOSAIC, {}, findings, "scale")


def test_sliders_are_found_while_others_move_and_the_kept_one_gets_a_card(driver: Driver, monkeypatch):
    parts = driver.parts
    monkeypatch.setattr("latentstudio.tasks.factors.find_steps", find_rotation)
    panel = parts.find_panel
    driver.click(parts.factors_panel.find_link)
    driver.wait(lambda: driver.window.docks.is_seen("learn"), "the learning panel")
    driver.wait(panel.cancel_button.isVisible, "the search, which begins by itself")
    driver.wait(lambda: "rotation" in panel.rows, "the first findings")
    assert panel.mosaic.isVisible()
    driver.key("Ctrl+2")
    driver.wait(lambda: driver.window.docks.is_seen("factors"), "the factors")
    driver.drag("x", 3.0)
    assert parts.find.running, "a slider moved while the search went on"
    driver.window.menus.actions["find_sliders"].trigger()
    driver.wait(panel.cancel_button.isVisible, "the card again")
    driver.click(panel.cancel_button)
    driver.wait(lambda: not parts.find.running, "the end")
    assert panel.ticked == ("rotation",)
    driver.click(panel.keep_button)
    driver.wait(lambda: "rotation" in parts.factors_panel.cards, "the new slider")
