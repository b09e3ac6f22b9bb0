"""The photo story: a photo is dropped, a slider is dragged while the model gets closer, and the face goes back."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np

from latentstudio.errors import StudioError
from latentstudio.pixels import read_picture, write_png
from latentstudio.stories.drag import drag_one
from latentstudio.stories.driver import Driver, story_window
from latentstudio.stories.report import StoryReport

PHOTO = "astronaut.png"
SECONDS = 300.0


def photo_story(out: Path, model: str | None = None) -> StoryReport:
    """Drop a photo (an astronaut where the model draws faces, else a sample on a grey ground) and play with it."""
    with tempfile.TemporaryDirectory() as folder, story_window(out, model=model or "") as driver:
        opened = driver.parts.desk.current
        assert opened is not None
        path = Path(folder) / PHOTO
        write_png(path, _photo(driver))
        facts: dict[str, object] = {"model": opened.name}
        driver.window.docks.bring_forward("photo")
        driver.shoot("empty")
        driver.wait(lambda: driver.parts.photo.is_ready, "the program to be ready for photos", seconds=SECONDS)
        before = driver.view
        _drop(driver, path, facts)
        _drag_meanwhile(driver, facts)
        _finish(driver, facts)
        _tune(driver, facts)
        _paste_back(driver, Path(folder) / "edited.png", read_picture(path), facts)
        _cancel(driver, facts)
        driver.key("Ctrl+R")
        while driver.view.latent != before.latent:
            left = len(driver.parts.workspace.history)
            driver.key("Ctrl+Z")
            driver.settle()
            driver.check(left > 0, "undo takes the photo back")
        driver.shoot("undone")
    return StoryReport("photo", tuple(driver.pictures), facts)


def _photo(driver: Driver) -> np.ndarray:
    opened = driver.parts.desk.current
    assert opened is not None
    if "face" in opened.name:
        import skimage.data  # it takes half a second, and only this story needs it

        photo: np.ndarray = skimage.data.astronaut()
        return photo
    drawn = driver.parts.picture.last_drawn
    assert drawn is not None
    ground = np.full((320, 480, 3), 0, np.uint8)
    ground[32:288, 112:368] = np.kron(drawn.pixels, np.ones((4, 4, 1), np.uint8))[:256, :256]
    return ground


def _drop(driver: Driver, path: Path, facts: dict[str, object]) -> None:
    photo = driver.parts.photo
    began, painted = time.perf_counter(), driver.parts.picture.last_painted
    driver.drop(path)
    driver.wait(lambda: photo.best is not None and driver.parts.picture.last_painted > painted, "the model's version",
                seconds=SECONDS)
    facts["first_picture_ms"] = round(1000 * (time.perf_counter() - began))
    facts["began"] = began


def _drag_meanwhile(driver: Driver, facts: dict[str, object]) -> None:
    """Drag the first slider while the model is still getting closer."""
    opened = driver.parts.desk.current
    assert opened is not None
    running = driver.parts.photo.running
    driver.window.docks.bring_forward("factors")
    name = opened.factors.names[0]
    driver.wait(driver.card(name).slider.isVisible, "the sliders")
    driver.parts.picture.times.clear()
    drag_one(driver, name)
    ages = [1000 * painted.age for painted in driver.parts.picture.times]
    facts["dragged_while_running"] = running
    facts["age_p95_ms"] = round(float(np.percentile(ages, 95)), 1) if ages else 0.0
    driver.window.docks.bring_forward("photo")


def _finish(driver: Driver, facts: dict[str, object]) -> None:
    photo = driver.parts.photo
    driver.wait(lambda: not photo.running and photo.concluded is not None, "the end", seconds=SECONDS)
    began = facts.pop("began")
    assert isinstance(began, float)
    facts["seconds"] = round(time.perf_counter() - began, 1)
    concluded = photo.concluded
    if concluded is None:
        raise StudioError("the inversion ended without a result")
    facts["mse"] = round(concluded.inversion.mse, 4)
    facts["words"] = driver.parts.photo_panel.title.text()
    driver.settle()
    driver.check(bool(driver.view.positions), "the edits stay on top")
    driver.shoot("card")


def _tune(driver: Driver, facts: dict[str, object]) -> None:
    """Let the weights learn the photo; the sliders stay where they stand."""
    photo, panel = driver.parts.photo, driver.parts.photo_panel
    began = time.perf_counter()
    driver.click(panel.tune_button)
    driver.check(photo.running, "Tune starts a job")
    driver.wait(lambda: not photo.running and bool(photo.extras.tuning), "the tuned model", seconds=SECONDS)
    driver.wait(lambda: driver.view.tuning == photo.extras.tuning, "its picture")
    driver.settle()
    facts["tuning_seconds"] = round(time.perf_counter() - began, 1)
    facts["tuned"] = panel.tuned_words.text()
    driver.click(panel.line)
    driver.check(driver.parts.picture_panel.canvas.line is not None, "the photo stands left of the line")
    driver.settle()
    driver.shoot("tuned")
    panel.line.click()


def _cancel(driver: Driver, facts: dict[str, object]) -> None:
    """Try again, and cancel in the middle; the best so far is kept."""
    photo, panel = driver.parts.photo, driver.parts.photo_panel
    entries = len(driver.parts.workspace.history)
    driver.click(panel.again_button)
    driver.wait(lambda: photo.running and photo.best is not None, "the second run", seconds=SECONDS)
    began = time.perf_counter()
    photo.cancel()
    driver.wait(lambda: not photo.running, "the end of it")
    facts["cancel_ms"] = round(1000 * (time.perf_counter() - began))
    driver.wait(lambda: len(driver.parts.workspace.history) > entries, "the best so far in the history")


def _paste_back(driver: Driver, target: Path, photo: np.ndarray, facts: dict[str, object]) -> None:
    driver.parts.photo.request_paste_back(target)
    driver.wait(target.is_file, "the photo with the face back in it")
    pasted = read_picture(target)
    driver.check(pasted.shape == photo.shape, "the photo keeps its size")
    changed = (pasted.astype(int) - photo).any(axis=2)
    facts["changed_share"] = round(float(changed.mean()), 3)
    driver.check(0.0 < float(changed.mean()) < 0.9, "only the frame changes")
