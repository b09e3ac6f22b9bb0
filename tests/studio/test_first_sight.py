"""What is seen before anything was done: a chosen first sample, a thumbnail in every row, the curve where it fits."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt

from latentstudio.document.preferences import Preferences
from latentstudio.generators.addons import add_on, list_add_ons
from latentstudio.generators.card import ModelCard, read_card
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.places import bundled
from latentstudio.studio.canvas.film_strip import FilmStrip
from latentstudio.studio.canvas.history import HistoryPresenter
from latentstudio.studio.canvas.presenter import PicturePresenter
from latentstudio.studio.canvas.view import Canvas
from latentstudio.studio.factors.panel import FactorsPanel
from latentstudio.studio.factors.presenter import FactorsPresenter
from latentstudio.studio.library import presenter as library_module
from latentstudio.studio.library.panel import LibraryPanel
from latentstudio.studio.library.presenter import LibraryPresenter
from latentstudio.studio.widgets.curve_plot import ticks
from latentstudio.tasks.library import library_rows
from latentstudio.tasks.thumbnails import shipped_thumbnail


def test_a_known_model_begins_with_its_chosen_sample(desk, worker, models):
    models["one"].card = replace(models["one"].card, first_seeds=(7, 8, 9))
    desk.request_model("one")
    worker.work()
    assert desk.workspace.view.seed == 7
    desk.request_sample()
    assert desk.workspace.view.seed == 100


def test_chosen_seeds_stand_beside_the_first_sample_and_following_ones_beside_others():
    card = ModelCard(name="known", backend="b", first_seeds=(4, 8, 15, 16))
    assert card.seeds_beside(4, 3) == (8, 15, 16)
    assert card.seeds_beside(500, 3) == card.seeds_beside(500, 3) == (501, 502, 503)
    assert ModelCard(name="unknown", backend="b").seeds_beside(None, 2) == (0, 1)
    shipped = [read_card(path.parent) for path in bundled("models").glob("*/card.json")]
    chosen = [card.first_seeds for card in shipped if card.first_seeds]
    assert len(chosen) >= 12
    assert all(len(set(seeds)) == 17 for seeds in chosen)
    assert len(add_on("faces-gan").card["first_seeds"]) == 17


def test_every_shipped_model_and_add_on_has_a_thumbnail():
    shipped = [entry.name for entry in find_catalogue().models if entry.shipped]
    for name in (*shipped, *(addon.name for addon in list_add_ons())):
        picture = shipped_thumbnail(name)
        assert picture is not None, name
        assert max(picture.shape[:2]) <= 64


def test_an_add_on_shows_its_thumbnail_before_it_is_fetched(desk, qtbot, monkeypatch):
    rows = {}
    monkeypatch.setattr(
        library_module, "library_rows", lambda *given: [rows.update({r.name: r}) for r in library_rows(*given)] and ()
    )
    panel = LibraryPanel()
    qtbot.addWidget(panel)
    LibraryPresenter(desk, panel).show_rows()
    assert np.array_equal(rows["faces-gan"].picture, shipped_thumbnail("faces-gan"))


@pytest.fixture
def panel(desk, worker, qtbot):
    panel, canvas = FactorsPanel(), Canvas()
    for widget in (panel, canvas):
        qtbot.addWidget(widget)
    panel.presenter = FactorsPresenter(desk, panel, canvas)
    desk.request_model("one")
    worker.work()
    panel.show()
    return panel


def test_the_curve_stands_where_there_is_room_and_goes_where_there_is_none(panel):
    panel.resize(420, 900)
    assert panel.plot.isVisible()
    assert panel.plot.curves is not None
    panel.resize(420, 260)
    assert not panel.plot.isVisible()
    panel.set_curve_wanted(True)
    assert panel.plot.isVisible()


def test_the_link_decides_for_good(panel, qtbot):
    panel.resize(420, 900)
    qtbot.mouseClick(panel.curve_link, Qt.MouseButton.LeftButton)
    assert not panel.plot.isVisible()
    panel.resize(420, 950)
    assert not panel.plot.isVisible()


def test_an_entry_that_newer_ones_overtook_gets_its_own_picture(desk, worker, qtbot):
    strip, canvas = FilmStrip(), Canvas()
    for widget in (strip, canvas):
        qtbot.addWidget(widget)
    presenters = PicturePresenter(desk, canvas), HistoryPresenter(desk, strip)
    desk.request_model("one")
    worker.work()
    for seed in (201, 202, 203):
        desk.request_sample(seed)
    worker.work()
    history = desk.workspace.history
    assert len(presenters) == 2
    assert [entry.id in history.thumbnails for entry in history.path()] == [True] * 4
    for entry in history.path():
        expected = desk.current.draw(entry.session.view).thumbnail
        assert np.array_equal(history.thumbnails[entry.id], expected)


def test_ticks_are_round_and_inside():
    assert ticks(-0.3, 0.55, 4) == (-0.25, 0.0, 0.25, 0.5)
    assert ticks(-7.0, 7.0, 6) == (-5.0, -2.5, 0.0, 2.5, 5.0)


def test_pictures_are_smooth_at_first():
    assert Preferences().smooth
