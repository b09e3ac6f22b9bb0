"""Losses against closed forms, codes that follow the aggregated posterior, and the balancing of the split VAE."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import nn

from latentstudio.autoencoding.losses import (
    blurred,
    critic_loss,
    divergence,
    gradient_penalty,
    gradient_size,
    latent_loss,
    non_saturating,
    reconstruction,
    saturating,
)
from latentstudio.autoencoding.parts import Bench, warm_start
from latentstudio.autoencoding.toy import ToyNetwork, toy_points


def test_divergence_is_that_of_two_normals() -> None:
    mean, variance = torch.tensor([[1.0, -2.0]]), torch.tensor([[0.25, 1.0]])
    by_torch = torch.distributions.kl_divergence(
        torch.distributions.Normal(mean, variance.sqrt()), torch.distributions.Normal(0.0, 1.0)
    ).sum()
    assert float(divergence(mean, variance)) == pytest.approx(float(by_torch))


def test_reconstruction_counts_in_pictures_from_minus_1_to_1() -> None:
    one, other = torch.rand(3, 1, 4, 4), torch.rand(3, 1, 4, 4)
    wide = 0.5 * ((2 * one - 1) - (2 * other - 1)).square().flatten(1).sum(1).mean()
    assert float(reconstruction(one, other)) == pytest.approx(float(wide), rel=1e-5)


def test_latent_loss_of_the_right_codes_is_half_a_nat_each() -> None:
    source = torch.Generator().manual_seed(0)
    variance = torch.full((20_000, 3), 0.3)
    mean = torch.randn(20_000, 3, generator=source)
    told = mean + variance.sqrt() * torch.randn(20_000, 3, generator=source)
    assert float(latent_loss(mean, told, variance)) == pytest.approx(1.5, rel=0.03)


def test_adversarial_losses_agree_with_cross_entropy() -> None:
    real, made = torch.tensor([2.0, -1.0]), torch.tensor([0.5, -3.0])
    entropy = nn.functional.binary_cross_entropy_with_logits
    wanted = entropy(real, torch.ones(2)) + entropy(made, torch.zeros(2))
    assert float(critic_loss(real, made)) == pytest.approx(float(wanted))
    assert float(non_saturating(made)) == pytest.approx(float(entropy(made, torch.ones(2))))
    assert float(saturating(made)) == pytest.approx(1.25)


def test_the_gradient_penalty_of_a_plane_is_known() -> None:
    slope = torch.tensor([3.0, 4.0]).view(1, 2, 1, 1)
    penalty = gradient_penalty(lambda x: (x * slope).sum(dim=(1, 2, 3)), torch.rand(4, 2, 1, 1), torch.rand(4, 2, 1, 1),
                               torch.rand(4))
    assert float(penalty) == pytest.approx((5.0 - 1.0) ** 2, rel=1e-5)


def test_the_blur_keeps_the_mean_and_takes_checkerboards_away() -> None:
    flat = torch.full((1, 3, 8, 8), 0.4)
    assert torch.allclose(blurred(flat), flat)
    board = (torch.arange(8)[:, None] + torch.arange(8)[None]) % 2
    assert float(blurred(board.float().expand(1, 1, 8, 8))[..., 2:-2, 2:-2].std()) < 1e-6


def bench() -> Bench:
    return Bench(_Two(), averages=False)


class _Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = self.decoder = self.generator = self.critic = None
        self.register_buffer("centre", torch.zeros(2))
        self.register_buffer("root", torch.eye(2))


def test_codes_have_the_moments_that_the_encoder_uses() -> None:
    source = torch.Generator().manual_seed(0)
    mix, middle = torch.tensor([[1.5, 0.4], [0.0, 0.2]]), torch.tensor([3.0, -1.0])
    means = torch.randn(40_000, 2, generator=source) @ mix + middle
    variance = torch.tensor([0.1, 0.5])
    made = bench()
    made.measure_codes(means, variance)
    drawn = torch.randn(40_000, 2, generator=source)
    z, target = made.codes(drawn, variance.expand(40_000, 2), of_means=True)
    wanted = torch.cov(means.T)
    torch.testing.assert_close(target.mean(0), means.mean(0), atol=0.03, rtol=0.02)
    torch.testing.assert_close(torch.cov(target.T), wanted, atol=0.04, rtol=0.04)
    torch.testing.assert_close(torch.cov(z.T), wanted + torch.diag(variance), atol=0.04, rtol=0.04)
    same, itself = made.codes(drawn, variance.expand(40_000, 2), of_means=False)
    assert torch.equal(same, itself)


def test_unmatched_targets_are_those_of_equation_3_12() -> None:
    made, drawn = bench(), torch.randn(5, 2)
    variance = torch.tensor([0.19, 0.0]).expand(5, 2)
    z, target = made.codes(drawn, variance, of_means=True)
    assert torch.equal(z, drawn)
    torch.testing.assert_close(target, drawn * torch.tensor([0.9, 1.0]))


def test_measuring_codes_changes_nothing_where_the_thesis_assumption_holds() -> None:
    variance = torch.tensor([0.19, 0.64])
    corners = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]]) * math.sqrt(3 / 4)
    made = bench()
    made.measure_codes(corners * torch.sqrt(1.0 - variance), variance)
    torch.testing.assert_close(made.model.root, torch.eye(2))
    drawn = torch.randn(6, 2)
    plain = bench().codes(drawn, variance.expand(6, 2), of_means=True)[1]
    torch.testing.assert_close(made.codes(drawn, variance.expand(6, 2), of_means=True)[1], plain)


def test_a_generator_with_xi_starts_from_the_decoder() -> None:
    network: Any = ToyNetwork(2)
    before = network.generator.first.weight[:, 1:].clone()
    warm_start(network.generator, network.decoder)
    assert torch.equal(network.generator.first.weight[:, :1], network.decoder.first.weight)
    assert torch.equal(network.generator.first.weight[:, 1:], before)
    assert torch.equal(network.generator.rest[1].weight, network.decoder.rest[1].weight)


def test_toy_points_follow_the_thesis() -> None:
    points = toy_points(50_000, torch.Generator().manual_seed(0))
    assert float(points[:, 0].std()) == pytest.approx(math.sqrt(9.01), rel=0.02)
    assert float(points[:, 1].abs().max()) < 1.0 + 0.6
    near = points[(points[:, 0] - math.pi / 2).abs() < 0.05, 1]
    assert float((near.abs() > 0.6).float().mean()) > 0.6, "two branches"
    assert float(near.mean().abs()) < 0.1, "and their mean between them"


def test_the_gradient_size_of_a_plane_is_half_its_square() -> None:
    slope = torch.tensor([3.0, 4.0]).view(1, 2, 1, 1)
    size = gradient_size(lambda x: (x * slope).sum(dim=(1, 2, 3)), torch.rand(4, 2, 1, 1))
    assert float(size) == pytest.approx(12.5, rel=1e-5)
