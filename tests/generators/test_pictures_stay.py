"""The shipped models draw what they drew when their pictures were kept: samples, sliders moved, truncation, scenes.

``pictures/NAME.png`` holds for each model, side by side, seed 0 as it is, seed 1 with every slider at a third of its
range, seed 2 at truncation 0.7 and, for a scene model, the first new scene of seed 5; drawn by torch. Processors round
differently, hence one level of 255 is allowed.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from latentstudio.document.view import View
from latentstudio.generators.capabilities import Decomposes
from latentstudio.generators.conditions import Conditions
from latentstudio.generators.opening import Model, open_model
from latentstudio.pixels import read_picture
from latentstudio.places import bundled
from latentstudio.scenes.decomposing import new_scenes
from latentstudio.tasks.draw import draw, factors_of
from latentstudio.tasks.sample import sample

PICTURES = Path(__file__).parent / "pictures"
SHIPPED = sorted(folder.name for folder in bundled("models").iterdir() if folder.is_dir())


def row_of(model: Model) -> NDArray[np.uint8]:
    """The pictures of one model, uint8 (H, K W, 3)."""
    known, card = factors_of(model), model.card
    first, second, third = (View.start(card, sample(model, seed=seed), seed) for seed in range(3))
    latent = second.latent_array().reshape(-1)
    moved = second.with_positions({factor.name: float(factor.range_at(latent)[1]) / 3 for factor in known})
    shortened = View.start(card, third.latent_array(), conditions=Conditions.of(truncation=0.7))
    views = [first, moved, shortened]
    if isinstance(model.generator, Decomposes):
        views.append(first.with_scene(new_scenes(model, count=3, seed=5)[0]))
    return np.concatenate([draw(model, view, known).pixels for view in views], axis=1)


def test_every_shipped_model_has_its_pictures() -> None:
    assert sorted(path.stem for path in PICTURES.glob("*.png")) == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_pictures_stay(name: str) -> None:
    model = open_model(name, runtime="eager")
    kept = read_picture(PICTURES / f"{name}.png")
    drawn = row_of(model)
    assert drawn.shape == kept.shape
    assert int(np.abs(drawn.astype(np.int16) - kept.astype(np.int16)).max()) <= 1
