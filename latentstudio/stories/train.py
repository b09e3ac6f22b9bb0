"""The train story: a folder of pictures, a small recipe, a run that is paused, stopped, taken up again and opened."""

from __future__ import annotations

import shutil
import tempfile
import time
from pathlib import Path

from latentstudio.pixels import to_bytes, write_png
from latentstudio.places import user_models
from latentstudio.stories.drag import drag_one
from latentstudio.stories.driver import Driver, story_window
from latentstudio.stories.report import StoryReport
from latentstudio.studio.widgets.base import Link
from latentstudio.training.runs import read_run, recipe_values, runs_folder

NAME = "story-model"
SECONDS = 180.0
PICTURES = 48
RECIPE = f"""name = "{NAME}"
method = "vae"
backend = "avae"
data = ""
steps = 1200
batch = 16
learning_rate = 1e-3
checkpoint_every = 400

[config]
side = 32
channels = 3
latent_size = 8
width = 8
parts = ["encoder", "decoder"]

[card]
title = "A small VAE"
"""


def train_story(out: Path, model: str | None = None) -> StoryReport:
    """Train a small model on a folder of pictures from the window, while its sliders go on answering."""
    _forget()
    try:
        return _played(out, model)
    finally:
        _forget()


def _forget() -> None:
    """The story's run and model are nobody's: they go before and after it."""
    for folder in (runs_folder() / NAME, user_models() / NAME):
        shutil.rmtree(folder, ignore_errors=True)


def _played(out: Path, model: str | None) -> StoryReport:
    with tempfile.TemporaryDirectory() as folder, story_window(out, model=model or "sprites-b10") as driver:
        facts: dict[str, object] = {}
        _pictures(driver, Path(folder))
        driver.window.docks.bring_forward("train")
        panel, train = driver.parts.train_panel, driver.parts.train
        driver.wait(panel.name.isVisible, "the panel")
        driver.shoot("empty")
        panel.text.setPlainText(RECIPE)
        train.use_folder(Path(folder))
        driver.check(recipe_values(panel.text.toPlainText())["data"] == folder, "the folder stands in the recipe")
        _start(driver, facts)
        _pause(driver)
        _drag_meanwhile(driver, facts)
        _stop_and_go_on(driver, facts)
        driver.wait(panel.run.open_button.isVisible, "the finished model", seconds=SECONDS)
        driver.settle()
        driver.shoot("finished")
        driver.click(panel.run.open_button)
        driver.wait(lambda: driver.view.model == NAME, "the new model on the canvas", seconds=SECONDS)
        driver.settle()
        driver.shoot("opened")
    return StoryReport("train", tuple(driver.pictures), facts)


def _pictures(driver: Driver, folder: Path) -> None:
    """Pictures to learn from: samples of the model that is open."""
    opened = driver.parts.desk.current
    assert opened is not None
    from latentstudio.latents import sample_prior

    space = opened.model.card.spaces[0]
    for number in range(PICTURES):
        picture = to_bytes(opened.model.pictures(sample_prior(space, count=1, seed=number)))[0]
        write_png(folder / f"{number:03d}.png", picture)


def _step(driver: Driver) -> int:
    words = driver.parts.train_panel.run.message.text().split(" of ")[0].removeprefix("step ").replace(",", "")
    return int(words) if words.isdecimal() else 0


def _start(driver: Driver, facts: dict[str, object]) -> None:
    panel = driver.parts.train_panel
    began = time.perf_counter()
    driver.click(panel.start_button)
    driver.wait(lambda: _step(driver) > 0 or bool(panel.mistake.text()), "the first steps", seconds=SECONDS)
    driver.check(not panel.mistake.text(), f"the run began ({panel.mistake.text()})")
    facts["first_losses_seconds"] = round(time.perf_counter() - began, 1)


def _pause(driver: Driver) -> None:
    panel = driver.parts.train_panel
    driver.click(panel.run.pause_button)
    driver.check(driver.parts.train.process.paused, "the run is paused")
    driver.live(0.3)
    driver.check(panel.run.message.text() == "paused", "the panel says so")
    driver.click(panel.run.pause_button)
    driver.wait(lambda: _step(driver) > 0, "the run goes on", seconds=SECONDS)


def _drag_meanwhile(driver: Driver, facts: dict[str, object]) -> None:
    """The sliders answer while the other process trains."""
    opened = driver.parts.desk.current
    assert opened is not None
    driver.window.docks.bring_forward("factors")
    name = opened.factors.names[0]
    driver.wait(driver.card(name).slider.isVisible, "the sliders")
    driver.parts.picture.times.clear()
    drag_one(driver, name)
    ages = sorted(1000 * painted.age for painted in driver.parts.picture.times)
    facts["age_p95_ms"] = round(ages[int(0.95 * (len(ages) - 1))], 1) if ages else 0.0
    driver.window.docks.bring_forward("train")


def _stop_and_go_on(driver: Driver, facts: dict[str, object]) -> None:
    panel, train = driver.parts.train_panel, driver.parts.train
    if not train.process.running:
        return
    driver.wait(lambda: not panel.run.samples.is_empty, "samples", seconds=SECONDS)
    driver.shoot("running")
    began = time.perf_counter()
    driver.click(panel.run.stop_button)
    driver.wait(lambda: not train.process.running, "the end of the run", seconds=SECONDS)
    facts["stop_seconds"] = round(time.perf_counter() - began, 1)
    driver.wait(lambda: bool(_links(driver)) or panel.run.open_button.isVisible(), "the unfinished run")
    if _links(driver):
        driver.shoot("stopped")
        assert train.run is not None
        facts["stopped_at"] = read_run(train.run.folder).step
        driver.click(_links(driver)[0])
        driver.check(train.process.running, "the run goes on")


def _links(driver: Driver) -> list[Link]:
    """The links that let an unfinished run go on."""
    area = driver.parts.train_panel.unfinished
    return [link for link in area.findChildren(Link) if link.isVisible()]
