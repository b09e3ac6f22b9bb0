"""Opens a model: validated pictures from the faster runtime, and the torch generator when somebody needs gradients."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Generator as Returning
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from latentstudio.errors import CapabilityError, DeviceError, ModelFileError, PluginError, StudioError, UsageError
from latentstudio.files import reads, sha256_of
from latentstudio.generators.acceleration import cached_graph, export_graph, find_graph, why_not_exportable
from latentstudio.generators.calibration import (
    ACCELERATED,
    EAGER,
    RUNS,
    UNFIT,
    WARM_UP,
    CalibrationStep,
    RuntimeReport,
    choose,
    read_choice,
    remember_choice,
)
from latentstudio.generators.card import ModelCard
from latentstudio.generators.catalogue import Catalogue, find_catalogue
from latentstudio.generators.conditions import NONE, Conditions
from latentstudio.generators.contract import Generator
from latentstudio.generators.graph_session import GraphSession, cuda_driver_loads, thread_choices
from latentstudio.generators.guarding import GuardedGenerator, guard, guarded
from latentstudio.generators.weights import check_safetensors
from latentstudio.latents import check_latent, sample_prior

AUTO = "auto"
RUNTIMES = (AUTO, EAGER, ACCELERATED)
CHUNK = 64
FloatPictures = NDArray[np.float32]
T = TypeVar("T")


class Model:
    """An opened model. Not for two threads at once; made by ``open_model``.

    ``tuning`` is the hash of the tuning that its weights were changed by, empty for the model as it was fetched.
    """

    def __init__(self, card: ModelCard, folder: Path, *, device: str, catalogue: Catalogue) -> None:
        self.card = card
        self.folder = folder
        self.device = device
        self.needs_calibration = False
        self.report: RuntimeReport | None = None
        self.tuning = ""
        self.catalogue = catalogue
        self.sources = (folder, catalogue.backend_entry(card.backend).folder)  # what is read, and never written over
        self._generator: Generator | None = None
        self._session: GraphSession | None = None
        self._must_accelerate = self._left_graph = False
        self._code = catalogue.backend_code(card.backend)
        self._cached_graph = cached_graph(card, self._code)

    @property
    def runtime_name(self) -> str:
        """``ONNX Runtime, CPU`` or ``torch, CPU``: what draws the pictures now."""
        if self._session is not None:
            return self._session.name
        return f"torch, {self.device.upper()}{'; its graph failed and was left aside' if self._left_graph else ''}"

    @property
    def generator(self) -> Generator:
        """The torch generator on ``device``; loaded at first use, with its recoder as ``encode`` where one was trained.

        Raises:
            ModelFileError: the weights are broken or not those of the card.
            PluginError: the backend is broken or does not return a generator.
        """
        if self._generator is None:
            _check_identity(self.card, self.folder)
            backend = self.catalogue.backend(self.card.backend)
            opened = guarded(
                lambda: backend.open(self.card, self.folder, device=self.device), self.card.backend, "open the model"
            )
            if not isinstance(opened, Generator):
                raise PluginError(f"the backend '{self.card.backend}' opened a {type(opened).__name__}",
                                  expected="a generator with card, network and generate")
            from latentstudio.generators.recoder import attach_recoder  # torch is here only now

            attach_recoder(opened, device=self.device)
            self._generator = opened
        return self._generator

    @property
    def guarded_generator(self) -> GuardedGenerator:
        """``generator`` for learning and measuring: a plugin that goes wrong there ends it with one line."""
        return guard(self.generator)

    def card_for(self, conditions: Iterable[str]) -> ModelCard:
        """The card that knows conditions of these names: the model's, else the opened generator's own.

        A card that was written before there were conditions does not name those of its backend; the backend does.
        """
        return self.card if all(self.card.offers(name) for name in conditions) else self.generator.card

    def pictures(
        self, latents: NDArray[np.float32], *, space: str | None = None, conditions: Conditions = NONE
    ) -> FloatPictures:
        """Pictures float32 (N, 3, H, W) RGB of latents float32 (N, *shape), from the faster runtime.

        The exported graph knows the first latent space and the card's defaults; with anything else torch draws.

        Raises:
            UnknownNameError: the model has no such latent space.
            UsageError: a latent of the wrong size or not finite, or conditions that the model does not take.
            PluginError: the backend raised, or returned another shape or numbers that are not finite.
        """
        first = self.card.spaces[0]
        chosen = first if space is None else self.card.space(space)
        checked = check_latent(latents, chosen)
        card = self.card_for(conditions)
        usual = chosen is first and (not conditions or card.resolve(conditions) == card.resolve())
        pieces = [checked[start : start + CHUNK] for start in range(0, len(checked), CHUNK)]
        parts = [self._checked(self._drawn(piece, chosen.name, conditions, usual), len(piece)) for piece in pieces]
        if not parts:
            return np.zeros((0, 3, *self.card.image_size), dtype=np.float32)
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _drawn(
        self, latents: NDArray[np.float32], space: str, conditions: Conditions, usual: bool
    ) -> FloatPictures:
        """By the graph where it knows what is ``usual``; one that fails is left aside, unless somebody insists on it.
        """
        if usual and self._session is not None:
            try:
                return self._session.run(latents)
            except ModelFileError:
                if self._must_accelerate:
                    raise
            self._session, self._left_graph, self.needs_calibration = None, True, True
            self._cached_graph.unlink(missing_ok=True)  # it is made again when the runtimes are measured
        return self._eager(latents, space, conditions)

    def calibrate(self) -> RuntimeReport:
        """Measure both runtimes, take the faster one that agrees, remember it. Some seconds, mostly loading torch."""
        report = None
        for step in self.calibration():
            report = step.report
        assert report is not None
        return report

    def calibration(self) -> Iterator[CalibrationStep]:
        """As ``calibrate``, in steps that a render may come between; the last step carries the report."""
        yield CalibrationStep(0.0, "opening with torch")
        generator = self.generator
        yield CalibrationStep(0.3, "exporting")
        reason = self._prepare_graph(generator)
        samples = sample_prior(self.card.spaces[0], count=8, seed=1) if self.card.spaces[0].prior != "none" else (
            np.random.Generator(np.random.PCG64(1)).standard_normal((8, *self.card.spaces[0].shape)).astype(np.float32)
        )
        graph = find_graph(self.card, self.folder, self._code)
        session: GraphSession | None = None
        eager_ms = yield from _timed(lambda: self._eager(samples[:1]), 0.4, "measuring torch")
        if graph is None:
            report = RuntimeReport(eager_ms, None, None, EAGER, reason)
        else:
            report, session = yield from self._compare(graph, samples, eager_ms)
        self._session = session if report.chosen == ACCELERATED else None
        self._left_graph = False
        self.needs_calibration = False
        self.report = report
        remember_choice(self._cached_graph, self.device, report)
        yield CalibrationStep(1.0, report.reason, report=report)

    def close(self) -> None:
        """Let go of networks and graphs; a closed model opens them again when asked."""
        self._generator = None
        self._session = None

    def _compare(
        self, graph: Path, samples: NDArray[np.float32], eager_ms: float
    ) -> Returning[CalibrationStep, None, tuple[RuntimeReport, GraphSession]]:
        times: dict[int, float] = {}
        sessions: dict[int, GraphSession] = {}
        expected = self._eager(samples)
        differences = []
        for threads in thread_choices():
            session = GraphSession(graph, device=self.device, threads=threads)
            yield CalibrationStep(0.7, "measuring ONNX Runtime")
            differences.append(_difference(session, samples, expected))
            if differences[-1] == math.inf:
                return RuntimeReport(eager_ms, None, None, EAGER, UNFIT), session
            run = partial(session.run, samples[:1])
            times[threads] = yield from _timed(run, 0.8, "measuring ONNX Runtime")
            sessions[threads] = session
        report = choose(eager_ms, times, float(np.max(differences)))
        return report, sessions[report.threads]

    def _checked(self, pictures: FloatPictures, count: int) -> FloatPictures:
        wanted = (count, 3, *self.card.image_size)
        if pictures.shape != wanted:
            raise PluginError(f"the backend '{self.card.backend}' returned pictures of shape {pictures.shape}",
                              expected=f"{wanted}", action="report it to the plugin's author")
        if not np.isfinite(pictures).all():
            raise PluginError(f"the backend '{self.card.backend}' returned numbers that are not finite",
                              expected="pictures in [0, 1]", action="try another sample, or fetch the model again")
        return pictures

    def _eager(
        self, latents: NDArray[np.float32], space: str | None = None, conditions: Conditions = NONE
    ) -> FloatPictures:
        import torch  # torch must stay off the way to the first window

        generator, name = self.generator, space or self.card.spaces[0].name

        def draw() -> FloatPictures:
            with torch.inference_mode():
                latent = torch.from_numpy(latents).to(self.device)
                pictures = generator.generate(latent, space=name, conditions=conditions)
                if not isinstance(pictures, torch.Tensor):
                    raise PluginError(f"the backend '{self.card.backend}' returned pictures of shape "
                                      f"{type(pictures).__name__}", expected="a tensor",
                                      action="report it to the plugin's author")
                drawn: FloatPictures = pictures.float().cpu().contiguous().numpy()
                return drawn

        return guarded(draw, self.card.backend, "generate")

    def _prepare_graph(self, generator: Generator) -> str:
        """Make the graph where there is none; the reason where it cannot be made."""
        reason = why_not_exportable(self.card)
        if reason:
            return reason
        graph = find_graph(self.card, self.folder, self._code)
        try:
            if graph is not None:
                GraphSession(graph, device=self.device, threads=1)
                return ""
        except ModelFileError:
            self._cached_graph.unlink(missing_ok=True)
        try:
            export_graph(generator, self._cached_graph)
        except StudioError as problem:
            return problem.found
        return ""

    def take_runtime(self, runtime: str) -> None:
        """Settle which runtime draws: ``auto``, ``eager`` or ``accelerated`` (see ``open_model``)."""
        self._must_accelerate = runtime == ACCELERATED
        if runtime == EAGER:
            self._session = None
            _ = self.generator
        elif runtime == ACCELERATED:
            reason = "" if self._open_graph(thread_choices()[-1]) else self._prepare_graph(self.generator)
            if reason or (self._session is None and not self._open_graph(thread_choices()[-1])):
                raise CapabilityError(f"{self.card.name} cannot be accelerated ({reason})",
                                      action="use the eager runtime")
        else:
            self._take_best()

    def _take_best(self) -> None:
        self.report = read_choice(self._cached_graph, self.device)
        wanted = self.report.chosen if self.report is not None else ACCELERATED
        threads = self.report.threads if self.report is not None else thread_choices()[-1]
        if wanted == ACCELERATED and self._open_graph(threads):
            self.needs_calibration = self.report is None
            return
        self.needs_calibration = wanted == ACCELERATED
        _ = self.generator

    def _open_graph(self, threads: int) -> bool:
        graph = find_graph(self.card, self.folder, self._code)
        if graph is None:
            return False
        try:
            self._session = GraphSession(graph, device=self.device, threads=threads)
        except (ModelFileError, DeviceError):
            return False
        return True


def open_model(
    name_or_path: str | Path, *, catalogue: Catalogue | None = None, device: str = AUTO, runtime: str = AUTO
) -> Model:
    """Open a model by name, or by the path of its folder.

    Args:
        name_or_path: a name from ``latentstudio models list``, or a model folder.
        catalogue: where to look; what is installed now when None.
        device: ``auto``, ``cpu``, ``cuda`` or ``cuda:1``.
        runtime: ``eager`` draws with torch, ``accelerated`` with ONNX Runtime, ``auto`` with the one that was measured
            faster, or with ONNX Runtime where a graph lies ready and nothing was measured yet.

    Raises:
        UnknownNameError: no such model, device or runtime.
        ModelFileError: the card or the weights are broken.
        PluginError: the backend is.
        DeviceError: the device is not there.
    """
    if runtime not in RUNTIMES:
        raise UsageError(f"unknown runtime '{runtime}'", expected=" or ".join(RUNTIMES))
    catalogue = catalogue if catalogue is not None else find_catalogue()
    entry = catalogue.model(name_or_path)
    if entry.card is None or entry.error:
        raise ModelFileError(f"the model '{entry.name}' cannot be opened ({entry.error})", action="fix card.json")
    check_safetensors(entry.folder / entry.card.weights)
    card = entry.card
    if not card.weights_sha256:
        card = replace(card, weights_sha256=sha256_of(entry.folder / card.weights))
    model = Model(card, entry.folder, device=resolve_device(device), catalogue=catalogue)
    reads(*model.sources)
    model.take_runtime(runtime)
    return model


def resolve_device(device: str) -> str:
    """``auto`` becomes ``cuda`` where torch can use it, else ``cpu``; other names are checked.

    Raises:
        DeviceError: CUDA was asked for and is not there.
        UsageError: no such device.
    """
    kind, _, number = device.partition(":")
    if kind not in (AUTO, "cpu", "cuda") or (number and not number.isdecimal()):
        raise UsageError(f"unknown device '{device}'", expected="auto, cpu or cuda")
    if kind == "cpu" or (kind == AUTO and not cuda_driver_loads()):
        return "cpu"
    import torch  # only where an NVIDIA driver was found, or asked for

    if torch.cuda.is_available() and int(number or 0) < torch.cuda.device_count():
        return device if kind == "cuda" else "cuda"
    if kind == AUTO:
        return "cpu"
    raise DeviceError(f"the device '{device}' is not available", expected="a CUDA build of torch and a free GPU",
                      action="use --device cpu")


def _difference(session: GraphSession, samples: NDArray[np.float32], expected: FloatPictures) -> float:
    """The largest difference to the expected pictures; infinite where the graph fails or its pictures do not fit."""
    try:
        drawn = session.run(samples)
    except ModelFileError:
        return math.inf
    return float(np.abs(drawn - expected).max()) if drawn.shape == expected.shape else math.inf


def _check_identity(card: ModelCard, folder: Path) -> None:
    found = sha256_of(folder / card.weights)
    if found != card.weights_sha256:
        raise ModelFileError(
            f"the weights of {card.name} have the SHA-256 {found[:12]}...",
            expected=f"{card.weights_sha256[:12]}..., as the card says", action="fetch the model again",
        )


def _timed(call: Callable[[], object], fraction: float, message: str) -> Returning[CalibrationStep, None, float]:
    """Steps whose return value is the median in milliseconds."""
    for _ in range(WARM_UP):
        call()
        yield CalibrationStep(fraction, message)
    spent = []
    for _ in range(RUNS):
        began = time.perf_counter()
        call()
        spent.append(time.perf_counter() - began)
        yield CalibrationStep(fraction, message)
    return 1000.0 * statistics.median(spent)
