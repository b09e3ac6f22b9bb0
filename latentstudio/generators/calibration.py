"""Which runtime draws one picture faster, measured once per model and machine and remembered. No torch at import."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec

from latentstudio.errors import StorageError
from latentstudio.files import write_whole
from latentstudio.readers import kept_json
from latentstudio.steps import Step

AGREEMENT = 1e-4
RUNS = 15
WARM_UP = 3
EAGER, ACCELERATED = "eager", "accelerated"
ABOUT = 1.15
UNFIT = "the exported graph fails or draws pictures of another shape"


@dataclass(frozen=True)
class RuntimeReport:
    """Medians over ``RUNS`` single pictures, in milliseconds.

    Attributes:
        eager_ms: torch.
        accelerated_ms: ONNX Runtime with ``threads`` threads; None where there is no graph.
        largest_difference: between the two, over 8 samples, in units of [0, 1]; None where there is no graph.
        chosen: ``eager`` or ``accelerated``.
        reason: why, in a few words.
    """

    eager_ms: float
    accelerated_ms: float | None
    largest_difference: float | None
    chosen: str
    reason: str
    threads: int = 1


@dataclass(frozen=True)
class CalibrationStep(Step):
    """The last one carries the ``report``."""

    report: RuntimeReport | None = None


class _Record(msgspec.Struct, kw_only=True):
    made_with: dict[str, str]
    report: RuntimeReport


def choose(eager_ms: float, accelerated: dict[int, float], difference: float) -> RuntimeReport:
    """The faster runtime, as long as the two agree; ``accelerated`` maps thread counts to milliseconds.

    Of thread counts that are about as fast the smallest is taken: the window's own thread needs a core as well.
    """
    least = min(accelerated.values())
    threads, fastest = min((count, ms) for count, ms in accelerated.items() if ms <= ABOUT * least)
    if not difference <= AGREEMENT:  # nor where it is no number
        return RuntimeReport(eager_ms, fastest, difference, EAGER,
                             f"the exported graph differs by {difference:.1e}, more than {AGREEMENT:.0e}", threads)
    if fastest >= eager_ms:
        return RuntimeReport(eager_ms, fastest, difference, EAGER, "torch is as fast", threads)
    return RuntimeReport(eager_ms, fastest, difference, ACCELERATED, f"{eager_ms / fastest:.1f} times as fast", threads)


def read_choice(graph: Path, device: str) -> RuntimeReport | None:
    """The remembered measurement when nothing that it depends on has changed, else None.

    ``graph`` is where the model's cached graph lies or would lie (``cached_graph``): its name says what it depends on.
    """
    record = kept_json(_path(graph, device), _Record)
    if record is None:
        return None
    return record.report if record.made_with == _made_with() else None


def remember_choice(graph: Path, device: str, report: RuntimeReport) -> None:
    """Keep the measurement for the next opening; a cache that cannot be written costs only measuring again."""
    try:
        write_whole(_path(graph, device), msgspec.json.encode(_Record(made_with=_made_with(), report=report)),
                    durable=False)
    except StorageError:
        return


def _path(graph: Path, device: str) -> Path:
    return graph.with_name(f"{graph.stem}-{device.replace(':', '-')}.json")


def _made_with() -> dict[str, str]:
    return {"torch": _version("torch"), "onnxruntime": _version("onnxruntime-gpu") or _version("onnxruntime"),
            "processors": str(os.cpu_count())}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
