"""The four networks of Plumerault's thesis, Figure 3.5, in one module: encoder, decoder, generator, critic.

Images are (N, C, side, side) in [0, 1] at every border; inside the networks they lie in [-1, 1]. Latents here are the
encoder's own, z with q(z|x) = N(mean, sigma^2); ``whiten`` and ``colour`` lead to and from the space that is handed
out, in which the prior is N(0, 1) exactly also where the encoder's codes are not.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from .sizes import Sizes
from .split import SplitDecoder, SplitEncoder
from .vanilla import VanillaCritic, VanillaDecoder

SLOPE = 0.2


class ImageTrunk(nn.Module):
    """Down-blocks (convolution of stride 2, batch norm except in the first, leaky ReLU) from pictures to (N, flat)."""

    def __init__(self, sizes: Sizes, *, norm: bool = True) -> None:
        super().__init__()
        self.blocks = nn.ModuleList()
        before = sizes.channels
        for index, width in enumerate(sizes.widths):
            layers: list[nn.Module] = [
                nn.Conv2d(before, width, sizes.kernel, 2, (sizes.kernel - 1) // 2, bias=index == 0 or not norm)
            ]
            if index and norm:
                layers.append(nn.BatchNorm2d(width))
            self.blocks.append(nn.Sequential(*layers, nn.LeakyReLU(SLOPE)))
            before = width

    def forward(self, images: Tensor) -> Tensor:
        """Flat features (N, widths[-1] * 16)."""
        return self.maps(images)[-1].flatten(1)

    def maps(self, images: Tensor) -> list[Tensor]:
        """What each block hands on, the first one first."""
        found, current = [], images * 2.0 - 1.0
        for block in self.blocks:
            current = block(current)
            found.append(current)
        return found


class Encoder(nn.Module):
    """q(z|x): the mean from the picture; sigma is learned and the same for every picture."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.trunk = ImageTrunk(sizes)
        self.mean = nn.Linear(sizes.flat, sizes.latent_size)
        self.spread = nn.Parameter(torch.zeros(sizes.latent_size))

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Mean (N, d) and variance (N, d); the variance is a sigmoid, so that the root of 1 - sigma^2 exists."""
        mean = self.mean(self.trunk(images)).float()
        return mean, torch.sigmoid(self.spread).expand_as(mean)


class Decoder(nn.Module):
    """Up-blocks (transposed convolution, batch norm, ReLU) from vectors (N, d) to pictures in [0, 1].

    Decoder and generator of the thesis are both this; the generator's vectors are z and xi together.
    """

    def __init__(self, sizes: Sizes, size: int) -> None:
        super().__init__()
        widths = sizes.widths[::-1]
        self.first = nn.Linear(size, widths[0] * 16, bias=False)
        layers: list[nn.Module] = [nn.BatchNorm2d(widths[0]), nn.ReLU()]
        pad = (sizes.kernel - 1) // 2
        for index, (before, after) in enumerate(zip(widths, (*widths[1:], sizes.channels), strict=True), start=1):
            last = index == len(widths)
            layers.append(
                nn.ConvTranspose2d(before, after, sizes.kernel, 2, pad, output_padding=sizes.kernel % 2, bias=last)
            )
            layers += [nn.Tanh()] if last else [nn.BatchNorm2d(after), nn.ReLU()]
        self.blocks = nn.Sequential(*layers)

    def forward(self, latent: Tensor) -> Tensor:
        """Pictures (N, C, side, side) in [0, 1]."""
        first = self.first(latent)
        pictures: Tensor = self.blocks(first.unflatten(1, (-1, 4, 4)))
        return pictures * 0.5 + 0.5


class Critic(nn.Module):
    """Logit of a picture: higher is more like the data. The sigmoid of Figure 3.5 is inside the losses."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.trunk = ImageTrunk(sizes, norm=sizes.critic_norm)
        self.head = nn.Linear(sizes.flat, 1)

    def forward(self, images: Tensor, latent: Tensor | None = None) -> Tensor:
        """Logits (N,)."""
        return cast(Tensor, self.head(self.trunk(images)))[:, 0]

    def judged(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (N,) and the features of the last block but one (VAE/GAN compares pictures by them)."""
        maps = self.trunk.maps(images)
        return self.head(maps[-1].flatten(1))[:, 0], maps[-2].flatten(1)


class JointCritic(nn.Module):
    """BiGAN's critic of pictures with their latents: an image trunk, two layers for z, two for both together."""

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        hidden = sizes.widths[-1]
        self.trunk = ImageTrunk(sizes)
        self.latent = nn.Sequential(
            nn.Linear(sizes.latent_size, hidden), nn.LeakyReLU(SLOPE), nn.Linear(hidden, hidden), nn.LeakyReLU(SLOPE)
        )
        self.head = nn.Sequential(
            nn.Linear(sizes.flat + hidden, hidden), nn.LeakyReLU(SLOPE), nn.Linear(hidden, hidden),
            nn.LeakyReLU(SLOPE), nn.Linear(hidden, 1),
        )

    def forward(self, images: Tensor, latent: Tensor) -> Tensor:
        """Logits (N,) of pictures and latents (N, d) that belong together."""
        both = torch.cat((self.trunk(images), self.latent(latent)), dim=1)
        return cast(Tensor, self.head(both))[:, 0]


class AvaeNetwork(nn.Module):
    """Whichever of the four networks ``sizes.parts`` names; the others are None.

    ``centre`` (d,) and ``root`` (d, d) describe the encoder's codes: z = centre + root n with n ~ N(0, 1). They are 0
    and 1 unless the training measured them (``matched`` in a recipe).
    """

    centre: Tensor
    root: Tensor

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.encoder: nn.Module | None = _encoder(sizes) if "encoder" in sizes.parts else None
        self.decoder: nn.Module | None = _decoder(sizes, 0) if "decoder" in sizes.parts else None
        self.generator: nn.Module | None = _decoder(sizes, sizes.noise_size) if "generator" in sizes.parts else None
        self.critic: nn.Module | None = _critic(sizes)
        self.register_buffer("centre", torch.zeros(sizes.latent_size))
        self.register_buffer("root", torch.eye(sizes.latent_size))

    def colour(self, latent: Tensor) -> Tensor:
        """The encoder's code z (N, d) of a latent n (N, d) of the space that is handed out."""
        return self.centre + latent @ self.root.T

    def whiten(self, code: Tensor) -> Tensor:
        """The latent n (N, d) of an encoder's code z (N, d)."""
        solved: Tensor = torch.linalg.solve(self.root, (code - self.centre).T).T
        return solved

    def generated(self, latent: Tensor, noise: Tensor | None = None) -> Tensor:
        """Pictures of latents (N, d) and xi (N, noise_size) by the generator, or by the decoder where there is none."""
        code = self.colour(latent)
        if self.generator is None:
            return self.decoded(latent)
        pictures: Tensor = self.generator(code if noise is None else torch.cat((code, noise), dim=1))
        return pictures

    def decoded(self, latent: Tensor) -> Tensor:
        """Pictures of the decoder from latents (N, d)."""
        assert self.decoder is not None
        pictures: Tensor = self.decoder(self.colour(latent))
        return pictures

    def encoded(self, images: Tensor) -> Tensor:
        """Latents (N, d) of pictures (N, C, side, side): the posterior's mean, whitened."""
        assert self.encoder is not None
        return self.whiten(self.encoder(images)[0])


def fit(images: Tensor, sizes: Sizes) -> Tensor:
    """Pictures (N, 3, H, W) as the networks take them: their channels, and their side (28 is padded to 32)."""
    if sizes.channels == 1 and images.shape[1] == 3:
        weights = torch.tensor((0.2126, 0.7152, 0.0722), dtype=images.dtype, device=images.device).view(1, 3, 1, 1)
        images = (images * weights).sum(1, keepdim=True)
    side = images.shape[-1]
    if images.shape[-2:] == (28, 28) and sizes.side == 32:
        return functional.pad(images, (2, 2, 2, 2))
    if side != sizes.side or images.shape[-2] != sizes.side:
        return functional.interpolate(
            images, (sizes.side, sizes.side), mode="bilinear", antialias=True, align_corners=False
        )
    return images


def _encoder(sizes: Sizes) -> nn.Module:
    return {"thesis": Encoder, "split": SplitEncoder, "vanilla": _vanilla_encoder}[sizes.design](sizes)


def _vanilla_encoder(sizes: Sizes) -> nn.Module:
    return VanillaCritic(sizes, 2 * sizes.latent_size)


def _decoder(sizes: Sizes, noise_size: int) -> nn.Module:
    made = {"thesis": Decoder, "split": SplitDecoder, "vanilla": VanillaDecoder}[sizes.design]
    return made(sizes, sizes.latent_size + noise_size)


def _critic(sizes: Sizes) -> nn.Module | None:
    if "joint-critic" in sizes.parts:
        return JointCritic(sizes)
    if "critic" not in sizes.parts:
        return None
    return VanillaCritic(sizes, 1) if sizes.design == "vanilla" else Critic(sizes)
