"""The stories through the real window, on a small model; the fetch is played with another way to fetch."""

from __future__ import annotations

import pytest
from PIL import Image

from latentstudio.errors import StudioError, UnknownNameError
from latentstudio.factors import LearnSettings
from latentstudio.stories import run_story

MODEL = "story-model"


def test_the_drag_story(story_home, tmp_path, qapp):
    report = run_story("drag", tmp_path / "out", model=MODEL)
    assert set(report.facts["reached"]) == {"x", "scale"}
    assert report.facts["pictures_painted"] > 10
    assert [path.name[:2] for path in report.pictures] == [f"{n + 1:02d}" for n in range(len(report.pictures))]
    with Image.open(report.pictures[0]) as picture:
        assert picture.size == (1440, 900)


def test_the_undo_story(story_home, tmp_path, qapp):
    report = run_story("undo", tmp_path / "out", model=MODEL)
    assert report.facts["edits"] == 2
    assert report.facts["restored_from_picture"] is True
    assert (tmp_path / "out" / "saved-picture.png").is_file()


def test_the_crash_story(story_home, tmp_path, qapp):
    report = run_story("crash", tmp_path / "out", model=MODEL)
    assert report.facts["seconds_lost"] <= 1.0
    assert report.facts["moves_before_the_kill"] > 20
    assert len(report.pictures) == 2


def test_the_library_story_without_network_says_so(story_home, tmp_path, qapp, monkeypatch):
    from latentstudio.errors import AddOnError
    from latentstudio.generators import fetching

    def unreachable(addon, *, catalogue):
        raise AddOnError("the package index cannot be reached", action="check the network and try again")
        yield

    monkeypatch.setattr(fetching, "fetch", unreachable)
    monkeypatch.setattr("latentstudio.stories.library.own_home", _this_home)
    report = run_story("library", tmp_path / "out", model=MODEL)
    assert report.facts["licence_shown_first"] is True
    assert report.facts["fetched"] is False
    assert report.facts["message"] == "the package index cannot be reached; check the network and try again"


def test_the_learn_story_with_little_of_everything(story_home, tmp_path, qapp, monkeypatch):
    little = LearnSettings(
        starts=32, targets=2, steps=3, batch=16, judged=16, refined=3, epochs=10, optimiser="adam"
    )
    monkeypatch.setattr("latentstudio.studio.learn.presenter.settings_for", lambda effort: little)
    report = run_story("learn", tmp_path / "out")
    assert report.facts["verdict"].startswith("x: known from −")
    assert report.facts["kept"]["name"] == "x"
    assert len(report.pictures) == 7


def test_a_story_that_does_not_exist(tmp_path, qapp):
    with pytest.raises(UnknownNameError, match="there is no story 'sleep'"):
        run_story("sleep", tmp_path)


def test_a_model_that_does_not_exist_ends_the_story_with_its_sentence(story_home, tmp_path, qapp):
    with pytest.raises(StudioError, match="nowhere"):
        run_story("drag", tmp_path, model="nowhere")


class _this_home:  # noqa: N801 - stands in for a context manager function
    def __enter__(self):
        return None

    def __exit__(self, *problem):
        return None
