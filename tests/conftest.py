"""Shared test set-up: no window on the real screen, and the face model for the tests that need it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from latentstudio.errors import StudioError
from latentstudio.generators.addons import add_on
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.generators.fetching import fetch

FEATURES = "features-efficientnet-lite0"

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def _fetched(name: str, folder: Path) -> Path:
    """``folder`` as a user folder with this add-on in it; a failure fails the test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LATENTSTUDIO_HOME", str(folder))
        try:
            for _ in fetch(add_on(name), catalogue=find_catalogue()):
                continue
        except StudioError as problem:
            pytest.fail(f"the add-on {name} could not be fetched: {problem.sentence}", pytrace=False)
    return folder


@pytest.fixture(scope="session")
def faces_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user folder in which the add-on faces-gan is installed, fetched once per test run.

    ``LATENTSTUDIO_TEST_FACES`` may name such a folder; without it the add-on is fetched, and a failure fails the tests.
    """
    ready = os.environ.get("LATENTSTUDIO_TEST_FACES")
    if ready and (Path(ready) / "data" / "models" / "faces-gan" / "card.json").is_file():
        return Path(ready)
    return _fetched("faces-gan", tmp_path_factory.mktemp("faces"))


@pytest.fixture(scope="session")
def features_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As ``faces_store``, for the add-on features-efficientnet-lite0; the same variable may name a folder with it."""
    ready = os.environ.get("LATENTSTUDIO_TEST_FACES")
    if ready and (Path(ready) / "data" / "networks" / FEATURES / "card.json").is_file():
        return Path(ready)
    return _fetched(FEATURES, tmp_path_factory.mktemp("features"))


@pytest.fixture
def faces_home(home: Path, faces_store: Path) -> Path:
    """A fresh user folder like ``home``, with faces-gan installed in it."""
    shutil.copytree(faces_store / "data" / "models" / "faces-gan", home / "data" / "models" / "faces-gan")
    return home


@pytest.fixture
def features_home(home: Path, features_store: Path) -> Path:
    """A fresh user folder like ``home``, with features-efficientnet-lite0 installed in it."""
    shutil.copytree(features_store / "data" / "networks" / FEATURES, home / "data" / "networks" / FEATURES)
    return home
