"""The shipped recoder of faces-gan, on samples of another seed than those of its card."""

from __future__ import annotations

import pytest
import torch

from latentstudio import api
from latentstudio.generators.capabilities import Encodes
from latentstudio.generators.recoder import read_recoder_card
from latentstudio.inversion.honesty import find_held_out
from latentstudio.places import bundled
from latentstudio.training.recipe import read_recipe

pytestmark = pytest.mark.faces


@pytest.fixture
def faces(faces_home):
    return api.open_model("faces-gan", runtime="eager")


def test_the_encoder_alone_and_refined_reach_the_model_s_own_samples(faces):
    generator = faces.generator
    assert isinstance(generator, Encodes)
    latents = torch.from_numpy(api.sample(faces, seed=4242, count=64))
    with torch.inference_mode():
        pictures = generator.generate(latents)
        errors = (generator.generate(generator.encode(pictures)) - pictures).square().mean(dim=(1, 2, 3))
    assert float(errors.mean()) <= 0.0065  # 0.0050 on 512 samples; 64 spread about it
    for picture in pictures[:2]:
        found = api.invert(faces, picture.clone().numpy(), loss="mse")
        assert (found.start, found.optimiser) == ("encoder", "gauss-newton")
        assert found.steps <= 12
        assert found.mse <= 0.002 < found.start_mse


def test_what_is_shipped_is_small_and_belongs_to_the_model(faces):
    folder = bundled("resources") / "recoders" / "faces-gan"
    assert sum(path.stat().st_size for path in folder.iterdir()) <= 15_000_000
    held_out = find_held_out(faces.card, api.inversion_settings())
    assert held_out is not None
    assert len(held_out.losses) == 100


def test_its_card_tells_the_terms_of_the_data_and_what_its_command_is_worth(faces):
    card = read_recoder_card(bundled("resources") / "recoders" / "faces-gan")
    assert card.model_sha256 == faces.card.weights_sha256
    assert "non-commercial research" in card.notice
    assert "only on the same machine" in card.reproducing
    recipe = read_recipe(bundled("resources") / "recoders" / "recipe.toml")
    assert card.figures["steps"] == card.recipe["steps"] == recipe.steps
