"""The panel Reconstruct: pictures through the models, one taken in hand, the way between two, files that are none."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from latentstudio.document.origin import Origin
from latentstudio.errors import CapabilityError, PictureError
from latentstudio.studio.reconstruct import presenter as module
from latentstudio.studio.reconstruct.panel import ReconstructPanel
from latentstudio.studio.reconstruct.presenter import ReconstructPresenter
from latentstudio.studio.reconstruct.version_grid import COLUMNS, VersionGrid
from latentstudio.tasks.reconstruct import (
    Errors,
    RebuildStep,
    Reconstruction,
    Version,
    read_held_out,
    read_pictures,
    told,
)

LEFT = Qt.MouseButton.LeftButton
SHIFT, NONE = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.NoModifier
PICTURES = np.arange(3 * 8 * 8 * 3, dtype=np.uint8).reshape(3, 8, 8, 3)


@pytest.fixture
def grid(qtbot):
    view = VersionGrid()
    qtbot.addWidget(view)
    view.resize(420, 200)
    view.set_rows([("picture", np.repeat(PICTURES, 3, axis=0)), ("decoder", np.repeat(PICTURES, 3, axis=0))])
    view.show()
    qtbot.waitExposed(view)
    return view


def test_nine_pictures_stand_in_two_blocks_and_nothing_overlaps(grid):
    assert grid.count == 9
    areas = [grid.area_of(row, index) for row in range(2) for index in range(9)]
    assert not any(one.intersects(other) for one in areas for other in areas if one is not other)
    assert max(area.bottom() for area in areas) <= grid.height() + 1
    assert max(area.right() for area in areas) <= grid.width() + 1
    assert grid.area_of(0, COLUMNS).top() > grid.area_of(1, 0).bottom()


@pytest.mark.parametrize(
    ("index", "modifier", "chosen"), [(2, NONE, (2, -1)), (4, SHIFT, (0, 4)), (0, SHIFT, (0, -1))]
)
def test_a_click_chooses_and_shift_the_other_end(grid, qtbot, index, modifier, chosen):
    with qtbot.waitSignal(grid.chosen) as caught:
        QTest.mouseClick(grid, LEFT, modifier, grid.area_of(1, index).center().toPoint())
    assert tuple(caught.args) == chosen


def test_arrows_choose_and_stay_among_the_pictures(grid):
    grid.setFocus()
    for _ in range(20):
        QTest.keyClick(grid, Qt.Key.Key_Right)
    assert grid.first == 8
    QTest.keyClick(grid, Qt.Key.Key_Left, SHIFT)
    assert (grid.first, grid.second) == (8, 7)


def rebuilt(name: str, latents: np.ndarray, networks: tuple[str, ...] = ("decoder", "generator")) -> Reconstruction:
    errors = tuple(Errors(0.01 * (k + 1), 0.1, 0.9) for k in range(len(latents)))
    count = len(latents)
    versions = tuple(Version(network, PICTURES[:count], errors) for network in networks)
    return Reconstruction(name, PICTURES[:count], latents, versions)


@pytest.fixture
def view(desk, worker, qtbot, monkeypatch):
    """The presenter with models "one" and "two" that can encode, and a fake computation."""
    panel = ReconstructPanel()
    qtbot.addWidget(panel)
    photo = SimpleNamespace(framed=None)
    asked: list[tuple[str, int, int]] = []
    latents = np.random.default_rng(3).normal(size=(3, 4)).astype(np.float32)

    def rebuild(name, catalogue, device, pictures, *, noise_seed):
        asked.append((name, len(pictures), noise_seed))
        yield RebuildStep(0.5, "half")
        yield RebuildStep(1.0, "drawn", result=rebuilt(name, latents[: len(pictures)]))

    monkeypatch.setattr("latentstudio.tasks.rebuild.rebuild", rebuild)
    monkeypatch.setattr(module, "networks_of", lambda model: ("generator",))
    presenter = ReconstructPresenter(desk, panel, photo)
    desk.request_model("one")
    worker.work()
    return SimpleNamespace(presenter=presenter, panel=panel, asked=asked, latents=latents, photo=photo)


def family(view, names=("one", "two")):
    """As if the panel came into sight while these models can encode."""
    view.panel.models.set_names(names)
    view.panel.models.set_current(names[0])
    view.presenter._looking = True


def test_pictures_are_asked_of_the_chosen_model_and_told(desk, worker, view, tmp_path):
    family(view)
    for k in range(2):
        Image.fromarray(PICTURES[k]).save(tmp_path / f"{k}.png")
    view.presenter.request_files((tmp_path / "0.png", tmp_path / "1.png"))
    worker.work()
    assert view.presenter.running
    worker.run_jobs()
    assert view.asked == [("one", 2, 0)]
    panel = view.panel
    assert panel.grid.count == 2
    assert "Decoder: MSE 0.0100, DSSIM 0.100, sharpness 0.90" in panel.errors.text()
    assert panel.means.text().startswith("Mean of 2: decoder MSE 0.0150")
    panel.model_chosen.emit("two")
    assert not panel.card.isHidden()


def test_another_model_is_asked_about_the_same_pictures(worker, view):
    family(view)
    view.presenter._pictures = tuple(PICTURES)
    view.panel.models.set_current("two")
    view.panel.model_chosen.emit("two")
    worker.run_jobs()
    assert view.asked == [("two", 3, 0)]
    view.panel.xi_chosen.emit(7)
    worker.run_jobs()
    assert view.asked[-1] == ("two", 3, 7)
    view.panel.xi_chosen.emit(7)
    assert not view.presenter.running


def test_the_chosen_reconstruction_is_taken_in_hand_with_its_sliders_at_0(desk, worker, view):
    family(view)
    shape = desk.workspace.view.shape
    latents = np.random.default_rng(4).normal(size=(3, int(np.prod(shape)))).astype(np.float32)
    view.presenter._show(rebuilt("one", latents))
    desk.workspace.apply(desk.workspace.view.with_position("x", 2.0), "x")
    view.panel.grid.choose(1)
    view.panel.take_button.click()
    taken = desk.workspace.view
    assert np.array_equal(taken.latent_array().reshape(-1), latents[1])
    assert (taken.seed, taken.positions) == (None, ())
    assert desk.workspace.history.current_entry.origin is Origin.RECONSTRUCTION
    assert desk.workspace.history.current_entry.label == "reconstruction 2"


def test_the_way_between_two_is_one_entry_and_starts_at_the_first(desk, worker, view):
    family(view)
    shape = desk.workspace.view.shape
    latents = np.random.default_rng(4).normal(size=(3, int(np.prod(shape)))).astype(np.float32)
    view.presenter._show(rebuilt("one", latents))
    assert view.panel.way.isHidden()
    view.panel.grid.choose(0, 2)
    assert not view.panel.way.isHidden()
    entries = len(desk.workspace.history)
    view.panel.way_moved.emit(0.25)
    view.panel.way_moved.emit(0.75)
    assert len(desk.workspace.history) == entries
    view.panel.way_settled.emit(1.0)
    assert len(desk.workspace.history) == entries + 1
    assert desk.workspace.view.latent_array().reshape(-1) == pytest.approx(latents[2], abs=1e-5)


def test_a_failure_is_told_in_the_panel(worker, view, monkeypatch):
    family(view)

    def fails(name, catalogue, device, pictures, *, noise_seed):
        raise CapabilityError("one has no encoder")
        yield

    monkeypatch.setattr("latentstudio.tasks.rebuild.rebuild", fails)
    view.presenter._pictures = tuple(PICTURES)
    view.panel.model_chosen.emit("one")
    worker.run_jobs()
    assert view.panel.message.text() == "one has no encoder"
    assert not view.presenter.running


def test_a_file_that_is_no_picture_is_told_and_what_stood_stays(worker, view, tmp_path):
    family(view)
    (tmp_path / "a.png").write_text("no picture")
    view.presenter.request_files((tmp_path / "a.png",))
    worker.work()
    assert "a.png is not a picture" in view.panel.message.text()


def test_without_an_encoder_the_panel_says_so(view):
    view.panel.seen.emit(True)
    assert "has an encoder" in view.panel.message.text()
    assert view.panel.models.isHidden()


def test_held_out_pictures_go_round(tmp_path):
    sheet = np.concatenate([np.full((4, 4, 3), k, np.uint8) for k in range(5)], axis=1)
    Image.fromarray(sheet).save(tmp_path / "held_out.png")
    assert [int(picture[0, 0, 0]) for picture in read_held_out(tmp_path, 3, 4)] == [3, 4, 0, 1]
    assert len(read_held_out(tmp_path, 0, 9)) == 5
    with pytest.raises(PictureError):
        read_pictures((tmp_path / "none.png",))


def test_errors_in_words():
    assert told(Errors(0.01, 0.2, 1.1)) == "MSE 0.0100, DSSIM 0.200, sharpness 1.10 of the picture's"
