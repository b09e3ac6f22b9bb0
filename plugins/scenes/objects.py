"""The foreground: a grid of cells, a recurrent proposer of boxes in each, and the auto-encoder of what they show."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from .sizes import SceneSizes

LOGIT = 8.0
DEPTH = 4.0


@dataclass(frozen=True)
class Proposals:
    """What the box encoder says of B pictures, slot after slot: S = G^2 K.

    Attributes:
        mean, deviation: of z_box, (B, S, box_size).
        logit: of presence, (B, S).
    """

    mean: Tensor
    deviation: Tensor
    logit: Tensor


def cell_centres(grid: int) -> Tensor:
    """Centres (G^2, 2) of the cells, x and y in [-1, 1], row by row."""
    places = (torch.arange(grid, dtype=torch.float32) * 2.0 + 1.0) / grid - 1.0
    rows, columns = torch.meshgrid(places, places, indexing="ij")
    return torch.stack([columns.reshape(-1), rows.reshape(-1)], dim=1)


class StructureEncoder(nn.Module):
    """Pictures and what the background leaves unexplained (B, 6, H, W) -> features (B, G^2, width) of the cells."""

    def __init__(self, sizes: SceneSizes) -> None:
        super().__init__()
        halvings = (sizes.side // sizes.grid).bit_length() - 1
        widths = [32, 48, 64, sizes.width, sizes.width, sizes.width][: max(1, halvings)]
        widths[-1] = sizes.width
        layers: list[nn.Module] = []
        before = 6
        for width in widths:
            layers += [nn.Conv2d(before, width, 4, 2, 1), nn.GroupNorm(8, width), nn.CELU()]
            before = width
        for _ in range(2):
            layers += [nn.Conv2d(before, before, 3, 1, 1), nn.GroupNorm(8, before), nn.CELU()]
        self.layers = nn.Sequential(*layers)

    def forward(self, seen: Tensor) -> Tensor:
        """Features of the cells, row by row."""
        found: Tensor = self.layers(seen).flatten(2).transpose(1, 2)
        return found


class BoxEncoder(nn.Module):
    """A shared LSTM that proposes K boxes in every cell (section 5.3)."""

    def __init__(self, sizes: SceneSizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.recurrent = nn.LSTMCell(sizes.width, sizes.width)
        self.told = nn.Linear(sizes.width, 2 * sizes.box_size + 1)
        nn.init.constant_(self.told.bias, 0.0)
        with torch.no_grad():
            self.told.bias[sizes.box_size : 2 * sizes.box_size] = -2.5
            self.told.bias[-1] = 1.5
            self.told.weight.mul_(0.3)
        later = -2.5 * torch.arange(sizes.slots, dtype=torch.float32)  # else the boxes of a cell stay twins
        self.register_buffer("later", later)
        self.later: Tensor

    def forward(self, cells: Tensor) -> Proposals:
        """Proposals of features (B, G^2, width)."""
        batch, count, width = cells.shape
        flat = cells.reshape(batch * count, width)
        hidden = state = torch.zeros_like(flat)
        found = []
        for _ in range(self.sizes.slots):
            hidden, state = self.recurrent(flat, (hidden, state))
            found.append(self.told(hidden).float())
        told = torch.stack(found, dim=1)
        size = self.sizes.box_size
        logit = LOGIT * torch.tanh((told[..., -1] + self.later) / 4.0)
        shape = (batch, count * self.sizes.slots)
        deviation = functional.softplus(told[..., size : 2 * size] + 0.54) + 1e-3
        return Proposals(told[..., :size].reshape(*shape, size), deviation.reshape(*shape, size), logit.reshape(shape))


class BoxDecoder(nn.Module):
    """z_box -> where a box lies, explicitly, and its depth: positions, sizes, the angle of a two-dimensional vector."""

    def __init__(self, sizes: SceneSizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.layers = nn.Sequential(nn.Linear(sizes.box_size, 64), nn.CELU(), nn.Linear(64, 7))
        with torch.no_grad():
            last = self.layers[2]
            assert isinstance(last, nn.Linear)
            last.weight.mul_(0.5)
            last.bias.zero_()
            last.bias[2:4] = -0.51  # three eighths of the way from the smallest size to the largest
            last.bias[4] = 1.5  # the vector points to the right: angle 0
        centres = cell_centres(sizes.grid).repeat_interleave(sizes.slots, dim=0)
        self.register_buffer("centres", centres)
        self.centres: Tensor

    def forward(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Boxes (B, S, 5) and depths (B, S); a greater depth value lies in front."""
        told = self.layers(latent).float()
        step = 2.0 / self.sizes.grid * self.sizes.reach
        centre = self.centres + step * torch.tanh(told[..., :2])
        smallest, largest = self.sizes.smallest, self.sizes.largest
        size = smallest + (largest - smallest) * torch.sigmoid(told[..., 2:4])
        angle = torch.atan2(told[..., 5:6], told[..., 4:5]) * (0.5 if self.sizes.half_turn else 1.0)
        angle = angle if self.sizes.rotates else torch.zeros_like(angle)
        return torch.cat([centre, size, angle], dim=-1), DEPTH * torch.tanh(told[..., 6])


