"""A small classifier of Fashion-MNIST, trained here: its hidden layer gives features, its answer the mode coverage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from latentstudio.errors import ModelFileError, TrainingError
from latentstudio.generators.weights import read_tensors, write_tensors
from latentstudio.places import cache_folder
from latentstudio.steps import Step
from latentstudio.training.pictures import PictureSet, as_floats

NAME = "fashion-classifier"
CLASSES = 10
HIDDEN = 128
EPOCHS = 3
_BATCH = 128
_RATE = 2e-3


class ClassifierNetwork(nn.Module):
    """Three convolutions of stride 2 with batch norm, a hidden layer of 128, ten answers; pictures (N, 1, 32, 32)."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in ((1, 32), (32, 64), (64, 128)):
            layers += [nn.Conv2d(before, after, 3, 2, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
        self.trunk = nn.Sequential(*layers, nn.Flatten(), nn.Linear(128 * 16, HIDDEN), nn.ReLU())
        self.head = nn.Sequential(nn.Dropout(0.3), nn.Linear(HIDDEN, CLASSES))

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Features (N, 128) and logits (N, 10)."""
        hidden = self.trunk(pictures)
        return hidden, self.head(hidden)


@dataclass(frozen=True)
class Classifier:
    """The trained network; ``accuracy`` was measured on the held-out pictures."""

    network: ClassifierNetwork
    accuracy: float

    @property
    def name(self) -> str:
        """What figures made with its features are named after."""
        return NAME

    def of(self, pictures: Tensor) -> Tensor:
        """Features (N, 128) of pictures (N, 1 or 3, 32, 32) in [0, 1]."""
        with torch.inference_mode():
            found: Tensor = self.network(pictures[:, :1].contiguous())[0]
        return found

    def classes(self, pictures: Tensor) -> Tensor:
        """Class indices (N,) of pictures."""
        with torch.inference_mode():
            found: Tensor = self.network(pictures[:, :1].contiguous())[1].argmax(1)
        return found


@dataclass(frozen=True)
class ClassifierStep(Step):
    """A step of training; the last one carries the classifier."""

    classifier: Classifier | None = None


def fashion_classifier(pictures: PictureSet, *, seed: int = 0) -> Iterator[ClassifierStep]:
    """The classifier of these pictures (N, 1, 32, 32) and labels: from the cache, else trained in about a minute.

    Raises:
        TrainingError: the pictures have no labels, or another size.
    """
    if pictures.labels is None or pictures.held_out_labels is None or pictures.training.shape[1:] != (1, 32, 32):
        raise TrainingError(f"pictures of {pictures.training.shape[1:]} without labels",
                            expected="Fashion-MNIST as 1 x 32 x 32")
    path = cache_folder() / "classifiers" / f"{NAME}-{pictures.fingerprint}-{seed}.safetensors"
    network = ClassifierNetwork()
    try:
        tensors = read_tensors(path)
        accuracy = float(tensors.pop("accuracy"))
        network.load_state_dict(tensors)
    except (ModelFileError, KeyError, RuntimeError):  # not there yet, or broken: made again
        yield from _train(network, pictures, seed)
        accuracy = _accuracy(network, pictures)
        write_tensors(path, {**network.state_dict(), "accuracy": torch.tensor(accuracy)})
    network.eval().requires_grad_(False)
    yield ClassifierStep(1.0, f"the classifier is right on {accuracy:.1%}", classifier=Classifier(network, accuracy))


def _train(network: ClassifierNetwork, pictures: PictureSet, seed: int) -> Iterator[ClassifierStep]:
    assert pictures.labels is not None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                module.reset_parameters()
    optimiser = torch.optim.Adam(network.parameters(), lr=_RATE)
    total = EPOCHS * len(pictures.training) // _BATCH
    for step in range(total):
        source = np.random.Generator(np.random.PCG64((seed, step, 7)))
        chosen = source.integers(len(pictures.training), size=_BATCH)
        for group in optimiser.param_groups:
            group["lr"] = _RATE * min(1.0, 2.0 * (1.0 - step / total))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(step)
            logits = network(as_floats(pictures.training[chosen]))[1]
        loss = functional.cross_entropy(logits, torch.from_numpy(pictures.labels[chosen].astype(np.int64)))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        yield ClassifierStep(step / total, "training the classifier", metrics={"loss": float(loss.detach())})


@torch.no_grad()
def _accuracy(network: ClassifierNetwork, pictures: PictureSet) -> float:
    network.eval()
    assert pictures.held_out_labels is not None
    right = 0
    for start in range(0, len(pictures.held_out), 500):
        logits = network(as_floats(pictures.held_out[start : start + 500]))[1]
        labels = torch.from_numpy(pictures.held_out_labels[start : start + 500].astype(np.int64))
        right += int((logits.argmax(1) == labels).sum())
    return right / len(pictures.held_out)
