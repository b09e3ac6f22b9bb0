"""What the methods of this room share: their networks in one module, the codes they draw, and the running average."""

from __future__ import annotations

import copy
from typing import Protocol, cast

import torch
from torch import Tensor, nn

from latentstudio.errors import TrainingError

POSTERIOR_COUNT = 4096


class NetworkSizes(Protocol):
    """How large a model's networks are: coordinates of xi, which of them there are, and all of it as the card's config.
    """

    noise_size: int
    parts: tuple[str, ...]

    def config(self) -> dict[str, object]: ...


class Model(Protocol):
    """What a backend must build to be trained here; parts that the method does not need may be None.

    An encoder gives mean and variance (N, d) of pictures, a decoder or generator pictures of codes, a critic logits.
    ``sizes`` and the functions are asked for once it is trained: between pictures and whitened latents (N, d).
    """

    encoder: nn.Module | None
    decoder: nn.Module | None
    generator: nn.Module | None
    critic: nn.Module | None
    centre: Tensor
    root: Tensor
    sizes: NetworkSizes

    def whiten(self, code: Tensor) -> Tensor: ...

    def encoded(self, images: Tensor) -> Tensor: ...

    def decoded(self, latent: Tensor) -> Tensor: ...

    def generated(self, latent: Tensor, noise: Tensor | None = None) -> Tensor: ...


class Bench(nn.Module):
    """The model under training, and beside it what only the training needs: this is what a checkpoint holds.

    ``average`` is the generator with the running average of its weights; ``mean_root`` is the symmetric root of the
    covariance of the encoder's means, ``matched`` 1 once it was measured.
    """

    mean_root: Tensor
    matched: Tensor
    balance: Tensor

    def __init__(self, model: nn.Module, *, averages: bool) -> None:
        super().__init__()
        self.model = model
        generator = parts(model).generator
        self.average: nn.Module | None = None
        if averages and generator is not None:
            self.average = copy.deepcopy(generator).requires_grad_(False).eval()
        size = len(parts(model).centre)
        self.register_buffer("mean_root", torch.eye(size))
        self.register_buffer("matched", torch.zeros(()))
        self.register_buffer("balance", torch.ones(()))

    @torch.no_grad()
    def follow(self, decay: float, step: int) -> None:
        """Move the average towards the generator's weights; over the first steps it moves faster."""
        generator = parts(self.model).generator
        if self.average is None or generator is None:
            return
        share = 1.0 - min(decay, step / (step + 10.0))
        mine, theirs = _floats(self.average), _floats(generator)
        torch._foreach_lerp_(mine, theirs, share)

    @torch.no_grad()
    def measure_codes(self, means: Tensor, variance: Tensor) -> None:
        """Fit ``centre``, ``root`` and ``mean_root`` to the encoder's means (N, d) and its variance (d,).

        A VAE's aggregated posterior is not the prior after a short training: z = centre + root n covers what the
        encoder really uses, with root the symmetric root of C + Sigma and C the covariance of the means. Where C is
        I - Sigma this is the thesis' own assumption and changes nothing.
        """
        model = parts(self.model)
        centre = means.double().mean(0)
        covariance = torch.cov(means.double().T).view(len(centre), len(centre))
        model.centre.copy_(centre)
        model.root.copy_(_symmetric_root(covariance + torch.diag(variance.double())))
        self.mean_root.copy_(_symmetric_root(covariance))
        self.matched.fill_(1.0)

    def codes(self, drawn: Tensor, variance: Tensor, *, of_means: bool) -> tuple[Tensor, Tensor]:
        """Codes z (N, d) of drawn n ~ N(0, 1) (N, d), and where the encoder's mean of their picture belongs.

        With ``of_means`` (L_Z^b) the target has the distribution of the encoder's means, else (L_Z^a) it is z.
        """
        model = parts(self.model)
        z = model.centre + drawn @ model.root.T
        if not of_means:
            return z, z
        if float(self.matched):
            return z, model.centre + drawn @ self.mean_root.T
        return z, torch.sqrt(1.0 - variance.detach()) * z


def parts(model: nn.Module) -> Model:
    """The model's networks, typed."""
    return cast(Model, model)


def part(model: nn.Module, name: str, method: str) -> nn.Module:
    """The network of this name.

    Raises:
        TrainingError: the recipe's config leaves it out.
    """
    found = getattr(model, name, None)
    if not isinstance(found, nn.Module):
        raise TrainingError(f"the recipe's networks have no {name}", expected=f"one: the method '{method}' trains it",
                            action="name it among the parts of [config]")
    return found


def warm_start(generator: nn.Module, decoder: nn.Module) -> None:
    """Give a generator the decoder's weights; of a wider first layer (z and xi) the columns of z."""
    mine, theirs = generator.state_dict(), decoder.state_dict()
    with torch.no_grad():
        for name, value in theirs.items():
            if mine[name].shape == value.shape:
                mine[name].copy_(value)
            else:
                mine[name][:, : value.shape[1]].copy_(value)


def _floats(network: nn.Module) -> list[Tensor]:
    """Parameters and running statistics."""
    return [tensor.data for tensor in (*network.parameters(), *network.buffers()) if tensor.is_floating_point()]


def _symmetric_root(matrix: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(matrix)
    root: Tensor = (vectors * values.clamp_min(0.0).sqrt()) @ vectors.T
    return root
