"""Boxes under the mouse and the keys, the list in step with them, and every edit an entry of the history."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from latentstudio.errors import UsageError
from latentstudio.inversion.photos import Photo
from latentstudio.scenes.boxes import TURN, place_of
from latentstudio.scenes.scene import Scene, SceneObject
from latentstudio.studio.canvas.view import Canvas
from latentstudio.studio.scene import presenter as module
from latentstudio.studio.scene.panel import ScenePanel
from latentstudio.studio.scene.presenter import ScenePresenter
from latentstudio.tasks.scene import TakenApart, TakenApartStep

LEFT = Qt.MouseButton.LeftButton
SHIFT, ALT, NONE = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.AltModifier, Qt.KeyboardModifier.NoModifier
SCENE = Scene("one", "", 64, 64, (0.5,), (
    SceneObject(16.0, 20.0, 16.0, 12.0, depth=0.0, latent=(1.0,)),
    SceneObject(44.0, 40.0, 20.0, 16.0, depth=1.0, latent=(2.0,)),
))


@pytest.fixture
def canvas(qtbot):
    view = Canvas()
    qtbot.addWidget(view)
    view.resize(640, 640)
    view.show_picture(np.zeros((64, 64, 3), np.uint8), 1)
    view.show()
    qtbot.waitExposed(view)
    view.boxes.set_scene(SCENE)
    return view


def at(canvas, place):
    return QPointF(*canvas.viewport.to_window(place[0] + 0.5, place[1] + 0.5)).toPoint()


def pull(canvas, start, to, modifier=NONE):
    QTest.mousePress(canvas, LEFT, modifier, start)
    event_at = QPointF(to)
    QApplication.sendEvent(canvas, QMouseEvent(QEvent.Type.MouseMove, event_at, canvas.mapToGlobal(event_at),
                                               Qt.MouseButton.NoButton, LEFT, modifier))
    QTest.mouseRelease(canvas, LEFT, modifier, to)


def test_the_inside_moves_a_box_by_what_the_hand_moved(canvas, qtbot):
    with qtbot.waitSignal(canvas.boxes.settled) as caught:
        pull(canvas, at(canvas, (16, 20)), at(canvas, (26, 15)))
    scene, words = caught.args
    assert (scene.objects[0].x, scene.objects[0].y) == pytest.approx((26, 15), abs=0.1)
    assert scene.objects[1] == SCENE.objects[1]
    assert words == "object 1 moved"
    assert canvas.boxes.selection == (0,)


@pytest.mark.parametrize(("handle", "modifier", "size", "centre"), [
    ("se", NONE, (26, 18), (21, 23)), ("e", NONE, (26, 12), (21, 20)), ("se", ALT, (36, 24), (16, 20)),
])
def test_handles_of_the_chosen_box_resize_it(canvas, qtbot, handle, modifier, size, centre):
    canvas.boxes.choose((0,))
    start = at(canvas, place_of(SCENE.objects[0], handle))
    with qtbot.waitSignal(canvas.boxes.settled) as caught:
        pull(canvas, start, start + QPoint(100, 60), modifier)
    one = caught.args[0].objects[0]
    assert (one.width, one.height) == pytest.approx(size, abs=0.2)
    assert (one.x, one.y) == pytest.approx(centre, abs=0.2)


def test_the_knob_turns_and_the_cursor_tells_what_a_press_does(canvas, qtbot):
    canvas.boxes.choose((0,))
    one = SCENE.objects[0]
    shapes = {handle: canvas.boxes.cursor_at(QPointF(at(canvas, place_of(one, handle))), canvas.viewport)
              for handle in ("e", "se", TURN)}
    assert shapes == {"e": Qt.CursorShape.SizeHorCursor, "se": Qt.CursorShape.SizeFDiagCursor,
                      TURN: Qt.CursorShape.PointingHandCursor}
    knob = at(canvas, place_of(one, TURN))
    with qtbot.waitSignal(canvas.boxes.settled) as caught:
        pull(canvas, knob, at(canvas, (16 - 12, 20)))
    assert caught.args[0].objects[0].angle_deg == pytest.approx(90.0, abs=2.0)


def test_a_box_cannot_be_dragged_off_the_picture(canvas, qtbot):
    with qtbot.waitSignal(canvas.boxes.settled) as caught:
        pull(canvas, at(canvas, (16, 20)), QPoint(-4000, 9000))
    one = caught.args[0].objects[0]
    assert (one.x, one.y) == (0.0, 63.0)


def test_arrows_move_by_pixels_and_a_run_is_one_edit(canvas, qtbot):
    canvas.setFocus()
    canvas.boxes.choose((1,))
    with qtbot.waitSignal(canvas.boxes.settled, timeout=3000) as caught:
        QTest.keyClick(canvas, Qt.Key.Key_Right)
        QTest.keyClick(canvas, Qt.Key.Key_Up, SHIFT)
    one = caught.args[0].objects[1]
    assert (one.x, one.y) == (45.0, 30.0)


def test_tab_goes_round_and_escape_lets_go(canvas):
    canvas.setFocus()
    chosen = []
    canvas.boxes.chosen.connect(chosen.append)
    for _ in range(3):
        QTest.keyClick(canvas, Qt.Key.Key_Tab)
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert chosen == [(0,), (1,), (0,), ()]


def test_shift_and_click_choose_several_that_move_together(canvas, qtbot):
    QTest.mouseClick(canvas, LEFT, NONE, at(canvas, (16, 20)))
    QTest.mouseClick(canvas, LEFT, SHIFT, at(canvas, (44, 40)))
    assert canvas.boxes.selection == (0, 1)
    with qtbot.waitSignal(canvas.boxes.settled) as caught:
        pull(canvas, at(canvas, (44, 40)), at(canvas, (47, 40)))
    scene, words = caught.args
    assert [one.x for one in scene.objects] == pytest.approx([19, 47], abs=0.1)
    assert words == "2 objects moved"


def test_a_locked_box_stays(canvas, qtbot):
    locked = SCENE.with_object(0, replace(SCENE.objects[0], locked=True))
    canvas.boxes.set_scene(locked)
    with qtbot.assertNotEmitted(canvas.boxes.settled, wait=20):
        pull(canvas, at(canvas, (16, 20)), at(canvas, (30, 30)))
    assert canvas.boxes.scene == locked
    point = QPointF(at(canvas, (16, 20)))
    assert canvas.boxes.cursor_at(point, canvas.viewport) == Qt.CursorShape.ForbiddenCursor


def test_the_wheel_over_a_chosen_box_scales_it_and_elsewhere_zooms(canvas, qtbot):
    canvas.boxes.choose((1,))

    def turn(place):
        point = QPointF(at(canvas, place))
        QApplication.sendEvent(canvas, QWheelEvent(
            point, canvas.mapToGlobal(point), QPoint(), QPoint(0, 120), Qt.MouseButton.NoButton, NONE,
            Qt.ScrollPhase.NoScrollPhase, False))

    before = canvas.viewport.scale
    with qtbot.waitSignal(canvas.boxes.settled, timeout=3000) as caught:
        turn((44, 40))
    assert caught.args[0].objects[1].width > 20.0
    assert canvas.viewport.scale == before
    turn((4, 60))
    assert canvas.viewport.scale > before


def test_beside_the_boxes_the_canvas_is_as_ever(canvas):
    QTest.mouseClick(canvas, LEFT, NONE, at(canvas, (16, 20)))
    QTest.mouseClick(canvas, LEFT, NONE, at(canvas, (2, 60)))
    assert canvas.boxes.selection == ()
    canvas.boxes.set_scene(None)
    assert not canvas.boxes.active
    assert canvas.boxes.cursor_at(QPointF(300, 300), canvas.viewport) is None


@pytest.fixture
def scenes(desk, worker, canvas, qtbot, monkeypatch):
    """The presenter, with a model that knows objects."""
    panel = ScenePanel()
    qtbot.addWidget(panel)
    canvas.boxes.set_scene(None)
    knows = {"one"}
    monkeypatch.setattr(module, "knows_objects", lambda model: model.card.name in knows)
    monkeypatch.setattr("latentstudio.tasks.decompose.unfold", lambda opened, view: SCENE)
    monkeypatch.setattr("latentstudio.tasks.decompose.another_look", lambda opened, seed: (float(seed), 9.0))
    monkeypatch.setattr("latentstudio.tasks.decompose.another_background", lambda opened, seed: (7.0,))
    sheet = np.zeros((8, 24, 3), np.uint8)
    monkeypatch.setattr("latentstudio.tasks.decompose.layer_sheet", lambda opened, scene: sheet)
    presenter = ScenePresenter(desk, panel, canvas.boxes)
    desk.request_model("one")
    worker.work()
    worker.work()
    return SimpleNamespace(presenter=presenter, panel=panel, editor=canvas.boxes)


def scene_of(desk):
    return desk.workspace.view.scene


def test_a_plain_sample_shows_its_boxes_and_the_first_edit_makes_a_scene_of_it(desk, worker, scenes):
    assert scenes.editor.scene == SCENE
    assert scene_of(desk) is None
    assert scenes.panel.objects.names == ("1", "2")
    assert scenes.panel.objects.current == "", "nothing is chosen yet"
    scenes.panel.object_chosen.emit(1)
    assert scenes.editor.selection == (1,)
    entries = len(desk.workspace.history)
    scenes.presenter.duplicate()
    assert len(scene_of(desk).objects) == 3
    assert len(desk.workspace.history) == entries + 1
    assert scenes.editor.selection == (2,)
    desk.workspace.undo()
    worker.work()
    assert scenes.editor.scene == SCENE
    assert scene_of(desk) is None


def test_copy_paste_delete_lock_front_and_back(desk, scenes):
    presenter, editor = scenes.presenter, scenes.editor
    assert not presenter.paste()
    editor.choose((0,))
    assert presenter.copy()
    assert presenter.paste()
    assert [one.latent for one in scene_of(desk).objects] == [(1.0,), (2.0,), (1.0,)]
    presenter.to_front()
    assert scene_of(desk).objects[2].depth == 2.0
    presenter.to_back()
    assert scene_of(desk).objects[2].depth == -1.0
    presenter.toggle_lock()
    presenter.delete()
    assert len(scene_of(desk).objects) == 3, "a locked object stays"
    presenter.toggle_lock()
    presenter.delete()
    assert len(scene_of(desk).objects) == 2


def test_looks_are_swapped_and_drawn_anew(desk, worker, scenes):
    scenes.editor.choose((0, 1))
    scenes.presenter.swap_looks()
    assert [one.latent for one in scene_of(desk).objects] == [(2.0,), (1.0,)]
    assert [one.x for one in scene_of(desk).objects] == [16.0, 44.0]
    scenes.editor.choose((1,))
    scenes.presenter.request_look()
    worker.work()
    assert scene_of(desk).objects[1].latent == (1.0, 9.0)
    scenes.presenter.request_background()
    worker.work()
    assert scene_of(desk).background == (7.0,)


@pytest.mark.parametrize(("name", "text", "value"), [
    ("x", "20", 20.0), ("angle", "\N{MINUS SIGN}45°", -45.0), ("width", "500", 128.0), ("depth", "2,5", 2.5),
])
def test_numbers_are_typed(desk, scenes, name, text, value):
    scenes.editor.choose((0,))
    edit = scenes.panel.edits[name]
    edit.setText(text)
    edit.setModified(True)
    edit.editingFinished.emit()
    assert getattr(scene_of(desk).objects[0], "angle_deg" if name == "angle" else name) == value


@pytest.mark.parametrize(("name", "text", "said"), [("width", "-3", "a size above 0"), ("x", "left", "is no number"),
                                                   ("depth", "nan", "ordinary number")])
def test_a_number_that_is_none_is_said_and_changes_nothing(desk, scenes, name, text, said):
    scenes.editor.choose((0,))
    edit = scenes.panel.edits[name]
    edit.setText(text)
    edit.setModified(True)
    edit.editingFinished.emit()
    assert said in scenes.panel.message.text()
    assert scene_of(desk) is None


def test_a_drag_is_shown_live_and_kept_once(desk, scenes):
    entries = len(desk.workspace.history)
    scenes.editor.choose((0,))
    moved = SCENE.with_object(0, SCENE.objects[0].moved(3, 0))
    scenes.editor.edited.emit(moved)
    assert scene_of(desk) == moved
    assert len(desk.workspace.history) == entries
    assert scenes.panel.title.text() == "Object 1"
    scenes.editor.settled.emit(moved, "object 1 moved")
    assert len(desk.workspace.history) == entries + 1


def test_a_dropped_picture_is_taken_apart_in_one_entry(desk, worker, scenes, monkeypatch, qtbot):
    found = Scene("one", "", 100, 80, (0.5,), (SceneObject(50, 40, 10, 10, latent=(1.0,)),))
    seen = SimpleNamespace(scene=found, notes=("it was resized",))
    last = TakenApartStep(1.0, "taken apart", result=TakenApart(seen, "facts"))
    monkeypatch.setattr("latentstudio.tasks.decompose.take_apart", lambda model, photo: iter([last]))
    with qtbot.waitSignal(scenes.presenter.taken):
        scenes.presenter.take("desk.jpg", Photo(np.zeros((80, 100, 3), np.uint8)))
        worker.run_jobs()
    assert scene_of(desk) == found
    assert scenes.panel.message.text() == "It was resized."
    assert scenes.panel.facts.text() == "facts"
    assert desk.workspace.history.current_entry.label == "photo desk.jpg"


def test_a_scene_of_another_model_is_told(desk, scenes):
    said = []
    desk.noticed.connect(said.append)
    scenes.presenter.take_scene("a", replace(SCENE, model="other"))
    assert "made with other" in said[-1].sentence
    scenes.presenter.take_scene("a", SCENE)
    assert scene_of(desk) == SCENE


def test_leaving_the_model_takes_the_boxes_away(desk, worker, scenes):
    scenes.editor.choose((0,))
    desk.request_model("two")
    worker.work()
    assert scenes.editor.scene is None
    assert not scenes.panel.body.isVisible()
    assert not scenes.presenter.active


def test_a_failure_is_told(desk, worker, scenes, monkeypatch):
    def fails(opened, photo):
        raise UsageError("it cannot be taken apart")

    said = []
    desk.noticed.connect(said.append)
    monkeypatch.setattr("latentstudio.tasks.decompose.take_apart", fails)
    scenes.presenter.take("a.png", Photo(np.zeros((8, 8, 3), np.uint8)))
    worker.run_jobs()
    assert "cannot be taken apart" in said[-1].sentence


def test_a_scene_and_its_layers_are_not_written_over_what_was_dropped(desk, worker, scenes, tmp_path, monkeypatch):
    black = (np.zeros((8, 8, 3), np.uint8), np.zeros((0, 8, 8, 4), np.uint8))
    monkeypatch.setattr("latentstudio.tasks.decompose.layers", lambda model, scene: black)
    dropped, layer, told = tmp_path / "scene.json", tmp_path / "background.png", []
    layer.write_bytes(b"somebody's")
    desk.noticed.connect(told.append)
    scenes.presenter.request_export(dropped)
    worker.work()
    before = dropped.read_bytes()
    desk.took_in(dropped)
    desk.took_in(layer)
    for ask, path in ((scenes.presenter.request_export, dropped), (scenes.presenter.request_layers, tmp_path),
                      (scenes.presenter.request_export, tmp_path / "other.json")):
        ask(path)
        worker.work()
    assert [notice.kind for notice in told] == ["good", "bad", "bad", "good"]
    assert all("is read here" in notice.sentence for notice in told[1:3])
    assert (dropped.read_bytes(), layer.read_bytes()) == (before, b"somebody's")
