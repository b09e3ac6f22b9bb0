"""A home with one small random model and two made-up factors: enough for every story, and nothing to download."""

from __future__ import annotations

import gc
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from latentstudio.factors import Factor, MeasuredCalibration, MonotoneCurve, keep_factor
from latentstudio.files import sha256_of
from latentstudio.generators.card import ModelCard, write_card
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.generators.opening import open_model
from latentstudio.generators.weights import write_tensors
from latentstudio.latents import LatentSpace
from latentstudio.places import cache_folder, data_folder, user_models
from latentstudio.units import PIXELS, TIMES

MODEL = "story-model"
SIZE = 10


@pytest.fixture(scope="session")
def story_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A user folder with the model, its exported graph and its factors; made once."""
    import torch

    store = tmp_path_factory.mktemp("stories")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LATENTSTUDIO_HOME", str(store))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(3)
            network = find_catalogue().backend("beta_vae").build({})  # type: ignore[attr-defined]
        folder = user_models() / MODEL
        folder.mkdir(parents=True)
        write_tensors(folder / "weights.safetensors", {name: 3 * t for name, t in network.state_dict().items()}, {})
        sha256 = sha256_of(folder / "weights.safetensors")
        write_card(
            folder,
            ModelCard(
                name=MODEL, backend="beta_vae", kind="beta-VAE", channels=1, spaces=(LatentSpace("z", (SIZE,)),),
                licence="MIT", measure="barycentre", weights_sha256=sha256,
            ),
        )
        model = open_model(MODEL)
        model.calibrate()
        model.close()
        p = np.linspace(-3.0, 3.0, 13)
        for index, (name, unit, slope) in enumerate((("x", PIXELS, 4.0), ("scale", TIMES, 0.2))):
            measured = MeasuredCalibration(p, slope * p, np.full(13, 0.1 * slope), (-3.0, 3.0))
            axis = np.eye(SIZE, dtype=np.float32)[index]
            keep_factor(Factor(name, name, unit, axis, MonotoneCurve(p, slope * p), measured, MODEL, sha256))
        assert cache_folder().is_dir()
        assert data_folder().is_dir()
    return store


@pytest.fixture
def story_home(home: Path, story_store: Path) -> Path:
    """A fresh copy of that folder as this test's home."""
    shutil.copytree(story_store, home, dirs_exist_ok=True)
    return home


@pytest.fixture(autouse=True)
def collected_here() -> Iterator[None]:
    """What a closed window leaves behind goes in this thread; the collector in a later test's worker would crash Qt."""
    yield
    gc.collect()
