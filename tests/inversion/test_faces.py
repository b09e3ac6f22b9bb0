"""The automatic frame: a real face is found, and everything else says why the frame stands in the middle."""

from __future__ import annotations

import importlib.util
from dataclasses import replace

import numpy as np
import pytest

from latentstudio.generators.card import ModelCard
from latentstudio.inversion import faces
from latentstudio.inversion.faces import automatic_frame, expects_faces, find_face
from latentstudio.inversion.frames import centre_frame

CARD = ModelCard(name="faces-gan", backend="dcgan")
GREY = np.full((100, 140, 3), 128, np.uint8)


def test_models_of_other_things_get_the_middle_without_a_word():
    card = replace(CARD, name="sprites-b10")
    assert not expects_faces(card)
    assert automatic_frame(GREY, card) == (centre_frame(GREY, (64, 64)), "")


def test_without_scikit_image_it_says_so(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    frame, note = automatic_frame(GREY, CARD)
    assert frame == centre_frame(GREY, (64, 64))
    assert "scikit-image is not installed" in note


def test_no_face_says_so(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(faces, "find_face", lambda photo: None)
    frame, note = automatic_frame(GREY, CARD)
    assert frame == centre_frame(GREY, (64, 64))
    assert "no face was found" in note


def test_a_found_face_fills_the_frame_as_the_model_s_own_faces_do(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(faces, "find_face", lambda photo: (60.0, 50.0, 40.0))
    frame, note = automatic_frame(GREY, CARD)
    assert (frame.x, frame.size, note) == (60.0, 50.0, "")
    assert frame.y == pytest.approx(46.2)


def test_the_cascade_finds_the_astronaut_and_nothing_in_grey():
    skimage = pytest.importorskip("skimage", reason="the automatic face frame needs scikit-image")
    assert find_face(GREY) is None
    assert find_face(GREY[:20, :20]) is None
    astronaut = skimage.data.astronaut()
    for photo, scale in ((astronaut, 1.0), (np.repeat(np.repeat(astronaut, 2, axis=0), 2, axis=1), 2.0)):
        x, y, side = find_face(photo)
        assert x == pytest.approx(224 * scale, abs=12 * scale)
        assert y == pytest.approx(116 * scale, abs=12 * scale)
        assert 80 * scale < side < 130 * scale
