"""Frechet distance against its closed form, sharpness, nearest neighbours and coverage."""

from __future__ import annotations

import math

import pytest
import torch

from latentstudio.errors import UsageError
from latentstudio.measures.frechet import Cloud, cloud, frechet_distance
from latentstudio.measures.variety import mode_coverage, nearest_distance, sharpness


def test_frechet_distance_of_diagonal_clouds_is_the_closed_form() -> None:
    one = Cloud(torch.tensor([0.0, 1.0]).double(), torch.diag(torch.tensor([4.0, 1.0])).double(), 10)
    other = Cloud(torch.tensor([3.0, 1.0]).double(), torch.diag(torch.tensor([1.0, 9.0])).double(), 10)
    assert frechet_distance(one, other) == pytest.approx(9.0 + (2 - 1) ** 2 + (1 - 3) ** 2)
    assert frechet_distance(one, one) == pytest.approx(0.0, abs=1e-9)


def test_frechet_distance_does_not_change_with_a_rotation() -> None:
    source = torch.Generator().manual_seed(0)
    one, other = torch.randn(200, 3, generator=source), 2.0 * torch.randn(200, 3, generator=source) + 1.0
    turned, _ = torch.linalg.qr(torch.randn(3, 3, generator=source))
    plain = frechet_distance(cloud(one), cloud(other))
    assert frechet_distance(cloud(one @ turned), cloud(other @ turned)) == pytest.approx(plain, rel=1e-4)
    assert frechet_distance(cloud(other), cloud(one)) == pytest.approx(plain, rel=1e-6)


def test_one_vector_makes_no_cloud() -> None:
    with pytest.raises(UsageError, match="1 feature vectors"):
        cloud(torch.zeros(1, 3))


def test_nearest_distance_ignores_the_picture_itself() -> None:
    pictures = torch.stack([torch.full((1, 2, 2), value) for value in (0.0, 0.1, 0.5)])
    assert nearest_distance(pictures) == pytest.approx((0.1 + 0.1 + 0.4) / 3, rel=1e-5)


def test_sharpness_is_a_ratio_of_energies() -> None:
    source = torch.Generator().manual_seed(0)
    pictures = torch.rand(4, 3, 16, 16, generator=source)
    assert sharpness(pictures, pictures) == pytest.approx(1.0)
    assert sharpness(0.5 * pictures, pictures) == pytest.approx(0.25)


def test_coverage_counts_classes_and_their_evenness() -> None:
    even = mode_coverage(torch.arange(100) % 10, 10)
    assert even["covered"] == 10.0
    assert even["effective"] == pytest.approx(10.0)
    assert mode_coverage(torch.zeros(50, dtype=torch.long), 10) == {
        "covered": 1.0, "effective": 1.0, "rarest_share": 0.0, "commonest_share": 1.0
    }
    assert math.isfinite(mode_coverage(torch.tensor([0, 1]), 10)["effective"])
