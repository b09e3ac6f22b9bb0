"""The reconstruct story: held-out pictures through an AVAE, one taken in hand, the way to another, another model."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from latentstudio.errors import StudioError
from latentstudio.pixels import write_png
from latentstudio.stories.driver import Driver, story_window
from latentstudio.stories.report import StoryReport
from latentstudio.tasks.reconstruct import Reconstruction

MODEL, OTHER = "fashion-avae", "fashion-vae"
SECONDS = 120.0


def reconstruct_story(out: Path, model: str | None = None) -> StoryReport:
    """Look at what a model keeps of pictures, take one in hand, walk to another, ask another model, drop a file."""
    with tempfile.TemporaryDirectory() as folder, story_window(out, model=model or MODEL) as driver:
        facts: dict[str, object] = {"model": model or MODEL}
        driver.key("F8")
        first = _wait(driver, "the held-out pictures", lambda result: True)
        driver.settle()
        driver.shoot("held-out")
        facts["errors"] = {version.network: round(version.mean.mse, 4) for version in first.versions}
        _take_in_hand(driver, first)
        _walk(driver, facts)
        others = [name for name in driver.parts.reconstruct_panel.models.names if name != first.model]
        if others:
            _other_model(driver, OTHER if OTHER in others else others[0], facts)
        _drop(driver, Path(folder) / "own.png", facts)
    return StoryReport("reconstruct", tuple(driver.pictures), facts)


def _wait(driver: Driver, what: str, holds: object) -> Reconstruction:
    presenter = driver.parts.reconstruct
    assert callable(holds)
    driver.wait(lambda: presenter.result is not None and not presenter.running and bool(holds(presenter.result)), what,
                seconds=SECONDS)
    if presenter.result is None:
        raise StudioError(f"{what} did not come")
    return presenter.result


def _take_in_hand(driver: Driver, result: Reconstruction) -> None:
    panel = driver.parts.reconstruct_panel
    driver.click(panel.take_button)
    driver.wait(lambda: np.array_equal(driver.view.latent_array().reshape(-1), result.latents[0]), "its latent")
    driver.settle()
    driver.check(driver.view.seed is None, "the reconstruction comes from no seed")


def _walk(driver: Driver, facts: dict[str, object]) -> None:
    """Choose another picture with Shift, and pull the slider half-way."""
    panel = driver.parts.reconstruct_panel
    target = panel.grid.area_of(0, 3).center().toPoint()
    QTest.mouseClick(panel.grid, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, target)
    driver.wait(panel.way.isVisible, "the slider of the way")
    entries, before = len(driver.parts.workspace.history), driver.view.latent
    panel.way.set_value(0.5, silent=False)
    driver.wait(lambda: len(driver.parts.workspace.history) > entries, "the way in the history")
    driver.settle()
    driver.check(driver.view.latent != before, "the latent moved along")
    driver.shoot("half-way")
    facts["way"] = panel.way_words.text()


def _other_model(driver: Driver, name: str, facts: dict[str, object]) -> None:
    """The same pictures by another model."""
    panel = driver.parts.reconstruct_panel
    before = driver.parts.reconstruct.result
    area = panel.models.area_of(name)
    QTest.mouseClick(panel.models, Qt.MouseButton.LeftButton, pos=area.center().toPoint())
    other = _wait(driver, "the other model's answer", lambda result: result.model == name)
    assert before is not None
    driver.check(np.array_equal(before.originals, other.originals), "the pictures are the same")
    facts[name] = {version.network: round(version.mean.mse, 4) for version in other.versions}
    driver.shoot("other-model")


def _drop(driver: Driver, path: Path, facts: dict[str, object]) -> None:
    """A file dropped on the panel is reconstructed, not looked for."""
    presenter, panel = driver.parts.reconstruct, driver.parts.reconstruct_panel
    result = presenter.result
    assert result is not None
    write_png(path, np.kron(result.originals[1], np.ones((3, 3, 1), np.uint8)))
    driver.drop(path, on=panel)
    one = _wait(driver, "the dropped picture", lambda result: len(result.originals) == 1)
    facts["dropped"] = {version.network: round(version.mean.mse, 4) for version in one.versions}
    driver.settle()
    driver.shoot("dropped")
