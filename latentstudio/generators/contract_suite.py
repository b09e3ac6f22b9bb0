"""The contract suite: ``latentstudio plugins check PATH`` runs it on anyone's backend plugin."""

from __future__ import annotations

import contextlib
import os
import pickle
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from latentstudio.errors import CapabilityError, StudioError
from latentstudio.generators.acceleration import export_graph, why_not_exportable
from latentstudio.generators.calibration import AGREEMENT
from latentstudio.generators.capabilities import (
    CAPABILITIES,
    BuildsNetworks,
    Encodes,
)
from latentstudio.generators.card import ModelCard, check_card, read_card
from latentstudio.generators.conditions import NONE, TRUNCATION, Condition, ConditionKind, Conditions, ConditionValue
from latentstudio.generators.contract import Backend, Generator, ImportsFiles, MakesExample
from latentstudio.generators.graph_session import GraphSession
from latentstudio.generators.loading import load_backend
from latentstudio.generators.manifest import Manifest, read_manifest

if TYPE_CHECKING:
    from torch import Tensor

BATCH_AGREEMENT = 1e-4
Made = TypeVar("Made")


@dataclass(frozen=True)
class Check:
    """One check of the suite: its name, whether it passed, and what was found."""

    name: str
    passed: bool
    detail: str = ""


class _Failed(Exception):  # noqa: N818 (never leaves this file)
    pass


def check_plugin(path: Path, *, model: Path | None = None) -> tuple[Check, ...]:
    """Run every check on the plugin in folder ``path``; the checks after a failed import or opening are left out.

    Args:
        path: the plugin's folder (its package), or its ``plugin.toml``.
        model: a model folder to open; when None the plugin's own ``make_example`` writes one.
    """
    return tuple(_checks(Path(path), model))


def _checks(path: Path, model: Path | None) -> Iterator[Check]:
    folder = (path.parent if path.is_file() else path).resolve()

    def attempt(name: str, work: Callable[[], Made], detail: Callable[[Made], str] = str) -> tuple[Check, list[Made]]:
        try:
            made = work()
            return Check(name, True, detail(made)), [made]
        except (_Failed, StudioError) as problem:
            return Check(name, False, str(problem)), []
        except (KeyboardInterrupt, GeneratorExit):
            raise
        except BaseException as problem:  # the border to foreign code, SystemExit too: the suite tells, and goes on
            return Check(name, False, f"{type(problem).__name__}: {problem}".splitlines()[0]), []

    told, manifests = attempt("manifest", lambda: read_manifest(folder), lambda read: read.id)
    yield told
    if not manifests:
        return
    manifest = manifests[0]
    told, backends = attempt("import", lambda: load_backend(manifest, folder), lambda loaded: type(loaded).__name__)
    yield told
    if not backends:
        return
    backend = backends[0]
    with tempfile.TemporaryDirectory(prefix="latentstudio-check-") as name:
        work = Path(name)
        yield attempt("probe", lambda: _probe_junk(backend, work))[0]
        told, opened = attempt("open", lambda: _open(backend, manifest, work, model), lambda read: read.card.facts)
        yield told
        if not opened:
            return
        generator = opened[0]
        for title, check in (
            ("shapes", _shapes), ("range", _range), ("determinism", _determinism), ("gradient", _gradient),
            ("batch", _batch), ("options", _options), ("refusal", _refusal),
        ):  # fmt: skip
            yield attempt(title, partial(check, generator))[0]
        yield attempt("capabilities", lambda: _capabilities(manifest, backend, generator))[0]
        yield attempt("export", lambda: _export(generator, work))[0]


class _Payload:
    """Pickled, it makes a folder when a careless reader opens it."""

    def __init__(self, marker: str) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (self.marker,)


