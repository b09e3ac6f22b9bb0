"""The border to a plugin's code: whatever it raises becomes one line about the plugin. No torch at import."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from latentstudio.errors import PluginError, StudioError
from latentstudio.generators.capabilities import Encodes
from latentstudio.generators.conditions import NONE, Conditions
from latentstudio.generators.contract import Generator
from latentstudio.generators.loading import plugin_problem

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T")

_REPORT = "report it to the plugin's author"


def guarded(call: Callable[[], T], backend: str, doing: str) -> T:
    """Call into a backend.

    Raises:
        PluginError: it raised anything but a ``StudioError``; the message names the backend and what it raised.
    """
    try:
        return call()
    except (StudioError, MemoryError, KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as problem:  # the border to foreign code: whatever a plugin raises becomes one line
        raise plugin_problem(backend, doing, problem) from problem


class GuardedGenerator:
    """A generator for long computations: what its plugin does wrong ends them with one line, not with a traceback.

    It offers ``generate`` alone; ``guard`` gives one that encodes where the generator does.
    """

    def __init__(self, generator: Generator) -> None:
        self.card = generator.card
        self.network = generator.network
        self._generator = generator
        backend = self.card.backend
        if guarded(lambda: next(iter(generator.network.parameters()), None), backend, "list its parameters") is None:
            raise PluginError(f"the network of the backend '{backend}' has no parameters",
                              expected="all of the generator's", action=_REPORT)

    def generate(self, latent: Tensor, *, space: str = "z", conditions: Conditions = NONE) -> Tensor:
        """Pictures float32 (N, 3, H, W) of latents (N, *shape), differentiable in ``latent``.

        Raises:
            PluginError: the backend raised, returned another shape, or pictures that gradients do not pass through.
        """
        backend = self.card.backend
        pictures = guarded(
            lambda: self._generator.generate(latent, space=space, conditions=conditions), backend, "generate"
        )
        wanted = (len(latent), 3, *self.card.image_size)
        if tuple(getattr(pictures, "shape", ())) != wanted:
            raise PluginError(f"the backend '{backend}' returned pictures of shape {_shape(pictures)}",
                              expected=f"{wanted}", action=_REPORT)
        import torch  # there already, or no tensor could have come here

        if latent.requires_grad and torch.is_grad_enabled() and not pictures.requires_grad:
            raise PluginError(f"the pictures of the backend '{backend}' do not let gradients through",
                              expected="pictures differentiable in the latent", action=_REPORT)
        return pictures


class GuardedEncoder(GuardedGenerator):
    """A guarded generator that has the capability ``encode``."""

    def encode(self, images: Tensor) -> Tensor:
        """Latents (N, *shape) of pictures (N, 3, H, W) in [0, 1].

        Raises:
            PluginError: the backend raised, or returned another shape.
        """
        backend, encoder = self.card.backend, self._generator
        assert isinstance(encoder, Encodes), "made by ``guard`` alone"
        latent = guarded(lambda: encoder.encode(images), backend, "encode")
        wanted = (len(images), *self.card.spaces[0].shape)
        if tuple(getattr(latent, "shape", ())) != wanted:
            raise PluginError(f"the backend '{backend}' encoded to the shape {_shape(latent)}",
                              expected=f"{wanted}", action=_REPORT)
        return latent


def guard(generator: Generator) -> GuardedGenerator:
    """The generator behind its guard, with its encoder where it has one."""
    return GuardedEncoder(generator) if isinstance(generator, Encodes) else GuardedGenerator(generator)


def _shape(pictures: object) -> str:
    shape = getattr(pictures, "shape", None)
    return type(pictures).__name__ if shape is None else str(tuple(shape))
