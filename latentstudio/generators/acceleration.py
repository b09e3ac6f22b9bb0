"""Exports ``generate`` to an ONNX graph, made once and cached, or shipped in the model's folder."""

from __future__ import annotations

import hashlib
import io
import warnings
from pathlib import Path
from typing import Any

import msgspec

from latentstudio.errors import CapabilityError
from latentstudio.files import is_regular, sha256_of, write_whole
from latentstudio.generators.card import ModelCard
from latentstudio.generators.contract import Generator
from latentstudio.generators.graph_session import INPUT, OUTPUT
from latentstudio.places import bundled, cache_folder, user_models

GRAPH_FILE = "generator.onnx"
EXPORT_VERSION = 1
OPSET = 17


def cached_graph(card: ModelCard, code: str) -> Path:
    """Where the exported graph of this model lies once it is made.

    The name depends on everything that the pictures depend on: the weights, the card's facts that a backend builds its
    network from, the backend and its ``code`` (``Catalogue.backend_code``), and the way of exporting. The versions of
    torch and ONNX Runtime are left out: a graph of another torch draws the same, and with other versions the two
    runtimes are measured and compared again before the graph is trusted (``calibration``).
    """
    facts = (
        card.weights_sha256 or card.name, card.backend, code, card.image_size, card.channels, card.classes,
        [(space.name, space.shape) for space in card.spaces], card.config,
        card.offered, EXPORT_VERSION, OPSET,
    )
    identity = hashlib.sha256(msgspec.json.encode(facts, order="deterministic")).hexdigest()
    return cache_folder() / "onnx" / f"{card.weights_sha256[:12] or card.name}-{identity[:20]}.onnx"


def find_graph(card: ModelCard, folder: Path, code: str) -> Path | None:
    """The graph in the model's folder when it is whole and of this code, else the cached one, else None.

    Only graphs that this program exported are run: those of shipped models, and those in the user's models folder, to
    which a stranger's model comes without its graph (``importing``): ONNX Runtime is no reader for hostile files,
    though memory and time of a graph are bounded (``graph_session``).
    """
    own = folder / card.accelerated if card.accelerated and _is_ours(folder) else None
    if own is not None and card.accelerated_code in ("", code) and is_regular(own) and (
        sha256_of(own) == card.accelerated_sha256
    ):
        return own
    cached = cached_graph(card, code)
    return cached if is_regular(cached) else None


def _is_ours(folder: Path) -> bool:
    return any(folder.resolve().parent == parent.resolve() for parent in (bundled("models"), user_models()))


def why_not_exportable(card: ModelCard) -> str:
    """A reason why a model stays with torch, or an empty string."""
    if card.classes:
        return "a model with classes is drawn by torch"
    return ""


def export_graph(generator: Generator, path: Path) -> Path:
    """Write the generator as a graph from ``latent`` float32 (N, *shape) to ``pictures`` RGB in [0, 1]; whole or not.

    Raises:
        CapabilityError: the generator cannot be exported; the message says why.
        StorageError: the disk is full or the folder may not be written.
    """
    import torch  # torch must stay off the way to the first window
    from torch import Tensor, nn

    reason = why_not_exportable(generator.card)
    if reason:
        raise CapabilityError(f"{generator.card.name} cannot be exported ({reason})", action="use the eager runtime")

    class _Pictures(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.network = generator.network

        def forward(self, latent: Tensor) -> Tensor:
            return generator.generate(latent)

    device = next(generator.network.parameters()).device
    example = torch.zeros((2, *generator.card.spaces[0].shape), device=device)
    graph = io.BytesIO()  # whatever goes wrong while the file is written has nothing to do with exporting
    settings: dict[str, Any] = {"f": graph, "dynamo": False, "opset_version": OPSET, "input_names": [INPUT],
                                "output_names": [OUTPUT], "dynamic_axes": {INPUT: {0: "n"}, OUTPUT: {0: "n"}}}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "You are using the legacy TorchScript-based ONNX", DeprecationWarning)
        warnings.filterwarnings("ignore", "The feature will be removed", DeprecationWarning)
        # What the tracer guesses about shapes is checked against the eager pictures before the graph is used.
        warnings.simplefilter("ignore", torch.jit.TracerWarning)  # type: ignore[attr-defined]
        try:
            torch.onnx.export(_Pictures().eval(), (example,), **settings)
        except Exception as problem:  # the exporter raises a kind of its own for each operator
            text = (str(problem).strip().splitlines() or [type(problem).__name__])[0][:160]
            raise CapabilityError(f"{generator.card.name} cannot be exported ({text})",
                                  action="use the eager runtime") from problem
    write_whole(path, graph.getvalue(), durable=False)
    return path
