"""Draws pictures with ONNX Runtime from an exported graph. No torch; onnxruntime is imported when a graph is opened.

What a graph does is bounded here, whoever made it: the bytes of its file, the memory that all graphs on the CPU may
hold together, and how long its first run may take. Which graphs are run at all is said in ``acceleration``.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import importlib
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from latentstudio.errors import DeviceError, ModelFileError

INPUT, OUTPUT = "latent", "pictures"
MOST_BYTES = 2 << 30  # of a graph's file, as protobuf takes, and of what graphs hold while they run
MOST_SECONDS = 30.0  # of a first run, for each of its pictures
_FATAL = 4


class GraphSession:
    """One exported graph, ready to run.

    Args:
        path: the ONNX file; it takes ``latent`` float32 (N, *shape) and gives ``pictures`` float32 (N, 3, H, W).
        device: ``cpu`` or ``cuda`` (``cuda:1``).
        threads: threads inside one operator.

    Raises:
        ModelFileError: the file is broken, too large, or no such graph.
        DeviceError: ONNX Runtime itself does not load.
    """

    def __init__(self, path: Path, *, device: str, threads: int) -> None:
        runtime = load_runtime()
        options = runtime.SessionOptions()
        options.log_severity_level = _FATAL
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Waiting threads sleep instead of spinning: an idle window costs no processor time.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        providers = _providers(runtime, device)
        if len(providers) == 1:  # the CPU alone
            _bound_memory()
            options.add_session_config_entry("session.use_env_allocators", "1")
        self.threads = threads
        self._ran = False
        try:
            if path.stat().st_size > MOST_BYTES:
                raise ValueError(f"more than {MOST_BYTES:,} bytes")
            self._session = runtime.InferenceSession(str(path), options, providers=providers)
            names = ([found.name for found in self._session.get_inputs()],
                     [found.name for found in self._session.get_outputs()])
        except Exception as problem:  # onnxruntime raises its own kinds, one per failure
            reason = (str(problem).splitlines() or [""])[0][:160]
            raise ModelFileError(f"{path} is not a graph that ONNX Runtime opens ({reason})",
                                 expected="an exported generator", action="delete it; it is made again") from problem
        if names != ([INPUT], [OUTPUT]):
            raise ModelFileError(f"{path} is a graph from {names[0]} to {names[1]}",
                                 expected=f"one from '{INPUT}' to '{OUTPUT}'", action="delete it; it is made again")
        self._name = "CUDA" if self._session.get_providers()[0] == "CUDAExecutionProvider" else "CPU"

    @property
    def name(self) -> str:
        """``ONNX Runtime, CPU`` or ``ONNX Runtime, CUDA``."""
        return f"ONNX Runtime, {self._name}"

    def run(self, latents: NDArray[np.float32]) -> NDArray[np.float32]:
        """Pictures float32 (N, 3, H, W) of latents float32 (N, *shape).

        Raises:
            ModelFileError: the graph does not take these latents, fails while it runs, asks for more memory than there
                is for graphs, or takes very long in its first run.
        """
        try:
            bound = contextlib.nullcontext() if self._ran else _ended_after(MOST_SECONDS * max(1, len(latents)))
            with bound as options:
                pictures: NDArray[np.float32] = self._session.run([OUTPUT], {INPUT: latents}, options)[0]
            self._ran = True
        except Exception as problem:  # onnxruntime raises its own kinds, one per failure
            reason = " ".join(str(problem).split())[:160]
            raise ModelFileError(f"the exported graph failed ({reason})", expected="a graph of this model",
                                 action="use the eager runtime, or fetch the model again") from problem
        return pictures


def load_runtime() -> ModuleType:
    """The onnxruntime module, quiet.

    Raises:
        DeviceError: it is not installed or does not load.
    """
    try:
        onnxruntime = importlib.import_module("onnxruntime")  # heavy, and not needed before the first picture
    except (ImportError, OSError) as problem:
        raise DeviceError(f"ONNX Runtime does not load ({problem})", action="install onnxruntime") from problem
    onnxruntime.set_default_logger_severity(_FATAL)
    return onnxruntime


@functools.cache
def _bound_memory() -> None:
    """One arena for all graphs on the CPU, which gives no more than ``MOST_BYTES``; once a process."""
    runtime = load_runtime()
    kind = runtime.OrtAllocatorType.ORT_ARENA_ALLOCATOR
    runtime.create_and_register_allocator(
        runtime.OrtMemoryInfo("Cpu", kind, 0, runtime.OrtMemType.DEFAULT), runtime.OrtArenaCfg(MOST_BYTES, -1, -1, -1)
    )


@contextlib.contextmanager
def _ended_after(seconds: float) -> Iterator[object]:
    """Run options that end the run after a while; it looks at them between two operations."""
    options = load_runtime().RunOptions()
    timer = threading.Timer(seconds, setattr, (options, "terminate", True))
    timer.start()
    try:
        yield options
    finally:
        timer.cancel()
        timer.join()


def provider_line(device: str = "auto") -> str:
    """One line that says which provider would run: ``ONNX Runtime 1.31.1, CPU``."""
    runtime = load_runtime()
    wanted = "cpu" if device == "cpu" or not cuda_driver_loads() else "cuda"
    name = "CUDA" if _providers(runtime, wanted)[0] == "CUDAExecutionProvider" else "CPU"
    return f"ONNX Runtime {runtime.__version__}, {name}"


def cuda_driver_loads() -> bool:
    """True where the NVIDIA driver's library can be loaded; asks nothing of torch."""
    if sys.platform == "darwin":
        return False
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True


def thread_choices() -> tuple[int, ...]:
    """Thread counts worth measuring: one, and the cores that this process may use up to four."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return (1,) if usable < 2 else (1, min(usable, 4))


def _providers(runtime: ModuleType, device: str) -> list[object]:
    """CUDA only where it was asked for and its libraries load, so that nothing is tried in vain and printed."""
    cpu = "CPUExecutionProvider"
    if not device.startswith("cuda") or "CUDAExecutionProvider" not in runtime.get_available_providers():
        return [cpu]
    if not cuda_driver_loads():
        return [cpu]
    runtime.preload_dlls()
    number = int(device.partition(":")[2] or 0)
    return [("CUDAExecutionProvider", {"device_id": number}), cpu]
