"""``latentstudio doctor``: what works on this machine, one line each, and the fix where something lacks."""

from __future__ import annotations

import argparse
import importlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from latentstudio.cli.options import Parser, add_common, verb_parser
from latentstudio.cli.output import Output
from latentstudio.cli.screen import has_display, install_command, missing_packages
from latentstudio.generators.addons import list_add_ons
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.places import cache_folder, config_folder, data_folder, state_folder

OLDEST, NEWEST = (3, 11), (3, 13)
LEAST_SPACE = 200_000_000
_TRY_QT = "from PySide6.QtGui import QGuiApplication as A; a = A([]); print(a.platformName())"


@dataclass(frozen=True)
class Finding:
    """One line: what was looked at, whether the program can run with it, what was found, what mends it."""

    name: str
    ok: bool
    text: str
    fix: str = ""


def parser() -> Parser:
    """The verb's options."""
    verb = verb_parser("doctor", "Say what works on this machine; exit code 0 when the program can run.")
    add_common(verb)
    return verb


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Look at everything; one line each."""
    looks: tuple[Callable[[], Finding], ...] = (
        check_python, lambda: check_torch(arguments.device), check_onnx, check_qt, check_models, check_plugins,
        check_folders,
    )
    findings = [look() for look in looks]
    for finding in findings:
        output.say(f"{'ok  ' if finding.ok else 'LACK'}  {finding.name}: {finding.text}")
        if finding.fix:
            output.say(f"      fix: {finding.fix}")
    can_run = all(finding.ok for finding in findings)
    output.result({"can_run": can_run, "findings": [asdict(finding) for finding in findings]})
    return 0 if can_run else 1


def check_python() -> Finding:
    """Version of the interpreter."""
    version = sys.version.split()[0]
    fits = OLDEST <= sys.version_info[:2] <= NEWEST
    return Finding("Python", fits, version, "" if fits else "install Python 3.11, 3.12 or 3.13")


def check_torch(device: str) -> Finding:
    """Version of torch and the device that it computes on."""
    try:
        torch = importlib.import_module("torch")
    except (ImportError, OSError) as problem:
        return Finding("torch", False, f"cannot be loaded ({problem})", "pip install torch==2.13.0")
    if device != "cpu" and torch.cuda.is_available():
        return Finding("torch", True, f"{torch.__version__} on {torch.cuda.get_device_name(0)}")
    text = f"{torch.__version__} on the CPU, {torch.get_num_threads()} threads"
    if device == "cuda":
        return Finding("torch", False, f"{text}; CUDA was asked for", "install a CUDA build of torch and its driver")
    return Finding("torch", True, text)


def check_onnx() -> Finding:
    """Version of ONNX Runtime and the provider that draws pictures; torch can stand in for it."""
    try:
        runtime = importlib.import_module("onnxruntime")
        session = importlib.import_module("latentstudio.generators.graph_session")
    except (ImportError, OSError) as problem:
        return Finding("ONNX Runtime", True, f"cannot be loaded ({problem}); torch draws the pictures, slower",
                       "pip install onnxruntime-gpu")
    can_cuda = "CUDAExecutionProvider" in runtime.get_available_providers() and session.cuda_driver_loads()
    return Finding("ONNX Runtime", True, f"{runtime.__version__}, provider {'CUDA' if can_cuda else 'CPU'}")


def check_qt() -> Finding:
    """Whether a Qt application starts, on a screen or in memory; tried in a process of its own, since Qt aborts."""
    screen = has_display()
    wanted = os.environ.get("QT_QPA_PLATFORM", "")
    shown, problem = _start_qt(wanted if screen else "offscreen")
    missing = missing_packages()
    fix = install_command(missing) if missing else ""
    if shown:
        where = f"platform {shown}" if screen else "no display here; stories and benchmarks run offscreen"
        if screen or not missing:
            return Finding("Qt", True, where)
        return Finding("Qt", True, f"{where}; a window would lack {len(missing)} system libraries", fix)
    drawn, _ = _start_qt("offscreen")
    text = f"no window can open ({problem})" + ("; offscreen works" if drawn else "")
    return Finding("Qt", False, text, fix or "pip install 'PySide6-Essentials>=6.8,<6.12'")


def _start_qt(platform: str) -> tuple[str, str]:
    """Name of the platform that started, or an empty string and the last line of the complaint."""
    surroundings = {**os.environ, "QT_QPA_PLATFORM": platform} if platform else dict(os.environ)
    try:
        done = subprocess.run(
            [sys.executable, "-c", _TRY_QT], env=surroundings, capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        return "", str(problem)
    if done.returncode == 0:
        return done.stdout.strip() or "unknown", ""
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return "", lines[-1].strip() if lines else f"exit code {done.returncode}"


def check_models() -> Finding:
    """Models that can be opened, broken ones, and add-ons that could be fetched."""
    entries = find_catalogue().models
    good = [entry.name for entry in entries if not entry.error]
    broken = [f"{entry.name} ({entry.error})" for entry in entries if entry.error]
    waiting = [found.name for found in list_add_ons() if found.name not in good]
    text = ", ".join(good) or "none"
    if broken:
        text += f"; broken: {', '.join(broken)}"
    if not good:
        return Finding("models", False, text, f"latentstudio models get {waiting[0] if waiting else 'NAME'}")
    return Finding("models", True, text, f"latentstudio models get {waiting[0]}" if waiting else "")


def check_plugins() -> Finding:
    """Backend plugins, broken ones with their error."""
    entries = find_catalogue().backends
    good = [entry.id for entry in entries if not entry.error]
    broken = [f"{entry.id} ({entry.error})" for entry in entries if entry.error]
    text = ", ".join(good) or "none"
    if broken:
        text += f"; broken: {', '.join(broken)}"
    return Finding("plugins", bool(good), text, "mend or remove the broken plugin" if broken else "")


def check_folders() -> Finding:
    """Whether the user's folders can be written, and the free space."""
    folders = (data_folder(), cache_folder(), state_folder(), config_folder())
    for folder in folders:
        reason = _why_not_writable(folder)
        if reason:
            return Finding("folders", False, f"{folder} cannot be written ({reason})",
                           "mend its rights, or set LATENTSTUDIO_HOME to another folder")
    free = shutil.disk_usage(_nearest(folders[0])).free
    text = f"{folders[0]} and its neighbours, {free / 1e9:.1f} GB free"
    if free < LEAST_SPACE:
        return Finding("folders", False, text, "free some space, or set LATENTSTUDIO_HOME to another folder")
    return Finding("folders", True, text)


def _why_not_writable(folder: Path) -> str:
    """Empty when files can be made in the folder, or in the nearest one above it that exists already."""
    try:
        with tempfile.TemporaryFile(dir=_nearest(folder)) as stream:
            stream.write(b"latentstudio")
    except OSError as problem:
        return problem.strerror or str(problem)
    return ""


def _nearest(folder: Path) -> Path:
    return next(above for above in (folder, *folder.absolute().parents) if above.is_dir())
