"""What users of version 0.1.0 (session format 5) have kept opens, and means the same pictures (fixtures/README.md)."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from latentstudio import api
from latentstudio.document.attachments import keep
from latentstudio.document.origin import Origin
from latentstudio.document.picture_recipe import read_recipe
from latentstudio.document.preferences import load_preferences
from latentstudio.document.session import SESSION_VERSION
from latentstudio.document.session_file import Saved, read_session, write_session
from latentstudio.document.slots import claim_slot
from latentstudio.document.view import View
from latentstudio.factors import read_factor
from latentstudio.inversion.photo_store import find_photo
from latentstudio.pixels import largest_difference, read_picture

OLD = Path(__file__).with_name("fixtures") / "v5"


def drawn(view: View) -> NDArray[np.uint8]:
    model = api.open_model(view.model, runtime="eager")
    if view.tuning:
        model = api.tuned_model(model, api.find_tuning(view.tuning))
    return api.draw(model, view).pixels


def is_same_picture(view: View, name: str) -> bool:
    """Another processor may round a value the other way."""
    return largest_difference(drawn(view), read_picture(OLD / name)) <= 1


def test_a_recipe_draws_its_very_picture() -> None:
    view = read_recipe(OLD / "recipe.png").view
    assert (view.conditions, view.seed) == ((), None)
    assert is_same_picture(view, "recipe.png")


def test_a_history_comes_back_with_its_branches_thumbnails_and_origins(tmp_path: Path) -> None:
    saved = read_session(OLD / "history.latentstudio")
    assert saved.history is not None
    entries = saved.history.entries
    assert [entry.parent for entry in entries] == [None, 0, 0, 2]
    assert [entry.origin for entry in entries] == [Origin.SAMPLE, Origin.EDIT, Origin.EDIT, Origin.EDIT]
    assert sorted(saved.history.thumbnails) == [0, 1, 2, 3]
    assert saved.history.original(saved.session.view) == entries[0].session.view
    assert is_same_picture(saved.session.view, "recipe.png")
    write_session(tmp_path / "again.latentstudio", saved)
    again = read_session(tmp_path / "again.latentstudio")
    assert (again.session, again.history, again.session.version) == (saved.session, saved.history, SESSION_VERSION)


def test_label_and_truncation_are_conditions_now() -> None:
    view = read_session(OLD / "conditions.latentstudio").session.view
    assert view.conditions == (("label", 3), ("truncation", 0.7))
    assert (view.kept, view.position_map()) == (("scale",), {"x": 2.0})


def test_a_photo_and_the_tuning_on_it_come_along(home: Path) -> None:
    saved = read_session(OLD / "photo.latentstudio")
    keep(saved.attachments)
    view = saved.session.view
    assert view.photo is not None
    assert find_photo(view.photo).pixels.shape == (48, 64, 3)
    assert saved.history is not None
    origins = [entry.origin for entry in saved.history.entries]
    assert origins == [Origin.SAMPLE, Origin.PHOTO, Origin.EDIT, Origin.EDIT]
    assert saved.history.original(view) == saved.history.entries[1].session.view.with_tuning(view.tuning)
    assert is_same_picture(view, "photo-drawn.png")


def test_a_scene_stands_as_it_was_moved() -> None:
    saved = read_session(OLD / "scene.latentstudio")
    assert saved.history is not None
    assert [entry.origin for entry in saved.history.entries] == [Origin.SCENE, Origin.EDIT]
    assert saved.history.original(saved.session.view) == saved.history.entries[0].session.view
    assert is_same_picture(saved.session.view, "scene-drawn.png")


def test_an_autosave_is_recovered_with_the_drag_that_was_cut_short(tmp_path: Path) -> None:
    shutil.copytree(OLD / "slot-0", tmp_path / "slot-0")
    slot = claim_slot(tmp_path)
    recovered = slot.recover()
    slot.release()
    assert recovered.notice == ""
    assert isinstance(recovered.saved, Saved)
    assert recovered.saved.session.view.position("x") == 5.0
    assert recovered.saved.history == read_session(OLD / "history.latentstudio").history
    assert recovered.saved.history is not None
    assert len(recovered.saved.history.thumbnails) == 4


def test_a_factor_file_moves_as_the_shipped_one_did() -> None:
    factor = read_factor(OLD / "slant.safetensors")
    model = api.open_model("sprites-b10")
    shipped = api.factors_of(model).get("x")
    assert (factor.name, factor.grade) == ("slant", shipped.grade)
    assert np.array_equal(factor.axis, shipped.axis)
    assert factor.reach == pytest.approx(shipped.reach)


def test_preferences_keep_the_choices(tmp_path: Path) -> None:
    shutil.copy(OLD / "preferences.json", tmp_path)
    preferences, said = load_preferences(tmp_path)
    assert (preferences.workspace, preferences.layouts, said) == ("Play", (), "")