class GlimpseVae(nn.Module):
    """What a box shows -> z_what -> its picture and mask."""

    def __init__(self, sizes: SceneSizes) -> None:
        super().__init__()
        self.sizes = sizes
        area = sizes.glimpse**2
        self.encoder = nn.Sequential(
            nn.Flatten(), nn.Linear(6 * area, 256), nn.CELU(), nn.Linear(256, 128), nn.CELU(),
            nn.Linear(128, 2 * sizes.what_size),
        )
        self.decoder = nn.Sequential(
            nn.Linear(sizes.what_size, 128), nn.CELU(), nn.Linear(128, 256), nn.CELU(), nn.Linear(256, 4 * area)
        )
        with torch.no_grad():
            last = self.decoder[4]
            assert isinstance(last, nn.Linear)
            last.bias[3 * area :] = -2.0

    def encode(self, glimpses: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and deviation (N, what_size) of glimpses with their residual (N, 6, h, h)."""
        mean, raw = self.encoder(glimpses).float().chunk(2, dim=1)
        return mean, functional.softplus(raw - 1.0) + 1e-3

    def decode(self, latent: Tensor) -> Tensor:
        """Colours and mask (N, 4, h, h) in [0, 1]."""
        side = self.sizes.glimpse
        return torch.sigmoid(self.decoder(latent).float()).reshape(-1, 4, side, side)


class Prior(nn.Module):
    """Normal laws of the slots of a cell, one after the other (section 5.4): from the cell's place, the background's
    latent, and what was drawn before. z_pres has a logit instead."""

    def __init__(self, sizes: SceneSizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.given = 2 + sizes.components * sizes.background_size
        before = sizes.box_size + sizes.what_size + 1
        self.recurrent = nn.LSTMCell(self.given + before, sizes.prior_width)
        self.told = nn.Linear(sizes.prior_width, 2 * (sizes.box_size + sizes.what_size) + 1)
        self.register_buffer("centres", cell_centres(sizes.grid))
        self.centres: Tensor

    def start(self, background: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """What every cell is given, (B G^2, given), of z_bg (B, K, d); and the state to begin with."""
        seen = background.flatten(1)[:, None].expand(-1, self.sizes.grid**2, -1)
        places = self.centres + torch.zeros_like(seen[..., :1])  # sizes are not read off: graphs take any number
        given = torch.cat([places, seen], dim=2).reshape(-1, self.given)
        zero = torch.zeros_like(given[:, :1]).expand(-1, self.sizes.prior_width)
        return given, (zero, zero)

    def step(
        self, given: Tensor, before: Tensor, state: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor, Tensor, tuple[Tensor, Tensor]]:
        """Mean and deviation (B G^2, box_size + what_size), logit (B G^2,), and the next state."""
        state = self.recurrent(torch.cat([given, before], dim=1), state)
        told = self.told(state[0]).float()
        size = self.sizes.box_size + self.sizes.what_size
        deviation = functional.softplus(told[:, size : 2 * size] + 0.54) + 1e-2
        return told[:, :size], deviation, LOGIT * torch.tanh(told[:, -1] / 4.0), state