def _probe_junk(backend: Backend, work: Path) -> str:
    marker = work / "it-ran"
    noise = np.random.Generator(np.random.PCG64(0)).bytes(4096)
    junk = {
        "empty.safetensors": b"", "noise.bin": noise, "text.txt": b"not a model\n",
        "huge.safetensors": (10 << 30).to_bytes(8, "little") + b"{" + noise,
        "trap.pt": pickle.dumps(_Payload(str(marker))),
        "other.safetensors": (2).to_bytes(8, "little") + b"{}",
    }  # fmt: skip
    for name, content in junk.items():
        path = work / name
        path.write_bytes(content)
        answer = backend.probe(path)
        if answer is not None:
            raise _Failed(f"probe took {name} for a model; expected None")
        if marker.exists():
            raise _Failed(f"probe ran code from {name}; expected that nothing of a file is run")
    if backend.probe(work) is not None or backend.probe(work / "missing") is not None:
        raise _Failed("probe took a folder or a missing file for a model; expected None")
    return f"{len(junk) + 2} junk files refused, nothing ran"


def _open(backend: Backend, manifest: Manifest, work: Path, model: Path | None) -> Generator:
    if model is None:
        if not isinstance(backend, MakesExample):
            raise _Failed("the backend has no make_example(folder, seed=); expected it, or a model folder to open")
        model = work / "example"
        model.mkdir()
        backend.make_example(model, seed=0)
    card = check_card(read_card(model), where=str(model))
    if card.backend != manifest.id:
        raise _Failed(f"the example's card names the backend '{card.backend}'; expected '{manifest.id}'")
    recognised = backend.probe(model / card.weights)
    if recognised is None:
        raise _Failed(f"probe did not recognise the plugin's own {card.weights}; expected a card")
    generator = backend.open(card, model, device="cpu")
    if not isinstance(generator, Generator):
        raise _Failed(f"open returned {type(generator).__name__}; expected card, network and generate")
    if generator.network.training or any(part.requires_grad for part in generator.network.parameters()):
        raise _Failed("the network is in training mode or its parameters want gradients; expected eval() and neither")
    return generator


def _latents(card: ModelCard, count: int, seed: int = 0) -> Tensor:
    import torch  # torch must stay off the way to the first window

    source = torch.Generator().manual_seed(seed)
    return torch.randn((count, *card.spaces[0].shape), generator=source)


def _drawn(generator: Generator, count: int, *, space: str = "z", conditions: Conditions = NONE) -> Tensor:
    import torch  # torch must stay off the way to the first window

    with torch.no_grad():
        return generator.generate(_latents(generator.card, count), space=space, conditions=conditions)


def _shapes(generator: Generator) -> str:
    for count in (1, 3):
        pictures = _drawn(generator, count)
        wanted = (count, 3, *generator.card.image_size)
        if tuple(pictures.shape) != wanted or str(pictures.dtype) != "torch.float32":
            raise _Failed(f"pictures of {tuple(pictures.shape)} {pictures.dtype}; expected {wanted} torch.float32")
    return f"{tuple(pictures.shape)} float32"


def _range(generator: Generator) -> str:
    pictures = _drawn(generator, 8)
    low, high = float(pictures.min()), float(pictures.max())
    if not (-1e-4 <= low <= high <= 1 + 1e-4):
        raise _Failed(f"pictures from {low:g} to {high:g}; expected finite numbers in [0, 1]")
    return f"{low:.3f} to {high:.3f}"


def _determinism(generator: Generator) -> str:
    difference = float((_drawn(generator, 2) - _drawn(generator, 2)).abs().max())
    if difference > 1e-6:
        raise _Failed(f"the same latent gave pictures {difference:.1e} apart; expected the same")
    return "the same latent gives the same picture"


def _gradient(generator: Generator) -> str:
    latent = _latents(generator.card, 2).requires_grad_(True)
    (generator.generate(latent) ** 2).sum().backward()
    if latent.grad is None:
        raise _Failed("no gradient reaches the latent; expected a differentiable generate")
    size = float(latent.grad.abs().max())
    if not 0 < size < float("inf"):
        raise _Failed(f"the gradient in the latent is {size}; expected a finite one above 0")
    return f"largest entry {size:.2e}"


