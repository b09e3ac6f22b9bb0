"""Make the pictures of the README and the thumbnails of the library: strips of the face factors, the window, samples.

    make screenshots
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentstudio import api, pixels
from latentstudio.cli.screen import go_offscreen, has_display
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.tasks.draw import shrink
from latentstudio.tasks.thumbnails import shipped_thumbnail_path

OUT = Path(__file__).resolve().parent.parent / "docs" / "images"
MODEL = "faces-gan"
SEEDS = (84, 129, 37, 101)
HALF = 4
MAGNIFIED = 2
MAP_SIZE = (860, 600)
SCREENS = ((1024, 700, 1.0), (1280, 720, 1.0), (1366, 768, 1.25), (1920, 1080, 1.5), (1920, 1080, 2.0))


def main() -> None:
    """Write all pictures into ``docs/images``; ``--screens`` only those on small screens."""
    OUT.mkdir(parents=True, exist_ok=True)
    if "--on" in sys.argv:
        on_this_screen(Path(sys.argv[-1]))
        return
    for screen in SCREENS:
        print(on_screen(*screen))
    if "--screens" in sys.argv:
        return
    model = api.open_model(MODEL)
    for factor in api.factors_of(model):
        path = OUT / f"faces-{factor.name}.png"
        pixels.write_png(path, strip(model, factor))
        print(path)
    model.close()
    for entry in find_catalogue().models:
        if entry.card is not None and entry.card.first_seeds:
            print(thumbnail(entry.name))
    if not has_display():
        go_offscreen()
    for theme in ("dark", "light"):
        print(window(theme))
        print(map_alone(theme, "Pictures", "brightness"))
    print(map_alone("dark", "Pixel paths", "x"))
    for path in learning():
        print(path)
    print(photo())
    for name, model, picture in (("reconstruct", "faces", "half-way"), ("train", None, "finished"),
                                 ("scene", None, "turned")):
        print(story(name, model, picture))


def strip(model: api.Model, factor: api.Factor) -> NDArray[np.uint8]:
    """One row a seed, one column a step from the low end of that sample's known range over 0 to the high end."""
    pictures = []
    for seed in SEEDS:
        latent = api.sample(model, seed=seed)
        low, high = factor.range_at(latent.reshape(-1))
        steps = np.concatenate([np.linspace(low, 0.0, HALF), np.linspace(0.0, high, HALF)[1:]])
        start = api.View.start(model.card, latent, seed)
        pictures += [api.draw(model, start.with_position(factor.name, float(t))).pixels for t in steps]
    sheet = pixels.grid(np.stack(pictures), columns=2 * HALF - 1)
    return sheet.repeat(MAGNIFIED, axis=0).repeat(MAGNIFIED, axis=1)


def thumbnail(name: str) -> Path:
    """The first sample of a model that everybody may fetch, for its row in the library."""
    model, path = api.open_model(name), shipped_thumbnail_path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    seed = model.card.first_seeds[0]
    session = api.View.start(model.card, api.sample(model, seed=seed), seed)
    pixels.write_png(path, shrink(api.draw(model, session).pixels))
    model.close()
    return path


def window(theme: str) -> Path:
    """The window in the middle of a drag of x, the other sliders moved before."""
    # Qt is loaded only now: where to draw has to be settled first
    from latentstudio.stories.drag import drag_one
    from latentstudio.stories.driver import story_window

    target = OUT / f"window-{theme}.png"
    with tempfile.TemporaryDirectory() as folder, story_window(Path(folder), model=MODEL, theme=theme) as driver:
        driver.wait(lambda: driver.parts.map.data is not None, "the map", seconds=120)
        driver.live(1.0)
        for name in ("y", "scale", "brightness", "x"):
            drag_one(driver, name)
        taken = next(path for path in reversed(driver.pictures) if path.stem.endswith("drag-x"))
        shutil.copyfile(taken, target)
    return target


