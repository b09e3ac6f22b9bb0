"""The scene story: a picture is taken apart, its objects are dragged, resized, turned, copied, a new scene is made."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest

from latentstudio.pixels import write_png
from latentstudio.scenes.boxes import INSIDE, TURN, place_of
from latentstudio.scenes.making import make_scene
from latentstudio.scenes.scene import Scene
from latentstudio.stories.driver import Driver, story_window
from latentstudio.stories.report import StoryReport

MODEL = "scenes"
SECONDS = 120.0
SEED = 10_000_003
STEPS = 24
LEFT = Qt.MouseButton.LeftButton


def scene_story(out: Path, model: str | None = None) -> StoryReport:
    """Drop a picture with objects and take them in the hand."""
    with tempfile.TemporaryDirectory() as folder, story_window(out, model=model or MODEL) as driver:
        facts: dict[str, object] = {"model": model or MODEL}
        driver.key("F9")
        scene = driver.parts.scene
        driver.wait(lambda: scene.scene is not None, "the boxes of the first sample", seconds=SECONDS)
        driver.settle()
        driver.shoot("sample")
        made = make_scene("flat", SEED)
        path = Path(folder) / "objects.png"
        write_png(path, made.picture)
        began = time.perf_counter()
        driver.drop(path)
        driver.wait(lambda: driver.view.scene is not None, "the picture taken apart", seconds=SECONDS)
        facts["taken_apart_ms"] = round(1000 * (time.perf_counter() - began))
        facts["objects"], facts["true_objects"] = len(_scene(driver).objects), len(made.objects)
        driver.settle()
        driver.shoot("taken-apart")
        _drag(driver, facts)
        _resize_and_turn(driver)
        _copy_and_delete(driver)
        _type_a_number(driver)
        entries = len(driver.parts.workspace.history)
        driver.click(driver.parts.scene_panel.new_button)
        driver.wait(lambda: len(driver.parts.workspace.history) > entries and driver.view.scene is None, "a scene")
        driver.settle()
        driver.shoot("new-scene")
    return StoryReport("scene", tuple(driver.pictures), facts)


def _scene(driver: Driver) -> Scene:
    scene = driver.parts.scene.scene
    assert scene is not None
    return scene


def _window_point(driver: Driver, place: tuple[float, float]) -> QPoint:
    """A place of the scene on the canvas widget."""
    canvas, scene = driver.parts.picture_panel.canvas, _scene(driver)
    left, top, side = scene.square
    factor = canvas.viewport.columns / side
    point = canvas.viewport.to_window((place[0] - left + 0.5) * factor, (place[1] - top + 0.5) * factor)
    return QPointF(*point).toPoint()


def _pull(driver: Driver, start: QPoint, to: QPoint) -> None:
    """Press, move in small steps while the window lives, release."""
    canvas = driver.parts.picture_panel.canvas
    QTest.mousePress(canvas, LEFT, pos=start)
    for step in range(1, STEPS + 1):
        share = step / STEPS
        QTest.mouseMove(canvas, QPoint(round(start.x() + share * (to.x() - start.x())),
                                       round(start.y() + share * (to.y() - start.y()))))
        driver.live(0.016)
    QTest.mouseRelease(canvas, LEFT, pos=to)
    driver.settle()


def _drag(driver: Driver, facts: dict[str, object]) -> None:
    """Drag the first object ten pixels to the side where there is room; its picture follows, and nothing else moves."""
    scene = _scene(driver)
    sizes = [one.width * one.height for one in scene.objects]
    index = int(np.argmax(sizes))
    one = scene.objects[index]
    away = 10.0 if one.x < scene.width / 2 else -10.0
    driver.parts.picture_panel.canvas.boxes.choose((index,))  # where boxes overlap, the chosen one is taken
    driver.parts.picture.times.clear()
    entries = len(driver.parts.workspace.history)
    _pull(driver, _window_point(driver, (one.x, one.y)), _window_point(driver, (one.x + away, one.y)))
    times = list(driver.parts.picture.times)
    moved = _scene(driver).objects[index]
    driver.check(abs(moved.x - one.x - away) < 0.6, f"the object moved by {away} px (it went {moved.x - one.x:.2f})")
    driver.check(len(driver.parts.workspace.history) == entries + 1, "a drag is one entry of the history")
    ages = sorted(1000 * painted.age for painted in times)
    facts["age_p95_ms"] = round(ages[int(0.95 * (len(ages) - 1))], 1)
    facts["pictures_a_second"] = round((len(times) - 1) / max(1e-6, times[-1].painted - times[0].painted), 1)
    driver.shoot("dragged")


def _resize_and_turn(driver: Driver) -> None:
    """Pull a corner, and turn by the knob, of the object that is chosen."""
    editor = driver.parts.picture_panel.canvas.boxes
    index = editor.selection[0]
    one = _scene(driver).objects[index]
    start = _window_point(driver, place_of(one, "se"))
    _pull(driver, start, start + QPoint(30, 20))
    grown = _scene(driver).objects[index]
    driver.check((grown.width, grown.height) != (one.width, one.height), "a corner changes the size")
    start = _window_point(driver, place_of(grown, TURN))
    centre = _window_point(driver, place_of(grown, INSIDE))
    _pull(driver, start, centre + QPoint(start.y() - centre.y(), centre.x() - start.x()))
    turned = _scene(driver).objects[index]
    driver.check(abs(turned.angle_deg - grown.angle_deg) > 5.0, "the knob turns the object")
    driver.shoot("turned")


def _copy_and_delete(driver: Driver) -> None:
    count = len(_scene(driver).objects)
    driver.key("Ctrl+D")
    driver.wait(lambda: len(_scene(driver).objects) == count + 1, "the copy")
    driver.key("Del")
    driver.wait(lambda: len(_scene(driver).objects) == count, "its end")
    driver.key("Ctrl+Z")
    driver.wait(lambda: len(_scene(driver).objects) == count + 1, "undo")
    driver.settle()


def _type_a_number(driver: Driver) -> None:
    """Type a position; the box stands there."""
    canvas = driver.parts.picture_panel.canvas
    canvas.boxes.choose((0,))
    edit = driver.parts.scene_panel.edits["x"]
    driver.wait(edit.isVisible, "the numbers")
    edit.setFocus()
    edit.selectAll()
    QTest.keyClicks(edit, "20")
    QTest.keyClick(edit, Qt.Key.Key_Return)
    driver.wait(lambda: _scene(driver).objects[0].x == 20.0, "the object at 20 px")
    driver.settle()