def _batch(generator: Generator) -> str:
    import torch  # torch must stay off the way to the first window

    latents = _latents(generator.card, 3)
    with torch.no_grad():
        together = generator.generate(latents)
        single = torch.cat([generator.generate(latents[index : index + 1]) for index in range(3)])
    difference = float((together - single).abs().max())
    if difference > BATCH_AGREEMENT:
        raise _Failed(f"a picture changes by {difference:.1e} with its neighbours in the batch; expected none")
    return f"alone or together within {difference:.1e}"


def _options(generator: Generator) -> str:
    card = generator.card
    for condition in card.offered:
        value = _another(condition)
        if value is None:
            continue
        pictures = _drawn(generator, 2, conditions=Conditions.of(**{condition.name: value}), space=card.spaces[0].name)
        if tuple(pictures.shape) != (2, 3, *card.image_size):
            raise _Failed(f"with {condition.name} {value} the pictures have shape {tuple(pictures.shape)}; expected "
                          "the same as without")
        if condition.name == TRUNCATION and float((pictures - _drawn(generator, 2)).abs().max()) == 0.0:
            raise _Failed(f"truncation {value} draws the same pictures as {condition.default}; expected others")
    return f"{', '.join(condition.name for condition in card.offered)} accepted"


def _another(condition: Condition) -> ConditionValue:
    """A value that the condition takes beside its default; None where the suite has none to give."""
    if condition.kind is ConditionKind.PICTURE:
        return None
    middle = 0.5 if condition.kind is ConditionKind.NUMBER else 1
    for value in (middle, condition.least, condition.most):
        if value is not None and value != condition.default:
            whole = value if condition.kind is ConditionKind.NUMBER else int(value)
            with contextlib.suppress(StudioError):
                return condition.check(whole)
    return None


def _refusal(generator: Generator) -> str:
    try:
        generator.generate(_latents(generator.card, 1), space="no such space")
        raise _Failed("the space 'no such space' was accepted; expected card.space(name) to refuse it")
    except StudioError:
        pass
    try:
        generator.generate(_latents(generator.card, 1), conditions=Conditions.of(no_such_condition=1))
    except StudioError:
        return "an unknown space and an unknown condition are refused"
    raise _Failed("the condition 'no_such_condition' was accepted; expected card.resolve(conditions) to refuse it")


def _capabilities(manifest: Manifest, backend: Backend, generator: Generator) -> str:
    offered = ["generate"]
    for name in generator.card.capabilities:
        able = isinstance(generator, CAPABILITIES[name]) or (name == "build" and isinstance(backend, BuildsNetworks))
        if not able:
            raise _Failed(f"the card promises '{name}' and the generator has no such method")
        if name not in manifest.capabilities:
            raise _Failed(f"the card promises '{name}' and the manifest does not")
        offered.append(name)
    for name, protocol in CAPABILITIES.items():
        if isinstance(generator, protocol) and name not in ("generate", *generator.card.capabilities):
            raise _Failed(f"the generator can '{name}' and the card does not say so")
    if isinstance(generator, Encodes):
        latents = generator.encode(_drawn(generator, 2))
        if tuple(latents.shape) != (2, *generator.card.spaces[0].shape):
            raise _Failed(f"encode gave latents of shape {tuple(latents.shape)}")
    if "build" in manifest.capabilities and not isinstance(backend, BuildsNetworks):
        raise _Failed("the manifest promises 'build' and the backend has no build(config)")
    if "torch" in manifest.file_kinds and not isinstance(backend, ImportsFiles):
        raise _Failed("the manifest names the file kind 'torch' and the backend has no import_file(path)")
    return ", ".join(dict.fromkeys(offered))


def _export(generator: Generator, work: Path) -> str:
    reason = why_not_exportable(generator.card)
    if reason:
        return f"not exported: {reason}"
    try:
        graph = export_graph(generator, work / "graph.onnx")
    except CapabilityError as problem:
        return f"not exported, torch draws: {problem.found}"
    latents = _latents(generator.card, 8)
    drawn = GraphSession(graph, device="cpu", threads=1).run(latents.numpy())
    difference = float(np.abs(drawn - _drawn(generator, 8).numpy()).max())
    if not difference <= AGREEMENT:
        return f"exported, but {difference:.1e} apart, so torch draws"
    return f"ONNX graph within {difference:.1e}"