def on_screen(width: int, height: int, scale: float) -> Path:
    """The window as it comes up on a screen of this size in pixels, scaled so: it has to fit by itself."""
    target = OUT / f"screen-{width}x{height}-{scale:.0%}.png".replace("%", "")
    command = ["xvfb-run", "-a", "-s", f"-screen 0 {width}x{height}x24", sys.executable, __file__, "--on", str(target)]
    environment = {**os.environ, "QT_SCALE_FACTOR": str(scale), "QT_QPA_PLATFORM": "xcb"}
    subprocess.run(command, env=environment, check=True)
    return target


def on_this_screen(target: Path) -> None:
    """The window after a drag, as the screen shows it."""
    # Qt is loaded only now: where to draw has to be settled first
    from PySide6.QtGui import QGuiApplication

    from latentstudio.stories.driver import story_window
    from latentstudio.studio.shell.screens import hold_to_screen

    with tempfile.TemporaryDirectory() as folder, story_window(Path(folder), model="sprites-b10") as driver:
        hold_to_screen(driver.window)
        driver.live(1.0)
        driver.drag("x", 5.0)
        driver.live(0.5)
        screen = QGuiApplication.primaryScreen()
        if not screen.grabWindow(0).save(str(target)):
            raise OSError(f"{target} could not be written")


def learning() -> tuple[Path, Path]:
    """The window while x is learned from the sprites, and its verdict."""
    # Qt is loaded only now: where to draw has to be settled first
    from latentstudio.stories import learn
    from latentstudio.stories.driver import story_window
    from latentstudio.stories.library import own_home

    running, verdict = OUT / "learn-running.png", OUT / "learn-verdict.png"
    with own_home(), tempfile.TemporaryDirectory() as folder, story_window(Path(folder), model=learn.MODEL) as driver:
        learn.choose(driver)
        learn.press_learn(driver)
        shutil.copyfile(driver.shoot("running"), running)
        learn.finish(driver)
        shutil.copyfile(driver.shoot("verdict"), verdict)
    return running, verdict


def photo() -> Path:
    """The photo story's window: the photo left of a line, the tuned model right of it, the card and the sliders."""
    # Qt is loaded only now, as above
    from latentstudio.stories.photo import photo_story

    target = OUT / "photo-dark.png"
    with tempfile.TemporaryDirectory() as folder:
        pictures = photo_story(Path(folder), MODEL).pictures
        shutil.copyfile(next(path for path in pictures if path.stem.endswith("tuned")), target)
    return target


def story(name: str, model: str | None, picture: str) -> Path:
    """One of a story's screenshots, by the end of its file's name."""
    # Qt is loaded only now, as above
    from latentstudio.stories.run import run_story

    target = OUT / f"{name}-dark.png"
    with tempfile.TemporaryDirectory() as folder:
        pictures = run_story(name, Path(folder), model).pictures
        shutil.copyfile(next(path for path in pictures if path.stem.endswith(picture)), target)
    return target


def map_alone(theme: str, view: str, factor: str) -> Path:
    """The map, undocked and large, after a drag of one factor; or the way of the picture under its transformation."""
    # Qt is loaded only now, as above
    from latentstudio.stories.drag import drag_one
    from latentstudio.stories.driver import story_window

    target = OUT / (f"map-{theme}.png" if view == "Pictures" else "map-pixel-paths.png")
    with tempfile.TemporaryDirectory() as folder, story_window(Path(folder), model=MODEL, theme=theme) as driver:
        panel, presenter, docks = driver.parts.map_panel, driver.parts.map, driver.window.docks
        driver.wait(lambda: presenter.data is not None, "the map", seconds=120)
        if view == "Pictures":
            drag_one(driver, factor)
        docks.toggle_floating("map")
        docks.docks["map"].resize(*MAP_SIZE)
        panel.show_choices(view)
        panel.transformation.set_choices((factor,))
        panel.view_chosen.emit(view)
        driver.live(1.0)
        driver.wait(lambda: not driver.parts.runner.jobs and not panel.words.text().startswith("following"), "the rest")
        driver.live(0.5)
        if not panel.grab().save(str(target)):
            raise OSError(f"{target} could not be written")
    return target


if __name__ == "__main__":
    main()
