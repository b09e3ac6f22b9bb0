"""Opens scene models: pictures from one flat latent, and the parts that decompose and compose scenes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from latentstudio.errors import ModelFileError, StudioError
from latentstudio.files import sha256_of
from latentstudio.generators.card import ModelCard, write_card
from latentstudio.generators.conditions import NONE, TRUNCATION, Conditions
from latentstudio.generators.weights import check_safetensors, read_config, read_tensors, write_tensors
from latentstudio.latents import LatentSpace

from .network import SceneNetwork
from .sizes import SceneSizes, read_scene_sizes

BACKEND = "scenes"
CONFIG = "config"


class SceneGenerator:
    """One model on one device."""

    def __init__(self, card: ModelCard, network: SceneNetwork) -> None:
        self.card = card
        self.network: nn.Module = network
        self._scenes = network

    def generate(self, latent: Tensor, *, space: str = "z", conditions: Conditions = NONE) -> Tensor:
        """Pictures float32 (N, 3, side, side) in [0, 1] of latents (N, d): a new scene of the prior for each."""
        self.card.space(space)
        truncation = self.card.resolve(conditions).number(TRUNCATION)
        return self._scenes.pictures(latent if truncation == 1.0 else latent * truncation).clamp(0.0, 1.0)

    def scene_parts(self) -> nn.Module:
        """Capability ``decompose``: the network, with the parts that ``latentstudio.scenes`` works with."""
        return self._scenes


class SceneBackend:
    """Recognises, opens and builds scene models."""

    def probe(self, path: Path) -> ModelCard | None:
        """A card when the file's header names the sizes and lists exactly their tensors; only the header is read."""
        try:
            facts = check_safetensors(path)
            sizes = read_scene_sizes(read_config(path, CONFIG))
        except (StudioError, ValueError, TypeError, AttributeError):
            return None
        with torch.device("meta"):
            expected = {name: tuple(value.shape) for name, value in SceneNetwork(sizes).state_dict().items()}
        found = {name: fact.shape for name, fact in facts.items()}
        return _card(path.stem, sizes) if found == expected else None

    def open(self, card: ModelCard, folder: Path, *, device: str) -> SceneGenerator:
        """Open the weights in ``folder``.

        Raises:
            ModelFileError: they are not those that the card describes.
        """
        sizes = read_scene_sizes(card.config)
        network = SceneNetwork(sizes)
        tensors = read_tensors(folder / card.weights)
        try:
            network.load_state_dict({name: value.float() for name, value in tensors.items()})
        except RuntimeError as problem:
            raise ModelFileError(f"{card.weights} of {card.name} does not hold the networks of its card",
                                 expected=f"a scene model of {sizes.side} pixels") from problem
        if card.spaces[0].size != sizes.latent_size or card.image_size != (sizes.side, sizes.side):
            raise ModelFileError(f"the card of {card.name} contradicts its own config",
                                 expected=f"{sizes.latent_size} dimensions to {sizes.side} pixels")
        network.eval().requires_grad_(False)
        return SceneGenerator(card, network.to(device))

    def build(self, config: Mapping[str, object]) -> SceneNetwork:
        """A fresh network of these sizes (see ``SceneSizes``)."""
        return SceneNetwork(read_scene_sizes(config))

    def make_example(self, folder: Path, *, seed: int) -> ModelCard:
        """Write a small untrained model into ``folder``, for the contract suite."""
        sizes = SceneSizes(side=32, grid=2, slots=2, glimpse=8, what_size=4, box_size=4, background_size=4, width=16,
                           prior_width=8)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = SceneNetwork(sizes)
        weights = folder / "weights.safetensors"
        write_tensors(weights, network.state_dict(), {CONFIG: json.dumps(sizes.config())})
        card = replace(_card("example", sizes), weights_sha256=sha256_of(weights))
        write_card(folder, card)
        return card


def create() -> SceneBackend:
    """The factory named in ``plugin.toml``."""
    return SceneBackend()


def _card(name: str, sizes: SceneSizes) -> ModelCard:
    return ModelCard(
        name=name, backend=BACKEND, kind="scene model", image_size=(sizes.side, sizes.side), channels=3,
        spaces=(LatentSpace("z", (sizes.latent_size,)),), capabilities=("generate", "decompose"),
        config=sizes.config(),
    )
