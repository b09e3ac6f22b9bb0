"""Locks and exact values in the real window, by mouse and keys, on the sprites that ship."""

from __future__ import annotations

import pytest
import torch
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from latentstudio.factors import apply_factors
from latentstudio.factors.exact import CLOSE
from latentstudio.measures.moments import barycentre
from latentstudio.pixels import read_picture
from latentstudio.stories.driver import Driver, story_window
from latentstudio.studio.shell.dialogs import Dialogs


@pytest.fixture
def driver(home, tmp_path, qapp):
    with story_window(tmp_path / "shots", model="sprites-b10") as made:
        made.parts.desk.request_sample(3)
        made.settle()
        yield made


def coordinate(driver: Driver, name: str) -> float:
    drawn = driver.parts.picture.last_drawn
    assert drawn is not None
    factor = driver.parts.factors.factor(name)
    assert factor is not None
    return factor.coordinate(drawn.applied.latent)


def test_a_locked_factor_keeps_its_coordinate_while_another_slider_is_dragged(driver: Driver):
    start = coordinate(driver, "y")
    driver.drag("x", 6.0, steps=4, seconds=0.05)
    assert abs(coordinate(driver, "y") - start) > 1e-3, "the axes lie aslant"
    stood, picture = coordinate(driver, "y"), driver.parts.picture.last_drawn.pixels
    driver.click(driver.card("y").lock_button)
    driver.settle()
    assert (driver.parts.picture.last_drawn.pixels == picture).all(), "locking changes nothing to be seen"
    driver.drag("x", -6.0, steps=4, seconds=0.05)
    assert coordinate(driver, "y") == pytest.approx(stood, abs=1e-4)
    assert driver.view.kept == ("y",)
    driver.key("Ctrl+Z")
    driver.key("Ctrl+Z")
    driver.settle()
    assert not driver.card("y").locked


def test_exact_makes_the_sprite_move_by_what_the_slider_says(driver: Driver):
    card = driver.card("x")
    driver.click(card._edit)
    card._edit.selectAll()
    QTest.keyClicks(card._edit, "8px")
    QTest.keyClick(card._edit, Qt.Key.Key_Return)
    driver.settle()
    asked = driver.view
    driver.click(card.exact_button)
    driver.wait(lambda: not driver.parts.exact.running, "the measurement")
    driver.settle()
    assert "measured on this picture" in card.note
    assert driver.parts.workspace.history.current_entry.label.endswith("measured")
    opened = driver.parts.desk.current
    latents = [apply_factors(asked.latent_array(), {"x": t}, opened.factors).latent
               for t in (0.0, driver.view.position("x"))]
    places = [barycentre(torch.from_numpy(opened.model.pictures(latent[None])))[0].item() for latent in latents]
    assert places[1] - places[0] == pytest.approx(8.0, abs=CLOSE * 0.5 + 0.01)
    driver.key("Ctrl+Z")
    driver.settle()
    assert driver.view == asked
    driver.key("Ctrl+T")
    driver.wait(lambda: not driver.parts.exact.running, "the measurement by the key")
    assert driver.view.position("x") == pytest.approx(driver.card("x").value, abs=0.05)


def test_a_traversal_is_saved_like_a_strip(driver: Driver, tmp_path):
    asked = []

    def answer(*words: object) -> str:
        asked.append(words[1])
        return str(tmp_path / "row")

    driver.window.commands.dialogs = Dialogs(save_file=answer)
    driver.key("Ctrl+Shift+E")
    driver.wait((tmp_path / "row.png").is_file, "the traversal")
    assert asked == ["Export traversal"]
    driver.wait(lambda: driver.parts.notices.last.sentence == "Saved the traversal of x as row.png", "the notice")
    assert read_picture(tmp_path / "row.png").shape == (64, 11 * 66 - 2, 3)
