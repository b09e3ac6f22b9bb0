"""The scene backend: sizes, parts, pictures from latents, the graph, and boxes that lie where they say."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from latentstudio.errors import ModelFileError
from latentstudio.generators.acceleration import export_graph
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.generators.glimpses import extract, moments, project, wrapped

SMALL = {"side": 32, "grid": 4, "glimpse": 8, "what_size": 4, "box_size": 4, "background_size": 4, "width": 16,
         "prior_width": 8}


@pytest.fixture
def backend(home: Path) -> Any:
    return find_catalogue().backend("scenes")


@pytest.mark.parametrize("changes", [
    {}, {"slots": 3}, {"components": 3}, {"rotates": False}, {"half_turn": False}, {"learned_prior": False},
    {"grid": 8, "slots": 1},
])
@torch.no_grad()
def test_every_design_draws_pictures_of_any_number_of_latents(backend: Any, changes: dict[str, Any]) -> None:
    network = backend.build({**SMALL, **changes}).eval()
    for count in (1, 3):
        pictures = network.pictures(torch.randn(count, network.sizes.latent_size))
        assert pictures.shape == (count, 3, 32, 32)
        assert bool(torch.isfinite(pictures).all())


@torch.no_grad()
def test_masks_of_the_background_sum_to_one(backend: Any) -> None:
    network = backend.build({**SMALL, "components": 3}).eval()
    _, masks = network.background.draw(torch.randn(2, 3, 4))
    assert masks.shape == (2, 3, 1, 32, 32)
    torch.testing.assert_close(masks.sum(1), torch.ones(2, 1, 32, 32))


@torch.no_grad()
def test_boxes_stay_near_their_cells_and_angles_are_half_turns(backend: Any) -> None:
    network = backend.build(SMALL).eval()
    boxes, depth = network.places(5.0 * torch.randn(20, network.sizes.capacity, 4))
    away = (boxes[..., :2] - network.places.centres).abs()
    assert float(away.max()) <= 2.0 / 4 * network.sizes.reach + 1e-6
    assert float(boxes[..., 2:4].min()) >= 0.06
    assert float(boxes[..., 4].abs().max()) <= math.pi / 2 + 1e-6
    assert depth.shape == (20, 32)


@pytest.mark.parametrize(("key", "value"), [
    ("side", 48), ("grid", 3), ("slots", 0), ("width", -4), ("reach", 9.0), ("rotates", "yes"), ("colour", 1),
])
def test_sizes_that_no_network_has_are_refused(backend: Any, key: str, value: object) -> None:
    with pytest.raises(ModelFileError, match=key):
        backend.build({**SMALL, key: value})


def test_the_graph_takes_any_number_of_latents_and_agrees(backend: Any, tmp_path: Path) -> None:
    card = backend.make_example(tmp_path, seed=1)
    opened = backend.open(card, tmp_path, device="cpu")
    export_graph(opened, tmp_path / "graph.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "graph.onnx"))
    for count in (1, 5):
        latent = torch.randn(count, card.spaces[0].size)
        (drawn,) = session.run(None, {session.get_inputs()[0].name: latent.numpy()})
        with torch.no_grad():
            assert drawn == pytest.approx(opened.generate(latent).numpy(), abs=1e-4)


@pytest.mark.parametrize("angle", [0.0, 0.4, -1.2])
def test_what_is_cut_out_lies_where_it_was_when_it_is_put_back(angle: float) -> None:
    picture = torch.zeros(1, 1, 64, 64)
    picture[:, :, 20:31, 34:45] = 1.0
    centre = (torch.tensor([39.0, 25.0]) * 2 + 1) / 64 - 1
    boxes = torch.tensor([[*centre.tolist(), 0.4, 0.4, angle]])
    which = torch.zeros(1, dtype=torch.long)
    back = project(extract(picture, which, boxes, 32), boxes, 64)
    rows, columns = np.meshgrid(np.arange(64), np.arange(64), indexing="ij")
    mass = back[0, 0].numpy()
    assert (mass * columns).sum() / mass.sum() == pytest.approx(39.0, abs=0.1)
    assert (mass * rows).sum() / mass.sum() == pytest.approx(25.0, abs=0.1)


def test_a_positive_angle_turns_what_is_put_back_counter_clockwise() -> None:
    bar = torch.zeros(1, 1, 16, 16)
    bar[:, :, 7:9, 8:] = 1.0  # from the middle to the right
    laid = project(bar, torch.tensor([[0.0, 0.0, 0.5, 0.5, math.pi / 2]]), 64)[0, 0]
    assert float(laid[:32].sum()) > 10 * float(laid[32:].sum()), "it points upwards"


def test_moments_of_a_mask() -> None:
    mask = torch.zeros(1, 1, 16, 16)
    mask[:, :, 4:12, 8:16] = 1.0
    mass, shift, spread = moments(mask)
    assert float(mass) == pytest.approx(0.25)
    assert shift[0].tolist() == pytest.approx([0.5, 0.0])
    assert spread[0].tolist() == pytest.approx([0.5 / math.sqrt(3)] * 2, rel=0.02)


@pytest.mark.parametrize("turn", [0.0, 0.5, -0.7])
def test_a_box_is_wrapped_around_its_mask_and_along_it(turn: float) -> None:
    places = (torch.arange(32) * 2.0 + 1.0) / 32 - 1.0
    x, y = places[None, :] - 0.2, -(places[:, None] + 0.1)
    along, across = math.cos(turn) * x + math.sin(turn) * y, math.cos(turn) * y - math.sin(turn) * x
    bar = ((along.abs() < 0.6) & (across.abs() < 0.2)).float()[None, None]
    box = torch.tensor([[0.1, -0.2, 0.4, 0.4, 0.3]])
    new = wrapped(box, bar, turns=True)[0]
    assert float(new[4]) == pytest.approx(0.3 + turn, abs=0.03)
    spread = 0.6 * 0.4 / math.sqrt(3)
    assert float(new[2]) == pytest.approx(spread / 0.4, rel=0.05)
    assert float(new[2]) > 2.5 * float(new[3])
    right = torch.tensor([math.cos(0.3), -math.sin(0.3)])
    below = torch.tensor([math.sin(0.3), math.cos(0.3)])
    wanted = box[0, :2] + 0.4 * (0.2 * right - 0.1 * below)
    assert new[:2].tolist() == pytest.approx(wanted.tolist(), abs=0.01)
    upright = wrapped(box, bar, turns=False)[0]
    assert float(upright[4]) == pytest.approx(0.3)
    empty = wrapped(box, torch.zeros(1, 1, 32, 32), turns=True)
    torch.testing.assert_close(empty, box)
