"""What a dropped file is: found by its content, refused in one sentence with what to do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from latentstudio.document.picture_recipe import save_picture
from latentstudio.document.session import Session
from latentstudio.document.session_file import Saved, write_session
from latentstudio.document.view import View
from latentstudio.errors import FactorFileError, ModelFileError, PictureError, SessionFileError, UsageError
from latentstudio.factors import Factor, MeasuredCalibration, MonotoneCurve, load_factors, write_factor
from latentstudio.generators.card import ModelCard
from latentstudio.generators.catalogue import Catalogue, ModelEntry
from latentstudio.latents import LatentSpace
from latentstudio.pixels import write_png
from latentstudio.tasks.read_file import read_file
from latentstudio.units import PIXELS

CARD = ModelCard(name="one", backend="fake", spaces=(LatentSpace("z", (4,)),), weights_sha256="ab" * 32)
PICTURE = np.full((8, 8, 3), 90, np.uint8)


@pytest.fixture
def catalogue(home: Path) -> Catalogue:
    return Catalogue((), (ModelEntry("one", CARD, home / "one", True),))


@pytest.fixture
def session() -> Session:
    return Session((View.start(CARD, np.arange(4, dtype=np.float32), 3).with_position("x", 2.5),))


def factor(sha256: str = CARD.weights_sha256) -> Factor:
    p = np.linspace(-3.0, 3.0, 7)
    axis = np.array([1, 0, 0, 0], np.float32)
    measured = MeasuredCalibration(p, 4.0 * p, np.full(7, 0.2), (-3.0, 3.0))
    return Factor("x", "to the right", PIXELS, axis, MonotoneCurve(p, 4.2 * p), measured, "one", sha256)


def test_a_saved_picture_brings_its_session_back_exactly(tmp_path, catalogue, session):
    save_picture(tmp_path / "a.png", PICTURE, session.view, "a runtime", "cpu")
    brought = read_file(tmp_path / "a.png", catalogue)
    assert (brought.kind, brought.session, brought.model) == ("picture", session, "one")


def test_a_session_file_is_opened(tmp_path, catalogue, session):
    write_session(tmp_path / "a.latentstudio", Saved(session))
    assert read_file(tmp_path / "a.latentstudio", catalogue).session == session


@pytest.mark.parametrize("name", ["photo.png", "photo.jpg"])
def test_a_picture_without_a_recipe_is_a_photo(tmp_path, catalogue, name):
    if name.endswith("png"):
        write_png(tmp_path / name, PICTURE)
    else:
        from PIL import Image

        Image.fromarray(PICTURE).save(tmp_path / name)
    brought = read_file(tmp_path / name, catalogue)
    assert (brought.kind, brought.session, brought.model) == ("photo", None, "")
    assert brought.photo is not None
    assert brought.photo.pixels.shape == PICTURE.shape


def test_a_picture_with_a_broken_recipe_names_the_recipe(tmp_path, catalogue):
    write_png(tmp_path / "a.png", PICTURE, texts={"latentstudio": "{broken"})
    with pytest.raises(PictureError, match=r"recipe in a\.png"):
        read_file(tmp_path / "a.png", catalogue)


def test_a_file_that_is_no_picture_is_said_to_be_none(tmp_path, catalogue):
    (tmp_path / "a.png").write_bytes(b"not a picture")
    with pytest.raises(PictureError, match="is not a picture of a known kind"):
        read_file(tmp_path / "a.png", catalogue)


def test_a_broken_session_is_refused(tmp_path, catalogue):
    (tmp_path / "a.latentstudio").write_text("{")
    with pytest.raises(SessionFileError):
        read_file(tmp_path / "a.latentstudio", catalogue)


def test_a_factor_is_installed_for_its_model(tmp_path, catalogue, home):
    write_factor(tmp_path / "x.safetensors", factor())
    brought = read_file(tmp_path / "x.safetensors", catalogue)
    assert (brought.kind, brought.model, brought.factor) == ("factor", "one", "x")
    assert load_factors(home / "one", CARD).names == ("x",)


@pytest.mark.parametrize("name", ["../../evil", "/tmp/evil", "..", ".hidden", "a/b", "", "x" * 200, "a\nb"])
def test_a_factor_whose_name_is_no_files_is_refused_and_nothing_is_written(tmp_path, catalogue, home, name):
    write_factor(tmp_path / "in.safetensors", replace(factor(), name=name))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(FactorFileError, match="a plain name"):
        read_file(tmp_path / "in.safetensors", catalogue)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_factor_of_a_model_that_is_missing_is_refused(tmp_path, catalogue, home):
    write_factor(tmp_path / "x.safetensors", factor("cd" * 32))
    with pytest.raises(ModelFileError, match="belongs to a model that is not installed"):
        read_file(tmp_path / "x.safetensors", catalogue)
    assert load_factors(home / "one", CARD).names == ()


def test_a_truncated_factor_is_refused(tmp_path, catalogue):
    write_factor(tmp_path / "x.safetensors", factor())
    whole = (tmp_path / "x.safetensors").read_bytes()
    (tmp_path / "x.safetensors").write_bytes(whole[:-40])
    with pytest.raises((FactorFileError, ModelFileError)):
        read_file(tmp_path / "x.safetensors", catalogue)


def test_a_folder_without_a_card_is_refused(tmp_path, catalogue):
    with pytest.raises(ModelFileError, match=r"holds no card\.json"):
        read_file(tmp_path, catalogue)


def test_a_path_that_is_gone_is_refused(tmp_path, catalogue):
    with pytest.raises(UsageError, match="does not exist"):
        read_file(tmp_path / "gone.png", catalogue)


def test_anything_else_says_what_would_be_right(tmp_path, catalogue):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(UsageError, match=r"notes\.txt is of no kind that latentstudio opens; expected a photo"):
        read_file(tmp_path / "notes.txt", catalogue)
    (tmp_path / "weights.pt").write_bytes(b"PK\x03\x04 and then nothing")
    with pytest.raises(ModelFileError, match=r"weights\.pt is truncated or broken"):
        read_file(tmp_path / "weights.pt", catalogue)
