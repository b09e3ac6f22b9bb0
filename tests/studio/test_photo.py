"""The photo panel: the frame in the hand, one inversion at a time, edits on top, one entry of the history."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from latentstudio.document.origin import Origin
from latentstudio.document.picture_recipe import has_recipe
from latentstudio.errors import PictureError
from latentstudio.files import write_whole
from latentstudio.generators.conditions import Conditions
from latentstudio.inversion.cropping import Placed
from latentstudio.inversion.frames import Frame, corners_of, dragged, held_in
from latentstudio.inversion.photo_store import PhotoPlace
from latentstudio.inversion.photos import Photo
from latentstudio.inversion.results import LikenessStep, TuningStep
from latentstudio.steps import Step
from latentstudio.studio.photo import extras as extras_module
from latentstudio.studio.photo import presenter as photo_module
from latentstudio.studio.photo.frame import PhotoFrame
from latentstudio.studio.photo.panel import PhotoPanel
from latentstudio.studio.photo.presenter import PhotoPresenter
from latentstudio.tasks.photo import Concluded, Framed, PhotoStep, facts_of, title_of
from latentstudio.tasks.read_file import read_file

LEFT = Qt.MouseButton.LeftButton
PLACES = st.floats(-500, 500)
FRAMES = st.builds(Frame, PLACES, PLACES, st.floats(8, 400), st.floats(-179, 179))


@given(FRAMES)
def test_corners_lie_around_the_centre_and_the_first_is_the_upper_left_one(frame):
    corners = corners_of(frame)
    assert corners.mean(axis=0) == pytest.approx([frame.x, frame.y], abs=1e-6)
    assert np.hypot(*(corners[1] - corners[0])) == pytest.approx(frame.size)
    upright = corners_of(Frame(frame.x, frame.y, frame.size))
    assert upright[0] == pytest.approx([frame.x - frame.size / 2, frame.y - frame.size / 2])


def test_a_positive_angle_turns_counter_clockwise_as_seen():
    corners = corners_of(Frame(0.0, 0.0, 2.0, 90.0))
    assert corners[0] == pytest.approx([-1.0, 1.0])  # the upper left corner has gone down the left side


@given(FRAMES, PLACES, PLACES)
def test_moving_carries_the_frame_along(frame, dx, dy):
    moved = dragged(frame, "move", (3.0, 4.0), (3.0 + dx, 4.0 + dy))
    assert (moved.x, moved.y) == pytest.approx((frame.x + dx, frame.y + dy))
    assert (moved.size, moved.angle) == (frame.size, frame.angle)


@given(FRAMES, st.floats(0.3, 3.0))
def test_a_corner_follows_the_hand_and_the_centre_stays(frame, share):
    corner = corners_of(frame)[2]
    to = np.array([frame.x, frame.y]) + share * (corner - [frame.x, frame.y])
    sized = dragged(frame, "size", tuple(corner), tuple(to))
    assert (sized.x, sized.y) == (frame.x, frame.y)
    if share * frame.size > 8.0:
        assert corners_of(sized)[2] == pytest.approx(to, abs=1e-5)


@given(FRAMES, st.floats(-170, 170))
def test_the_knob_turns_by_the_angle_of_the_hand(frame, turn):
    angle = math.radians(frame.angle)
    above = (frame.x - 50 * math.sin(angle), frame.y - 50 * math.cos(angle))
    new = math.radians(frame.angle + turn)
    to = (frame.x - 50 * math.sin(new), frame.y - 50 * math.cos(new))
    turned = dragged(frame, "turn", above, to)
    assert math.cos(math.radians(turned.angle) - new) == pytest.approx(1.0, abs=1e-6)


@given(FRAMES)
def test_a_frame_cannot_be_lost(frame):
    held = held_in(frame, 300, 200)
    assert 0 <= held.x <= 299
    assert 0 <= held.y <= 199
    assert 8 <= held.size <= 600


@pytest.fixture
def frame_view(qtbot):
    view = PhotoFrame()
    qtbot.addWidget(view)
    view.set_photo(np.zeros((200, 300, 3), np.uint8), 0.5, Frame(300.0, 200.0, 160.0))
    view.resize(300, 200)
    view.show()
    qtbot.waitExposed(view)
    return view


def test_the_mouse_moves_resizes_and_turns_the_frame(frame_view, qtbot):
    """A photo of 600 x 400 shown at half its size: two pixels of it are one of the widget."""
    for start, to, changed in (
        (QPoint(150, 110), QPoint(160, 110), {"x": 320.0}),
        (QPoint(200, 140), QPoint(210, 150), {"size": 200.0}),
        (QPoint(160, 28), QPoint(232, 100), {"angle": -90.0}),
    ):
        with qtbot.waitSignal(frame_view.frame_changed) as caught:
            QTest.mousePress(frame_view, LEFT, pos=start)
            QTest.mouseMove(frame_view, to)
            QTest.mouseRelease(frame_view, LEFT, pos=to)
        for name, value in changed.items():
            assert getattr(caught.args[0], name) == pytest.approx(value, abs=2.5), name


def test_keys_move_the_frame_by_pixels(frame_view, qtbot):
    frame_view.setFocus()
    for key, modifier, x in ((Qt.Key.Key_Right, Qt.KeyboardModifier.NoModifier, 301.0),
                             (Qt.Key.Key_Left, Qt.KeyboardModifier.ShiftModifier, 291.0)):
        with qtbot.waitSignal(frame_view.frame_changed) as caught:
            QTest.keyClick(frame_view, key, modifier)
        assert caught.args[0].x == x


def test_beside_the_frame_nothing_is_taken(frame_view, qtbot):
    with qtbot.assertNotEmitted(frame_view.frame_changed, wait=10):
        QTest.mousePress(frame_view, LEFT, pos=QPoint(20, 20))
        QTest.mouseMove(frame_view, QPoint(60, 60))
        QTest.mouseRelease(frame_view, LEFT, pos=QPoint(60, 60))


def test_a_picture_without_a_recipe_is_a_photo_and_a_broken_one_says_so(tmp_path):
    path = tmp_path / "me.jpg"
    Image.new("RGB", (40, 30), (200, 10, 10)).save(path)
    assert not has_recipe(path)
    brought = read_file(path, None)
    assert (brought.kind, brought.label) == ("photo", "me.jpg")
    assert brought.photo.pixels.shape == (30, 40, 3)
    for name, content in (("cut.jpg", path.read_bytes()[:300]), ("no.png", b"no picture"), ("tiny.png", None)):
        wrong = tmp_path / name
        if content is None:
            Image.new("RGB", (1, 1)).save(wrong)
        else:
            wrong.write_bytes(content)
        with pytest.raises(PictureError, match=name):
            read_file(wrong, None)


def concluded(latent: np.ndarray) -> Concluded:
    inversion = SimpleNamespace(latent=latent, mse=0.0123, dssim=0.2, norm=1.5, steps=3, seconds=1.25, ended="done",
                                notes=("a note",))
    verdict = SimpleNamespace(percentile=97.0, words="roughly like it", reasons=("the frame is tight",))
    return Concluded(inversion, verdict, np.zeros((8, 24, 3), np.uint8))  # type: ignore[arg-type]


@pytest.fixture
def opened(desk, worker):
    """The desk with the model "one" open."""
    desk.request_model("one")
    worker.work()
    return desk.current


@pytest.fixture
def photos(desk, worker, opened, qtbot, monkeypatch):
    """The presenter with an inversion that walks to ones in three steps."""
    panel = PhotoPanel()
    qtbot.addWidget(panel)
    presenter = PhotoPresenter(desk, panel)
    target = np.ones(opened.model.card.spaces[0].shape, np.float32)
    photo = Photo(np.zeros((20, 30, 3), np.uint8), ("it was grey",))

    def frame_photo(model, photo, name, frame, conditions):
        chosen = frame if isinstance(frame, Frame) else Frame(15, 10, 12)
        placed = Placed(np.zeros((3, 8, 8), np.float32), np.ones((8, 8), np.float32), chosen, ("no face was found",))
        return Framed(photo, placed, photo.pixels, 1.0, PhotoPlace("ab" * 32, name, chosen), conditions)

    def find(model, framed, settings):
        for share in (0.25, 0.5):
            yield PhotoStep(share, "step", latent=share * target)
        yield PhotoStep(1.0, "done", latent=target, result=concluded(target))

    def tune(model, framed, latent):
        yield TuningStep(0.5, "tuning", tuning=SimpleNamespace(sha256="half"), mse=0.2)
        yield TuningStep(1.0, "tuned", tuning=SimpleNamespace(sha256="whole"), mse=0.1)

    kept = []
    monkeypatch.setattr("latentstudio.tasks.invert.tune", tune)
    monkeypatch.setattr(extras_module, "keep_tuning", kept.append)
    monkeypatch.setattr(photo_module, "frame_photo", frame_photo)
    monkeypatch.setattr("latentstudio.tasks.invert.find", find)
    return SimpleNamespace(presenter=presenter, panel=panel, photo=photo, target=target, kept=kept)


def test_a_photo_ends_as_one_entry_with_only_locked_sliders_where_they_were(desk, worker, photos):
    edited = desk.workspace.view.with_positions({"x": 2.0, "scale": 0.5}).with_kept(("scale",))
    desk.workspace.apply(edited, "both")
    entries = len(desk.workspace.history)
    photos.presenter.take("me.jpg", photos.photo)
    worker.work()
    worker.run_jobs()
    view = desk.workspace.view
    assert np.array_equal(view.latent_array(), photos.target)
    assert (view.seed, view.position_map(), view.kept) == (None, {"scale": 0.5}, ("scale",))
    assert desk.workspace.history.current_entry.origin is Origin.PHOTO
    assert len(desk.workspace.history) == entries + 1
    assert desk.workspace.history.current_entry.label == "photo me.jpg"
    desk.workspace.undo()
    assert not np.array_equal(desk.workspace.view.latent_array(), photos.target)


def test_the_card_says_how_close_it_comes_and_what_should_be_known(desk, worker, photos):
    photos.presenter.take("me.jpg", photos.photo)
    worker.work()
    worker.run_jobs()
    panel = photos.panel
    assert panel.notes.text() == "It was grey. No face was found."
    assert panel.title.text() == "Roughly like it"
    assert panel.reasons.text() == "The frame is tight."
    assert "MSE 0.0123" in panel.facts.text()
    assert "worse than 97 %" in panel.facts.text()
    assert not panel.sheet.is_empty
    assert not panel.card.isHidden()


def test_three_photos_dropped_at_once_are_all_looked_at(desk, worker, photos):
    for name in ("one.jpg", "two.jpg", "three.jpg"):
        photos.presenter.take(name, photos.photo)
    for _ in range(3):
        worker.work()
        worker.run_jobs()
    labels = [entry.label for entry in desk.workspace.history.path()]
    assert labels[-3:] == ["photo one.jpg", "photo two.jpg", "photo three.jpg"]


def test_a_photo_that_comes_meanwhile_waits_for_its_turn(desk, worker, photos):
    photos.presenter.take("first.jpg", photos.photo)
    worker.work()
    photos.presenter.take("second.jpg", photos.photo)
    assert photos.presenter.photo_name == "first.jpg"
    worker.run_jobs()
    assert desk.workspace.history.current_entry.label == "photo first.jpg"
    worker.work()
    worker.run_jobs()
    assert photos.presenter.photo_name == "second.jpg"


def test_a_moved_frame_is_looked_at_anew(desk, worker, photos):
    photos.presenter.take("me.jpg", photos.photo)
    worker.work()
    worker.run_jobs()
    photos.panel.photo.frame_changed.emit(Frame(5, 6, 10))
    worker.work()
    assert photos.presenter.running
    assert photos.panel.photo.frame == Frame(5, 6, 10)
    assert photos.panel.card.isHidden()
    worker.run_jobs()
    assert not photos.presenter.running


def test_a_failure_is_told_and_the_next_photo_is_taken(desk, worker, photos, monkeypatch):
    said = []
    desk.noticed.connect(said.append)

    def fails(model, framed, settings):
        raise PictureError("the model cannot draw it")
        yield

    monkeypatch.setattr("latentstudio.tasks.invert.find", fails)
    photos.presenter.take("me.jpg", photos.photo)
    worker.work()
    worker.run_jobs()
    assert not photos.presenter.running
    assert said[-1].sentence == "me.jpg: the model cannot draw it"


def test_without_a_photo_there_is_nothing_to_paste_into(desk, photos, tmp_path):
    said = []
    desk.noticed.connect(said.append)
    photos.presenter.request_paste_back(tmp_path / "out.png")
    assert "drop one first" in said[-1].sentence
    assert not photos.presenter.can_paste_back


def test_the_words_where_the_models_own_samples_were_not_measured():
    plain = Concluded(concluded(np.zeros(4)).inversion, None, np.zeros((8, 24, 3), np.uint8))
    assert title_of(plain) == "Squared error 0.0123"
    assert "not compared" in facts_of(plain, None)


def test_tuning_is_one_entry_that_can_be_switched_and_undone(desk, worker, photos):
    photos.presenter.take("me.jpg", photos.photo)
    worker.work()
    worker.run_jobs()
    entries = len(desk.workspace.history)
    photos.presenter.extras.request_tuning()
    worker.run_jobs()
    worker.work()
    assert [tuning.sha256 for tuning in photos.kept] == ["whole"]
    assert desk.workspace.view.tuning == "whole"
    assert len(desk.workspace.history) == entries + 1
    assert photos.panel.tuned.isChecked()
    photos.panel.tuned.click()
    assert desk.workspace.view.tuning == ""
    desk.workspace.undo()
    assert desk.workspace.view.tuning == "whole"
    assert photos.panel.tuned.isChecked()
    desk.request_sample(7)  # it was tuned on one photo, not on new samples
    assert desk.workspace.view.tuning == ""


def test_what_was_tuned_until_a_cancel_is_kept(desk, worker, photos, monkeypatch):
    def endless(model, framed, latent):
        yield TuningStep(0.5, "tuning", tuning=SimpleNamespace(sha256="half"), mse=0.2)
        photos.presenter.cancel()
        yield TuningStep(0.6, "tuning")
        raise AssertionError("cancelled before")

    photos.presenter.take("me.jpg", photos.photo)
    worker.work()
    worker.run_jobs()
    monkeypatch.setattr("latentstudio.tasks.invert.tune", endless)
    photos.presenter.extras.request_tuning()
    worker.run_jobs()
    worker.work()
    assert desk.workspace.view.tuning == "half"


def test_without_a_photo_nothing_is_tuned(desk, worker, photos):
    photos.presenter.extras.request_tuning()
    assert not photos.presenter.running
    photos.presenter.extras.request_switch(True)
    assert desk.workspace.view.tuning == ""


def test_the_photo_stands_for_what_was_there_before_editing(desk, worker, photos):
    sample = desk.workspace.view
    assert photos.presenter.photo_of(sample) is None
    photos.presenter.take("me.jpg", photos.photo)
    worker.work()
    worker.run_jobs()
    edited = desk.workspace.view.with_position("x", 1.0)
    assert photos.presenter.photo_of(edited).shape == (8, 8, 3)
    assert photos.presenter.photo_of(sample) is None


def test_the_line_shows_the_photo_beside_and_leaves_with_it(desk, worker, photos):
    beside = []
    photos.presenter.beside_changed.connect(beside.append)
    photos.presenter.take("me.jpg", photos.photo)
    worker.work()
    worker.run_jobs()
    photos.panel.line.click()
    assert beside[-1].shape == (8, 8, 3)
    desk.request_sample(7)
    assert beside[-1] is None
    desk.workspace.undo()
    assert beside[-1] is not None
    photos.panel.line.click()
    assert beside[-1] is None


@pytest.fixture
def taken(desk, worker, photos, monkeypatch):
    """The photo was found; a second one can be found again from the store."""
    photos.presenter.take("me.jpg", photos.photo)
    worker.work()
    worker.run_jobs()
    front = photos.presenter.framed

    def find_framed(model, place, conditions):
        photos.sought.append(place)
        if place.name == "lost.jpg":
            raise PictureError("the photo is not here", action="drop it again")
        placed = Placed(front.placed.picture, front.placed.inside, place.frame)
        return Framed(Photo(np.ones((20, 30, 3), np.uint8)), placed, front.shown, 1.0, place, conditions)

    def look_again(model, framed, settings, latent):
        yield PhotoStep(1.0, "looked at", latent=latent, result=concluded(latent))

    photos.sought = []
    monkeypatch.setattr(photo_module, "find_framed", find_framed)
    monkeypatch.setattr("latentstudio.tasks.invert.look_again", look_again)
    return photos


def test_a_session_of_another_day_brings_its_photo_and_frame_back(desk, worker, taken, tmp_path):
    place = PhotoPlace("cd" * 32, "old.jpg", Frame(9.0, 8.0, 7.0, 6.0))
    desk.workspace.apply(desk.workspace.view.with_photo(place), "opened")
    worker.work()
    worker.run_jobs()
    assert taken.presenter.photo_name == "old.jpg"
    assert taken.panel.photo.frame == place.frame
    assert not taken.panel.card.isHidden()
    assert taken.presenter.can_paste_back
    desk.workspace.apply(desk.workspace.view.with_position("x", 1.0), "x")
    worker.work()
    assert taken.sought == [place]


def test_undo_brings_the_photo_before_it_back(desk, worker, taken):
    first = taken.presenter.framed.place
    other = PhotoPlace("cd" * 32, "old.jpg", Frame(9.0, 8.0, 7.0))
    desk.workspace.apply(desk.workspace.view.with_photo(other), "opened")
    worker.work()
    worker.run_jobs()
    desk.workspace.undo()
    worker.work()
    assert taken.presenter.framed.place == first
    assert taken.sought == [other, first]


def test_a_photo_that_is_not_here_any_more_is_said_once(desk, worker, taken):
    place = PhotoPlace("cd" * 32, "lost.jpg", Frame(9.0, 8.0, 7.0))
    for t in (1.0, 2.0):
        desk.workspace.apply(desk.workspace.view.with_photo(place).with_position("x", t), "opened")
        worker.work()
    assert "not here" in taken.panel.notes.text()
    assert len(taken.sought) == 1


def test_a_new_sample_stands_for_no_photo(desk, taken):
    assert desk.workspace.view.photo == taken.presenter.framed.place
    desk.request_sample(7)
    assert desk.workspace.view.photo is None


def test_the_dial_and_the_settings_reach_the_next_look(desk, worker, taken, monkeypatch):
    seen = []

    def find(model, framed, settings):
        seen.append(settings)
        yield PhotoStep(1.0, "done", latent=taken.target, result=concluded(taken.target))

    monkeypatch.setattr("latentstudio.tasks.invert.find", find)
    panel = taken.panel
    panel.advanced.toggle.click()
    panel.advanced.editors["sigma"].setText("0.02")
    panel.advanced.editors["steps"].setText("5")
    panel.dial.slider.set_value(0.25, silent=False)
    worker.work()
    worker.run_jobs()
    (settings,) = seen
    assert (settings.likeness, settings.sigma, settings.steps, settings.loss) == (0.25, 0.02, 5, "l1")
    assert (settings.seconds, settings.radius) == (None, None)


@pytest.mark.parametrize(("name", "text", "said"), [
    ("sigma", "wide", "a number"), ("sigma", "3", "a number from 0 to 1"), ("steps", "-1", "1 or more"),
    ("restarts", "1000", "from 1 to 64"),
])
def test_a_setting_that_is_none_is_said_and_nothing_starts(taken, name, text, said):
    panel = taken.panel
    panel.advanced.toggle.click()
    editor = panel.advanced.editors[name]
    editor.setText(text)
    editor.textEdited.emit(text)
    assert said in panel.mistake.text()
    assert not panel.again_button.isEnabled()
    editor.setText("1")
    editor.textEdited.emit("1")
    assert panel.mistake.isHidden()
    assert panel.again_button.isEnabled()


def test_the_curve_of_likeness_stands_under_the_dial_until_another_photo_comes(worker, taken, monkeypatch):
    points = ((0.0, 0.3), (1.0, 0.1))

    def measure_curve(model, framed, settings):
        measured = tuple(SimpleNamespace(likeness=likeness, mse=mse) for likeness, mse in points)
        yield LikenessStep(0.5, "half", points=measured[:1])
        yield LikenessStep(1.0, "measured", points=measured)

    monkeypatch.setattr("latentstudio.tasks.invert.measure_curve", measure_curve)
    dial = taken.panel.dial
    assert dial.plot.isHidden()
    dial.measure.click()
    worker.run_jobs()
    assert dial.plot.points == points
    assert not dial.plot.isHidden()
    assert not taken.presenter.running
    taken.panel.photo.frame_changed.emit(Frame(5, 6, 10))
    worker.work()
    assert dial.plot.isHidden()


def test_a_photo_is_looked_for_with_what_the_model_is_told_in_the_session(desk, worker, photos):
    desk.workspace.apply(desk.workspace.view.with_condition("label", 3), "a class")
    photos.presenter.take("me.jpg", photos.photo)
    worker.work()
    worker.run_jobs()
    assert photos.presenter.framed.conditions == Conditions.of(label=3)


def test_a_model_that_was_never_measured_can_be_compared(worker, taken, monkeypatch):
    verdict = concluded(taken.target)
    monkeypatch.setattr("latentstudio.tasks.invert.compare",
                        lambda model, settings, conditions: iter([Step(1.0, "measured")]))
    monkeypatch.setattr("latentstudio.tasks.invert.conclude", lambda model, framed, settings, last, held_out: verdict)
    taken.presenter.show_card(Concluded(verdict.inversion, None, verdict.sheet))
    assert "not compared" in taken.panel.facts.text()
    assert not taken.panel.compare.isHidden()
    taken.panel.compare.click()
    worker.run_jobs()
    worker.work()
    assert "worse than 97 %" in taken.panel.facts.text()
    assert taken.panel.compare.isHidden()


def test_the_face_is_not_put_back_over_the_photo_itself(desk, worker, photos, monkeypatch, tmp_path):
    monkeypatch.setattr(photo_module, "write_pasted", lambda opened, view, framed, path: write_whole(path, b"new"))
    path, told = tmp_path / "me.png", []
    path.write_bytes(b"the photo")
    desk.took_in(path)
    photos.presenter.take("me.png", photos.photo)
    worker.work()
    worker.run_jobs()
    desk.noticed.connect(told.append)
    photos.presenter.request_paste_back(path)
    worker.work()
    assert "is read here" in told[-1].sentence
    assert path.read_bytes() == b"the photo"
    photos.presenter.request_paste_back(tmp_path / "other.png")
    worker.work()
    assert (tmp_path / "other.png").read_bytes() == b"new"
