"""A tiny untrained scene model in a folder, opened."""

from __future__ import annotations

import pytest

from latentstudio.generators.catalogue import find_catalogue
from latentstudio.generators.opening import open_model


@pytest.fixture(scope="session")
def scene_model_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scene-model") / "example"
    folder.mkdir()
    find_catalogue().backend("scenes").make_example(folder, seed=3)
    return folder


@pytest.fixture
def model(scene_model_folder):
    opened = open_model(scene_model_folder, runtime="eager")
    yield opened
    opened.close()
