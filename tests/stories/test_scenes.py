"""A scene model in the real window: it opens in its own workspace, and its boxes lie on the picture."""

from __future__ import annotations

from PySide6.QtGui import QImage

from latentstudio.stories.driver import story_window


def test_scenes_opens_in_its_own_panel_with_its_boxes_on_the_picture(tmp_path, qapp):
    with story_window(tmp_path / "shots", model="scenes") as driver:
        parts, docks = driver.parts, driver.window.docks
        boxes, panel = parts.picture_panel.canvas.boxes, parts.scene_panel
        assert docks.workspace == "Scene"
        assert docks.is_seen("scene")
        if boxes.scene is None:
            assert panel.message.text() == "Finding the objects…"
            assert panel.introduction.isHidden()
        driver.wait(lambda: boxes.scene is not None, "the boxes")
        driver.wait(lambda: parts.status_line.state_text == "Ready", "the end of the waiting")
        assert panel.message.isHidden()
        assert panel.objects.names == tuple(str(number) for number in range(1, len(boxes.scene.objects) + 1))
        with_boxes = QImage(str(driver.shoot("boxes")))
        scene, boxes.scene = boxes.scene, None
        parts.picture_panel.canvas.update()
        assert QImage(str(driver.shoot("without"))) != with_boxes
        boxes.scene = scene
