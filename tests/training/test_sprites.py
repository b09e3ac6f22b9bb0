"""The sprite maker against its own protocol."""

from __future__ import annotations

import torch

from latentstudio.training.sprites import COUNT, POSITIONS, Sprites, SpriteSheet, render


def test_the_protocol_has_the_right_size():
    assert COUNT == 737_280


def test_pictures_are_binary_and_never_cut_off():
    images = SpriteSheet().batch(512, seed=1, step=1)
    assert images.shape == (512, 1, 64, 64)
    assert set(images.unique().tolist()) == {0.0, 1.0}
    assert images[..., 0, :].sum() + images[..., -1, :].sum() + images[..., 0].sum() + images[..., -1].sum() == 0
    assert images.sum(dim=(1, 2, 3)).min() > 40


def test_a_batch_depends_on_seed_and_step_only():
    one, other = SpriteSheet(), SpriteSheet()
    assert torch.equal(one.batch(8, seed=1, step=5), other.batch(8, seed=1, step=5))
    assert not torch.equal(one.batch(8, seed=1, step=5), one.batch(8, seed=1, step=6))
    assert not torch.equal(one.batch(8, seed=1, step=5), one.batch(8, seed=2, step=5))


def test_positions_are_centred_and_a_pixel_apart():
    images = SpriteSheet().batch(4000, seed=0, step=0)[:, 0]
    axis = torch.arange(64.0) - 31.5
    mass = images.sum(dim=(1, 2))
    x = (images * axis).sum(dim=(1, 2)) / mass
    y = (images * axis[:, None]).sum(dim=(1, 2)) / mass
    for centre in (x, y):
        assert centre.mean().abs() < 0.6
        assert 14.0 < centre.max() < 18.5
        assert -18.5 < centre.min() < -14.0
    assert POSITIONS == 32


def test_turning_is_counter_clockwise():
    one = torch.ones(1)
    flat = render(Sprites(one.long(), one, one * 0, one * 0, one * 0))[0, 0]
    turned = render(Sprites(one.long(), one, one * 0.6, one * 0, one * 0))[0, 0]
    rows, columns = turned.nonzero(as_tuple=True)
    assert flat[32, 20] == 1
    x, y = columns.float() - 31.5, 31.5 - rows.float()
    assert (x * y).mean() > 5
