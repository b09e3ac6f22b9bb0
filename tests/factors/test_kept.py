"""How much of their effect factors keep on another generator, against what is known in closed form."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from latentstudio import api
from latentstudio.factors.kept import kept_effects, measurable
from latentstudio.losses import squared_error

pytestmark = pytest.mark.faces


class Half:
    """A generator whose latents move half as far around a pivot."""

    def __init__(self, generator, pivot):
        self.card, self.network = generator.card, generator.network
        self._generator, self._pivot = generator, pivot

    def generate(self, latent, **options):
        return self._generator.generate(self._pivot + 0.5 * (latent - self._pivot), **options)


@pytest.fixture
def faces(faces_home):
    return api.open_model("faces-gan", runtime="eager")


def test_the_same_generator_keeps_all_and_one_that_moves_half_keeps_half(faces):
    latent = 0.6 * api.sample(faces, seed=3)
    known = api.factors_of(faces)
    pivot = torch.from_numpy(latent)[None]
    names = ("x", "brightness")
    assert set(names) <= set(measurable(known, faces.card))
    *_, last = kept_effects(faces.generator, faces.generator, latent, known, names)
    assert [one.kept for one in last.effects] == pytest.approx([1.0, 1.0])
    assert all(0.5 < one.told_before < 1.6 for one in last.effects)
    assert [one.told_before for one in last.effects] == [one.told_after for one in last.effects]
    *_, last = kept_effects(faces.generator, Half(faces.generator, pivot), latent, known, names)
    assert 0.3 < last.effects[1].kept < 0.8
    assert last.effects[0].kept < 0.95


def test_anchors_are_the_photo_under_the_factors_transformations(faces):
    latent = 0.6 * api.sample(faces, seed=3)
    picture = faces.pictures(latent[None])[0]
    anchors = api.edit_anchors(faces, picture, latent)
    count = len(anchors.latents)
    assert count == 4 * len(measurable(api.factors_of(faces), faces.card))
    assert anchors.targets.shape == (count, 3, 64, 64)
    assert anchors.masks.shape == (count, 1, 64, 64)
    assert 0.0 < float(anchors.masks.min(dim=0).values.mean()) < 1.0
    drawn = faces.generator.generate(anchors.latents)
    still = torch.from_numpy(picture)[None].expand(count, -1, -1, -1)
    moved_alike = squared_error(drawn, anchors.targets, anchors.masks)
    left = squared_error(drawn, still, anchors.masks)
    assert float((moved_alike < left).float().mean()) > 0.7
    inside = np.ones((64, 64), np.float32)
    inside[:, :16] = 0.0
    held = api.edit_anchors(faces, picture, latent, mask=inside)
    assert float(held.masks.mean()) < float(anchors.masks.mean())
